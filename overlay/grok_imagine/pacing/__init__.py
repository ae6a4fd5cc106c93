"""Rate limiting and poll scheduling: limits, the queue, and a model of job durations."""
