"""Every paid job on disk: what a client notes of each, and what is done with it after a crash."""

from .entries import STATES, BatchSlot, Entry
from .ledger import Ledger

__all__ = ["STATES", "BatchSlot", "Entry", "Ledger"]
