"""Decides what to ask the service next, so that finished tasks are noticed as soon as the account's limit allows.

The theory, in a paragraph. There are two ways to look: ask about one task, or read a page of the task list, which
looks at up to a hundred. Either costs one request. What a look is worth is the delay it ends: for each task, how long
it has probably been done without anybody knowing, which the completion model tells from its age, from what was last
seen of it and from what happened to others. So whenever the limit allows a request, the look that is worth most for
what it costs is taken, if that is more than its price; with few tasks that means asking about each at the right time,
with many it means sweeping, and in between it changes by itself. The price is in seconds of delay, and rises with the
share of the account's limit that is being used: as long as there is plenty, a look is nearly free. Before everything
else go the tasks that something says are done: a list, an event, a deadline.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import exp, inf
from random import Random

from attrs import frozen

from aiofunasr.schedule.asking import Asking
from aiofunasr.schedule.completion import CompletionModel, Estimate
from aiofunasr.schedule.crowd import Crowd
from aiofunasr.schedule.sweeping import Sweeping
from aiofunasr.schedule.sweeps import Page, Sweeper, SweepStatistics
from aiofunasr.schedule.watched import Watched
from aiofunasr.snapshots import TaskPage

CHEAPEST = 0.01
"""The price of a look in seconds of delay while hardly any of the limit is used."""

STEEPNESS = 1.4
"""What is added to it when all of the limit is used."""

POWER = 1.4
"""How it rises in between: with half of the limit used, to two fifths of that."""

USE_OVER = 10.0
"""Seconds over which the use of the limit is averaged."""

FIRST = 0.5
"""Seconds before a task is asked about for the first time."""

JITTER = 0.1

AFTER_FAILURE = 1.0
"""Seconds before a failed question is asked again; doubled with each failure in a row."""

LONGEST_AFTER_FAILURE = 20.0

AUDIT = 20.0
"""Seconds after which the oldest task is asked about although the list says that it is alive."""

PAGES_IN_A_ROW = 3
"""After so many pages a single task that is due gets its turn, however long the list."""

_LOOKED_AT_ONCE = 64
"""So many that wait to be confirmed are looked at before something else gets its turn; all may be found to be wrong."""


@frozen
class Ask:
    """Ask about one task."""

    task_id: str


Action = Ask | Page


class Scheduler:
    """The tasks that are waited for, and what to ask next. Pure: `now` is any clock in seconds; O(log n) a decision.

    A task handed out by `next` is not handed out again until `alive`, `failed` or `done` says what came of it.

    Args:
        random: For jitter.
        cheapest: The price of a look in seconds of delay while hardly any of the limit is used.
    """

    def __init__(self, random: Random | None = None, *, cheapest: float = CHEAPEST) -> None:
        self._cheapest = cheapest
        self._random = random or Random()  # noqa: S311  (it spreads requests, it hides nothing)
        self._crowd = Crowd()
        self._asking = Asking(self._crowd)
        self._sweeper = Sweeper(self._random)
        self._sweeping = Sweeping(self._crowd, self._sweeper)
        # Both wait to be confirmed: what somebody hinted at, and then what the list says is done.
        self._hints: deque[Watched] = deque()
        self._suspects: deque[Watched] = deque()
        self._use = self._used_at = 0.0
        self._pages_in_a_row = 0
        self._audited_at = 0.0
        self._audited: Watched | None = None

    def __len__(self) -> int:
        """Return how many tasks are waited for, those being asked about right now included."""
        return len(self._crowd.tasks)

    @property
    def suspects(self) -> int:
        """How many tasks wait to be confirmed."""
        return sum(task.in_line for line in (self._hints, self._suspects) for task in line)

    @property
    def model(self) -> CompletionModel:
        """What was learned about how long tasks take."""
        return self._crowd.model

    def sweep_statistics(self, now: float) -> SweepStatistics:
        """Return what was done with the task list, and learned about it."""
        return self._sweeper.statistics(now)

    def price(self, now: float) -> float:
        """Return the price of a look, in seconds of delay."""
        use = self._use * exp((self._used_at - now) / USE_OVER) / USE_OVER
        return self._cheapest + STEEPNESS * float(min(use, 1.0) ** POWER)

    # --- which tasks there are ---

    def add(self, task_id: str, now: float, *, age: float = 0.0, length: float | None = None) -> float:
        """Begin to wait for a task that was submitted `age` seconds ago; `length` is its audio's in seconds.

        One that is not new is asked about at once. Returns when the task comes up.
        """
        # A time of its own only where there is a difference: there may be very many.
        task = Watched(task_id, now - age if age else now, length, now)
        self._crowd.add(task, now)
        first = now + FIRST * self._random.uniform(1 - JITTER, 1 + JITTER)
        due = max(first, self._crowd.due(task, self._cheapest)) if age < FIRST else now
        self._asking.put(task, due)
        return due

    def remove(self, task_id: str) -> None:
        """Stop waiting for a task."""
        self._remove(task_id)

    def hint(self, task_id: str) -> None:
        """Ask about a task before all others, because something says that it is done."""
        task = self._crowd.tasks.get(task_id)
        if task is not None:
            self._suspect(task, by_list=False)

    # --- what to do ---

    def next_at(self, now: float, pages_at: float) -> float | None:
        """Return when there is something to do, or None when there is nothing.

        Args:
            now: The time.
            pages_at: The earliest time at which a page of the list may be read.
        """
        if self._hints or self._suspects:
            return now
        price = self.price(now)
        if not self._sweeper.is_sweeping:
            page_at = self._sweeping.due(now, price, self._asking.going_rate(price))[0]
        else:
            page_at = now if self._sweeper.has_page else inf
        due = min(self._asking.due_at(now, price), max(page_at, pages_at))
        if (oldest := self._to_be_audited()) is not None:
            due = min(due, self._audit_at(oldest))
        return None if due == inf else due

    def next(self, now: float, limit: float, pages_at: float) -> Action | None:
        """Decide what to ask now, or None when nothing is worth a request yet.

        Args:
            now: The time.
            limit: Requests a second that are allowed at most.
            pages_at: The earliest time at which a page of the list may be read.
        """
        action = self._next_suspect(now) or self._next_audit(now) or self._next_look(now, may_read=pages_at <= now)
        if action is not None:
            self._use = self._use * exp((self._used_at - now) / USE_OVER) + 1.0 / max(limit, 1e-6)
            self._used_at = now
        return action

    def _next_suspect(self, now: float) -> Action | None:
        for _ in range(_LOOKED_AT_ONCE):
            line = self._hints or self._suspects
            if not line:
                break
            task = line.popleft()
            if not task.in_line:
                continue
            task.in_line = False
            if not task.by_list or self._sweeping.still_suspects(task):
                return Ask(task.task_id)
            # Others that were missing with it turned out to be alive.
            task.suspected = False
            self._asking.put_back(task, now, self.price(now))
        return None

    def _to_be_audited(self) -> Watched | None:
        """Return the oldest task, if it is the list that says it is alive and if it can be asked about."""
        oldest = self._crowd.by_age.oldest
        if oldest is None or oldest.listed_at is None or oldest.place is None or oldest.failures:
            return None
        return oldest

    def _audit_at(self, oldest: Watched) -> float:
        return max(self._audited_at, oldest.answered_at) + AUDIT

    def _next_audit(self, now: float) -> Action | None:
        """Ask about the oldest task now and then, so that a list which shows ended tasks alive is found out."""
        oldest = self._to_be_audited()
        if oldest is None or now < self._audit_at(oldest):
            return None
        self._audited_at, self._audited = now, oldest
        self._asking.drop(oldest)
        return Ask(oldest.task_id)

    def _next_look(self, now: float, *, may_read: bool) -> Action | None:
        price = self.price(now)
        best = self._asking.best(now, price)
        page = self._next_page(now, price, best) if may_read else None
        if page is not None:
            if best is not None:
                self._asking.put(best[0], now)
            self._pages_in_a_row += 1
            return page
        self._pages_in_a_row = 0
        if best is None:
            return None
        task, value = best
        self._asking.asked(value, now, price)
        return Ask(task.task_id)

    def _next_page(self, now: float, price: float, best: tuple[Watched, float] | None) -> Page | None:
        if self._sweeper.is_sweeping:
            others_turn = best is not None and self._pages_in_a_row >= PAGES_IN_A_ROW
            return self._sweeper.next_page() if self._sweeper.has_page and not others_turn else None
        if self._sweeper.may_begin_at > now:
            return None
        due, full = self._sweeping.due(now, price, self._asking.going_rate(price))
        if due > now or (best is not None and self._sweeping.worth(now, full=full) < best[1]):
            return None
        return self._sweeping.begin(now, full=full)

    # --- what came of it ---

    def alive(self, task_id: str, now: float, *, running: bool, began_at: float | None = None) -> None:
        """Note the answer that a task is not done; `began_at` is when it left the queue, where that is known."""
        task = self._crowd.tasks.get(task_id)
        if task is None:
            return
        if task.suspected and task.by_list:
            self._sweeping.refuted(task, now)
        task.suspected = False
        task.failures = 0
        task.answered_at = now
        self._crowd.see(task, now, running=running, began_at=began_at)
        self._asking.put_back(task, now, self._cheapest)
        if task.hinted:
            # It was hinted at after the question had left.
            self._suspect(task, by_list=False)

    def failed(self, task_id: str, now: float, *, throttled: bool = False) -> int:
        """Put a task back whose question failed, and return how often in a row that was.

        A throttled question says nothing at all: it is asked again as soon as the limit allows.
        """
        task = self._crowd.tasks.get(task_id)
        if task is None:
            return 0
        if throttled and task.suspected:
            task.in_line = True
            (self._suspects if task.by_list else self._hints).appendleft(task)
        elif throttled:
            self._asking.put(task, now)
        else:
            task.failures += 1
            task.suspected = False
            wait = min(AFTER_FAILURE * 2.0 ** min(task.failures - 1, 30), LONGEST_AFTER_FAILURE)
            self._asking.put(task, now + wait * self._random.uniform(1 - JITTER, 1 + JITTER))
        return task.failures

    def done(self, task_id: str, now: float, *, ended_at: float | None = None, began_at: float | None = None) -> None:
        """Stop waiting for a task that is done, and learn from it; the two times are the service's, where known."""
        task = self._crowd.tasks.get(task_id)
        if task is None:
            return
        if task.suspected and task.by_list:
            self._sweeping.confirmed(now)
        if ended_at is not None:
            self._sweeping.ended(task, ended_at)
        elif task is self._audited:
            # It may have ended since the list was read, but not one after the other: so to the next one at once.
            self._sweeper.confirmed(done=False, now=now)
            self._audited_at = -inf
        self._remove(task_id)
        self._crowd.finish(task, now, ended_at=ended_at, began_at=began_at)

    def listed(self, page: Page, reply: TaskPage, sent_at: float, now: float) -> None:
        """Take in a page of the list that was asked for at `sent_at`; where it is the last, `judge` goes on."""
        for task in self._sweeping.read(page, reply, sent_at, now):
            self._suspect(task, by_list=True)

    def judge(self) -> bool:
        """Think about some more of the tasks that the last sweep missed; False when there are none left."""
        suspects = self._sweeping.judge()
        for task in suspects or ():
            self._suspect(task, by_list=True)
        return suspects is not None

    def page_failed(self, page: Page, now: float, *, throttled: bool = False, refused: bool = False) -> None:
        """Note that a page could not be had: throttled, refused for good, or not there for the moment."""
        if throttled:
            self._sweeper.again(page, now)
        else:
            self._sweeper.failed(now, refused=refused)

    def silent_for(self, task_id: str, now: float) -> float:
        """Return for how many seconds there was no answer about a task."""
        task = self._crowd.tasks.get(task_id)
        return 0.0 if task is None else now - task.answered_at

    def time_left(self, task_id: str, now: float) -> Estimate | None:
        """Return how much longer a task takes, or None while nothing is known of that."""
        return self._crowd.time_left(task_id, now)

    def all_left(self, now: float, task_ids: Sequence[str], *, live: int, coming: int, rate: float) -> Estimate | None:
        """Return how much longer it takes until so many live tasks are done, and as many as are still coming.

        `task_ids` are some of the former, and all if they are few; `rate` is how many of the latter are submitted each
        second.
        """
        return self._crowd.all_left(now, task_ids, live=live, coming=coming, rate=rate)

    def _remove(self, task_id: str) -> None:
        task = self._crowd.remove(task_id)
        if task is not None:
            self._asking.drop(task)
            self._sweeping.forget(task_id)
            task.suspected = task.in_line = False

    def _suspect(self, task: Watched, *, by_list: bool) -> None:
        if task.place is None and not task.in_line:
            # It is being asked about, and the answer may be of before the hint.
            task.hinted = task.hinted or not by_list
        elif not task.in_line or (task.by_list and not by_list):
            task.suspected = task.in_line = True
            task.by_list, task.hinted = by_list, False
            self._asking.drop(task)
            (self._suspects if by_list else self._hints).append(task)
