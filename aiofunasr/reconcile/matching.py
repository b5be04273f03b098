"""Which task came of which submit.

`decide` looks at all submits at once, because one task can only have come of one of them. Evidence about a task nobody
here owns, from the cheapest to the best:

- when it was made, its model, and the id of the request that made it: in its row of the task list;
- how many files it has: in any answer about it;
- which files: in the answer once it has ended, unless it failed or was cancelled without a word about them.

A submit is given a task only when that task shows exactly its files (or the very id of its request), when it was made
while the submit was under way, when no other submit of ours could have made it, and when there is no second such task.
A task of a stranger for the very same files, made in the same seconds, cannot be told from ours by anything the service
shows: where it is the only one it is taken, which gives the right transcript and bills nobody twice; where there are
two, none is.

Submits of ours for the same files and with the same label are as good as each other, and share the tasks that one of
them made; but only once all that they made is known, for what is given away in haste may leave another's task behind.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum

from attrs import frozen

from aiofunasr.reconcile.clock import ServiceClock
from aiofunasr.reconcile.intents import (
    LATE,
    Absent,
    Adopt,
    Decision,
    Intent,
    Pending,
    Suspect,
    Undecidable,
    made_at,
    made_by,
)
from aiofunasr.reconcile.sharing import share_out

__all__ = ["LATE", "Absent", "Adopt", "Decision", "Intent", "Pending", "Undecidable", "decide", "may_be_the_same"]


class _Is(Enum):
    OURS = "it shows the submit's files"
    OTHER = "it cannot be the submit's"
    OPEN = "a later answer will tell"
    MUTE = "it has ended and does not say of which files it is, or nobody knows when it was made"


def decide(
    intents: Iterable[Intent],
    suspects: Mapping[str, Suspect],
    clock: ServiceClock,
    is_covered: Callable[[Intent], bool],
    *,
    given_up: Iterable[Intent] = (),
    late: float = LATE,
) -> list[Decision]:
    """Say of each submit that was given up what is known of it now.

    Args:
        intents: All submits without an outcome, those under way too: what they make must not be given to others.
        suspects: The tasks seen in the list that nobody here owns.
        clock: How the service's time of day differs from ours.
        is_covered: Whether the list has shown every task that may have come of a submit.
        given_up: The submits that were undecidable before: what they made must not be given to others, either.
        late: Seconds in which the service may still act on a submit that was given up.
    """
    wanted = sorted(intents, key=lambda each: each.sent_at)
    every = [*wanted, *given_up]
    by_time = _ByTime(suspects.values())
    views = {intent.id: _view(intent, by_time, clock, late) for intent in every}
    named = _respect_request_ids(every, suspects, views)
    case = _Case(
        every=every,
        wanted=frozenset(each.id for each in wanted),
        views=views,
        named=named,
        times_tell=clock.is_known,
        is_covered=is_covered,
    )
    decisions: dict[int, Decision] = {}
    for intent in wanted:
        if intent.ended_at is not None and intent.id not in decisions:
            decisions |= case.decide(intent)
    # What is found now is out of the question for the others, which is for the next time to heed.
    found = {decision.task_id for decision in decisions.values() if isinstance(decision, Adopt)}
    return [
        case.pending(intent) if _hangs_on(decisions[intent.id], found) else decisions[intent.id]
        for intent in wanted
        if intent.ended_at is not None
    ]


def _hangs_on(decision: Decision, task_ids: Collection[str]) -> bool:
    return isinstance(decision, Undecidable) and any(task_id in task_ids for task_id in decision.candidates)


class _ByTime:
    """The suspects in the order in which they were made, so that a submit is compared with those of its time only."""

    def __init__(self, suspects: Iterable[Suspect]) -> None:
        timed: list[tuple[float, Suspect]] = []
        self._untimed: list[Suspect] = []
        for suspect in suspects:
            at = made_at(suspect.row)
            if at is None:
                self._untimed.append(suspect)
            else:
                timed.append((at, suspect))
        timed.sort(key=lambda each: each[0])
        self._times = [at for at, _ in timed]
        self._timed = [suspect for _, suspect in timed]

    def between(self, begin: float, end: float) -> Iterable[Suspect]:
        """Return those that may have been made in a span of the service's time."""
        yield from self._timed[bisect_left(self._times, begin) : bisect_right(self._times, end)]
        for suspect in self._untimed:
            # It may have begun to run, or ended, long after it was made.
            latest = made_by(suspect.row)
            if latest is None or latest >= begin:
                yield suspect


def _view(intent: Intent, suspects: _ByTime, clock: ServiceClock, late: float) -> dict[str, _Is]:
    """Say of each suspect what it is to a submit, those left out that cannot be its task."""
    ended_at = float("inf") if intent.ended_at is None else intent.ended_at + late
    begin, end = clock.window(intent.sent_at, ended_at)
    found = {
        suspect.row.task_id: _compare(intent, suspect, begin, end)
        for suspect in suspects.between(begin, end)
        if suspect.row.model_name is None or may_be_the_same(suspect.row.model_name, intent.model)
    }
    return {task_id: what for task_id, what in found.items() if what is not _Is.OTHER}


def _compare(intent: Intent, suspect: Suspect, begin: float, end: float) -> _Is:
    sight = suspect.sight
    if sight is None:
        return _Is.OPEN
    shown = sight.digests or frozenset()
    if (sight.count is not None and sight.count != intent.count) or not shown <= intent.digests:
        return _Is.OTHER
    if not sight.ended:
        # Its results may be coming one by one.
        return _Is.OPEN
    # What it says of its own time is believed where it speaks for it, not against: it may be in another zone.
    in_time = made_at(suspect.row) is not None or (sight.made_at is not None and begin <= sight.made_at <= end)
    # A task may have ended for some of its files only, and say nothing of the others; or one may be in it twice.
    exactly = shown == intent.digests and sight.shown <= intent.count
    return _Is.OURS if exactly and in_time else _Is.MUTE


def may_be_the_same(listed: str, sent: str) -> bool:
    """Return whether a listed model may be the one a task was sent for: fun-asr may be fun-asr-2025-11-07 (2.1)."""
    return listed.startswith(sent) or sent.startswith(listed)


def _respect_request_ids(
    intents: Sequence[Intent], suspects: Mapping[str, Suspect], views: dict[int, dict[str, _Is]]
) -> frozenset[int]:
    """Where a row names the request of one of our submits, it is that one's and no other's; return those submits."""
    named: set[int] = set()
    by_request = {suspect.row.request_id: task_id for task_id, suspect in suspects.items()}
    for intent in intents:
        task_id = by_request.get(intent.request_id) if intent.request_id else None
        if task_id is None or task_id not in views[intent.id]:
            continue
        what = views[intent.id][task_id]
        for other in views.values():
            other.pop(task_id, None)
        views[intent.id] = {task_id: _Is.OURS if what is _Is.MUTE else what}
        named.add(intent.id)
    return frozenset(named)


@frozen(kw_only=True)
class _Case:
    """All that is known, while it is decided on.

    Attributes:
        every: All submits, the oldest first, those that were given up last.
        wanted: The ids of those that an answer is wanted for.
        views: What each suspect is to each submit.
        named: The submits whose request a row names.
        times_tell: Whether the service's clock is known well enough for times to tell who made a task.
        is_covered: Whether the list has shown every task that may have come of a submit.
    """

    every: Sequence[Intent]
    wanted: frozenset[int]
    views: Mapping[int, Mapping[str, _Is]]
    named: frozenset[int]
    times_tell: bool
    is_covered: Callable[[Intent], bool]

    def decide(self, intent: Intent) -> dict[int, Decision]:
        """Decide on a submit, and on those that share its tasks."""
        ours = self._of(intent, _Is.OURS)
        if not ours:
            return {intent.id: self._without(intent, tuple(self.views[intent.id]))}
        if self._may_be_answered(ours, intent) or not (self.times_tell or intent.id in self.named):
            return {intent.id: self.pending(intent)}
        if self._alone(intent):
            return self._share(self._sharing(intent))
        if not self.is_covered(intent):
            return {intent.id: self.pending(intent)}
        why = "submits that ask for different things of the same files are lost"
        return {intent.id: Undecidable(intent, ours, why)}

    def _share(self, group: Sequence[Intent]) -> dict[int, Decision]:
        """Share the tasks of submits that are as good as each other out among them."""
        wanted = [each for each in group if each.id in self.wanted]
        may_take = {each.id: self._alone(each) for each in group}
        tasks = {task_id for alone in may_take.values() for task_id in alone}
        owner = share_out([each.id for each in group], may_take)
        each_has_one = set(owner.values()).issuperset(each.id for each in wanted)
        waiting = self._may_be_answered({task_id for each in group for task_id in self._of(each, _Is.OURS)}, group[0])
        if not waiting and not each_has_one:
            waiting = any(self._of(each, _Is.OPEN) or not self.is_covered(each) for each in wanted)
        if waiting:
            return {each.id: self.pending(each) for each in wanted if each.ended_at is not None}
        if len(owner) < len(tasks):
            why = "several tasks of that time have its files"
            return {each.id: Undecidable(each, tuple(may_take[each.id]), why) for each in wanted}
        found = {taker: task_id for task_id, taker in owner.items()}
        # Which of them made which cannot be told, so what is left over may be any one's.
        left = tuple(
            dict.fromkeys(task_id for each in wanted for task_id in self.views[each.id] if task_id not in tasks)
        )
        return {
            each.id: Adopt(each, found[each.id]) if each.id in found else self._without(each, left) for each in wanted
        }

    def _without(self, intent: Intent, left: tuple[str, ...]) -> Decision:
        """Decide on a submit that there is no task for which shows its files."""
        if not self.is_covered(intent) or self._of(intent, _Is.OPEN):
            return self.pending(intent)
        if left:
            return Undecidable(intent, left, "a task of that time ended without a word about its files")
        return Absent(intent)

    def pending(self, intent: Intent) -> Pending:
        """Leave a submit open, and say which tasks are to be asked about."""
        return Pending(intent, tuple(self.views[intent.id]), self._of(intent, _Is.OPEN))

    def _of(self, intent: Intent, what: _Is) -> tuple[str, ...]:
        return tuple(task_id for task_id, each in self.views[intent.id].items() if each is what)

    def _may_be_answered(self, tasks: Collection[str], intent: Intent) -> bool:
        """Whether a submit that is under way may have made one of these tasks: its reply will say so."""
        return any(
            each.ended_at is None
            and each.digests == intent.digests
            and not self.views[each.id].keys().isdisjoint(tasks)
            for each in self.every
        )

    def _alone(self, intent: Intent) -> tuple[str, ...]:
        """Return the tasks that show a submit's files and cannot be of one that asked for something else."""
        unlike = [
            self.views[other.id]
            for other in self.every
            if other.digests == intent.digests and other.label != intent.label
        ]
        return tuple(task_id for task_id in self._of(intent, _Is.OURS) if not any(task_id in view for view in unlike))

    def _sharing(self, intent: Intent) -> list[Intent]:
        """Return the submits that may have made one of a submit's tasks, or of theirs, and are as good; itself too."""
        alike = [each for each in self.every if (each.digests, each.label) == (intent.digests, intent.label)]
        tasks = set(self._alone(intent))
        group = {intent.id}
        while more := [each for each in alike if each.id not in group and not tasks.isdisjoint(self.views[each.id])]:
            group |= {each.id for each in more}
            tasks.update(task_id for each in more for task_id in self._alone(each))
        return [each for each in alike if each.id in group]
