"""The asynchronous client, written by hand. `make generate` makes the blocking one of it."""
