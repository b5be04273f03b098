"""`aiofunasr resume`: go on with a run, from its journal alone.

A run that the command line began has left a note of what it was asked for: the same is asked for again, and the journal
answers what is done. A journal of a program has no such note: then its files are gone on with as far as it knows them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
from attrs import evolve, field, frozen

from aiofunasr.cli.inputs import STANDARD_INPUT
from aiofunasr.cli.options import formats_of
from aiofunasr.cli.place import Place
from aiofunasr.cli.running import CommandError
from aiofunasr.cli.styling import StyleChoice
from aiofunasr.cli.transcribe import RUN, JournalChoice, ResultOptions, TranscribeJob, transcribe
from aiofunasr.cli.wording import complain, count
from aiofunasr.errors import FunASRError
from aiofunasr.journal import FileState
from aiofunasr.journal.reader import JournalView, viewing
from aiofunasr.options import TranscriptionOptions


@frozen(kw_only=True)
class ResumeJob:
    """What `resume` was asked to do; what is None is as the run was begun."""

    path: Path
    place: Place
    retry_failed: bool = False
    formats: Sequence[str] | None = None
    output: Path | None = None
    overwrite: bool | None = None
    style: StyleChoice = field(factory=StyleChoice)
    quiet: bool = False
    verbose: bool = False


async def resume(job: ResumeJob) -> int:
    """Go on with a run and return the status.

    Raises:
        CommandError: The journal cannot be read, or does not say enough to go on.
    """
    note, runs = await anyio.to_thread.run_sync(_look, job.path)
    if note is not None:
        return await transcribe(_as_begun(job, note))
    if not runs:
        complain(f"{job.path}: there is nothing left to do")
        return 0
    status = 0
    for run, sources in runs:
        status = max(status, await transcribe(_as_known(job, run, sources)))
    return status


@frozen
class Run:
    """What some files of a program's journal were submitted with: the model, the options as JSON, and where."""

    model: str
    asked_for: str
    region: str | None
    workspace: str | None
    resumable: bool

    def options(self) -> TranscriptionOptions:
        """Return what was asked for."""
        return TranscriptionOptions.of_asked(self.model, json.loads(self.asked_for))


Runs = list[tuple[Run, Sequence[str]]]


def _look(path: Path) -> tuple[dict[str, Any] | None, Runs]:
    try:
        with viewing(path) as view:
            note = view.noted(RUN)
            return (json.loads(note), []) if note is not None else (None, _left(view))
    except FunASRError as error:
        raise CommandError(str(error)) from None


def _as_begun(job: ResumeJob, note: dict[str, Any]) -> TranscribeJob:
    """Return the run as it was begun, with what is asked for differently now."""
    if note["manifest"] == STANDARD_INPUT or note["signed"]:
        what = "its list came from standard input" if not note["signed"] else "it was given signed URLs"
        raise CommandError(
            f"{job.path}: {what}, which is not stored; give the same command again, with --journal {job.path}"
        )
    output, path = job.output, job.path.absolute()
    if output is None and note["output"] is not None:
        output = Path(note["directory"], note["output"])
    try:
        # Names in a manifest mean what they meant when the run was begun.
        os.chdir(note["directory"])
    except OSError as error:
        raise CommandError(f"the run was begun in {note['directory']}: {error.strerror}") from None
    place = job.place
    if place == Place():
        place = Place(region=note["region"], workspace=note["workspace"], base_url=note["base_url"])
    elif place == Place(api_key=place.api_key):
        place = evolve(place, region=note["region"], workspace=note["workspace"], base_url=note["base_url"])
    return TranscribeJob(
        sources=note["sources"],
        manifest=note["manifest"],
        options=TranscriptionOptions.of_asked(note["model"], _asked(note)),
        files_per_task=note["files_per_task"],
        place=place,
        results=_results(_with_noted(evolve(job, output=output), note)),
        journal=JournalChoice(path=path, retry_failed=job.retry_failed),
    )


def _as_known(job: ResumeJob, run: Run, sources: Sequence[str]) -> TranscribeJob:
    place = job.place
    elsewhere = os.environ.get("DASHSCOPE_BASE_URL") or os.environ.get("DASHSCOPE_HTTP_BASE_URL")
    if place == Place(api_key=place.api_key) and not elsewhere:
        place = evolve(place, region=run.region, workspace=run.workspace)
    return TranscribeJob(
        sources=sources,
        options=run.options(),
        place=place,
        results=_results(job),
        # What can only be waited for is not to be submitted: its source is not all of it.
        journal=JournalChoice(path=job.path, retry_failed=job.retry_failed and run.resumable, is_whole_run=False),
    )


def _with_noted(job: ResumeJob, note: dict[str, Any]) -> ResumeJob:
    """Return a job with the writing of results as it was noted, but for what is asked for now."""
    return evolve(
        job,
        # Runs of an earlier version have one format and no style.
        formats=job.formats or note.get("formats") or [note["format"]],
        overwrite=note.get("overwrite") if job.overwrite is None else job.overwrite,
        style=job.style.over(StyleChoice(**note.get("style", {}))),
    )


def _results(job: ResumeJob) -> ResultOptions:
    return ResultOptions(
        formats=formats_of(job.formats, job.output),
        output=job.output,
        overwrite=job.overwrite is not False,
        style=job.style,
        quiet=job.quiet,
        verbose=job.verbose,
    )


def _left(view: JournalView) -> Runs:
    """Return the files of a program's journal that are not done, by what was asked for, and where."""
    left: dict[Run, dict[str, None]] = {}
    signed = 0
    for attempt, files in view.unfinished():
        for file, state in files:
            if file.resumable or state is FileState.ACCEPTED:
                run = Run(attempt.model, attempt.options, attempt.region, attempt.workspace, file.resumable)
                left.setdefault(run, {})[file.source] = None
            else:
                signed += 1
    if signed:
        complain(f"{count(signed, 'file')} cannot be gone on with from the journal, because signed URLs are not stored")
    return [(run, list(sources)) for run, sources in left.items()]


def _asked(note: dict[str, Any]) -> list[Any]:
    # A journal of the first version has two entries in place of the one.
    return note["asked"] if "asked" in note else [note["parameters"], note["phrase_id"]]
