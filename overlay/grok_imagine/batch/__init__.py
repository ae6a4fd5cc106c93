"""Many jobs out of one iterable: each request runs once, and has an outcome that is a value."""

from .runner import Outcome, request_of

__all__ = ["Outcome", "request_of"]
