"""Workers that share a line of work, so that no asyncio task is made for each piece of it.

One of them at a time has the turn: it waits for the next piece, passes the turn on, and does the piece while the next
one waits. Another is taken on when nobody is left to take the turn, up to a bound; so there are as many as there ever
were pieces at once, and when all of them are busy nobody looks for work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

T = TypeVar("T")

_BREATH = 10
"""After so many pieces others may run for certain: a transport in memory may answer without ever having to wait."""


class Crew(Generic[T]):
    """Up to `most` workers.

    Args:
        most: How many pieces may be done at once.
        find: Waits for the next piece; None says that there will be no more. It is never called twice at once.
        do: Does a piece.
    """

    def __init__(
        self, most: int, find: Callable[[], Awaitable[T | None]], do: Callable[[T], Awaitable[object]]
    ) -> None:
        self._most = most
        self._find = find
        self._do = do
        self._turn = asyncio.Lock()
        self._workers = self._free = self._away = self._done = 0
        self._ended = False
        self._group: TaskGroup | None = None

    async def run(self) -> None:
        """Work until there is no more, or until cancelled."""
        async with anyio.create_task_group() as self._group:
            self._hire()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let another worker take the place of one that only waits for something, for as long as that takes."""
        self._away += 1
        self._hire()
        try:
            yield
        finally:
            self._away -= 1

    def _hire(self) -> None:
        """Take on another worker, if nobody is free and one more is allowed."""
        if self._group is not None and not self._free and self._workers - self._away < self._most:
            self._workers += 1
            self._free += 1
            self._group.start_soon(self._work)

    async def _work(self) -> None:
        while True:
            async with self._turn:
                piece = None if self._ended else await self._find()
                self._ended = piece is None
                self._free -= 1
            if piece is None:
                return
            self._hire()
            await self._do(piece)
            self._free += 1
            self._done += 1
            if self._done % _BREATH == 0:
                await anyio.lowlevel.checkpoint()


class Alarm:
    """Lets one asyncio task sleep until a time of the loop's clock, or until it is rung.

    An event and a time-out would do, at several times the cost; a poller sleeps before nearly every question.
    """

    def __init__(self) -> None:
        self._bell: asyncio.Future[None] | None = None
        self._due = float("-inf")

    async def sleep_until(self, due: float) -> None:
        """Sleep until then; infinity is for ever."""
        loop = asyncio.get_running_loop()
        self._bell, self._due = loop.create_future(), due
        timer = loop.call_at(due, self.ring) if due < float("inf") else None
        try:
            await self._bell
        finally:
            self._bell, self._due = None, float("-inf")
            if timer is not None:
                timer.cancel()

    def ring(self) -> None:
        """Wake who sleeps, if anybody does."""
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    def ring_before(self, due: float) -> None:
        """Wake who sleeps for longer than that."""
        if due < self._due:
            self.ring()
