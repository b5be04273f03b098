"""Hold what a program was told against the service's books."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import define, field, frozen

from aiofunasr import (
    AmbiguousSubmissionError,
    FileDownloadError,
    FileError,
    FunASRError,
    SessionClosedError,
    SubtaskResult,
    TaskCanceledError,
    TaskToken,
)
from aiofunasr.emulator import Ledger, Submission
from aiofunasr.token import digests
from benchmarks.faults.workload import CLOSED_EARLY, Job, expected

_UNIQUE: Final = re.compile(r"-[0-9a-f]{12}(?=\.)")
"""What tells an uploaded file's URL from those of others with the same name."""


@define
class Told:
    """All that a program was told about its files and tasks."""

    results: list[tuple[Job, SubtaskResult]] = field(factory=list)
    raised: list[tuple[Job, FunASRError]] = field(factory=list)
    """Errors that ended a whole job."""
    tokens: list[str] = field(factory=list)
    """What closed sessions call unfinished, and tokens that were taken to be attached."""
    unanswered: list[tuple[str, ...]] = field(factory=list)

    def errors(self) -> Iterable[FunASRError]:
        """Go through every error."""
        yield from (error for _, error in self.raised)
        yield from (result.error for _, result in self.results if result.error is not None)

    def task_ids(self) -> set[str]:
        """Return every task id that the program could act on."""
        tokens = [*self.tokens, *(result.token for _, result in self.results if result.token)]
        found = {result.task_id for _, result in self.results if result.task_id}
        for error in self.errors():
            tokens += [token for token in (error.token, *error.tokens) if token]
            if isinstance(error, AmbiguousSubmissionError):
                found |= set(error.candidates)
        return found | {TaskToken.decode(token).task_id for token in tokens}

    def wrong_tokens(self, ledger: Ledger) -> set[tuple[str, ...]]:
        """Return the digests of files whose token names a task that was never made, as a reply to them said."""
        made = {submission.task_id for submission in ledger.submissions}
        found = (TaskToken.decode(token) for error in self.errors() for token in (error.token, *error.tokens) if token)
        return {token.file_digests for token in found if token.task_id not in made}

    def unknown_submits(self) -> set[tuple[str, ...]]:
        """Return the files of each submit that ended without an outcome."""
        return {error.file_urls for error in self.errors() if isinstance(error, AmbiguousSubmissionError)}


@frozen
class Findings:
    """What the books say. The first five must be zero."""

    twice: int
    """Submits of files that had been accepted before."""
    forgotten: int
    wrong: int
    doubled: int
    missing: int
    told_by_files_alone: int
    """Accepted tasks whose id nobody was told, only that the outcome of that submit is not known."""
    errors: Counter[str]
    """Files that ended in an error the service did not give them, by class."""
    samples: tuple[str, ...] = ()
    """A few of what must not be, in words."""

    @property
    def broken(self) -> int:
        """How much there is that must not be."""
        return self.twice + self.forgotten + self.wrong + self.doubled + self.missing


def audit(jobs: Sequence[Job], told: Told, ledger: Ledger, *, strict: bool) -> Findings:
    """Compare; with `strict`, an `AmbiguousSubmissionError` that names no candidate tells of no task."""
    known, unknown = told.task_ids(), set() if strict else told.unknown_submits()
    # A session that is closed has no time to find out more.
    unknown |= set(told.unanswered)
    untold = [submission for submission in ledger.submissions if submission.task_id not in known]
    wrong_tokens = told.wrong_tokens(ledger)
    by_files = [
        submission
        for submission in untold
        # A session that was closed before it could find out that a reply was wrong hands its token on.
        if submission.file_urls in unknown or digests(submission.file_urls) in wrong_tokens
    ]
    forgotten = [submission for submission in untold if submission not in by_files]
    by_id = {submission.task_id: submission for submission in ledger.submissions}
    handed_out = Counter((job.name, result.index) for job, result in told.results)
    ended = {job.name for job, _ in told.raised}
    missing = [
        (job, index)
        for job in jobs
        for index in range(len(job.urls))
        if not handed_out[job.name, index] and job.name not in ended
    ]
    wrong = [words for job, result in told.results if (words := _what_is_wrong(job, result, by_id))]
    accepted = Counter(file_of(url) for submission in ledger.submissions for url in submission.file_urls)
    doubles = {file: count for file, count in accepted.items() if count > 1}
    return Findings(
        twice=sum(doubles.values()) - len(doubles),
        forgotten=len(forgotten),
        wrong=len(wrong),
        doubled=sum(handed_out.values()) - len(handed_out),
        missing=len(missing),
        told_by_files_alone=len(by_files),
        errors=_classes_of_errors(told, handed_out),
        samples=(
            *(f"accepted {count} times: {url}" for url, count in list(doubles.items())[:3]),
            *(f"forgotten: {task.task_id} of {len(task.file_urls)} files" for task in forgotten[:3]),
            *wrong[:3],
            *(f"missing: number {index} of {job.name}" for job, index in missing[:3]),
        ),
    )


def file_of(url: str) -> str:
    """Return what a file is known by: an uploaded one has another URL each time it is uploaded, but one name."""
    return _UNIQUE.sub("", url.rpartition("/")[2]) if url.startswith("oss://") else url


def _url_of(job: Job, result: SubtaskResult) -> str:
    url = job.urls[result.index]
    return (result.file_url or url) if job.way == "upload" else url


def _what_is_wrong(job: Job, result: SubtaskResult, by_id: dict[str, Submission]) -> str | None:
    """Say what is wrong with a result, or return None."""
    if not 0 <= result.index < len(job.urls):
        return f"number {result.index} of {job.name} was never given"
    url = _url_of(job, result)
    right = expected(url)
    where = f"number {result.index} of {job.name}"
    if job.way == "upload" and result.file_url is not None and file_of(url) != job.urls[result.index]:
        return f"{where} is not the file that was uploaded"
    if result.task_id is not None:
        task = by_id.get(result.task_id)
        if task is None or url not in task.file_urls:
            return f"{where} is told to be in a task that is not its own"
    if result.error is None and (right.code or result.text != right.text or url != result.file_url):
        return f"{where} is not what the service made of it"
    # Where something else than the storage answered an upload, the file is not there, and the service says so.
    not_stored = job.way == "upload" and isinstance(result.error, FileDownloadError)
    if isinstance(result.error, FileError) and result.error.code != right.code and not not_stored:
        return f"{where} is told to have failed: {result.error}"
    return None


def _classes_of_errors(told: Told, handed_out: Counter[tuple[str, int]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for job, result in told.results:
        code = getattr(result.error, "code", "")
        known = 0 <= result.index < len(job.urls)
        by_service = bool(code) and known and code == expected(_url_of(job, result)).code
        asked_for = job.way == "cancel" and isinstance(result.error, TaskCanceledError)
        if result.error is not None and not by_service and not asked_for:
            counts[type(result.error).__name__] += 1
    for job, error in told.raised:
        if job.session == CLOSED_EARLY and isinstance(error, SessionClosedError):
            continue
        counts[type(error).__name__] += sum(not handed_out[job.name, index] for index in range(len(job.urls)))
    return counts
