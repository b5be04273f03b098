"""A task in the caller's hands: to be awaited, iterated, stored as a token, or cancelled."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import nullcontext
from datetime import datetime
from typing import Final

import anyio
from attrs import frozen

from aiofunasr.errors import BadRequestError, WaitTimeoutError
from aiofunasr.pipeline.clock import Breath
from aiofunasr.pipeline.engine import Engine
from aiofunasr.pipeline.outlet import Outlet, change
from aiofunasr.pipeline.record import TaskRecord
from aiofunasr.pipeline.single import cancel_task, look_once_more
from aiofunasr.results import SubtaskResult
from aiofunasr.schedule.completion import Estimate
from aiofunasr.snapshots import TaskSnapshot

_NO_LIMIT: Final = nullcontext()


@frozen(kw_only=True)
class TaskProgress:
    """How far a task is.

    Attributes:
        status: The last status seen, such as `PENDING`.
        files: How many files it has, or None for an attached task that is not done.
        ended: How many of them the service has ended, as far as it says so before the end.
        done: How many results are here.
        time_left: How much longer the task takes, or None while nothing is known of that, and when it is done.
    """

    status: str
    files: int | None
    ended: int
    done: int
    time_left: Estimate | None


class TranscriptionTask:
    """A submitted task of 1 to 100 files.

    `await task` gives all results, in the order submitted. `async for result in task` gives each as it completes; it
    may be done again, and from several places. A failed file is a result with an error in it, whatever became of the
    others. What is raised instead ends the waiting, not the task: a refused key, a closed session, a time-out; it
    carries the token.
    """

    # There may be very many, and most of them only wait.
    __slots__ = ("__weakref__", "_engine", "_outlet", "_record", "_results")

    def __init__(self, engine: Engine, record: TaskRecord, outlet: Outlet) -> None:
        self._engine = engine
        self._record = record
        self._outlet = outlet
        self._results: tuple[SubtaskResult, ...] = ()

    def __repr__(self) -> str:
        record = self._record
        files = f"{len(self._results)}/{len(record.files)} files" if record.files else "files not known yet"
        state = "ended with an error" if self._outlet.error else record.status
        return f"<TranscriptionTask {record.task_id} {state}, {files}>"

    @property
    def task_id(self) -> str:
        """The service's id of the task."""
        return self._record.task_id

    @property
    def token(self) -> str:
        """What `Session.attach` finds the task by, in any process; it holds no secret, and is safe to store."""
        return self._record.token

    @property
    def status(self) -> str:
        """The last status seen, such as `PENDING`; it may lag behind the service by the interval of polling."""
        return self._record.status

    @property
    def snapshot(self) -> TaskSnapshot | None:
        """The service's last answer about the task, or None before the first."""
        return self._record.snapshot

    @property
    def submitted_at(self) -> datetime | None:
        """When the service took the task, by its own clock; None until it has said so."""
        return self._record.snapshot.submit_time if self._record.snapshot else None

    @property
    def progress(self) -> TaskProgress:
        """How far the task is, and how much longer it takes as far as this session has learned to tell."""
        self._collect()
        metrics = self._record.snapshot.task_metrics if self._record.snapshot else None
        ended = (metrics.SUCCEEDED or 0) + (metrics.FAILED or 0) if metrics else 0
        return TaskProgress(
            status=self._record.status,
            files=len(self._record.files) or None,
            ended=max(ended, len(self._results)),
            done=len(self._results),
            time_left=None if self._record.is_done else self._engine.poller.time_left(self._record),
        )

    @property
    def done(self) -> bool:
        """Whether all results are there, or waiting has ended with an error."""
        self._collect()
        return self._outlet.error is not None or self._is_complete

    def __await__(self) -> Generator[object, None, list[SubtaskResult]]:
        """Wait for all results."""
        return self.wait().__await__()

    async def wait(self, timeout: float | None = None) -> list[SubtaskResult]:  # noqa: ASYNC109
        """Wait for all results, in the order submitted.

        Cancelled or timed out, the task goes on, and can be waited for again. When the time-out passes, the service is
        asked once more, and only then it is given up; that may take up to five seconds longer.

        Args:
            timeout: Seconds, or None for as long as it takes.

        Raises:
            WaitTimeoutError: The time-out passed.
            FunASRError: Waiting ended without the service's word about the task.
        """
        with _NO_LIMIT if timeout is None else anyio.move_on_after(timeout):
            await self._until(self._has_ended)
            self._check_end()
        if not self._is_complete and not await self._last_look():
            raise WaitTimeoutError(
                f"the task was not done within {timeout:g} s; it goes on, attach to it by its token"
            ).for_task(self.task_id, self.token)
        return sorted(self._results, key=lambda result: result.index)

    async def _last_look(self) -> bool:
        """Ask about the task once more, before all others, and say whether all results came of it in time."""
        await look_once_more(self._engine, self._record, self._outlet, self._has_ended)
        self._check_end()
        return self._is_complete

    async def __aiter__(self) -> AsyncIterator[SubtaskResult]:
        """Go through the results as they complete."""
        seen, breath = 0, Breath()
        while True:
            await self._until(lambda: self._has_ended() or len(self._results) > seen)  # noqa: B023  (it is looked at here)
            if len(self._results) == seen:
                break
            yield self._results[seen]
            seen += 1
            await breath.draw()
        self._check_end()

    async def cancel(self) -> None:
        """Ask the service to cancel the task, which it does while the task is PENDING only.

        Raises:
            BadRequestError: The task is not pending any more.
            FunASRError: The request failed.
        """
        try:
            await self._engine.background.run(cancel_task, self._engine, self.task_id)
        except BadRequestError as error:
            raise error.for_task(self.task_id, self.token) from None

    @property
    def _is_complete(self) -> bool:
        # An attached task has no files until it is done, and none at all when it was never heard of.
        return self._record.is_done and 0 < len(self._record.files) == len(self._results)

    def _collect(self) -> None:
        while (result := self._outlet.take()) is not None:
            self._results += (result,)

    @property
    def _is_ended(self) -> bool:
        """Whether there will be no more results, for better or worse."""
        return self._is_complete or (self._outlet.error is not None and self._outlet.is_idle)

    def _check_end(self) -> None:
        """Raise what ended the waiting before all results were there, if anything did."""
        if self._outlet.error is not None and not self._is_complete:
            raise self._outlet.error.for_task(self.task_id, self.token)

    def _has_ended(self) -> bool:
        """Take the results that are there, and tell whether there will be no more."""
        self._collect()
        return self._is_ended

    def _until(self, ready: Callable[[], bool]) -> Awaitable[None]:
        """Wait until `ready()`."""
        if not ready():
            # What is there can be had after the session was closed, too.
            self._engine.background.check()
        return change(self._outlet, ready=ready)


async def as_completed(tasks: Iterable[TranscriptionTask]) -> AsyncIterator[SubtaskResult]:
    """Go through the results of several tasks as they complete, in whatever order that is.

    Raises:
        FunASRError: Waiting for one of them ended without the service's word; its results so far came before.
    """
    bell = _Bell()
    left = {task: (_Ringer(bell, task), _News(task)) for task in tasks}
    breath = Breath()
    for task, (ringer, _) in left.items():
        task._outlet.watch(ringer)  # noqa: SLF001  (one idea with the class above)
        ringer.set()
    try:
        while left:
            task = await bell.next()
            if task not in left:
                continue
            ringer, results = left[task]
            for result in results:
                yield result
                await breath.draw()
            if task._is_ended:  # noqa: SLF001
                task._check_end()  # noqa: SLF001
                task._outlet.unwatch(ringer)  # noqa: SLF001
                del left[task]
    finally:
        for task, (ringer, _) in left.items():
            task._outlet.unwatch(ringer)  # noqa: SLF001


class _News:
    """Gives each result of a task once, as far as they are there; asked again, it goes on from there."""

    def __init__(self, task: TranscriptionTask) -> None:
        self._task = task
        self._seen = 0

    def __iter__(self) -> Iterator[SubtaskResult]:
        self._task._collect()  # noqa: SLF001
        while self._seen < len(self._task._results):  # noqa: SLF001
            self._seen += 1
            yield self._task._results[self._seen - 1]  # noqa: SLF001


class _Bell:
    """Tells which of many tasks changed, so that a change costs the same however many are waited for."""

    def __init__(self) -> None:
        self.changed: deque[TranscriptionTask] = deque()
        self.event = anyio.Event()

    async def next(self) -> TranscriptionTask:
        while not self.changed:
            self.event = anyio.Event()
            await self.event.wait()
        return self.changed.popleft()


class _Ringer:
    """What one task's outlet wakes."""

    __slots__ = ("_bell", "_task")

    def __init__(self, bell: _Bell, task: TranscriptionTask) -> None:
        self._bell = bell
        self._task = task

    def set(self) -> None:
        self._bell.changed.append(self._task)
        self._bell.event.set()
