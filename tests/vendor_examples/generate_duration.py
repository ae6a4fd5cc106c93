from grok_imagine import Client

client = Client()

response = client.video.generate(
    prompt="A fox crosses a frozen lake",
    model="grok-imagine-video",
    duration=10
)
print(f"Video URL: {response.url}")
print(f"Duration: {response.duration}")
