from grok_imagine import Client

client = Client()

response = client.video.start(
    prompt="A fox crosses a frozen lake",
    model="grok-imagine-video",
)
print(f"Request ID: {response.request_id}")

request_id = response.request_id
import time
time.sleep(60)

response = client.video.get(request_id)
print(f"Video URL: {response.url}")
