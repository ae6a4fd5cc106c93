"""Batches: many jobs from one iterable. Each request runs once, and its outcome is a value."""

from .outcome import BatchClosed, BatchItem, Outcome, request_of

__all__ = ["BatchClosed", "BatchItem", "Outcome", "request_of"]
