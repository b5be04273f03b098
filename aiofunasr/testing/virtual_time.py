"""An event loop whose clock jumps.

When nothing is ready to run, an ordinary loop sleeps until its next timer is due. This one sets its clock to that
moment instead and goes on, so that a day of waiting passes in no time and always the same way. While a worker thread is
busy the clock stands still, because what it does takes no virtual time. Sockets are looked at before each jump, but the
clock cannot know what is still on its way through one, so work in virtual time keeps away from them.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from anyio import CapacityLimiter

T = TypeVar("T")

_THREAD_WAIT = 0.05
"""Real seconds between two looks at threads that are busy."""


class _JumpingSelector(selectors.DefaultSelector):
    """Looks for events, and jumps where it would sleep."""

    def __init__(self, jump: Callable[[float], None], threads_are_busy: Callable[[], bool]) -> None:
        super().__init__()
        self._jump = jump
        self._threads_are_busy = threads_are_busy

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            # Without a timer only the outside can go on, so this is a real wait.
            return super().select(timeout)
        events = super().select(0)
        if not events and self._threads_are_busy():
            # A thread that ends wakes the selector. The short wait is for one that ends without a word.
            return super().select(_THREAD_WAIT)
        if not events:
            self._jump(timeout)
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop in virtual time; its clock starts at 0."""

    def __init__(self) -> None:
        self._virtual_now = 0.0
        self._threads: CapacityLimiter | None = None
        super().__init__(_JumpingSelector(self._jump, self._threads_are_busy))
        # A timer runs when its time is less than the clock's plus this. A nanosecond, the usual value, is lost in the
        # rounding of a clock that shows a year, and the timer would never run.
        self._clock_resolution = 1e-6

    def stand_still_for(self, threads: CapacityLimiter) -> None:
        """Let the clock stand while a worker thread under this limiter is busy."""
        self._threads = threads

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._virtual_now

    def _threads_are_busy(self) -> bool:
        return self._threads is not None and self._threads.borrowed_tokens > 0

    def _jump(self, seconds: float) -> None:
        self._virtual_now += seconds


def run_in_virtual_time(function: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Run an async function in virtual time and return what it returns."""

    async def run() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)  # noqa: S101  (the factory below made it)
        loop.stand_still_for(anyio.to_thread.current_default_thread_limiter())
        return await function(*args)

    return anyio.run(run, backend="asyncio", backend_options={"loop_factory": VirtualTimeLoop})
