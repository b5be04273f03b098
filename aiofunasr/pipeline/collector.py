"""Downloads the transcripts of finished files, at once, because their links live a day.

There are at most as many workers as downloads are allowed, and they rest while there is no work. Outlets with
something to download stand in line and are served one file each in turn, so that one large batch does not hold up the
others, and an outlet without room is passed over rather than waited for. A download that failed waits beside the line
for its next try, and holds neither a worker nor room meanwhile; one whose link was refused is given the link that the
service names when it is asked again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from random import Random

import anyio
from attrs import evolve

from aiofunasr.errors import (
    FunASRError,
    InvalidReplyError,
    JournalError,
    ReplyTooLargeError,
    ServiceError,
    TransportError,
    UnexpectedError,
)
from aiofunasr.pacing.retries import RetryBudget, wait_before
from aiofunasr.pipeline.background import Background
from aiofunasr.pipeline.clock import loop_time
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.ledgers import ResultLedger
from aiofunasr.pipeline.links import Links, is_refused
from aiofunasr.pipeline.outlet import FinishedFile, Outlet
from aiofunasr.pipeline.reading import ArrivingDocument, Reading
from aiofunasr.results import SubtaskResult, Transcript
from aiofunasr.settings import Limits, Timeouts
from aiofunasr.time_limit import TimeLimit
from aiofunasr.transport import fetch
from aiofunasr.wire.documents import check_file
from aiofunasr.wire.replies import read_refusal
from aiofunasr.wire.requests import download

logger = logging.getLogger("aiofunasr")

TRIES = 8
"""How often a result is asked for, over half a minute: it is paid for, and asking costs nothing."""

REFUSALS = 4
"""How often a link may be refused, and asked for again, before that is believed."""

_WORTH_ANOTHER_TRY = (TransportError, ServiceError, InvalidReplyError)


class Collector:
    """The downloads of a session."""

    def __init__(
        self,
        gateway: Gateway,
        background: Background,
        *,
        limits: Limits,
        timeouts: Timeouts,
        random: Random,
        clock: Callable[[], float],
        ledger: ResultLedger,
    ) -> None:
        self._transport = gateway.transport
        self._links = Links(gateway, clock)
        self._ledger = ledger
        self._background = background
        self._limits = limits
        self._time = TimeLimit(timeouts.download)
        self._random = random
        self._line: deque[Outlet] = deque()
        self._in_line: set[Outlet] = set()
        # Files that wait beside the line.
        self._put_off = 0
        self._workers = 0
        self._resting: list[asyncio.Event] = []
        self._reading = Reading()
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
        return sum(outlet.backlog for outlet in self._line) + self._put_off

    def serve(self, outlet: Outlet) -> None:
        """Put an outlet with finished files in line."""
        if outlet not in self._in_line:
            self._in_line.add(outlet)
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
                    await self._do(*job)
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

    def _next(self) -> tuple[Outlet, FinishedFile] | None:
        while self._line:
            outlet = self._line.popleft()
            self._in_line.discard(outlet)
            finished = outlet.next_download()
            if finished is not None:
                if outlet.has_downloads:
                    # Back to the end of the line, with one more worker for what it still has.
                    self.serve(outlet)
                return outlet, finished
        return None

    async def _do(self, outlet: Outlet, finished: FinishedFile) -> None:
        verdict = finished.verdict
        transcript, document, error = None, None, verdict.error
        if verdict.transcription_url is not None:
            self._retries.request(loop_time())
            try:
                transcript, document = await self._download(verdict.transcription_url, finished.file.file_url)
            except FunASRError as failure:
                if (again := self._another_try(finished, failure)) is not None:
                    self.retried += 1
                    logger.info("downloading a result again after: %s", failure)
                    outlet.put_off(finished)
                    self._background.spawn(self._do_again, outlet, finished, again)
                    return
                error = failure
            except Exception as failure:
                # Whatever it was, it is this file's and nobody else's.
                logger.exception("collecting a result failed")
                error = UnexpectedError(f"collecting the result failed: {type(failure).__name__}")
                error.__cause__ = failure
        elif verdict.no_speech:
            transcript = Transcript(file_url=finished.file.file_url)
        result = _result(finished, transcript, error)
        try:
            # Before it is handed on: whoever is given a result may be killed the moment after.
            await self._ledger.keep(finished.file.key, result, document)
        except JournalError as failure:
            outlet.fail(failure.for_task(result.task_id, result.token))
        self.collected += 1
        outlet.deliver(finished, result)

    def _another_try(self, finished: FinishedFile, failure: FunASRError) -> FinishedFile | None:
        """Return what to try next after a download failed, or None when its failure stands."""
        if finished.attempt >= TRIES or isinstance(failure, ReplyTooLargeError):
            return None
        if is_refused(failure):
            if finished.refusals + 1 >= REFUSALS or not self._links.may_still_hold(finished.record):
                return None
            return evolve(finished, attempt=finished.attempt + 1, refusals=finished.refusals + 1)
        return evolve(finished, attempt=finished.attempt + 1) if isinstance(failure, _WORTH_ANOTHER_TRY) else None

    async def _do_again(self, outlet: Outlet, finished: FinishedFile, again: FinishedFile) -> None:
        """Put a failed download back in line after a while; it holds no worker meanwhile."""
        self._put_off += 1
        try:
            failed_at = loop_time()
            await anyio.sleep(wait_before(again.attempt, self._random))
            # The budget fills with time alone, so there is no event to wait for.
            while not self._retries.allow(loop_time()):  # noqa: ASYNC110
                await anyio.sleep(1.0)
            if again.refusals > finished.refusals and not outlet.abandoned:
                again = await self._links.renew(again, failed_at)
        except Exception:
            # Asked for with the link it has, then; the worst that comes of it is this file's error.
            logger.exception("asking for the link of a result again failed")
        finally:
            self._put_off -= 1
        outlet.put_back(finished, again)

    async def _download(self, url: str, file_url: str) -> tuple[Transcript, bytes | None]:
        """Return a transcript, and the document it was read from if that is to be kept."""
        arriving = ArrivingDocument(self._reading, keep=self._ledger.keeps_documents)
        reply = await fetch(
            self._transport,
            download(url),
            within=self._time,
            limit=self._limits.result_bytes,
            taker=arriving.take,
        )
        if reply.status != 200:
            raise read_refusal(reply)
        transcript = await arriving.whole()
        check_file(transcript, file_url)
        return transcript, arriving.document()


def _result(finished: FinishedFile, transcript: Transcript | None, error: FunASRError | None) -> SubtaskResult:
    """Make the result of one file; its failure is a result, too."""
    record, file, verdict = finished.record, finished.file, finished.verdict
    token = record.token
    return SubtaskResult(
        source=file.source,
        file_url=file.file_url,
        index=file.index,
        task_id=record.own_id,
        token=token,
        transcript=transcript,
        error=None if error is None else error.for_task(record.own_id, token),
        no_speech=verdict.no_speech,
        transcription_url=verdict.transcription_url,
    )
