"""When a request may leave: limits, the queue, and what is known of jobs that run."""
