"""When to read the task list, how much of it, and what it says about our tasks.

The theory, in a paragraph. A sweep costs its pages, and a question for each task it finds done; what it is worth is
the delay all RUNNING tasks have gathered since the last one, of which a list that lags shows only the older part. It
is due when that is worth the price, and it is preferred to asking one by one when it gives more for each request. So
with few tasks, or with a list full of strangers, sweeps stay away by themselves; nobody has to say how many is many.
A full sweep, of the PENDING tasks first, is due when enough tasks may have slipped through between two sweeps, or
when nothing was seen of the PENDING ones for half a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import islice
from math import inf, sqrt
from operator import attrgetter

from aiofunasr.schedule.crowd import LONGEST, Crowd
from aiofunasr.schedule.sweeps import Form, Page, Sweeper
from aiofunasr.schedule.watched import Watched
from aiofunasr.snapshots import TERMINAL, TaskPage, TaskStatus

SETTLING = 2.0
"""Seconds, beyond the lag of the list, after which every task should have been in it."""

SLACK = 2.0
"""Seconds by which the order of the list may differ from that of our submits, which are seen from here."""

_JUDGED_AT_ONCE = 200
"""Tasks missing from a sweep that are thought about before something else gets its turn: a few milliseconds at most,
where each of them leaves a place in a heap.
"""

_LOOK_AGAIN = 0.1
"""Seconds before a sweep that was nearly due is thought about again."""


class Sweeping:
    """Weighs sweeps, and draws the conclusions from them."""

    def __init__(self, crowd: Crowd, sweeper: Sweeper) -> None:
        self._crowd = crowd
        self._sweeper = sweeper
        self._listed_running: set[str] = set()
        # When the last sweep began, and the moment its rows are of, which is earlier if the list lags behind.
        self._judged_at = self._shown_at = -inf
        self._reading = _Reading([])
        # What is left to be said of the last complete sweep: which tasks it missed, and all of its time to go through.
        self._missing: AbstractSet[str] = frozenset()
        self._unjudged: Iterator[str] = iter(())

    def forget(self, task_id: str) -> None:
        """Expect a task in no list any more."""
        self._listed_running.discard(task_id)

    # --- whether ---

    def due(self, now: float, price: float, going_rate: float) -> tuple[float, bool]:
        """Return when the next sweep is worth its price, and whether it is to be a full one."""
        crowd, sweeper = self._crowd, self._sweeper
        earliest = max(sweeper.may_begin_at, now)
        if len(crowd.tasks) < 2 or earliest == inf:
            return inf, False
        pages = self._pages(now, full=False)
        # First what would be due at once.
        if self._is_full_due(earliest, going_rate, self._pages(now, full=True) - pages):
            return earliest, True
        lag, trust = sweeper.lag, max(sweeper.trust, 0.1)
        ended = crowd.running.ended(earliest, lag)
        if trust * (ended.gathered + crowd.begun_delay(earliest - lag)) >= price * pages:
            return earliest, False
        # Then when something will be: the two laws of asking, with the tasks of a group taken together.
        due = inf
        if crowd.running.count:
            weight = max(trust * crowd.running.hazards, 1e-12)
            gap = sqrt(2.0 * price * pages / weight)
            due = max(crowd.running.known_at, crowd.swept_at) + lag + gap - crowd.running.spread
        if crowd.pending.count:
            share = price * pages / (trust * crowd.pending.count)
            gap = crowd.model.interval_pending(crowd.pending.hazard, None, share)
            due = min(due, max(crowd.pending.known_at, crowd.swept_at) + lag + gap)
        return max(due, earliest + _LOOK_AGAIN), False

    def worth(self, now: float, *, full: bool) -> float:
        """Return the seconds of delay that each request of a sweep ends, confirmations included."""
        ended = self._crowd.running.ended(now, self._sweeper.lag)
        return self._sweeper.trust * ended.late / (self._pages(now, full=full) + ended.tasks)

    def _pages(self, now: float, *, full: bool) -> int:
        running, pending = self._crowd.running.count, self._crowd.pending.count
        return self._sweeper.cost(now, running=running, pending=pending, full=full)

    def _is_full_due(self, at: float, price: float, pages: int) -> bool:
        crowd = self._crowd
        if crowd.pending.count == 0 or self._sweeper.form is not Form.BY_STATUS:
            return False
        oldest = at - crowd.pending.known_at + crowd.pending.spread
        # However dear, but then it may not take more than a small part of the limit.
        if oldest >= max(LONGEST / 2.0, float(pages)):
            return True
        shown = at - self._sweeper.lag
        gathered = crowd.skipped_delay(shown)
        if crowd.swept_at < crowd.pending.known_at:
            # No sweep has looked for them yet, so this one finds all that have begun.
            gathered += crowd.begun_delay(shown)
        return gathered >= price * pages

    # --- doing it ---

    def begin(self, now: float, *, full: bool) -> Page:
        """Begin a sweep with its first page."""
        self._missing, self._unjudged = frozenset(), iter(())
        whole = full or self._sweeper.form is not Form.BY_STATUS
        expected = set(self._crowd.tasks) if whole else set(self._listed_running)
        oldest = self._crowd.by_age.oldest
        first, pages = now if oldest is None else oldest.since, self._pages(now, full=True)
        self._sweeper.begin(now, expected, full=full, oldest=first, pages=pages)
        self._judged_at, self._shown_at = now, now - self._sweeper.lag
        self._reading = _Reading(list(self._crowd.tasks))
        return self._sweeper.next_page()

    def read(self, page: Page, reply: TaskPage, sent_at: float, now: float) -> list[Watched]:
        """Take in a page that was asked for at `sent_at`, and return the tasks that seem to be done."""
        crowd, sweeper = self._crowd, self._sweeper
        suspects, met = [], []
        # What it shows is at least as old as the request, and older where the list lags behind.
        at = sent_at - sweeper.lag
        for row in reply.data:
            task = crowd.tasks.get(row.task_id)
            if task is None:
                continue
            met.append(task)
            sweeper.meet(page, row.task_id)
            if row.status in TERMINAL:
                suspects += self._missed(task)
                continue
            task.listed_at = sent_at
            task.missed = 0
            running = row.status == TaskStatus.RUNNING
            if running:
                self._listed_running.add(row.task_id)
            crowd.see(task, at, running=running)
        if page.status != TaskStatus.PENDING:
            unseen = sweeper.unseen_in(page)
            for task_id in self._reading.passed(page.number, met, crowd.tasks):
                if task_id in unseen:
                    unseen.discard(task_id)
                    suspects += self._absent(task_id)
        ours = {TaskStatus.PENDING.value: crowd.pending.count, TaskStatus.RUNNING.value: crowd.running.count}
        expected = len(crowd.tasks) if page.status is None else ours.get(page.status, 0)
        complete = sweeper.read(page, reply, expected, now)
        if complete is not None:
            self._reading = _Reading([])
            self._missing, self._unjudged = complete.missing, iter(list(crowd.tasks) if complete.missing else ())
            crowd.swept(self._shown_at, full=complete.full)
            suspects += self.judge() or ()
        return suspects

    def judge(self) -> list[Watched] | None:
        """Go through some more of the tasks that a complete sweep missed, and return those that seem to be done.

        None says that there are no more. There may be very many, which is why it is done little by little; a sweep
        that begins meanwhile starts over.
        """
        some = list(islice(self._unjudged, _JUDGED_AT_ONCE))
        missed = [task for task_id in some if task_id in self._missing for task in self._absent(task_id)]
        if not some:
            self._missing = frozenset()
            return None
        # The oldest first: it has waited longest.
        return sorted(missed, key=attrgetter("since"))

    def _absent(self, task_id: str) -> list[Watched]:
        """Return a task that a sweep should have met and did not, if that says something."""
        task = self._crowd.tasks.get(task_id)
        if task is None or task.known_at >= self._shown_at or not self._is_expected(task):
            return []
        return self._missed(task)

    def _is_expected(self, task: Watched) -> bool:
        """Tell whether a task should have been in the last list while it was alive."""
        if task.listed_at is not None:
            return True
        return not task.hidden and task.since <= self._judged_at - self._sweeper.lag - SETTLING

    def _missed(self, task: Watched) -> list[Watched]:
        if task.form is not self._sweeper.form:
            # What the list lacked when it was read in another way says nothing.
            task.form, task.missed = self._sweeper.form, 0
        task.missed += 1
        return [task] if task.missed >= self._sweeper.absences_needed else []

    # --- what became of it ---

    def still_suspects(self, task: Watched) -> bool:
        """Tell whether a suspicion still holds, after what was learned about the list since."""
        same_form = task.form is self._sweeper.form
        return same_form and task.missed >= self._sweeper.absences_needed and self._is_expected(task)

    def refuted(self, task: Watched, now: float) -> None:
        """Note that a task the list suspected is alive."""
        if task.form is not self._sweeper.form:
            return
        if task.listed_at is not None:
            self._sweeper.confirmed(done=False, now=now)
            return
        age = self._judged_at - task.since
        if age > LONGEST:
            # There are tasks the list does not show, such as another workspace's.
            task.hidden = True
            return
        # It is not in the list yet, so the list lags behind by its age at least; believed step by step.
        self._sweeper.lags(min(age, self._judged_at - self._shown_at + SETTLING))

    def confirmed(self, now: float) -> None:
        """Note that a task the list suspected is done."""
        self._sweeper.confirmed(done=True, now=now)

    def ended(self, task: Watched, ended_at: float) -> None:
        """Note when a task ended that the list may have shown alive after that."""
        if task.listed_at is not None:
            self._sweeper.lags(task.listed_at - ended_at)


class _Reading:
    """Follows a list that is in the order of the submits, to know which tasks it has passed without showing them.

    The order is not documented; it is taken from the rows, and given up with the first that is out of it.
    """

    def __init__(self, task_ids: list[str]) -> None:
        # The oldest first, as they were submitted.
        self._task_ids = task_ids
        self._page = 0
        self._newest_first: bool | None = None
        self._latest: float | None = None
        self._is_ordered = True

    def passed(self, number: int, met: list[Watched], tasks: dict[str, Watched]) -> Iterator[str]:
        """Go through the tasks that lie before the last one met on this page, and were not passed before."""
        self._page += 1
        if not met or number != self._page or not self._is_ordered:
            self._is_ordered = self._is_ordered and number == self._page
            return
        if self._newest_first is None:
            self._newest_first = met[0].since >= met[-1].since
            if not self._newest_first:
                self._task_ids.reverse()
        sign = -1.0 if self._newest_first else 1.0
        for task in met:
            if self._latest is not None and sign * (task.since - self._latest) < -SLACK:
                self._is_ordered = False
                return
            self._latest = task.since
        while self._task_ids and self._latest is not None:
            last = tasks.get(self._task_ids[-1])
            if last is not None and sign * (self._latest - last.since) < SLACK:
                return
            yield self._task_ids.pop()
