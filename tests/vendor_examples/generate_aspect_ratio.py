from grok_imagine import Client

client = Client()

response = client.video.generate(
    prompt="A fox crosses a frozen lake",
    model="grok-imagine-video",
    aspect_ratio="4:3"
)
print(f"Video URL: {response.url}")
