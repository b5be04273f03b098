"""A look into a journal from outside, while a run may have it open."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from attrs import frozen

from aiofunasr.journal import ledger
from aiofunasr.journal.database import reading, real_path
from aiofunasr.journal.entries import Attempt, AttemptState, FileState
from aiofunasr.journal.ledger import FileRecord
from aiofunasr.token import TaskToken


@frozen(kw_only=True)
class JournalSummary:
    """What a journal holds.

    Attributes:
        files: How many files there are in each state.
        attempts: How many attempts there are in each state.
        open_attempts: Those that made a task or may have, and that some file still waits for; oldest first.
    """

    files: Mapping[FileState, int]
    attempts: Mapping[AttemptState, int]
    open_attempts: Sequence[Attempt]


class JournalView:
    """A journal as it was at one moment; it blocks, so use it in a thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def summary(self) -> JournalSummary:
        """Return what is in it."""
        return JournalSummary(
            files=ledger.count_files(self._connection),
            attempts=ledger.count_attempts(self._connection),
            open_attempts=ledger.find_open_attempts(self._connection),
        )

    def files(self, *, failed_only: bool = False) -> Iterator[FileRecord]:
        """Go through its files, in the order they came in."""
        yield from ledger.all_files(self._connection, failed_only=failed_only)

    def noted(self, name: str) -> str | None:
        """Return the text under a name, or None."""
        return ledger.read_note(self._connection, name)


@contextmanager
def viewing(path: str | os.PathLike[str]) -> Iterator[JournalView]:
    """Look at a journal without a lock and without a change to it.

    Raises:
        JournalError: It is not there, cannot be read, is no journal, or is of another version.
    """
    with reading(real_path(path)) as connection:
        yield JournalView(connection)


def token_of(attempt: Attempt) -> str | None:
    """Return the token of an attempt's task, or None where there is none."""
    if attempt.task_id is None:
        return None
    return TaskToken(
        task_id=attempt.task_id,
        region=attempt.region,
        workspace=attempt.workspace,
        model=attempt.model,
        submitted_at=int(attempt.sent_at),
        file_digests=tuple(file.digest for file in attempt.files),
        indexes=tuple(range(len(attempt.files))),
    ).encode()
