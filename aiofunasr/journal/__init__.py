"""The durable ledger: what was sent, what became of it, and what came back.

It is written before a submit leaves, after its outcome, and when a file is done, so that a process killed at any point
can be started again without billing a file twice or losing one. `SqliteJournal` keeps it in a file; anything with the
interface of `Journal` may stand in.
"""

from __future__ import annotations

from aiofunasr.journal.entries import Attempt, AttemptState, FileEntry, FileState, JournaledFile, StoredResult
from aiofunasr.journal.protocol import Journal
from aiofunasr.journal.sqlite import JournalStatistics, SqliteJournal

__all__ = [
    "Attempt",
    "AttemptState",
    "FileEntry",
    "FileState",
    "Journal",
    "JournalStatistics",
    "JournaledFile",
    "SqliteJournal",
    "StoredResult",
]
