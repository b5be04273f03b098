"""All tasks that are waited for: what was seen of them, and how likely each is to be done by now.

The theory, in a paragraph. Each sight of a task is an entry in the life tables: so long it waited, then it began, so
long it ran. In return the tables say for every task how much delay it has gathered since it was last seen, which is
what a question about it is worth. A sweep of the RUNNING tasks is a sight of the PENDING ones, too: they do not run
yet. Only those that began and ended between two sweeps are seen by neither; the longer a task is not met as RUNNING,
the more likely it is one of them, because the alternative, that it still waits, becomes ever less likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log1p

from aiofunasr.schedule.ages import ByAge
from aiofunasr.schedule.completion import CompletionModel, Estimate
from aiofunasr.schedule.watched import Unseen, Watched

SHORTEST = 1.2
LONGEST = 60.0
"""Seconds between two questions about one task, at least, and at most while the limit allows."""

_TOO_SOON = 0.005
"""Seconds of delay by which a PENDING task would come up too soon while questions are cheap, only to be put back:
`value` counts less, for one task stands there for all that may have begun. Where they are dear that does no harm:
what comes up is compared.
"""

_MANY = 50.0
"""The largest exponent worth computing with."""

_RECENT = 0.3
"""The weight of the last sweep in what is known of skipping."""


class Crowd:
    """The tasks, by id and in two groups: those believed PENDING and those believed RUNNING."""

    def __init__(self) -> None:
        self.model = CompletionModel()
        self.tasks: dict[str, Watched] = {}
        self.by_age = ByAge(self.tasks)
        self.pending = Unseen()
        self.running = Unseen()
        self.swept_at = -inf
        # The chance that a task which begins between two sweeps ends before the second.
        self.skipping = 0.0

    # --- what is seen ---

    def add(self, task: Watched, now: float) -> None:
        """Take a task in."""
        self.tasks[task.task_id] = task
        self.by_age.add(task)
        self._enter(task, now)

    def remove(self, task_id: str) -> Watched | None:
        """Take a task out."""
        task = self.tasks.pop(task_id, None)
        if task is not None:
            self._leave(task)
            self.by_age.tidy()
        return task

    def see(self, task: Watched, at: float, *, running: bool, began_at: float | None = None) -> None:
        """Take in that a task was not done at a moment, which may be earlier than what is known already."""
        begins = running and task.began_at is None
        if at <= task.known_at and not begins:
            return
        self._leave(task)
        if begins:
            at = max(at, task.known_at)
            self._begin(task, self._likely_begin(task, at) if began_at is None else min(began_at, at))
        task.known_at = at
        self._credit(task, at)
        self._enter(task, at)

    def finish(self, task: Watched, now: float, *, ended_at: float | None, began_at: float | None) -> None:
        """Learn from a task that was taken out because it is done."""
        # Not seen to end: halfway between the last sight of it alive and now.
        end = (task.known_at + now) / 2.0 if ended_at is None else min(max(ended_at, task.since), now)
        if began_at is not None and began_at < end:
            self._begin(task, began_at)
        elif task.began_at is None:
            self._begin(task, self._likely_begin(task, end))
        self._credit(task, end)
        began = end if task.began_at is None else min(task.began_at, end)
        self.model.ended(end - began, task.length)

    def swept(self, at: float, *, full: bool) -> None:
        """Note that all RUNNING tasks were seen at a moment, and with `full` all PENDING ones, too."""
        gap = at - max(self.swept_at, self.pending.known_at)
        if not full and gap > 0.0:
            skipping = self.model.end_hazard(gap / 2.0, None) * gap / 2.0
            self.skipping += (_RECENT if self.skipping else 1.0) * (skipping - self.skipping)
        self.swept_at = max(self.swept_at, at)

    def _likely_begin(self, task: Watched, until: float) -> float:
        """Return when a task left the queue that was last seen there and has left it by `until`: halfway, as it were.

        What the life tables say of it would only teach them their own opinion.
        """
        return (min(self.seen_at(task), until) + until) / 2.0

    def _begin(self, task: Watched, began_at: float) -> None:
        began_at = max(began_at, task.since)
        if task.began_at is None:
            self._credit(task, began_at)
            self.model.began(began_at - task.since)
        task.began_at = began_at

    def _credit(self, task: Watched, until: float) -> None:
        """Tell the completion model what a task has lived since it was last told."""
        if task.began_at is None:
            self.model.waited(task.credited_at - task.since, until - task.since)
        else:
            begin = max(task.credited_at, task.began_at)
            self.model.ran(begin - task.began_at, until - task.began_at, task.length)
        task.credited_at = max(task.credited_at, until)

    def _enter(self, task: Watched, now: float) -> None:
        if task.began_at is None:
            task.hazard = self.model.begin_hazard(max(now - task.since, 0.0))
            self.pending.add(task)
        else:
            task.hazard = self.model.end_hazard(max(now - task.began_at, 0.0), task.length)
            self.running.add(task)

    def _leave(self, task: Watched) -> None:
        (self.pending if task.began_at is None else self.running).remove(task)

    # --- what follows from it ---

    def seen_at(self, task: Watched) -> float:
        """Return when a task was last seen, by itself or as one that is not among the RUNNING."""
        return max(task.known_at, self.swept_at) if task.began_at is None else task.known_at

    def value(self, task: Watched, now: float) -> float:
        """Return the seconds of delay that a question about a task ends, on average."""
        seen = self.seen_at(task)
        since = max(now - seen, 0.0)
        if task.began_at is not None:
            return self.model.delay_running(max(seen - task.began_at, 0.0), since, task.length)
        skipped = self._skipped(task) * max(now - task.known_at, 0.0) / 2.0
        return skipped + self.model.delay_pending(self._begin_hazard(task, seen + since / 2.0), since, task.length)

    def due(self, task: Watched, price: float) -> float:
        """Return from when on a question about a task is worth its price."""
        seen = self.seen_at(task)
        if task.began_at is not None:
            due = seen + self.model.interval_running(max(seen - task.began_at, 0.0), task.length, price)
        else:
            hazard = self._begin_hazard(task, seen + 2.0)
            due = seen + self.model.interval_pending(hazard, task.length, price + _TOO_SOON)
            if self.swept_at > task.known_at:
                due = min(due, task.known_at + self._due_if_skipped(task, price))
        return min(max(due, seen + SHORTEST), task.known_at + LONGEST)

    def skipped_delay(self, at: float) -> float:
        """Return the delay gathered by all tasks that began and ended between two sweeps, unseen by both."""
        since, spread, hazard = at - self.pending.known_at, self.pending.spread, self.pending.hazard
        first, middle, last = (
            (exp(min(hazard * unseen, _MANY)) - 1.0) * unseen / 2.0
            for unseen in (max(since - spread, 0.0), max(since, 0.0), max(since + spread, 0.0))
        )
        return self.skipping * self.pending.count * (first + 4.0 * middle + last) / 6.0

    def begun_delay(self, at: float) -> float:
        """Return the delay gathered by all tasks that may have begun since the last sweep."""
        since = at - max(self.pending.known_at, self.swept_at)
        if self.pending.count == 0 or since <= 0.0:
            return 0.0
        return self.pending.count * self.model.delay_pending(self.pending.hazard, since, None)

    def time_left(self, task_id: str, now: float) -> Estimate | None:
        """Return how much longer a task takes, or None while nothing is known of that."""
        task = self.tasks.get(task_id)
        if task is None:
            return None
        # As of when it was last seen: not to have looked since is no sign that it still waits, or runs.
        seen = self.seen_at(task)
        waited, ran, since = max(seen - task.since, 0.0), self._ran(task, seen), max(now - seen, 0.0)
        found = self.model.time_left(waited=waited, ran=ran, length=task.length)
        return found and Estimate(*(max(left - since, 0.0) for left in (found.low, found.median, found.high)))

    def all_left(self, now: float, task_ids: Sequence[str], *, live: int, coming: int, rate: float) -> Estimate | None:
        """Return how much longer it takes until so many live tasks are done and as many more as are still coming.

        `task_ids` are some of the former, and all if they are few; `rate` is how many of the latter are submitted each
        second.
        """
        if not self.model.is_known:
            return None
        count = max(live + coming, 1)
        # All of them by then means that each is, and their chances multiply.
        # What one in a thousand does is not known from ten, so no more of them is spoken of than were seen.
        count = min(count, self.model.processing.ended_count)
        each = [share ** (1.0 / count) for share in (0.1, 0.5, 0.9)]
        if coming or live > len(task_ids):
            fresh = [self.model.queue.quantile(share) + self.model.processing.quantile(share) for share in each]
            low, median, high = (coming / rate + left for left in fresh)
            return Estimate(low, median, high)
        tasks = [task for task_id in task_ids if (task := self.tasks.get(task_id)) is not None]
        low, median, high = (max((self._left(task, now, share) for task in tasks), default=0.0) for share in each)
        return Estimate(low, median, high)

    def _left(self, task: Watched, now: float, share: float) -> float:
        seen = self.seen_at(task)
        left = self.model.left(share, seen - task.since, self._ran(task, seen), task.length)
        return max(left - max(now - seen, 0.0), 0.0)

    def _ran(self, task: Watched, now: float) -> float | None:
        return None if task.began_at is None else max(now - task.began_at, 0.0)

    def _begin_hazard(self, task: Watched, at: float) -> float:
        return self.model.begin_hazard(max(at - task.since, 0.0))

    def _skipped(self, task: Watched) -> float:
        """Return the chance that a task believed PENDING has begun and ended between two sweeps, unseen by both."""
        unseen = self.swept_at - task.known_at
        if unseen <= 0.0:
            return 0.0
        hazard = self.model.begin_hazard(task.known_at - task.since + unseen / 2.0)
        odds = self.skipping * (exp(min(hazard * unseen, _MANY)) - 1.0)
        return odds / (1.0 + odds)

    def _due_if_skipped(self, task: Watched, price: float) -> float:
        """Return after how long unseen that chance is worth a question."""
        interval = 10.0
        for _ in range(3):
            interval = log1p(2.0 * price / (max(self.skipping, 1e-9) * interval)) / task.hazard
        return interval
