"""Downloads the transcripts of finished files, at once, because their links live a day.

There are at most as many workers as downloads are allowed, and they rest while there is no work. Outlets with
something to download stand in line and are served one file each in turn, so that one large batch does not hold up the
others, and an outlet without room is passed over rather than waited for. A download that failed waits beside the line
for its next try.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from random import Random

import anyio
import anyio.to_thread
from anyio import CapacityLimiter
from attrs import evolve, frozen

from aiofunasr.errors import (
    FunASRError,
    InvalidReplyError,
    ReplyTooLargeError,
    ServiceUnavailableError,
    ThrottledError,
    TransportError,
    UnexpectedError,
)
from aiofunasr.pacing.retries import RetryBudget, wait_before
from aiofunasr.pipeline.background import Background
from aiofunasr.pipeline.clock import loop_time
from aiofunasr.pipeline.outlet import FinishedFile, Outlet
from aiofunasr.results import SubtaskResult, Transcript
from aiofunasr.settings import Limits, Timeouts
from aiofunasr.transport import Transport, fetch
from aiofunasr.wire.documents import SMALL_DOCUMENT, read_transcript
from aiofunasr.wire.replies import read_refusal
from aiofunasr.wire.requests import download

logger = logging.getLogger("aiofunasr")

TRIES = 8
"""How often a result is asked for, over half a minute: it is paid for, and asking costs nothing."""


_WORTH_ANOTHER_TRY = (TransportError, ServiceUnavailableError, ThrottledError, InvalidReplyError)


@frozen
class _Job:
    """A file to collect, for the `attempt`th time."""

    outlet: Outlet
    finished: FinishedFile
    attempt: int = 1


class Collector:
    """The downloads of a session."""

    def __init__(
        self, transport: Transport, background: Background, limits: Limits, timeouts: Timeouts, random: Random
    ) -> None:
        self._transport = transport
        self._background = background
        self._limits = limits
        self._timeouts = timeouts
        self._random = random
        self._line: deque[Outlet] = deque()
        self._again: deque[_Job] = deque()
        self._workers = 0
        self._resting: list[asyncio.Event] = []
        # One at a time: two would only take the interpreter from each other.
        self._decoding = CapacityLimiter(1)
        self._retries = RetryBudget()
        self.collected = 0
        self.retried = 0

    @property
    def in_flight(self) -> int:
        """How many downloads are under way."""
        return self._workers - len(self._resting)

    @property
    def waiting(self) -> int:
        """How many finished files stand in line for their download."""
        return sum(outlet.backlog for outlet in self._line) + len(self._again)

    def serve(self, outlet: Outlet) -> None:
        """Put an outlet with finished files in line."""
        if not outlet.in_line:
            outlet.in_line = True
            self._line.append(outlet)
        self._hire()

    def _hire(self) -> None:
        """Wake a worker that rests, or else take on another while more are allowed."""
        if self._resting:
            self._resting.pop().set()
        elif self._workers < self._limits.downloads:
            self._workers += 1
            self._background.spawn(self._work)

    async def _work(self) -> None:
        try:
            while True:
                while (job := self._next()) is not None:
                    await self._do(job)
                await self._rest()
        finally:
            self._workers -= 1

    async def _rest(self) -> None:
        woken = asyncio.Event()
        self._resting.append(woken)
        try:
            await woken.wait()
        finally:
            if woken in self._resting:
                self._resting.remove(woken)

    def _next(self) -> _Job | None:
        if self._again:
            return self._again.popleft()
        while self._line:
            outlet = self._line.popleft()
            outlet.in_line = False
            finished = outlet.next_download()
            if finished is not None:
                if outlet.has_downloads:
                    # Back to the end of the line, with one more worker for what it still has.
                    self.serve(outlet)
                return _Job(outlet, finished)
        return None

    async def _do(self, job: _Job) -> None:
        verdict = job.finished.verdict
        transcript, error = None, verdict.error
        if verdict.transcription_url is not None:
            self._retries.request(loop_time())
            try:
                transcript = await self._download(verdict.transcription_url)
            except _WORTH_ANOTHER_TRY as failure:
                if job.attempt < TRIES and not isinstance(failure, ReplyTooLargeError):
                    self.retried += 1
                    logger.info("downloading a result again after: %s", failure)
                    self._background.spawn(self._do_again, evolve(job, attempt=job.attempt + 1))
                    return
                error = failure
            except FunASRError as failure:
                error = failure
            except Exception as failure:
                # Whatever it was, it is this file's and nobody else's.
                logger.exception("collecting a result failed")
                error = UnexpectedError(f"collecting the result failed: {type(failure).__name__}")
                error.__cause__ = failure
        elif verdict.no_speech:
            transcript = Transcript(file_url=job.finished.file.file_url)
        self.collected += 1
        job.outlet.deliver(job.finished, _result(job.finished, transcript, error))

    async def _do_again(self, job: _Job) -> None:
        """Put a failed download back in line after a while; it holds no worker meanwhile."""
        await anyio.sleep(wait_before(job.attempt, self._random))
        # The budget fills with time alone, so there is no event to wait for.
        while not self._retries.allow(loop_time()):  # noqa: ASYNC110
            await anyio.sleep(1.0)
        if not job.outlet.abandoned:
            self._again.append(job)
            self._hire()

    async def _download(self, url: str) -> Transcript:
        reply = await fetch(
            self._transport, download(url), timeout=self._timeouts.download, limit=self._limits.result_bytes
        )
        if reply.status != 200:
            raise read_refusal(reply)
        if len(reply.body) <= SMALL_DOCUMENT:
            return read_transcript(reply.body)
        async with self._decoding:
            return await anyio.to_thread.run_sync(read_transcript, reply.body)


def _result(finished: FinishedFile, transcript: Transcript | None, error: FunASRError | None) -> SubtaskResult:
    """Make the result of one file; its failure is a result, too."""
    record, file, verdict = finished.record, finished.file, finished.verdict
    token = record.token
    return SubtaskResult(
        source=file.source,
        file_url=file.file_url,
        index=file.index,
        task_id=record.task_id,
        token=token,
        transcript=transcript,
        error=None if error is None else error.for_task(record.task_id, token),
        no_speech=verdict.no_speech,
        transcription_url=verdict.transcription_url,
    )
