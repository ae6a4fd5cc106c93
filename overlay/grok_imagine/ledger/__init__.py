"""The ledger: a record of every paid job on disk, and recovery after a crash."""
