from grok_imagine import Client

client = Client()

response = client.video.generate(
    prompt="Let the water freeze",
    model="grok-imagine-video",
    video_url="https://example.com/fountain.mp4",
)
print(f"Video URL: {response.url}")
