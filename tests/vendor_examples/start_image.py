from grok_imagine import Client

client = Client()

response = client.video.start(
    prompt="Wind goes through the grass",
    model="grok-imagine-video",
    image_url="https://example.com/meadow.jpg",
)
print(f"Request ID: {response.request_id}")
