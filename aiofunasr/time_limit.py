"""One time-out for many: all that run under it have the same number of seconds, from when each began.

So they pass in the order in which they began, and one timer of the loop serves them all: it waits for the oldest, and
then for the oldest of those that are left. A timer each, set and nearly always called off again, costs ten times as
much; a session has thousands of requests.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Final

_NO_LIMIT: Final = nullcontext()


class TimeLimit:
    """A time-out in seconds, None for none; it serves one event loop."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        # Oldest first, because a dict keeps the order.
        self._running: dict[_Run, None] = {}
        # It stays set when nothing runs any more, and then finds nothing to do.
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> AbstractContextManager[None]:
        """Bound what is done inside; when its time has passed it is cancelled, and a TimeoutError is raised.

        Cancelled from elsewhere, that goes on as it is, as with `asyncio.timeout`.
        """
        return _NO_LIMIT if self.seconds is None else _Run(self, self.seconds, self._running)

    def watch(self) -> None:
        """Have a timer wait for the oldest, unless one waits already."""
        if self._timer is None and self._running:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(next(iter(self._running)).ends_at, self._pass)

    def _pass(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._running and (oldest := next(iter(self._running))).ends_at <= now:
            del self._running[oldest]
            oldest.expire()
        self.watch()


class _Run:
    """One use of a limit."""

    __slots__ = ("_asked_to_end", "_expired", "_limit", "_running", "_seconds", "_task", "ends_at")

    def __init__(self, limit: TimeLimit, seconds: float, running: dict[_Run, None]) -> None:
        self._limit = limit
        self._seconds = seconds
        self._running = running
        self._expired = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a time limit is used inside an asyncio task")
        self._task = task
        self._asked_to_end = task.cancelling()
        self.ends_at = loop.time() + self._seconds
        self._running[self] = None
        self._limit.watch()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._expired:
            del self._running[self]
        elif self._task.uncancel() <= self._asked_to_end and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel what runs: its time has passed."""
        self._expired = True
        self._task.cancel()
