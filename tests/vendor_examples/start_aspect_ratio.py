from grok_imagine import Client

client = Client()

response = client.video.start(
    prompt="A fox crosses a frozen lake",
    model="grok-imagine-video",
    aspect_ratio="4:3"
)
print(f"Request ID: {response.request_id}")
