from grok_imagine import Client

client = Client()

response = client.video.generate(
    prompt="A fox crosses a frozen lake",
    model="grok-imagine-video",
    resolution="720p"
)
print(f"Video URL: {response.url}")
