"""Many files in, results out as they complete: what `Session.transcribe` returns."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import anyio
from attrs import frozen

from aiofunasr.pipeline.clock import Breath
from aiofunasr.pipeline.engine import CLOSING, Engine
from aiofunasr.pipeline.feeder import Feeder
from aiofunasr.pipeline.outlet import BatchOutlet, Outlet, change
from aiofunasr.results import SubtaskResult
from aiofunasr.schedule.completion import Estimate
from aiofunasr.wire.messages import Kind

logger = logging.getLogger("aiofunasr")

_LOGGED_AT_ONCE = 20
"""Tokens in one line of the log: what takes lines elsewhere may cut off long ones."""


@frozen(kw_only=True)
class BatchProgress:
    """How far a batch is, in files.

    Attributes:
        total: How many there are, or None where the input does not say.
        read: How many were read from the input so far.
        done: How many results were handed out.
        failed: How many of those had an error.
        states: How many tasks are in each state, by the last status seen: `{"PENDING": 3, "RUNNING": 2}`.
        restored: How many of those done were answered from the journal.
        resumed: How many files were found to be in tasks of an earlier run, by the journal.
        time_left: How much longer it takes until the last one is transcribed, by what the session has seen of tasks
            so far; None while nothing is known of that, and where the input does not say how many files there are.
        uploading: How many local files are being uploaded at the moment.
        bytes_uploaded: How many bytes of local files have left so far.
        bytes_to_upload: How many there are in the local files that were uploaded or are being uploaded.
        in_flight: How many are under way: being uploaded, submitted, transcribed or downloaded, or ready to be taken.
    """

    total: int | None
    read: int
    done: int
    failed: int
    states: Mapping[str, int]
    restored: int = 0
    resumed: int = 0
    time_left: Estimate | None = None
    uploading: int = 0
    bytes_uploaded: int = 0
    bytes_to_upload: int = 0

    @property
    def in_flight(self) -> int:
        """How many are under way."""
        return self.read - self.done


class TranscriptionBatch:
    """The results of many files, in the order they complete.

    Iterate it with `async for`. To leave early, use it as an async context manager, or call `aclose`: the files under
    way are then waited for no more, while their tasks go on at the service; `unfinished` holds their tokens. Submission
    runs ahead of the consumer by a bounded number of files and stops while nobody takes results.
    """

    def __init__(self, engine: Engine, feeder: Feeder, outlet: BatchOutlet) -> None:
        self._engine = engine
        self._feeder = feeder
        self._outlet = outlet
        self._states = outlet.states
        self._started = False
        self._closed = False
        self._breath = Breath()
        self._failed = 0
        self._left: tuple[str, ...] = ()

    def __repr__(self) -> str:
        progress = self.progress
        total = "?" if progress.total is None else progress.total
        state = "closed" if self._closed else f"{progress.in_flight} in flight"
        return f"<TranscriptionBatch {progress.done}/{total} files, {progress.failed} failed, {state}>"

    @property
    def progress(self) -> BatchProgress:
        """How far the batch is."""
        feeder, book = self._feeder, self._feeder.intake.book
        return BatchProgress(
            total=feeder.intake.total if feeder.intake.total is not None or not feeder.finished else feeder.intake.read,
            read=feeder.intake.read,
            done=feeder.handed_out,
            failed=self._failed,
            states=+self._states,
            restored=0 if book is None else book.restored,
            resumed=0 if book is None else book.resumed,
            time_left=self._time_left(),
            uploading=feeder.intake.meter.files,
            bytes_uploaded=feeder.intake.meter.sent,
            bytes_to_upload=feeder.intake.meter.total,
        )

    def _time_left(self) -> Estimate | None:
        feeder, live = self._feeder, sum(self._states.values())
        if feeder.intake.total is None and not feeder.finished:
            return None
        waiting = 0 if feeder.intake.total is None else feeder.intake.total - feeder.intake.read
        if self._closed or not live + waiting:
            return None
        tasks, submits = feeder.tasks_of(waiting), self._engine.gateway.lanes[Kind.SUBMIT].budget.ceiling
        return self._engine.poller.all_left(self._outlet, live, tasks, submits)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of the tasks in flight at the moment."""
        return tuple(record.token for record in self._engine.poller.records_of(self._outlet))

    def __aiter__(self) -> Self:
        """Return the batch itself: each result is handed out once, whoever asks for it."""
        return self

    async def __anext__(self) -> SubtaskResult:
        """Wait for the next result.

        Cancelled or timed out, nothing is lost: the next call goes on where this one was.

        Raises:
            FunASRError: The batch cannot go on; it carries the tokens of what is in flight.
        """
        if self._closed:
            raise StopAsyncIteration
        if self._outlet.waiting:
            await self._breath.draw()
        if not self._outlet.waiting:
            # What is there can be had after the session was closed, too.
            self._start()
            await change(self._outlet, ready=self._has_news)
        result = None if self._closed else self._outlet.take()
        if result is not None:
            self._feeder.taken()
            self._failed += not result.ok
            return result
        closed_by_another = self._closed
        await self.aclose()
        if self._outlet.error is not None and not closed_by_another:
            error = self._outlet.error
            raise error.for_tasks(tuple(dict.fromkeys((*error.tokens, *self.unfinished))))
        if self._feeder.intake.error is not None and not closed_by_another:
            raise self._feeder.intake.error
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        """Begin to submit."""
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop waiting for what is still under way."""
        await self.aclose()

    async def aclose(self) -> None:
        """Stop submitting, and stop waiting; tasks that were accepted go on at the service.

        It waits up to a second for the replies to submits that are on their way, so that `unfinished` is complete.
        May be called again.
        """
        if self._closed:
            return
        self._closed = True
        self._left = _leave(self._engine, self._feeder, self._outlet)
        if self._started:
            with anyio.move_on_after(CLOSING, shield=True):
                await self._feeder.ended.wait()

    @property
    def unfinished(self) -> tuple[str, ...]:
        """After closing: the tokens of the tasks that go on without the batch, or whose results were not taken."""
        return tuple(dict.fromkeys((*self._left, *self._outlet.orphans)))

    def __del__(self) -> None:
        # Left with `break` and dropped: the feeding side must not wait for a consumer that is gone.
        if self._started and not self._closed:
            self._engine.background.call_soon(_leave, self._engine, self._feeder, self._outlet)

    def _start(self) -> None:
        self._engine.background.check()
        if not self._started:
            self._started = True
            self._engine.background.spawn(self._feeder.run)

    def _has_news(self) -> bool:
        outlet = self._outlet
        ended = self._closed or self._feeder.is_exhausted
        return ended or bool(outlet.waiting) or (outlet.error is not None and outlet.is_idle)


def _leave(engine: Engine, feeder: Feeder, outlet: Outlet) -> tuple[str, ...]:
    """Stop a batch and return the tokens of the tasks that go on without it.

    They are logged, too, where nothing else keeps them: whoever leaves by an error hardly looks at the batch again.
    """
    feeder.stop()
    tokens = engine.forget(outlet)
    if tokens:
        kept = "their tokens follow" if engine.journal is None else "the journal has them"
        logger.warning("a batch was left with %d tasks in flight, which go on; %s", len(tokens), kept)
    for begin in range(0, len(tokens) if engine.journal is None else 0, _LOGGED_AT_ONCE):
        logger.warning("left in flight: %s", " ".join(tokens[begin : begin + _LOGGED_AT_ONCE]))
    return tokens
