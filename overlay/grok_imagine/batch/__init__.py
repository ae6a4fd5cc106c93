"""Many jobs out of one iterable: each request runs once, and has an outcome that is a value."""

from .outcome import BatchClosed, BatchItem, Outcome, request_of

__all__ = ["BatchClosed", "BatchItem", "Outcome", "request_of"]
