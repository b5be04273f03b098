"""What is known of our submits, of the tasks that may have come of them, and what can be decided."""

from __future__ import annotations

from datetime import datetime

from attrs import Factory, field, frozen

from aiofunasr.snapshots import ListedTask, TaskSnapshot, TaskStatus
from aiofunasr.token import file_digest

LATE = 30.0
"""Seconds after a submit was given up in which the service may still act on it: it may lie in a proxy's queue."""


@frozen(kw_only=True)
class Intent:
    """A submit of ours whose outcome is not known, or not yet.

    Attributes:
        id: Which one it is.
        model: The model it was sent for.
        digests: `file_digest` of each URL in it.
        count: How many URLs that are; two of them may differ only in how they are escaped.
        label: What else was asked for; two submits of the same files and label are as good as each other.
        sent_at: Just before it left, seconds since the epoch by our clock.
        ended_at: When it was given up, likewise; None while it is under way.
        request_id: The service's id of the request, where a reply gave one.
    """

    id: int
    model: str
    digests: frozenset[str]
    count: int = field(default=Factory(lambda intent: len(intent.digests), takes_self=True))
    label: str = ""
    sent_at: float
    ended_at: float | None
    request_id: str | None = None


@frozen(kw_only=True)
class Sight:
    """What an answer said of a task.

    Attributes:
        ended: Whether it has ended.
        count: How many files it has, where that was said.
        digests: `file_digest` of each file, of those that were shown.
        shown: How many files were shown; one that was submitted twice is shown twice.
        made_at: When it was made, in seconds since the epoch, if the service's times are of the zone they should be.
    """

    ended: bool
    count: int | None = None
    digests: frozenset[str] | None = None
    shown: int = 0
    made_at: float | None = None

    @classmethod
    def of(cls, snapshot: TaskSnapshot) -> Sight:
        """Read the answer to a query."""
        digests = frozenset(file_digest(subtask.file_url) for subtask in snapshot.results if subtask.file_url)
        return cls(
            # What is listed exists: UNKNOWN only means that the answer came from a place that has not heard of it yet.
            ended=snapshot.is_terminal and snapshot.task_status != TaskStatus.UNKNOWN,
            # No task has no files: a zero is a count that was not made.
            count=(snapshot.task_metrics.TOTAL if snapshot.task_metrics else None) or None,
            digests=digests or None,
            shown=len(snapshot.results),
            made_at=moment(snapshot.submit_time),
        )


@frozen
class Suspect:
    """A task that nobody here owns: its newest row, and what was last heard of it, if it was asked about."""

    row: ListedTask
    sight: Sight | None = None


@frozen
class Adopt:
    """The task is the submit's."""

    intent: Intent
    task_id: str


@frozen
class Absent:
    """There is no task of this submit, for certain: it may be sent again."""

    intent: Intent


@frozen
class Undecidable:
    """No evidence that is still to come can tell; the candidates are the tasks it may be."""

    intent: Intent
    candidates: tuple[str, ...]
    why: str


@frozen
class Pending:
    """Not yet.

    Attributes:
        intent: The submit.
        candidates: The tasks it may be.
        to_look_at: Those of them of which a later answer will tell more. Without any, the list has to show more.
    """

    intent: Intent
    candidates: tuple[str, ...]
    to_look_at: tuple[str, ...] = ()


Decision = Adopt | Absent | Undecidable | Pending


def moment(time: datetime | None) -> float | None:
    """Return a time of the service in seconds since the epoch; what lies at the epoch itself was not filled in."""
    return time.timestamp() if time is not None and time.timestamp() > 0 else None


def made_at(row: ListedTask) -> float | None:
    """Return when a listed task was made, where the row says so."""
    return moment(row.gmt_create)


def made_by(row: ListedTask) -> float | None:
    """Return a time at which a listed task was there already: it begins to run some time after it was made."""
    known = [found for time in (row.gmt_create, row.start_time, row.end_time) if (found := moment(time)) is not None]
    return min(known, default=None)
