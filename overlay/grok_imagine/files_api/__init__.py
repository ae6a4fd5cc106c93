"""The service's files."""
