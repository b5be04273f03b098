"""A task and its files: what they are at a moment (protocol notes, section 3.2).

                 first file begins            last file ended
    PENDING ───────────────────────▶ RUNNING ─────────────────▶ SUCCEEDED, or FAILED if no file succeeded
       └── cancel ──▶ CANCELED

Nothing here changes as time passes: a task records when things happen, or will, and its status is read off
for a given `now`. So a planned task and one that a recognizer works on are the same thing, and the past can
be asked about as well (the lagging list of section 4.2).
"""

from __future__ import annotations

from typing import Literal

from attrs import define, field, frozen

from aiofunasr.emulator.models import Model
from aiofunasr.emulator.recognizer import RecognitionRequest
from aiofunasr.emulator.sites import Site
from aiofunasr.emulator.word_filter import WordFilter

Place = tuple[float, float]
"""Where a task stands among all submits: a time that never goes back, and a number."""

TaskStatus = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED"]


@frozen
class FileProblem:
    """The outcome of a file that has no transcript; `code` is one of the protocol notes, section 6.3."""

    code: str
    message: str = ""


@define(eq=False)
class TaskFile:
    """One file of a task; `ends_at` is None while nobody knows.

    `document` holds the transcription of a file that was really recognized; a script writes it on demand.
    `link` is the path and signed query of the result, once somebody asked.
    """

    request: RecognitionRequest
    ends_at: float | None = None
    problem: FileProblem | None = None
    speech_ms: int = 0
    document: bytes | None = None
    link: str | None = None


@define(eq=False)
class Task:
    """An accepted submit; all times are seconds since the epoch.

    `site` is where it was submitted. `ready_at` is when it leaves the queue at the earliest, `begins_at` when it does.
    `failure` fails it as a whole, without its files being looked at.
    """

    place: Place
    task_id: str
    request_id: str
    account: str
    api_key: str
    site: Site
    model: Model
    files: list[TaskFile]
    word_filter: WordFilter
    submitted_at: float
    scheduled_at: float
    ready_at: float
    begins_at: float | None = None
    ends_at: float | None = None
    canceled_at: float | None = None
    failure: FileProblem | None = None
    resolves_oss: bool = False
    results_order: list[int] = field(factory=list)

    def status(self, now: float) -> TaskStatus:
        """Return what the task is at a moment."""
        if self.canceled_at is not None and now >= self.canceled_at:
            return "CANCELED"
        if self.begins_at is None or now < self.begins_at or self.canceled_at is not None:
            return "PENDING"
        if self.ends_at is None or now < self.ends_at:
            return "RUNNING"
        return "SUCCEEDED" if self.succeeded else "FAILED"

    def next_change(self, now: float) -> float | None:
        """Return when the status may change next, as far as that is known."""
        moments = (self.begins_at, self.ends_at, self.canceled_at)
        return min((moment for moment in moments if moment is not None and moment > now), default=None)

    @property
    def succeeded(self) -> bool:
        """Whether a file succeeds; means nothing before the end."""
        return self.failure is None and any(file.problem is None for file in self.files)

    def ended_at(self, now: float) -> float | None:
        """Return the moment of the terminal state the task is in, or None."""
        match self.status(now):
            case "CANCELED":
                return self.canceled_at
            case "SUCCEEDED" | "FAILED":
                return self.ends_at
            case _:
                return None

    def finished_files(self, now: float) -> tuple[int, int]:
        """Count the files that succeeded and failed until now."""
        ended = [file for file in self.files if file.ends_at is not None and file.ends_at <= now]
        failed = sum(1 for file in ended if file.problem is not None)
        return len(ended) - failed, failed

    @property
    def billed_ms(self) -> int:
        """The speech of the files that succeeded; means nothing before the end."""
        if self.failure is not None or self.canceled_at is not None:
            return 0
        return sum(file.speech_ms for file in self.files if file.problem is None)
