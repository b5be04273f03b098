"""The workers of a service with a real recognizer: fetch, recognize, write the document, report."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp
import anyio
from anyio import to_thread

from aiofunasr.emulator.board import TIMED_OUT, FileJob, FinishedFile
from aiofunasr.emulator.document import no_speech_code, speech_ms, transcription_document
from aiofunasr.emulator.inputs import fetch_input, fetching_session
from aiofunasr.emulator.recognizer import FileProblemError, HeadInspector, Recognition, Recognizer
from aiofunasr.emulator.service import Service
from aiofunasr.emulator.tasks import FileProblem

_logger: Final = logging.getLogger(__name__)
_SUFFIX: Final = re.compile(r"\.[0-9A-Za-z]{1,8}$")
# A timer may fire a little early; without a floor the worker would spin until its task is due.
_SHORTEST_WAIT: Final = 0.001


class Workers:
    """Take files from the service, so many at once, until cancelled.

    `directory` holds what was fetched, while it is needed. `clock` returns seconds since the epoch. `on_finished` is
    called after each file, when its task may have ended.
    """

    def __init__(
        self,
        service: Service,
        recognizer: Recognizer,
        *,
        directory: Path,
        clock: Callable[[], float],
        files_at_once: int,
        on_finished: Callable[[], None] = lambda: None,
    ) -> None:
        self._service = service
        self._recognizer = recognizer
        self._inspector = recognizer if isinstance(recognizer, HeadInspector) else None
        self._directory = directory
        self._clock = clock
        self._files_at_once = files_at_once
        self._on_finished = on_finished
        self._news = anyio.Event()

    def notify(self) -> None:
        """Look again: a request may have queued a task."""
        news, self._news = self._news, anyio.Event()
        news.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with (
            fetching_session(self._service.settings) as session,
            anyio.create_task_group() as group,
        ):
            for _ in range(self._files_at_once):
                group.start_soon(self._work, session)

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            job = self._service.take_file(self._clock())
            if job is None:
                await self._wait(self._service.next_ready())
            else:
                # One task's files are for all workers, not only for the one that began it.
                self.notify()
                outcome = await self._process(session, job)
                self._service.finish_file(job, outcome, self._clock())
                self._on_finished()

    async def _wait(self, ready_at: float | None) -> None:
        seconds = None if ready_at is None else max(_SHORTEST_WAIT, ready_at - self._clock())
        with anyio.move_on_after(seconds):
            await self._news.wait()

    async def _process(self, session: aiohttp.ClientSession, job: FileJob) -> FinishedFile | FileProblem:
        try:
            with anyio.move_on_after(job.deadline - self._clock()):
                return await self._recognize(session, job)
        except FileProblemError as error:
            return FileProblem(error.code, error.message)
        except Exception:
            # Whatever a recognizer stumbles over is that file's failure; the service goes on.
            _logger.exception("recognizing failed")
            return FileProblem("InternalError", "An internal error has occurred, please try again later.")
        return TIMED_OUT

    async def _recognize(self, session: aiohttp.ClientSession, job: FileJob) -> FinishedFile:
        recognize = self._recognizer.recognize
        if not self._recognizer.needs_media:
            return await self._finish(job, await recognize(job.request, None))
        uploaded = None if job.stored is None else job.stored.content
        if isinstance(uploaded, Path):
            return await self._finish(job, await recognize(job.request, uploaded))
        media = self._directory / f"{uuid.uuid4()}{_suffix(job.request.file_url)}"
        try:
            if uploaded is not None:
                await anyio.Path(media).write_bytes(uploaded)
            else:
                await fetch_input(session, job.request.file_url, media, self._service.settings, self._inspector)
            return await self._finish(job, await recognize(job.request, media))
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.Path(media).unlink(missing_ok=True)

    async def _finish(self, job: FileJob, recognition: Recognition) -> FinishedFile:
        code = no_speech_code(recognition)
        if code is not None:
            raise FileProblemError(code)
        # Hours of speech take a while to write down.
        document = await to_thread.run_sync(
            transcription_document,
            job.request,
            recognition,
            job.task.word_filter,
            self._service.settings.missing_speaker_every,
        )
        return FinishedFile(document, speech_ms(recognition))


def _suffix(file_url: str) -> str:
    match = _SUFFIX.search(file_url.partition("?")[0])
    return match[0] if match else ""
