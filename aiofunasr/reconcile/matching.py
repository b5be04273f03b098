"""Which task came of which submit.

`decide` looks at all submits at once, because one task can only have come of one of them. Evidence about a task nobody
here owns, from the cheapest to the best:

- when it was made, its model, and the id of the request that made it: in its row of the task list;
- how many files it has: in any answer about it;
- which files: in the answer once it has ended, unless it failed or was cancelled without a word about them.

A submit is given a task only when that task shows exactly its files (or the very id of its request), when no other
submit of ours could have made it, and when there is no second such task. A task of a stranger for the very same files,
made in the same seconds, cannot be told from ours by anything the service shows: where it is the only one it is taken,
which gives the right transcript and bills nobody twice; where there are two, none is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

from attrs import frozen

from aiofunasr.reconcile.clock import ServiceClock
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
        label: What else was asked for; two submits of the same files and label are as good as each other.
        sent_at: Just before it left, seconds since the epoch by our clock.
        ended_at: When it was given up, likewise; None while it is under way.
        request_id: The service's id of the request, where a reply gave one.
    """

    id: int
    model: str
    digests: frozenset[str]
    label: str = ""
    sent_at: float
    ended_at: float | None
    request_id: str | None = None


@frozen(kw_only=True)
class Sight:
    """What an answer said of a task: whether it has ended, and how many files it has and which, where it said so."""

    ended: bool
    count: int | None = None
    digests: frozenset[str] | None = None

    @classmethod
    def of(cls, snapshot: TaskSnapshot) -> Sight:
        """Read the answer to a query."""
        digests = frozenset(file_digest(subtask.file_url) for subtask in snapshot.results if subtask.file_url)
        return cls(
            # What is listed exists: UNKNOWN only means that the answer came from a place that has not heard of it yet.
            ended=snapshot.is_terminal and snapshot.task_status != TaskStatus.UNKNOWN,
            count=snapshot.task_metrics.TOTAL if snapshot.task_metrics else None,
            digests=digests or None,
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
    """Not yet: these tasks have to be looked at, or the list has not shown enough."""

    intent: Intent
    candidates: tuple[str, ...]


Decision = Adopt | Absent | Undecidable | Pending


class _Is(Enum):
    OURS = "it shows the submit's files"
    OTHER = "it cannot be the submit's"
    OPEN = "a later answer will tell"
    MUTE = "it has ended and says nothing of its files"


def decide(
    intents: Iterable[Intent],
    suspects: Mapping[str, Suspect],
    clock: ServiceClock,
    is_covered: Callable[[Intent], bool],
    *,
    late: float = LATE,
) -> list[Decision]:
    """Say of each submit that was given up what is known of it now.

    Args:
        intents: All submits without an outcome, those under way too: what they make must not be given to others.
        suspects: The tasks seen in the list that nobody here owns.
        clock: How the service's time of day differs from ours.
        is_covered: Whether the list has shown every task that may have come of a submit.
        late: Seconds in which the service may still act on a submit that was given up.
    """
    intents = list(intents)
    views = {intent.id: _view(intent, suspects.values(), clock, late) for intent in intents}
    _respect_request_ids(intents, suspects, views)
    decisions: list[Decision] = []
    taken: set[str] = set()
    for intent in sorted(intents, key=lambda each: each.sent_at):
        if intent.ended_at is not None:
            decision = _decide(intent, intents, views, taken, is_covered)
            if isinstance(decision, Adopt):
                taken.add(decision.task_id)
            decisions.append(decision)
    return decisions


def _view(intent: Intent, suspects: Iterable[Suspect], clock: ServiceClock, late: float) -> dict[str, _Is]:
    """Say of each suspect what it is to a submit, those left out that cannot be its task."""
    ended_at = float("inf") if intent.ended_at is None else intent.ended_at + late
    begin, end = clock.window(intent.sent_at, ended_at)
    found = {suspect.row.task_id: _compare(intent, suspect, begin, end) for suspect in suspects}
    return {task_id: what for task_id, what in found.items() if what is not _Is.OTHER}


def _compare(intent: Intent, suspect: Suspect, begin: float, end: float) -> _Is:
    row, sight = suspect.row, suspect.sight
    made_at = row.gmt_create or row.start_time
    in_time = made_at is None or begin <= made_at.timestamp() <= end
    if not in_time or (row.model_name is not None and not _may_be_the_same(row.model_name, intent.model)):
        return _Is.OTHER
    if sight is None:
        return _Is.OPEN
    if sight.digests == intent.digests:
        return _Is.OURS
    as_many = sight.count is None or sight.count == len(intent.digests)
    # A task may have ended for some of its files only, and say nothing of the others.
    if not as_many or (sight.digests is not None and not (sight.count and sight.digests < intent.digests)):
        return _Is.OTHER
    return _Is.MUTE if sight.ended else _Is.OPEN


def _may_be_the_same(listed: str, sent: str) -> bool:
    # One name may be an alias of the other: fun-asr, and fun-asr-2025-11-07 (section 2.1).
    return listed.startswith(sent) or sent.startswith(listed)


def _respect_request_ids(
    intents: Sequence[Intent], suspects: Mapping[str, Suspect], views: dict[int, dict[str, _Is]]
) -> None:
    """Where a row names the request of one of our submits, it is that one's and no other's."""
    by_request = {suspect.row.request_id: task_id for task_id, suspect in suspects.items()}
    for intent in intents:
        task_id = by_request.get(intent.request_id) if intent.request_id else None
        if task_id is None or task_id not in views[intent.id]:
            continue
        what = views[intent.id][task_id]
        for other in views.values():
            other.pop(task_id, None)
        views[intent.id] = {task_id: _Is.OURS if what is _Is.MUTE else what}


def _decide(
    intent: Intent,
    intents: Sequence[Intent],
    views: Mapping[int, Mapping[str, _Is]],
    taken: set[str],
    is_covered: Callable[[Intent], bool],
) -> Decision:
    view = {task_id: what for task_id, what in views[intent.id].items() if task_id not in taken}
    ours = [task_id for task_id, what in view.items() if what is _Is.OURS]
    covered = is_covered(intent)
    if ours:
        return _choose(intent, ours, intents, views, covered)
    left = tuple(view)
    if not covered or _Is.OPEN in view.values():
        return Pending(intent, left)
    if left:
        return Undecidable(intent, left, "a task of that time ended without a word about its files")
    return Absent(intent)


def _choose(
    intent: Intent,
    ours: Sequence[str],
    intents: Sequence[Intent],
    views: Mapping[int, Mapping[str, _Is]],
    covered: bool,
) -> Decision:
    """Give a submit one of the tasks that show its files, if it is clear that it made one of them."""
    rivals = [
        other
        for other in intents
        if other is not intent and other.digests == intent.digests and not views[other.id].keys().isdisjoint(ours)
    ]
    alike = [rival for rival in rivals if rival.label == intent.label]
    unlike = [rival for rival in rivals if rival.label != intent.label]
    alone = [task_id for task_id in ours if not any(task_id in views[rival.id] for rival in unlike)]
    if any(rival.ended_at is None for rival in rivals) or not (alone or covered):
        # One of them may be another's, whose reply will say which.
        return Pending(intent, tuple(ours))
    if not alone:
        return Undecidable(intent, tuple(ours), "submits that ask for different things of the same files are lost")
    if len(alone) > 1 + sum(not views[rival.id].keys().isdisjoint(alone) for rival in alike):
        return Undecidable(intent, tuple(alone), "several tasks of that time have its files")
    return Adopt(intent, min(alone))
