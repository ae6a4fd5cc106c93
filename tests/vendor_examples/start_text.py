from grok_imagine import Client

client = Client()

response = client.video.start(
    prompt="A fox crosses a frozen lake",
    model="grok-imagine-video",
)
print(f"Request ID: {response.request_id}")
