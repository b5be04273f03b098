"""What a session needs of a journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aiofunasr.journal.entries import Attempt, AttemptState, FileEntry, StoredResult


class Journal(Protocol):
    """A ledger that survives the process.

    Methods that write return once what they wrote would survive a loss of power. None blocks the event loop. They may
    be called from many asyncio tasks at once. A caller that is cancelled does not learn whether its write took place;
    either it did as a whole or not at all. Every method raises `JournalError` where the ledger cannot be read or
    written.
    """

    async def open(self) -> None:
        """Open the ledger for this process alone.

        Raises:
            JournalLockedError: Another process, or another session, has it open.
            JournalError: It cannot be read or written, is no journal, or is of a newer version.
        """
        ...

    async def aclose(self) -> None:
        """Close it; may be called again."""
        ...

    async def file(self, key: str) -> FileEntry | None:
        """Return what is known of a file, or None."""
        ...

    async def attempt(self, attempt_id: int) -> Attempt:
        """Return an attempt with all its files.

        Raises:
            JournalError: There is none of that number.
        """
        ...

    async def begin(self, attempt: Attempt) -> int:
        """Enter a submit that is about to leave, and return its number.

        It becomes the newest attempt of each of its files, whatever was known of them; a result that one of them has
        is dropped, and its earlier attempts stay as history.
        """
        ...

    async def settle(
        self,
        attempt_id: int,
        state: AttemptState,
        *,
        ended_at: float,
        task_id: str | None = None,
        request_id: str | None = None,
        error: str = "",
    ) -> None:
        """Enter what became of an attempt; what is not given is left as it was.

        Raises:
            JournalError: There is none of that number.
        """
        ...

    async def complete(self, result: StoredResult) -> None:
        """Store the end of a file; a later one takes the place of an earlier one."""
        ...

    async def result(self, key: str) -> StoredResult | None:
        """Return the end of a file, or None while there is none."""
        ...

    async def forget(self, key: str) -> None:
        """Make a file new again, so that it is submitted once more: the caller wants another try.

        Its attempts stay as history; a file that is not known stays so.
        """
        ...

    async def open_attempts(self) -> Sequence[Attempt]:
        """Return, oldest first, the attempts that made a task or may have, and that some file still waits for.

        Those are the sent, the unknown and the accepted ones. A file waits for its newest attempt, until it has a
        result or is forgotten.
        """
        ...

    async def tasks_since(self, since: float) -> Sequence[tuple[str, float, float]]:
        """Return the tasks of all attempts that were sent after a time, seconds since the epoch, oldest first.

        Of each: its id, when its submit was sent, and when that was answered.
        """
        ...
