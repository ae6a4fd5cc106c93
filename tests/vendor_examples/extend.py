import os
import grok_imagine as xai_sdk

client = xai_sdk.Client(api_key=os.getenv("XAI_API_KEY"))

response = client.video.extend(
    prompt="The camera turns to the harbour",
    model="grok-imagine-video",
    video_url="https://example.com/fountain.mp4",
    duration=5,
)
print(response.url)

started = client.video.extend_start(
    prompt="The camera turns to the harbour",
    model="grok-imagine-video",
    video_url="https://example.com/fountain.mp4",
)
print(f"Request ID: {started.request_id}")
