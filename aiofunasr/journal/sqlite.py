"""A journal in an SQLite file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import anyio
import anyio.to_thread
from attrs import evolve, frozen

from aiofunasr.errors import InvalidArgumentError, JournalError, JournalLockedError
from aiofunasr.journal import ledger
from aiofunasr.journal.database import check_place, explained, open_for_writing, opening, real_path, refuse_foreign
from aiofunasr.journal.documents import pack, unpack
from aiofunasr.journal.entries import Attempt, AttemptState, FileEntry, StoredResult
from aiofunasr.journal.lock import HOLDER, describe_holder, take_lock
from aiofunasr.journal.turns import Turns, run_to_the_end

T = TypeVar("T")

_PACKED_AT_ONCE = 4
"""Documents compressed or read at a time, so that threads are left for the rest of the program."""


@frozen(kw_only=True)
class JournalStatistics:
    """What a journal did since it was opened.

    Attributes:
        commits: Transactions that were made durable.
        writes: What they held together.
        reads: Questions that were answered.
        largest_group: The most writes in one transaction.
    """

    commits: int = 0
    writes: int = 0
    reads: int = 0
    largest_group: int = 0


class SqliteJournal:
    """Keeps a journal in an SQLite file on a local disk.

        async with SqliteJournal("batch.db") as journal:
            ...

    A write is durable when its method returns (write-ahead log, synchronized at each commit); writes that come together
    share a commit. One session has the file open at a time; others may look at it meanwhile with
    `aiofunasr journal show`. Beside it lie `-wal` and `-shm` while it is open, and `-lock`, which is empty.

    A method that is cancelled while it waits its turn writes nothing; once its transaction is under way, all of it is
    written. No other caller is affected.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Name the file; nothing is opened.

        Args:
            path: The file; it is made where there is none, but not its directory.

        Raises:
            InvalidArgumentError: It is no path.
        """
        text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
        if not isinstance(text, str) or not text.strip() or "\0" in text:
            raise InvalidArgumentError("path", path, "the path of a file is needed, given as str or os.PathLike")
        self.path = Path(text)
        self._real = self.path
        self._connection: sqlite3.Connection | None = None
        self._lock: sqlite3.Connection | None = None
        self._turns: Turns | None = None
        self._packing: anyio.Semaphore | None = None
        self._taken = False

    def __repr__(self) -> str:
        state = "open" if self._turns is not None else "closed"
        numbers = self.statistics()
        return f"<SqliteJournal {str(self.path)!r} {state}, {numbers.writes} writes in {numbers.commits} commits>"

    def statistics(self) -> JournalStatistics:
        """Return what was done since it was opened; zeros while it is closed."""
        if self._turns is None:
            return JournalStatistics()
        counts = self._turns.counts
        return JournalStatistics(
            commits=counts.commits, writes=counts.writes, reads=counts.reads, largest_group=counts.largest_group
        )

    # --- Opened and closed ----------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open the file for this object alone, and make sure that it can be written durably.

        A new file is made; one of an older version is brought up to date.

        Raises:
            JournalLockedError: Another process, another session, or this one has it open.
            JournalError: It cannot be read or written, is no journal, or is of a newer version; it is left as it is.
        """
        if self._taken:
            raise JournalLockedError(f"the journal {self.path} is open already, in another session of this process")
        self._taken = True
        try:
            await run_to_the_end(self._open_here)
        except BaseException:
            # Half of it may be open, or all of it for a caller that was cancelled meanwhile.
            while self._connection is not None or self._lock is not None:
                with suppress(asyncio.CancelledError):
                    await run_to_the_end(self._close_here)
            self._taken = False
            raise
        assert self._connection is not None  # noqa: S101  (it was opened just now)
        self._packing = anyio.Semaphore(_PACKED_AT_ONCE)
        self._turns = Turns(self._connection)

    async def aclose(self) -> None:
        """Close the file once all that was asked for before is done; may be called again."""
        turns, self._turns = self._turns, None
        if turns is None:
            return
        cancelled: asyncio.CancelledError | None = None
        with anyio.CancelScope(shield=True):
            while self._connection is not None:
                try:
                    await turns.read(lambda _: self._close_here())
                except asyncio.CancelledError as error:
                    # It must not stay locked behind the back of who leaves.
                    cancelled = error
        self._taken = False
        if cancelled is not None:
            raise cancelled

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _open_here(self) -> None:
        self._real = real_path(self.path)
        with opening(self._real):
            check_place(self._real)
            refuse_foreign(self._real)
            self._lock = take_lock(self._real)
            self._connection = open_for_writing(self._real)
            # The proof that there is room and right to write, and what others are told meanwhile.
            self._note_holder(describe_holder())

    def _close_here(self) -> None:
        connection, self._connection = self._connection, None
        lock, self._lock = self._lock, None
        # All that was asked for is durable, so a failure here loses nothing.
        if connection is not None:
            with suppress(sqlite3.Error):
                ledger.write_note(connection, HOLDER, None)
            with suppress(sqlite3.Error):
                connection.close()
        if lock is not None:
            lock.close()

    # --- Entries --------------------------------------------------------------------------------------------------

    async def file(self, key: str) -> FileEntry | None:
        """Return what is known of a file, or None."""
        return await self._read(partial(ledger.find_file, key=key))

    async def attempt(self, attempt_id: int) -> Attempt:
        """Return an attempt with all its files.

        Raises:
            JournalError: There is none of that number.
        """
        return await self._read(partial(ledger.find_attempt, attempt_id=attempt_id))

    async def begin(self, attempt: Attempt) -> int:
        """Enter a submit that is about to leave, and return its number.

        It becomes the newest attempt of each of its files, and a result that one of them has is dropped.
        """
        return await self._write(partial(ledger.enter_attempt, attempt=attempt))

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
        settle = partial(
            ledger.settle_attempt,
            attempt_id=attempt_id,
            state=state,
            ended_at=ended_at,
            task_id=task_id,
            request_id=request_id,
            error=error,
        )
        await self._write(settle)

    async def complete(self, result: StoredResult) -> None:
        """Store the end of a file; a later one takes the place of an earlier one."""
        packed = None if result.document is None else await self._in_thread(pack, result.document)
        store = partial(ledger.store_result, result=result, packed=packed)
        await self._write(store, size=len(packed or b""))

    async def result(self, key: str) -> StoredResult | None:
        """Return the end of a file, or None while there is none."""
        found = await self._read(partial(ledger.find_result, key=key))
        if found is None or found.document is None:
            return found
        try:
            return evolve(found, document=await self._in_thread(unpack, found.document))
        except zlib.error as error:
            raise JournalError(f"the journal {self.path}: a transcript in it is damaged: {error}") from error

    async def forget(self, key: str) -> None:
        """Make a file new again, so that it is submitted once more; its attempts stay as history."""
        await self._write(partial(ledger.forget_file, key=key))

    async def open_attempts(self) -> Sequence[Attempt]:
        """Return, oldest first, the attempts that made a task or may have, and that some file still waits for.

        A file waits for its newest attempt, until it has a result or is forgotten.
        """
        return await self._read(ledger.find_open_attempts)

    async def tasks_since(self, since: float) -> Sequence[tuple[str, float, float]]:
        """Return the tasks of all attempts that were sent after a time, seconds since the epoch, oldest first.

        Of each: its id, when its submit was sent, and when that was answered.
        """
        return await self._read(partial(ledger.find_tasks, since=since))

    async def note(self, name: str, text: str) -> None:
        """Keep a text under a name, in the place of an earlier one; what looks like a secret in it is masked."""
        await self._write(partial(ledger.write_note, name=name, text=text))

    async def noted(self, name: str) -> str | None:
        """Return the text under a name, or None."""
        return await self._read(partial(ledger.read_note, name=name))

    # --- How ------------------------------------------------------------------------------------------------------

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        turns = self._running()
        with explained(self._real):
            return await turns.read(work)

    async def _write(self, work: Callable[[sqlite3.Connection], T], *, size: int = 0) -> T:
        turns = self._running()
        with explained(self._real):
            return await turns.write(work, size=size)

    def _running(self) -> Turns:
        if self._turns is None:
            raise JournalError(f"the journal {self.path} is not open")
        return self._turns

    async def _in_thread(self, function: Callable[[bytes], bytes], data: bytes) -> bytes:
        self._running()
        assert self._packing is not None  # noqa: S101  (it is made together with the turns)
        async with self._packing:
            return await anyio.to_thread.run_sync(function, data)

    def _note_holder(self, text: str) -> None:
        assert self._connection is not None  # noqa: S101
        self._connection.execute("BEGIN IMMEDIATE")
        ledger.write_note(self._connection, HOLDER, text)
        self._connection.execute("COMMIT")
