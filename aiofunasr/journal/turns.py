"""Work on one connection: in a thread, one thing at a time, many writes to one commit.

Making a commit durable takes milliseconds, however much is in it. So who comes while nothing is under way leads: it
takes all that waits into a thread and through one transaction. Who comes meanwhile waits, and the first of those leads
next. Nothing here is a task of its own, so there is nothing to start or to leave behind.

Cancelled while it waits, work is withdrawn and never done. Once its transaction is under way it is done, whoever is
cancelled: a leader stays until the thread has ended.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

import anyio
import anyio.lowlevel
import anyio.to_thread
from attrs import define, field

T = TypeVar("T")

_MOST_CALLS = 512
_MOST_BYTES = 32 * 1024 * 1024
"""What one transaction takes together, so that nobody waits long for the others' share."""


@define(eq=False)
class Counts:
    """What was done so far."""

    commits: int = 0
    writes: int = 0
    reads: int = 0
    largest_group: int = 0


@define(eq=False)
class _Call(Generic[T]):
    """One piece of work and whatever comes of it."""

    work: Callable[[sqlite3.Connection], T]
    writes: bool
    size: int = 0
    woken: anyio.Event = field(factory=anyio.Event)
    leads: bool = False
    ended: bool = False
    result: T | None = None
    error: Exception | None = None

    def attempt(self, connection: sqlite3.Connection) -> None:
        self.error = None
        try:
            self.result = self.work(connection)
        except Exception as error:  # noqa: BLE001  (it is raised again where the outcome is awaited)
            self.error = error

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return cast("T", self.result)


class Turns:
    """Has work done on a connection, in the order it was asked for."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._waiting: deque[_Call[Any]] = deque()
        self._led = False
        self.counts = Counts()

    async def write(self, work: Callable[[sqlite3.Connection], T], *, size: int = 0) -> T:
        """Do work in a transaction, and return once that would survive a loss of power.

        Others' work may share the transaction; each is undone by itself where it fails.

        Raises:
            Exception: What the work raised, or why the transaction failed.
        """
        return await self._take_turn(_Call(work, writes=True, size=size))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work that changes nothing, on what is committed.

        Raises:
            Exception: What the work raised.
        """
        return await self._take_turn(_Call(work, writes=False))

    async def _take_turn(self, call: _Call[T]) -> T:
        await anyio.lowlevel.checkpoint_if_cancelled()
        self._waiting.append(call)
        if self._led:
            try:
                await call.woken.wait()
            except BaseException:
                self._withdraw(call)
                raise
        else:
            self._led = call.leads = True
        if call.leads:
            await self._lead(call)
        return call.outcome()

    async def _lead(self, call: _Call[Any]) -> None:
        """Do all that waits, this call with it, and have the next one lead."""
        group = self._next_group()
        try:
            await run_to_the_end(lambda: self._do(group))
        finally:
            # What is not done by now was never begun.
            self._waiting.extendleft(one for one in reversed(group) if not one.ended and one is not call)
            for one in group:
                if one.ended:
                    one.woken.set()
            self._pass_on()

    def _next_group(self) -> list[_Call[Any]]:
        group = [self._waiting.popleft()]
        size = group[0].size
        while self._waiting and len(group) < _MOST_CALLS and size + self._waiting[0].size <= _MOST_BYTES:
            size += self._waiting[0].size
            group.append(self._waiting.popleft())
        return group

    def _withdraw(self, call: _Call[Any]) -> None:
        with suppress(ValueError):
            self._waiting.remove(call)
        if call.leads:
            self._pass_on()

    def _pass_on(self) -> None:
        self._led = bool(self._waiting)
        if self._waiting:
            self._waiting[0].leads = True
            self._waiting[0].woken.set()

    # --- In the thread --------------------------------------------------------------------------------------------

    def _do(self, group: Sequence[_Call[Any]]) -> None:
        writes = [call for call in group if call.writes]
        reads = [call for call in group if not call.writes]
        if writes and not self._commit(writes) and len(writes) > 1:
            # The fault may be one's alone: a transcript for which there is no room, say.
            for call in writes:
                self._commit([call])
        # After the commit, because what is not committed may never have been.
        for call in reads:
            call.attempt(self._connection)
        self.counts.reads += len(reads)
        for call in group:
            call.ended = True

    def _commit(self, calls: Sequence[_Call[Any]]) -> bool:
        """Do work in one transaction and tell whether that was committed; if not, all calls have the error."""
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for call in calls:
                connection.execute("SAVEPOINT one")
                call.attempt(connection)
                if not connection.in_transaction and call.error is not None:
                    # A full disk, for one, ends the whole transaction.
                    raise call.error  # noqa: TRY301
                if call.error is not None:
                    connection.execute("ROLLBACK TO one")
                connection.execute("RELEASE one")
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  (each caller is told)
            for call in calls:
                call.error = error
            with suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            return False
        self.counts.commits += 1
        self.counts.writes += sum(call.error is None for call in calls)
        self.counts.largest_group = max(self.counts.largest_group, len(calls))
        return True


async def run_to_the_end(function: Callable[[], T]) -> T:
    """Run a function in a thread and, whoever cancels, return only once it has ended or will never begin.

    anyio keeps its own cancellation away from a thread, but one of asyncio's gets through and would leave the thread
    behind, at work on what the next one takes.
    """
    claim = threading.Lock()
    ended = threading.Event()
    results: list[T] = []

    def work() -> None:
        # Who claims it decides: it is done here, or given up below.
        if claim.acquire(blocking=False):
            try:
                results.append(function())
            finally:
                ended.set()

    with anyio.CancelScope(shield=True):
        try:
            await anyio.to_thread.run_sync(work)
        except asyncio.CancelledError:
            if claim.acquire(blocking=False):
                raise
            while not ended.is_set():
                with suppress(asyncio.CancelledError):
                    await anyio.to_thread.run_sync(ended.wait)
            raise
    return results[0]
