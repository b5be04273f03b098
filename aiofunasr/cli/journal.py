"""`aiofunasr journal show`: what a journal holds, while a run has it open or after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import anyio.from_thread
import anyio.to_thread
from attrs import frozen

from aiofunasr.cli.delivery import print_text
from aiofunasr.cli.running import CommandError
from aiofunasr.cli.wording import count, describe, printable
from aiofunasr.errors import JournalError
from aiofunasr.journal import Attempt, AttemptState, FileState
from aiofunasr.journal.ledger import FileRecord
from aiofunasr.journal.reader import JournalView, token_of, viewing

_LINES_AT_ONCE = 500

_MEANINGS = {
    FileState.DONE: "its result is here",
    FileState.FAILED: "the service could not transcribe it",
    FileState.ACCEPTED: "in a task, its result is not here yet",
    FileState.UNKNOWN: "submitted without an outcome: it may be in a task",
    FileState.NEW: "not submitted, or refused",
}


@frozen(kw_only=True)
class ShowJob:
    """Which journal to show, and how."""

    path: Path
    as_json: bool = False
    files: bool = False


async def show(job: ShowJob) -> int:
    """Print what a journal holds and return the status.

    Raises:
        CommandError: It cannot be read.
    """
    await anyio.to_thread.run_sync(_show, job, abandon_on_cancel=True)
    return 0


def _show(job: ShowJob) -> None:
    try:
        with viewing(job.path) as view:
            lines = _as_json(view, job) if job.as_json else _as_text(view, job)
            while some := list(islice(lines, _LINES_AT_ONCE)):
                anyio.from_thread.run(print_text, "".join(f"{line}\n" for line in some))
    except JournalError as error:
        raise CommandError(str(error)) from None


# --- For people -------------------------------------------------------------------------------------------------


def _as_text(view: JournalView, job: ShowJob) -> Iterator[str]:
    summary = view.summary()
    total = sum(summary.files.values())
    yield f"{printable(str(job.path))}: {count(total, 'file')}, {count(sum(summary.attempts.values()), 'submit')}"
    width = len(str(total))
    for state, meaning in _MEANINGS.items():
        if summary.files[state]:
            yield f"  {summary.files[state]:{width}}  {state:8}  {meaning}"
    yield from _open_attempts(summary.open_attempts)
    if summary.files[FileState.FAILED]:
        yield "failed:"
    for record in view.files(failed_only=True):
        yield f"  {_name_of(record)}: {'' if record.error is None else describe(record.error)}"
    if job.files:
        yield "files: state, submits, task and name, with tabs between:"
        for record in view.files():
            cells = (record.entry.state, str(record.attempts), printable(record.task_id or ""), _name_of(record))
            yield "\t".join(cells)


def _open_attempts(attempts: Sequence[Attempt]) -> Iterator[str]:
    unsettled = [attempt for attempt in attempts if attempt.state is not AttemptState.ACCEPTED]
    accepted = [attempt for attempt in attempts if attempt.state is AttemptState.ACCEPTED]
    if unsettled:
        yield "submits without an outcome:"
    for attempt in unsettled:
        why = f": {printable(attempt.error)}" if attempt.error else ""
        yield f"  number {attempt.id}, {_outline(attempt)}{why}"
    if accepted:
        yield "tasks in flight, for aiofunasr attach:"
    for attempt in accepted:
        # As it is: a part of it that looks like a key is none.
        yield f"  {token_of(attempt)}  {_outline(attempt)}"


def _outline(attempt: Attempt) -> str:
    return f"{count(len(attempt.files), 'file')}, {printable(attempt.model)}, {_moment(attempt.sent_at)}"


def _name_of(record: FileRecord) -> str:
    return printable(record.entry.source) or f"file {record.entry.key}"


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s after 1970"


# --- For programs -----------------------------------------------------------------------------------------------


def _as_json(view: JournalView, job: ShowJob) -> Iterator[str]:
    """Return one object for the journal, and with `files` one more for each file after it."""
    summary = view.summary()
    yield _write(
        {
            "journal": str(job.path),
            "files": {state.value: number for state, number in summary.files.items()},
            "attempts": {state.value: number for state, number in summary.attempts.items()},
            "open_attempts": [_attempt(attempt) for attempt in summary.open_attempts],
            "failed": [_file(record) for record in view.files(failed_only=True)],
        }
    )
    if job.files:
        for record in view.files():
            yield _write(_file(record))


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "state": attempt.state.value,
        "model": attempt.model,
        "sent_at": attempt.sent_at,
        "task_id": attempt.task_id,
        "token": token_of(attempt),
        "request_id": attempt.request_id,
        "error": attempt.error or None,
        "sources": [file.source for file in attempt.files],
    }


def _file(record: FileRecord) -> dict[str, Any]:
    error = record.error
    return {
        "key": record.entry.key,
        "source": record.entry.source,
        "state": record.entry.state.value,
        "attempts": record.attempts,
        "task_id": record.task_id,
        "no_speech": record.no_speech,
        "error": None
        if error is None
        else {"type": type(error).__name__, "code": getattr(error, "code", None) or None, "message": str(error)},
    }


def _write(content: dict[str, Any]) -> str:
    # ASCII, because the name of a file may hold what no encoding takes.
    return json.dumps(content)
