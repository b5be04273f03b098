"""An event loop whose clock jumps.

When nothing is ready to run, an ordinary loop sleeps until its next timer is due. This one sets its clock to that
moment instead and goes on, so that a day of waiting passes in no time and always the same way. What is really waited
for from outside, a socket or a thread, is looked at before each jump; but the clock does not know how long such
things take, so work that is to be repeatable keeps to timers.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Looks for events, and jumps where it would sleep."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            # Without a timer only the outside can go on, so this is a real wait.
            return super().select(timeout)
        events = super().select(0)
        if not events:
            self._jump(timeout)
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop in virtual time; its clock starts at 0."""

    def __init__(self) -> None:
        self._virtual_now = 0.0
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._virtual_now

    def _jump(self, seconds: float) -> None:
        self._virtual_now += seconds


def run_in_virtual_time(function: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Run an async function in virtual time and return what it returns."""
    return anyio.run(function, *args, backend="asyncio", backend_options={"loop_factory": VirtualTimeLoop})
