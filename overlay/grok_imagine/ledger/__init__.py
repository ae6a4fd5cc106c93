"""The ledger: a record of every paid job on disk, and recovery after a crash."""

from .entries import STATES, BatchSlot, Entry
from .ledger import Ledger

__all__ = ["STATES", "BatchSlot", "Entry", "Ledger"]
