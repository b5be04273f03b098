"""One piece of work for all who want its outcome at the same time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

import anyio

from aiofunasr.errors import FunASRError, SessionClosedError
from aiofunasr.pipeline.background import Background

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Does work once, however many wait for it; whoever comes later begins it anew.

    It lives in the background, so that whoever began it may be cancelled without a loss for the others. Call `do` from
    work of the background only, which ends with the session.
    """

    def __init__(self, background: Background) -> None:
        self._background = background
        self._flight: _Flight[T] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the work is being done right now."""
        return self._flight is not None

    def begin(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Begin the work, unless it is under way or the session is closed; nobody has to wait for it."""
        if self._flight is None and self._background.is_open:
            self._flight = _Flight()
            self._background.spawn(self._fly, self._flight, work)

    async def do(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the work that is under way, or begin it.

        Raises:
            Exception: What the work raised; each who waits gets an error of their own.
        """
        self.begin(work)
        flight = self._flight
        if flight is None:
            raise SessionClosedError("the session was closed while this was awaited")
        await flight.landed.wait()
        if isinstance(flight.error, FunASRError):
            raise flight.error.for_task(flight.error.task_id, flight.error.token) from flight.error.__cause__
        if flight.error is not None:
            raise flight.error
        if not flight.is_done:
            raise SessionClosedError("the session was closed while this was awaited")
        return flight.result  # type: ignore[return-value]

    async def _fly(self, flight: _Flight[T], work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        try:
            flight.result = await work()
            flight.is_done = True
        except Exception as error:  # noqa: BLE001  (it is raised again where the outcome is awaited)
            flight.error = error
        finally:
            self._flight = None
            flight.landed.set()


class _Flight(Generic[T]):
    """One run of the work, and whatever came of it."""

    def __init__(self) -> None:
        self.landed = anyio.Event()
        self.is_done = False
        self.result: T | None = None
        self.error: Exception | None = None
