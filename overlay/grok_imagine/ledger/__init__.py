"""The ledger: a record of every paid job on disk, and recovery after a crash."""

from .entries import BatchSlot, Entry
from .ledger import Ledger

__all__ = ["BatchSlot", "Entry", "Ledger"]
