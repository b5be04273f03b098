"""The front door."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from random import Random
from types import TracebackType
from typing import Any, Literal, Self, get_args

import aiohttp

from aiofunasr import statistics
from aiofunasr.audio import GivenFiles
from aiofunasr.batch import TranscriptionBatch
from aiofunasr.errors import InvalidArgumentError
from aiofunasr.journal import Journal, SqliteJournal
from aiofunasr.operations import Operations
from aiofunasr.options import TranscriptionOptions
from aiofunasr.options.models import Dialect
from aiofunasr.pipeline.background import outlast
from aiofunasr.pipeline.book import Book
from aiofunasr.pipeline.engine import Engine
from aiofunasr.pipeline.feeder import Feeder, TaskWidth
from aiofunasr.pipeline.inputs import as_iterable, inspect, one_task_of, source_of
from aiofunasr.pipeline.intake import Intake
from aiofunasr.pipeline.outlet import Outlet
from aiofunasr.pipeline.record import TaskRecord
from aiofunasr.pipeline.single import attach_task, submit_task
from aiofunasr.pipeline.submitter import OnUnknownSubmit
from aiofunasr.results import SubtaskResult
from aiofunasr.schedule.packing import MOST_FILES
from aiofunasr.settings import KeyProvider, Limits, Reconciliation, Timeouts, resolve_account
from aiofunasr.task import TranscriptionTask, as_completed
from aiofunasr.transport import HttpTransport, Transport
from aiofunasr.vocabularies import Vocabularies
from aiofunasr.wire.messages import Kind

FilesPerTask = int | Literal["auto"]

_NO_OPTIONS = TranscriptionOptions()


class Session(Operations):
    """A connection to the service for one account, on one event loop.

    Use it as an async context manager. It may be entered in one asyncio task and left in another, and used from any
    number of them at once. Leaving it ends every wait within about a second; tasks in flight go on at the service, and
    `unfinished` has their tokens.

    Args:
        api_key: The key, or an async callable that returns one for each request (temporary keys last minutes), such as
            a `TokenProvider`; a method `refused(key)` of it, if there is one, hears of keys that were refused.
            Default: `DASHSCOPE_API_KEY`.
        base_url: Ends in `/api/v1`. Default: `DASHSCOPE_BASE_URL`, else the region's.
        region: `cn-beijing` (default) or `ap-southeast-1` for Fun-ASR; or `DASHSCOPE_REGION`. Keys belong to a region.
        workspace: A workspace id, whose own host is then used; or `DASHSCOPE_WORKSPACE`.
        limits: The account's rate limits, and this session's own bounds.
        timeouts: For single requests; waiting for a task has none of its own.
        files_per_task: 1 to 100, or `"auto"`: one while that does not hold up submission, more beyond.
        on_unknown_submit: What to do about a submit that was sent and whose outcome is not known: `"reconcile"`
            searches for its task, and sends it again only once there certainly is none; `"raise"` gives up with
            `AmbiguousSubmissionError`; `"resend"` sends it again, which may bill its files twice.
        reconciliation: How long such a submit is searched for.
        journal: A path, or anything with the interface of `aiofunasr.Journal`: the session opens it when it is entered
            and closes it when it is left. What is submitted, and what comes of it, is written there, so that a run that
            was killed goes on where it was: see `transcribe`.
        expects_events: Completion events reach the session through `notify`: a task is asked about when an event says
            that it ended, and otherwise only when one seems to be missing, which takes far fewer queries.
        http: The caller's own `aiohttp.ClientSession`; it is used and never closed.
        trust_env: Use the proxies of the environment (not with `http`, which has its own).
        transport: Anything with the interface of `aiofunasr.transport.Transport`, in place of HTTP.
        random: For jitter; give a seeded one to repeat a run.
        clock: The time of day in seconds since the epoch.

    Raises:
        ConfigurationError: There is no key, or the place cannot be used. Nothing was sent.
        InvalidArgumentError: Another argument cannot be used.
    """

    def __init__(
        self,
        api_key: str | KeyProvider | None = None,
        *,
        base_url: str | None = None,
        region: str | None = None,
        workspace: str | None = None,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        files_per_task: FilesPerTask = "auto",
        on_unknown_submit: OnUnknownSubmit = "reconcile",
        reconciliation: Reconciliation | None = None,
        journal: str | os.PathLike[str] | Journal | None = None,
        expects_events: bool = False,
        http: aiohttp.ClientSession | None = None,
        trust_env: bool = False,
        transport: Transport | None = None,
        random: Random | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        account = resolve_account(api_key, base_url=base_url, region=region, workspace=workspace)
        settings: list[tuple[str, object, type]] = [
            ("limits", limits, Limits),
            ("timeouts", timeouts, Timeouts),
            ("reconciliation", reconciliation, Reconciliation),
        ]
        for name, given, kind in settings:
            if given is not None and not isinstance(given, kind):
                raise InvalidArgumentError(name, given, f"an aiofunasr.{kind.__name__} is needed")
        if not isinstance(expects_events, bool):
            raise InvalidArgumentError("expects_events", expects_events, "True or False is needed")
        if on_unknown_submit not in get_args(OnUnknownSubmit):
            allowed = ", ".join(f'"{policy}"' for policy in get_args(OnUnknownSubmit))
            raise InvalidArgumentError("on_unknown_submit", on_unknown_submit, f"one of {allowed} is needed")
        limits, timeouts = limits or Limits(), timeouts or Timeouts()
        self._limits = limits
        if transport is None:
            transport = HttpTransport(timeouts, http=http, trust_env=trust_env)
        elif http is not None:
            raise InvalidArgumentError("http", http, "give either http or transport")
        self._engine = Engine(
            transport,
            account,
            limits=limits,
            timeouts=timeouts,
            random=random or Random(),  # noqa: S311  (it spreads requests, it hides nothing)
            clock=clock,
            on_unknown_submit=on_unknown_submit,
            reconciliation=reconciliation or Reconciliation(),
            journal=_journal(journal),
            expects_events=expects_events,
        )
        self._vocabularies = Vocabularies(self._engine)
        self._width = self._width_of(files_per_task)
        self._entered = False
        self._closing: asyncio.Task[tuple[str, ...]] | None = None

    def __repr__(self) -> str:
        engine = getattr(self, "_engine", None)
        if engine is None:
            # One that was refused its arguments, in a traceback.
            return "<Session not made>"
        state = "open" if engine.background.is_open else "closed" if self._entered else "not open"
        place = engine.account.base_url
        return f"<Session {place} {state}, {len(engine.poller)} tasks in flight, {engine.submitter.tasks} submitted>"

    # --- life ---

    async def __aenter__(self) -> Self:
        """Open the journal, if there is one, and start the background work; nothing is sent yet.

        Raises:
            JournalError: The journal cannot be opened.
        """
        self._entered = True
        await self._engine.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the session."""
        await self.aclose()

    async def aclose(self) -> None:
        """End every wait and close what the session opened; may be called again.

        It takes about a second at most, for replies to submits that are on their way. Whoever waits for a task gets a
        `SessionClosedError` that carries its token; `unfinished` has all of them. It is not cut short by being
        cancelled.
        """
        if self._closing is None:
            if not self._engine.background.is_open and self._engine.background.crash is None:
                return
            self._closing = asyncio.create_task(self._engine.stop(), name="aiofunasr session closing")
        await outlast(self._closing)

    @property
    def unfinished(self) -> tuple[str, ...]:
        """After closing: the tokens of the tasks that were in flight, or whose results were not all taken.

        They go on, and can be attached again.
        """
        return self._closing.result() if self._closing is not None and self._closing.done() else ()

    @property
    def unanswered(self) -> tuple[tuple[str, ...], ...]:
        """After closing: the file URLs of each submit of which nothing was known by then.

        Whether those tasks exist is not known; `list_tasks` shows what the account has.
        """
        return self._engine.submitter.unanswered

    # --- many files ---

    def transcribe(
        self,
        files: GivenFiles,
        options: TranscriptionOptions | None = None,
        *,
        files_per_task: FilesPerTask | None = None,
        retry_failed: bool = False,
        **overrides: Any,
    ) -> TranscriptionBatch:
        """Transcribe any number of files and give each one's result as it completes.

        With a journal, a file that is done already is answered from there, one that is in flight is waited for, one
        whose submit was cut off is searched for, and the rest is submitted. Which file is which goes by its URL
        (without a signature) or path, size and modification time, and by the options.

        Args:
            files: One file, or any iterable or async iterable of them, of any length, read as far ahead as
                `Limits.in_flight` says: http, https or oss URLs, and local paths, which are uploaded; or `AudioFile`s.
            options: What is asked for.
            files_per_task: For this batch; by default the session's.
            retry_failed: Submit files again that the journal says the service could not transcribe, or has forgotten.
            **overrides: Fields of `TranscriptionOptions`: `model="fun-asr"`, `language_hints=["en"]`.

        Returns:
            An async iterator and async context manager; nothing is sent before it is used.

        Raises:
            InvalidArgumentError: Something cannot be used; nothing was sent.

        Warns:
            OptionsWarning: The model would ignore something that is asked for.
        """
        chosen = _options(options, overrides)
        self._vocabularies.check(chosen)
        sources = as_iterable(files)
        width = self._width if files_per_task is None else self._width_of(files_per_task)
        if chosen.dialect is Dialect.FILE_URL:
            if files_per_task not in {None, "auto", 1}:
                raise InvalidArgumentError("files_per_task", files_per_task, f"{chosen.model} takes one file a task")
            width = self._width_of(1)
        self._engine.background.check()
        self._engine.adviser.look_at(chosen)
        engine, limits = self._engine, self._limits
        outlet, book = engine.batch_outlet(limits.downloads * 2), None
        if engine.journal is not None:
            book = Book(engine.journal, engine.claims, chosen, retry_failed=retry_failed)
            outlet.answers = book.answers
        intake = Intake(
            sources,
            chosen.model,
            window=limits.in_flight,
            uploads=limits.uploads,
            outlet=outlet,
            uploader=engine.uploader,
            resumer=engine.resumer,
            book=book,
            clock=engine.clock,
        )
        feeder = Feeder(intake, chosen, width=width, outlet=outlet, submitter=engine.submitter, submits=limits.requests)
        return TranscriptionBatch(self._engine, feeder, outlet)

    # --- one task ---

    async def submit(
        self, files: GivenFiles, options: TranscriptionOptions | None = None, **overrides: Any
    ) -> TranscriptionTask:
        """Submit one task of 1 to 100 files.

        Cancelled before the request has left, nothing was submitted; cancelled later, the task may exist, and
        its token is then among `tokens`.

        Raises:
            InvalidArgumentError: Something cannot be used; nothing was sent.
            AmbiguousSubmissionError: The request was sent and its outcome is not known.
            FunASRError: The submit was refused, or could not be sent.

        Warns:
            OptionsWarning: The model would ignore something that is asked for.
        """
        outlet = self._engine.outlet()
        record = await self._submit(files, _options(options, overrides), outlet)
        return TranscriptionTask(self._engine, record, outlet)

    async def _submit(self, files: GivenFiles, options: TranscriptionOptions, outlet: Outlet) -> TaskRecord:
        engine = self._engine
        self._vocabularies.check(options)
        sources = one_task_of(files)
        engine.background.check()
        engine.adviser.look_at(options, len(sources))
        # All are looked at before any is uploaded.
        places = [await inspect(source_of(file)) for file in sources]
        try:
            return await engine.background.run_in_line(submit_task, engine, sources, places, options, outlet)
        except asyncio.CancelledError:
            # The submit may be on its way: its task is then nobody's, which is what an abandoned outlet says. Or it was
            # accepted just now, and only its handle did not come through.
            engine.submitter.orphans.extend(engine.forget(outlet))
            raise

    async def attach(self, token: str) -> TranscriptionTask:
        """Wait for a task that was submitted elsewhere or before.

        Args:
            token: A task's token, or the service's bare task id.

        Raises:
            TaskExpiredError: The service has forgotten the task: it was submitted too long ago.
            InvalidArgumentError: It is no token.
            ConfigurationError: The task belongs to another region.
        """
        self._engine.background.check()
        outlet = self._engine.outlet()
        record = attach_task(self._engine, token, outlet)
        return TranscriptionTask(self._engine, record, outlet)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of all tasks in flight here, and of those that came to be after their caller had left."""
        in_flight = (record.token for record in self._engine.poller.records)
        return tuple(dict.fromkeys((*self._engine.submitter.orphans, *in_flight)))

    def as_completed(self, tasks: Iterable[TranscriptionTask]) -> AsyncIterator[SubtaskResult]:
        """Go through the results of several tasks as they complete.

        Raises:
            FunASRError: Waiting for one of them ended without the service's word.
        """
        return as_completed(tasks)

    def statistics(self) -> statistics.SessionStatistics:
        """Return what the session is doing and has done, as a frozen value; needs a running event loop."""
        return statistics.measure(self._engine)

    def _width_of(self, files_per_task: FilesPerTask) -> TaskWidth:
        whole = isinstance(files_per_task, int) and not isinstance(files_per_task, bool)
        if files_per_task == "auto":
            return TaskWidth(None, self._engine.gateway.lanes[Kind.SUBMIT].budget.ceiling)
        if not whole or not 1 <= files_per_task <= MOST_FILES:
            raise InvalidArgumentError("files_per_task", files_per_task, f'1 to {MOST_FILES}, or "auto"')
        return TaskWidth(files_per_task, 1.0)


async def transcribe(
    files: GivenFiles,
    options: TranscriptionOptions | None = None,
    *,
    session: Session | None = None,
    journal: str | os.PathLike[str] | Journal | None = None,
    **overrides: Any,
) -> list[SubtaskResult]:
    """Transcribe files and return all results, in the order of the input.

    A failed file is a result with an error in it. By default a session is made for this call, with everything from the
    environment; within one program, better share a `Session`. With `journal`, a call that was killed can be made again:
    it goes on where it was (`Session.transcribe`).

    Raises:
        FunASRError: The session could not be made, or the batch could not go on.
    """
    if session is not None and journal is not None:
        raise InvalidArgumentError("journal", journal, "a session has its own: Session(journal=...)")
    if session is None:
        async with Session(journal=journal) as own:
            return await transcribe(files, options, session=own, **overrides)
    async with session.transcribe(files, options, **overrides) as batch:
        return sorted([result async for result in batch], key=lambda result: result.index)


def _options(options: TranscriptionOptions | None, overrides: dict[str, Any]) -> TranscriptionOptions:
    if options is None:
        options = _NO_OPTIONS
    elif not isinstance(options, TranscriptionOptions):
        raise InvalidArgumentError("options", options, "TranscriptionOptions are needed")
    return options.replace(**overrides) if overrides else options


def _journal(given: str | os.PathLike[str] | Journal | None) -> Journal | None:
    if given is None or isinstance(given, str | os.PathLike):
        return None if given is None else SqliteJournal(given)
    if not all(callable(getattr(given, name, None)) for name in ("open", "begin", "settle", "complete", "aclose")):
        raise InvalidArgumentError("journal", given, "a path, or an object with the interface of aiofunasr.Journal")
    return given
