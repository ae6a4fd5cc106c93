"""Batches: many jobs from one iterable. Each request runs once, and its outcome is a value."""
