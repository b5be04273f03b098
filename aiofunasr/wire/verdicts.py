"""What a finished task means for each of its files (the protocol notes, sections 3.2 to 3.4 and 6.3).

The order of the results is never trusted: they are matched by URL. Neither is the task's own word: a SUCCEEDED task
may have failed files, and may have failed altogether.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from urllib.parse import unquote

from attrs import field, frozen

from aiofunasr.errors import FunASRError, TaskCanceledError, TaskExpiredError, TaskFailedError
from aiofunasr.snapshots import SubtaskSnapshot, TaskSnapshot, TaskStatus
from aiofunasr.wire.codes import NO_SPEECH_CODES, file_failure, task_failure
from aiofunasr.wire.urls import name_same_file


@frozen
class Verdict:
    """One file's fate: a document to download, or no speech, or an error."""

    transcription_url: str | None = field(default=None, repr=False)
    no_speech: bool = False
    error: FunASRError | None = None


def judge(file_urls: Sequence[str], snapshot: TaskSnapshot) -> tuple[Verdict, ...]:
    """Say what became of each submitted URL, in the order submitted; a URL given twice gets its result twice."""
    if len(file_urls) == len(snapshot.results) == 1:
        return (_verdict(snapshot.results[0], snapshot),)
    exact: dict[str, deque[SubtaskSnapshot]] = defaultdict(deque)
    alike: dict[str, deque[SubtaskSnapshot]] = defaultdict(deque)
    for subtask in snapshot.results:
        if subtask.file_url is not None:
            exact[subtask.file_url].append(subtask)
            # An echo may be escaped otherwise than the URL that was sent.
            alike[unquote(subtask.file_url)].append(subtask)
    return tuple(
        _of_whole_task(snapshot, alone=len(file_urls) == 1) if found is None else _verdict(found, snapshot)
        for found in (_next(exact.get(url)) or _next(alike.get(unquote(url))) for url in file_urls)
    )


def is_of_other_files(file_urls: Sequence[str], snapshot: TaskSnapshot) -> bool:
    """Tell whether an answer shows files, and none of those that were submitted: then the task is another one."""
    shown = [subtask.file_url for subtask in snapshot.results if subtask.file_url]
    if not shown or shown[0] in file_urls:
        return False
    return not any(name_same_file(url, other) for url in shown for other in file_urls)


def _next(candidates: deque[SubtaskSnapshot] | None) -> SubtaskSnapshot | None:
    """Hand out several results of one URL in turn, and the last of them as often as it is asked for."""
    if not candidates:
        return None
    return candidates.popleft() if len(candidates) > 1 else candidates[0]


def _verdict(subtask: SubtaskSnapshot, snapshot: TaskSnapshot) -> Verdict:
    code = subtask.code or ""
    if subtask.transcription_url and subtask.subtask_status != TaskStatus.FAILED:
        link = subtask.transcription_url
        # It is sent as it is, so nothing may stand in it that would end the line it is sent in.
        if not link.lower().startswith(("https://", "http://")) or not link.isprintable():
            return Verdict(error=TaskFailedError("the service names no usable place for this file's transcription"))
        return Verdict(transcription_url=subtask.transcription_url)
    if code in NO_SPEECH_CODES:
        return Verdict(no_speech=True)
    if not code and subtask.subtask_status == TaskStatus.SUCCEEDED:
        return Verdict(error=TaskFailedError("the service names no transcription document for this file"))
    if not code and not subtask.message:
        return _of_whole_task(snapshot, alone=True)
    return Verdict(error=file_failure(code, subtask.message or ""))


def _of_whole_task(snapshot: TaskSnapshot, *, alone: bool) -> Verdict:
    """Judge a file of which the results say nothing by what the task as a whole says."""
    code, message = snapshot.code or "", snapshot.message or ""
    if snapshot.task_status == TaskStatus.CANCELED:
        return Verdict(error=TaskCanceledError("the task was cancelled before it ran"))
    if snapshot.task_status == TaskStatus.UNKNOWN:
        return Verdict(
            error=TaskExpiredError(
                "the service does not know this task: it ended over 24 hours ago, or belongs to another account"
            )
        )
    if alone and code in NO_SPEECH_CODES:
        return Verdict(no_speech=True)
    if code and snapshot.task_status == TaskStatus.FAILED:
        return Verdict(error=file_failure(code, message) if alone else task_failure(code, message))
    return Verdict(
        error=TaskFailedError(f"the task ended as {snapshot.task_status} without a word about this file", code=code)
    )
