"""The core: what a job is asked for, whether it may be, and how it is seen to its end. No I/O."""
