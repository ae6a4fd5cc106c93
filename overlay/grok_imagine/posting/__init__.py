"""Paid POSTs: starting a job, and ownership of a POST that is under way."""
