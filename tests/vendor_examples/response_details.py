import os
import grok_imagine as xai_sdk

client = xai_sdk.Client(api_key=os.getenv("XAI_API_KEY"))
response = client.video.generate(prompt="Rain on a tin roof", model="grok-imagine-video", duration=5)

if response.respect_moderation:
    print(response.url)
else:
    print("Video filtered by moderation")

print(f"Duration: {response.duration} seconds")
print(f"Model: {response.model}")
