"""Paid POSTs: how a job is started, and who owns one that is under way."""
