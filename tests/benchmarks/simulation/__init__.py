"""Jobs, schedules and services in simulated time, from seeds: a run's figures are the same everywhere.

A job is its length and its progress over time; lag is the time from a job's end to the look that sees it.
"""
