"""Workers that share a line of work, so that no asyncio task is made for each piece of it.

One task looks for work and hands each piece to a worker that rests, or to another one that it takes on; so there are
as many as there ever were pieces at once, up to a bound, and while all of them are busy nobody looks for work. What
there is to do at one moment is handed out in one turn of the loop: the requests leave together, and neither this
process nor the other side goes to sleep in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

T = TypeVar("T")


class Crew(Generic[T]):
    """Up to `most` workers.

    Args:
        most: How many pieces may be done at once; `allow` changes that.
        find: Waits for the next piece; None says that there will be no more. It is never called twice at once.
        do: Does a piece.
    """

    def __init__(
        self, most: int, find: Callable[[], Awaitable[T | None]], do: Callable[[T], Awaitable[object]]
    ) -> None:
        self._most = most
        self._find = find
        self._do = do
        self._busy = 0
        self._resting: list[asyncio.Future[T | None]] = []
        self._place = Alarm()

    async def run(self) -> None:
        """Work until there is no more, or until cancelled: then a piece may have been found that was not begun."""
        async with anyio.create_task_group() as group:
            while True:
                while self._busy >= self._most:
                    await self._place.sleep_until(float("inf"))
                piece = await self._find()
                if piece is None:
                    break
                self._hand_out(piece, group)
            while (worker := self._rested()) is not None:
                worker.set_result(None)
            self._most = 0

    def allow(self, most: int) -> None:
        """Let that many pieces be done at once from now on; those under way are finished in any case."""
        if self._most and self._most != most:
            self._most = most
            self._place.ring()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let another worker take the place of one that only waits for something, for as long as that takes."""
        self._leave()
        try:
            yield
        finally:
            self._busy += 1

    def _hand_out(self, piece: T, group: TaskGroup) -> None:
        self._busy += 1
        worker = self._rested()
        if worker is None:
            group.start_soon(self._work, piece)
        else:
            worker.set_result(piece)

    def _rested(self) -> asyncio.Future[T | None] | None:
        """Return who rested last, and was not cancelled meanwhile."""
        while self._resting:
            worker = self._resting.pop()
            if not worker.done():
                return worker
        return None

    def _leave(self) -> None:
        self._busy -= 1
        self._place.ring()

    async def _work(self, piece: T | None) -> None:
        while piece is not None:
            try:
                await self._do(piece)
            finally:
                self._leave()
            # A piece may be large, and a rest long.
            piece = None
            piece = await self._rest()

    async def _rest(self) -> T | None:
        if self._most == 0:
            return None
        rest: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._resting.append(rest)
        return await rest


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
