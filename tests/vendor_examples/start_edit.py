from grok_imagine import Client

client = Client()

response = client.video.start(
    prompt="Let the water freeze",
    model="grok-imagine-video",
    video_url="https://example.com/fountain.mp4",
)
print(f"Request ID: {response.request_id}")
