import os
import time
import grok_imagine as xai_sdk
from grok_imagine.compat import deferred_pb2

client = xai_sdk.Client(api_key=os.getenv("XAI_API_KEY"))

start_response = client.video.start(
    prompt="An old dog sleeps beside a stove",
    model="grok-imagine-video",
    duration=5,
)

print(f"Request ID: {start_response.request_id}")

while True:
    result = client.video.get(start_response.request_id)

    if result.status == deferred_pb2.DeferredStatus.DONE:
        print(f"Video URL: {result.response.video.url}")
        break
    elif result.status == deferred_pb2.DeferredStatus.EXPIRED:
        print("Request expired")
        break
    elif result.status == deferred_pb2.DeferredStatus.FAILED:
        print("Video generation failed")
        break
    elif result.status == deferred_pb2.DeferredStatus.PENDING:
        print("Still processing...")
        time.sleep(5)
