"""`aiofunasr transcribe` and `aiofunasr attach`: wait for results and hand them on as they complete."""

from __future__ import annotations

import json
import os
import shlex
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from attrs import asdict, field, frozen

from aiofunasr.batch import TranscriptionBatch
from aiofunasr.cli.delivery import ToDirectory, ToStdout, Writing, choose_delivery
from aiofunasr.cli.inputs import check_sources, open_inputs
from aiofunasr.cli.place import EngineChoice, Place, local_service, sample
from aiofunasr.cli.running import FAILED, CommandError
from aiofunasr.cli.screen import Progress, Screen
from aiofunasr.cli.styling import StyleChoice
from aiofunasr.cli.wording import count, describe, name_of, printable
from aiofunasr.errors import FunASRError, TaskError
from aiofunasr.export import Format
from aiofunasr.journal import SqliteJournal
from aiofunasr.journal.identity import has_secret
from aiofunasr.options import TranscriptionOptions
from aiofunasr.results import SubtaskResult
from aiofunasr.schedule.completion import Estimate
from aiofunasr.session import FilesPerTask, Session
from aiofunasr.statistics import SessionStatistics
from aiofunasr.task import TranscriptionTask
from aiofunasr.token import TaskToken
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.urls import is_url

RUN = "run"
"""The note in a journal that says what a run was asked for."""


@frozen(kw_only=True)
class ResultOptions:
    """What becomes of results."""

    formats: Sequence[Format]
    output: Path | None = None
    overwrite: bool = True
    style: StyleChoice = field(factory=StyleChoice)
    quiet: bool = False
    verbose: bool = False

    def screen(self) -> Screen:
        """Make the screen to show them on."""
        return Screen(quiet=self.quiet, verbose=self.verbose)

    def writing(self) -> Writing:
        """Say how they are written.

        Raises:
            InvalidArgumentError: A number of the style is out of its range.
        """
        return Writing(
            formats=self.formats,
            style=self.style.style(),
            directory=self.output,
            overwrite=self.overwrite,
            embed_audio=bool(self.style.embed_audio),
        )


@frozen(kw_only=True)
class JournalChoice:
    """Where a run is written down, so that it can be gone on with.

    Attributes:
        path: The journal.
        retry_failed: Whether files that failed before are submitted once more.
        is_whole_run: Whether what was asked for is all there is to the journal, and is noted in it.
    """

    path: Path
    retry_failed: bool = False
    is_whole_run: bool = True


@frozen(kw_only=True)
class TranscribeJob:
    """What `transcribe` was asked to do."""

    sources: Sequence[str] = ()
    manifest: str | None = None
    options: TranscriptionOptions = field(factory=TranscriptionOptions)
    files_per_task: FilesPerTask = "auto"
    place: Place
    engine: EngineChoice | None = None
    results: ResultOptions
    journal: JournalChoice | None = None


class Receiver:
    """Takes the results of a run: hands on what can be handed on, says what failed, and counts.

    One result at a time, because their texts must not mix.
    """

    def __init__(self, delivery: ToStdout | ToDirectory, writing: Writing, screen: Screen, place: Place) -> None:
        self._delivery = delivery
        self._place = place
        self._writing = writing
        self._screen = screen
        self._lock = anyio.Lock()
        self.done = 0
        self.failed = 0
        self._advised: set[str] = set()

    async def take(self, result: SubtaskResult, *, headed: bool) -> None:
        """Take one result; `headed` says that there are others to tell it from.

        Raises:
            BrokenPipeError: Nobody reads stdout any more.
        """
        async with self._lock:
            if result.error is not None:
                self._fail(f"failed: {name_of(result)}: {describe(result.error)}")
                self._advise(result.error)
            elif result.no_speech:
                self._screen.note(f"no speech: {name_of(result)}")
            if self._writing.of(result):
                await self._deliver(result, headed=headed)
            else:
                self._delivery.pass_over(result)
            self.done += 1

    async def _deliver(self, result: SubtaskResult, *, headed: bool) -> None:
        try:
            await self._delivery.deliver(result, headed=headed)
        except BrokenPipeError:
            raise
        except (OSError, CommandError) as error:
            # It was paid for, and stays at the service for a day.
            again = f"; it can be had again with: aiofunasr attach{self._place.options()} {result.token}"
            if result.token is None or self._place.local:
                again = ""
            self._fail(f"not written: {name_of(result)}: {getattr(error, 'strerror', None) or error}", again)

    def give_up(self, what: str, error: FunASRError) -> None:
        """Count something that has no results, and say why."""
        self.done += 1
        self._fail(f"failed: {what}: {describe(error)}")
        self._advise(error)

    def _fail(self, message: str, token: str = "") -> None:
        self.failed += 1
        self._screen.show(printable(message) + token)

    def _advise(self, error: FunASRError) -> None:
        """Say what can be done about a failure, once for all that fail like it."""
        if error.advice not in self._advised:
            self._advised.add(error.advice)
            self._screen.note(printable(error.advice))

    def finish(self, before: str = "") -> int:
        """Say how it went, where that is not plain to see, and return the status; `before` tells of earlier runs."""
        if self.done > 1 or before:
            failed = f", {self.failed} failed" if self.failed else ""
            earlier = f" ({before})" if before else ""
            self._screen.note(f"{count(self.done, 'file')} in {self._screen.elapsed:.1f} s{earlier}{failed}")
        return FAILED if self.failed else 0


def describe_run(job: TranscribeJob) -> str:
    """Write down what a run was asked for, without secrets."""
    sources = [source for source in job.sources if not (is_url(source) and has_secret(source))]
    return json.dumps(
        {
            "directory": os.getcwd(),  # noqa: PTH109
            "sources": sources,
            "signed": len(job.sources) - len(sources),
            "manifest": job.manifest,
            "model": job.options.model,
            "asked": job.options.asked(),
            "files_per_task": job.files_per_task,
            "formats": [each.name for each in job.results.formats],
            "output": None if job.results.output is None else str(job.results.output),
            "overwrite": job.results.overwrite,
            "style": asdict(job.results.style),
            "region": job.place.region,
            "workspace": job.place.workspace,
            "base_url": job.place.base_url,
        }
    )


async def transcribe(job: TranscribeJob) -> int:
    """Transcribe files and return the status."""
    await check_sources(job.sources)
    if job.engine is None:
        return await _transcribe_at(job.place, job)
    async with local_service(job.engine) as place:
        return await _transcribe_at(place, job)


async def _transcribe_at(place: Place, job: TranscribeJob) -> int:
    journal = None if job.journal is None else SqliteJournal(job.journal.path)
    session = place.session(journal)
    screen = job.results.screen()
    sources = job.sources
    if not sources and job.manifest is None:
        sources = [str(sample())]
        screen.note(f"no file was given: this is {Path(sources[0]).name}, which comes with the package")
    writing = job.results.writing()
    delivery = choose_delivery(writing, screen)
    inputs = await open_inputs(sources, job.manifest, delivery.expect)
    receiver = Receiver(delivery, writing, screen, place)
    async with _naming_what_is_left(session, place, screen, job.journal) as left:
        if journal is not None and job.journal is not None and job.journal.is_whole_run:
            await journal.note(RUN, describe_run(job))
        batch = session.transcribe(
            inputs,
            job.options,
            files_per_task=job.files_per_task,
            retry_failed=job.journal is not None and job.journal.retry_failed,
        )
        at_hand: SubtaskResult | None = None
        try:
            async with batch, screen.following(lambda: _progress_of(session, batch, receiver)):
                async for at_hand in batch:
                    await receiver.take(at_hand, headed=batch.progress.total != 1)
                    at_hand = None  # noqa: PLW2901
        except BaseException as error:
            if _is_broken_pipe(error):
                # Whoever read the results has seen enough of this one.
                at_hand = None
            else:
                total = batch.progress.total
                screen.note(f"ended early: {receiver.done} of {total or 'the'} files were done")
            raise
        finally:
            # A result that was taken and did not get through is as little done as one that was not taken.
            left.extend(batch.unfinished)
            if at_hand is not None and at_hand.token is not None:
                left.append(at_hand.token)
    if not batch.progress.read:
        raise CommandError("there was nothing to transcribe: the manifest has no files in it")
    status = receiver.finish(_gone_on_with(batch))
    screen.detail(_told(session.statistics()))
    return status


def _gone_on_with(batch: TranscriptionBatch) -> str:
    """Say what an earlier run had done already, if anything."""
    progress = batch.progress
    parts = [
        f"{progress.restored} done before" if progress.restored else "",
        f"{progress.resumed} in flight from before" if progress.resumed else "",
    ]
    return ", ".join(part for part in parts if part)


def _is_broken_pipe(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(BrokenPipeError) is not None
    return isinstance(error, BrokenPipeError)


def _progress_of(session: Session, batch: TranscriptionBatch, receiver: Receiver) -> Progress:
    progress, states = batch.progress, Counter(batch.progress.states)
    if searching := session.statistics().lost_submits.searching:
        # It may take minutes, and would look like nothing.
        states["without a reply, searched for"] = searching
    return Progress(
        total=progress.total,
        done=receiver.done,
        failed=receiver.failed,
        # What was taken from the batch and is being written is not done yet.
        in_flight=progress.read - receiver.done,
        states=states,
        time_left=progress.time_left,
        uploads=(progress.bytes_uploaded, progress.bytes_to_upload) if progress.uploading else None,
    )


async def attach(tokens: Sequence[str], place: Place, results: ResultOptions) -> int:
    """Wait for tasks that were submitted elsewhere or before, and return the status."""
    found = {token: TaskToken.decode(token) for token in tokens}
    place = place.of_tokens(found.values())
    session = place.session()
    screen, writing = results.screen(), results.writing()
    receiver = Receiver(choose_delivery(writing, screen), writing, screen, place)
    tasks: dict[str, TranscriptionTask] = {}
    # A token of a task id alone does not say how many files there are; at least one.
    expected = sum(max(1, len(token.file_digests)) for token in found.values())

    def progress() -> Progress:
        return Progress(
            total=max(expected, receiver.done),
            done=receiver.done,
            failed=receiver.failed,
            in_flight=max(0, expected - receiver.done),
            states=Counter(task.status for task in tasks.values()),
            time_left=_of_all(task.progress.time_left for task in tasks.values()),
        )

    async def follow(token: str) -> None:
        try:
            tasks[token] = task = await session.attach(token)
            async for result in task:
                several = len(found) > 1 or (task.snapshot is not None and len(task.snapshot.results) > 1)
                await receiver.take(result, headed=several)
        except TaskError as error:
            receiver.give_up(f"task {found[token].task_id}", error)
        tasks.pop(token, None)

    async with _naming_what_is_left(session, place, screen) as left:
        try:
            async with screen.following(progress), anyio.create_task_group() as group:
                for token in found:
                    group.start_soon(follow, token)
        finally:
            left.extend(tasks)
    status = receiver.finish()
    screen.detail(_told(session.statistics()))
    return status


def _of_all(estimates: Iterable[Estimate | None]) -> Estimate | None:
    """Return how much longer it takes until the last of some tasks is done, those left out that are done already."""
    known = [estimate for estimate in estimates if estimate is not None]
    if not known:
        return None
    return Estimate(*(max(getattr(each, name) for each in known) for name in ("low", "median", "high")))


def _told(statistics: SessionStatistics) -> str:
    """Say in a line what was asked of the service, and how late the ends of tasks were noticed."""
    lanes = statistics.requests
    counts = {
        "submits": lanes[Kind.SUBMIT].sent,
        "queries": lanes[Kind.QUERY].sent,
        "list pages": lanes[Kind.LIST].sent,
        "throttled": sum(lane.throttled for lane in lanes.values()),
    }
    parts = [f"{number} {what}" for what, number in counts.items()]
    if (delay := statistics.detection_delay) is not None:
        parts.append(f"ends noticed after {delay.median:.1f} s (median) and {delay.p95:.1f} s (95 %)")
    return "statistics: " + ", ".join(parts)


def _one_for_each_task(tokens: Sequence[str]) -> list[str]:
    """Name each task once, by the token that says more than its bare id where there is one."""
    by_task: dict[str, str] = {}
    for token in tokens:
        task_id = TaskToken.decode(token).task_id
        if by_task.get(task_id, task_id) == task_id:
            by_task[task_id] = token
    return list(by_task.values())


@asynccontextmanager
async def _naming_what_is_left(
    session: Session, place: Place, screen: Screen, journal: JournalChoice | None = None
) -> AsyncIterator[list[str]]:
    """Open a session, and however it ends, name the tasks that go on without it.

    Yields:
        A list for the tokens the session itself does not know to be left.
    """
    left: list[str] = []
    early = False
    try:
        async with session:
            early = True
            yield left
        early = False
    finally:
        _name_what_is_left(session, left, place, screen, journal if early else None)


def _name_what_is_left(
    session: Session, left: Sequence[str], place: Place, screen: Screen, journal: JournalChoice | None
) -> None:
    tokens = _one_for_each_task([*left, *session.unfinished])
    unanswered = len(session.unanswered)
    if journal is not None:
        left_over = f"{count(len(tokens) + unanswered, 'task')} left in flight. " if tokens or unanswered else ""
        screen.show(f"{left_over}To go on:\naiofunasr resume {shlex.quote(str(journal.path))}")
        return
    if unanswered and not place.local:
        screen.show(
            f"{count(unanswered, 'submit')} had no reply yet; what they began may go on: "
            f"aiofunasr tasks{place.options()} shows it"
        )
    if tokens and place.local:
        screen.show("\n".join([f"{count(len(tokens), 'task')} ended with the service of this process:", *tokens]))
    elif tokens:
        again = " \\\n  ".join([f"aiofunasr attach{place.options()}", *tokens])
        screen.show(
            f"{count(len(tokens), 'task')} left in flight, to go on without this program. For the results:\n{again}"
        )
