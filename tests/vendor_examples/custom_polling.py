import os
from datetime import timedelta
import grok_imagine as xai_sdk

client = xai_sdk.Client(api_key=os.getenv("XAI_API_KEY"))

response = client.video.generate(
    prompt="A glider follows the ridge of a volcano",
    model="grok-imagine-video",
    duration=15,
    timeout=timedelta(minutes=15),
    interval=timedelta(seconds=5),
)

print(response.url)
