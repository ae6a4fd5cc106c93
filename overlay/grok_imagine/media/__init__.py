"""Pictures and videos as people have them, on their way into a request."""
