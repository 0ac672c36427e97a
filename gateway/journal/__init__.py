"""The gateway's journal: what was asked, granted and done, on a database or in memory under one contract."""

from gateway.journal.memory import MemoryJournal
from gateway.journal.sql import SqlJournal

__all__ = ["MemoryJournal", "SqlJournal"]
