"""Where a session's work lives: in an asyncio task of its own.

A session may be entered in one asyncio task and left in another, and its callers come and go with cancel scopes of
their own. So everything that must outlive a caller runs in one task group inside one task that belongs to the session.
Callers hand work over and wait for its outcome; being cancelled while they wait cancels the work, except for what it
shields. What comes seldom gets a task each with `run`. What may come by the thousand at once stands in line, with
`run_in_line`, and is done by a crew.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from aiofunasr.errors import SessionClosedError, UnexpectedError, UsageError
from aiofunasr.pipeline.crew import Alarm, Crew

T = TypeVar("T")


class Background:
    """A task group in a task of its own, bound to the loop it was started on.

    Args:
        at_once: How much of what stands in line may be done at once.
    """

    def __init__(self, at_once: int) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._group: TaskGroup | None = None
        self._closed: SessionClosedError | None = None
        self._calls: set[_Call[Any]] = set()
        # Oldest first, and whoever leaves is found in it; a plain dict takes long to give its first.
        self._line: OrderedDict[_Call[Any], None] = OrderedDict()
        self._alarm = Alarm()
        self._crew = Crew[_Call[Any]](at_once, self._next_in_line, lambda call: _heard(call.work))
        self.crash: BaseException | None = None

    @property
    def is_open(self) -> bool:
        """Whether work can be handed over."""
        return self._group is not None and self._closed is None

    def check(self) -> None:
        """Make sure that work can be handed over from here.

        Raises:
            SessionClosedError: The session is closed.
            UsageError: It was not entered yet, or belongs to another event loop.
        """
        if self._closed is not None:
            raise self._closed.for_tasks(self._closed.tokens) from self.crash
        if self._group is None:
            raise UsageError("the session is not open yet: use it inside `async with aiofunasr.Session() as session:`")
        if asyncio.get_running_loop() is not self._loop:
            raise UsageError(
                "the session belongs to another event loop; a session serves the loop it was entered on, "
                "so make one for each loop"
            )

    async def start(self, on_crash: Callable[[BaseException], None]) -> None:
        """Start the task and its group; `on_crash` hears of an error nobody else would see."""
        if self._task is not None:
            raise UsageError("a session is entered once; make a new one")
        self._loop = asyncio.get_running_loop()
        started = anyio.Event()
        self._task = asyncio.create_task(self._main(started, on_crash), name="aiofunasr session")
        try:
            await started.wait()
        except BaseException:
            # Cancelled on the way in: nobody will ever leave this session.
            self._task.cancel()
            await outlast(self._task)
            raise

    async def _main(self, started: anyio.Event, on_crash: Callable[[BaseException], None]) -> None:
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                group.start_soon(self._crew.run)
                started.set()
                await anyio.sleep_forever()
        except Exception as error:  # noqa: BLE001  (a fault of this library: every waiter must hear of it)
            self.crash = error
        except asyncio.CancelledError as error:
            # The loop is shutting down, or somebody cancelled a task that is not theirs.
            self.crash = None if self._closed is not None else error
            raise
        finally:
            try:
                if self.crash is not None:
                    on_crash(self.crash)
            finally:
                # Those that still stand in line, too.
                for call in tuple(self._calls):
                    call.end()

    def spawn(self, function: Callable[..., Coroutine[Any, Any, Any]], *args: object) -> None:
        """Start work nobody waits for; it ends with the session at the latest."""
        if self._group is not None and self._closed is None:
            self._group.start_soon(_heard, function, *args)

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        """Call a function on the session's loop, from any thread or finalizer; nothing happens once it is closed."""
        if self._loop is not None and not self._loop.is_closed() and self.is_open:
            self._loop.call_soon_threadsafe(function, *args)

    def run(self, function: Callable[..., Coroutine[Any, Any, T]], *args: object) -> Awaitable[T]:
        """Do work in the background and wait for its outcome; it is awaited at once.

        Raises:
            SessionClosedError: The session was closed before the work was done.
        """
        call = self._call(function, args)
        self.spawn(call.work)
        return self._outcome(call)

    def run_in_line(self, function: Callable[..., Coroutine[Any, Any, T]], *args: object) -> Awaitable[T]:
        """Do the same when its turn has come, in a task that did something else before; it is awaited at once.

        Raises:
            SessionClosedError: The session was closed before the work was done.
        """
        call = self._call(function, args)
        self._line[call] = None
        self._alarm.ring()
        return self._outcome(call)

    def away(self) -> AbstractContextManager[None]:
        """Let others have their turn while work that stood in line only waits for something."""
        return self._crew.away()

    def _call(self, function: Callable[..., Coroutine[Any, Any, T]], args: tuple[object, ...]) -> _Call[T]:
        self.check()
        call = _Call[T](function, args)
        self._calls.add(call)
        return call

    async def _next_in_line(self) -> _Call[Any]:
        while not self._line:
            await self._alarm.sleep_until(float("inf"))
        return self._line.popitem(last=False)[0]

    async def _outcome(self, call: _Call[T]) -> T:
        try:
            await call.told
        finally:
            self._calls.discard(call)
            self._line.pop(call, None)
            call.leave()
        if call.error is not None:
            raise call.error
        if not call.finished:
            self.check()
            raise SessionClosedError("the session was closed while this was awaited")
        return call.result  # type: ignore[return-value]

    def close(self, why: SessionClosedError) -> None:
        """Accept no more work."""
        if self._closed is None:
            self._closed = why

    async def stop(self) -> None:
        """Cancel what still runs and wait until it has ended; everyone who waits for some of it is told."""
        if self._group is not None:
            self._group.cancel_scope.cancel()
        if self._task is not None:
            await outlast(self._task)


async def outlast(task: asyncio.Task[Any]) -> None:
    """Wait until a task has ended, however often the caller is cancelled meanwhile, and only then be cancelled."""
    cancelled: asyncio.CancelledError | None = None
    # The scope keeps anyio's cancellation out; a task cancelled by asyncio itself gets through, once each time.
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled


async def _heard(function: Callable[..., Coroutine[Any, Any, Any]], *args: object) -> None:
    """Run work, and make an error of a cancellation that is nobody's here, which would end the work unheard."""
    try:
        await function(*args)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise UnexpectedError("something that was awaited in the background was cancelled from elsewhere") from error


class _Call(Generic[T]):
    """One piece of work and whatever comes of it."""

    # Thousands may stand in line: what it takes to cancel the work is made when that begins.
    __slots__ = ("_args", "_ended", "_function", "_left", "_scope", "error", "finished", "result", "told")

    def __init__(self, function: Callable[..., Coroutine[Any, Any, T]], args: tuple[object, ...]) -> None:
        self._function = function
        self._args = args
        self._scope: anyio.CancelScope | None = None
        self._left = self._ended = False
        # Cancelled with whoever awaits it.
        self.told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.finished = False
        self.result: T | None = None
        self.error: Exception | None = None

    async def work(self) -> None:
        if self._left:
            return
        try:
            with anyio.CancelScope() as self._scope:
                self.result = await self._function(*self._args)
                self.finished = True
        except Exception as error:  # noqa: BLE001  (it is raised again where the outcome is awaited)
            self.error = error
        finally:
            self.end()

    def leave(self) -> None:
        """Hear that nobody awaits the outcome any more: work that is not done is cancelled."""
        self._left = True
        if self._scope is not None and not self._ended:
            self._scope.cancel()

    def end(self) -> None:
        """Tell whoever awaits the outcome that there is nothing more to come."""
        self._ended = True
        if not self.told.done():
            self.told.set_result(None)
