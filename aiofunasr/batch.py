"""Many files in, results out as they complete: what `Session.transcribe` returns."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Self

from attrs import frozen

from aiofunasr.pipeline.engine import Engine
from aiofunasr.pipeline.feeder import Feeder
from aiofunasr.pipeline.outlet import Outlet, change
from aiofunasr.results import SubtaskResult

logger = logging.getLogger("aiofunasr")


@frozen(kw_only=True)
class BatchProgress:
    """How far a batch is, in files.

    Attributes:
        total: How many there are, or None where the input does not say.
        read: How many were read from the input so far.
        done: How many results were handed out.
        failed: How many of those had an error.
        in_flight: How many are under way: being uploaded, submitted, transcribed or downloaded, or ready to be taken.
    """

    total: int | None
    read: int
    done: int
    failed: int

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

    def __init__(self, engine: Engine, feeder: Feeder, outlet: Outlet) -> None:
        self._engine = engine
        self._feeder = feeder
        self._outlet = outlet
        self._started = False
        self._closed = False
        self._failed = 0
        self.unfinished: tuple[str, ...] = ()

    def __repr__(self) -> str:
        progress = self.progress
        total = "?" if progress.total is None else progress.total
        state = "closed" if self._closed else f"{progress.in_flight} in flight"
        return f"<TranscriptionBatch {progress.done}/{total} files, {progress.failed} failed, {state}>"

    @property
    def progress(self) -> BatchProgress:
        """How far the batch is."""
        feeder = self._feeder
        return BatchProgress(
            total=feeder.total if feeder.total is not None or not feeder.finished else feeder.read,
            read=feeder.read,
            done=feeder.handed_out,
            failed=self._failed,
        )

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of the tasks in flight at the moment."""
        return tuple(record.token for record in self._engine.poller.records if self._outlet in record.outlets)

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
        self._start()
        await change(self._outlet, ready=self._has_news)
        result = self._outlet.take()
        if result is not None:
            self._feeder.taken()
            self._failed += not result.ok
            return result
        error = self._outlet.error or (self._feeder.source_error if self._feeder.is_exhausted else None)
        await self.aclose()
        if self._outlet.error is not None:
            raise self._outlet.error.for_tasks(self._outlet.error.tokens or self.unfinished)
        if error is not None:
            raise error
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

        May be called again, and does not wait for anything.
        """
        if self._closed:
            return
        self._closed = True
        self.unfinished = _leave(self._engine, self._feeder, self._outlet)

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
        return bool(outlet.waiting) or self._feeder.is_exhausted or (outlet.error is not None and outlet.is_idle)


def _leave(engine: Engine, feeder: Feeder, outlet: Outlet) -> tuple[str, ...]:
    """Stop a batch and return the tokens of the tasks that go on without it; they are logged, too."""
    feeder.scope.cancel()
    tokens = tuple(record.token for record in engine.forget(outlet))
    if tokens:
        logger.warning(
            "a batch was left with %d tasks in flight, which go on; their tokens: %s",
            len(tokens),
            " ".join(tokens),
        )
    return tokens
