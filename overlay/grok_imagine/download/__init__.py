"""Finished videos to disk."""
