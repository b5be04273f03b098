"""A service that lives in a table of scripted tasks, and a loop that plays the schedule against it in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import Literal

from attrs import Factory, define, frozen

from aiofunasr.pacing.budget import Budget
from aiofunasr.schedule.scheduler import Action, Ask, Scheduler
from aiofunasr.schedule.sweeps import Page, SweepStatistics
from aiofunasr.snapshots import ListedTask, TaskPage

LIMIT = 20.0
Failure = Literal["throttled", "refused", "gone"]
Order = Literal["newest", "oldest", "chance"]


@frozen
class Life:
    """When a task is submitted, when it leaves the queue and when it ends; all on one clock."""

    since: float
    begins: float
    ends: float
    last: str = "SUCCEEDED"

    def status(self, now: float) -> str:
        if now < self.begins:
            return "PENDING"
        return "RUNNING" if now < self.ends else self.last


def lives(count: int, *, over: float = 10.0, run: float = 30.0, seed: int = 5) -> dict[str, Life]:
    """Return tasks that come one by one, wait a few seconds and run for about `run` more."""
    random = Random(seed)
    made = {}
    for number in range(count):
        since = over * number / count
        begins = since + random.lognormvariate(1.5, 0.6)
        last = "FAILED" if number % 7 == 0 else "SUCCEEDED"
        made[f"task-{number}"] = Life(since, begins, begins + run * random.lognormvariate(0.0, 0.4), last)
    return made


def page_of(*rows: tuple[str, str], total: int | None = None) -> TaskPage:
    """Return a page of the list as it may come."""
    return TaskPage(data=tuple(ListedTask(task_id=name, status=status) for name, status in rows), total=total)


@define
class Listing:
    """The list of the account's tasks, right or wrong in ways that can be chosen.

    Attributes:
        lives: The tasks in it that change.
        strangers: The statuses of other people's tasks, which do not change and are older than all others.
        page_size: How many rows it gives at most, whatever is asked for.
        tells_total: Whether it says how many rows there are.
        order: Which come first.
        lag: How many seconds ago it shows.
        stuck_at: From when on it shows nothing new.
        filters: Whether it obeys the status asked for.
        numbers: Whether it obeys the page number asked for.
        hides: Which rows it never shows.
        fails: What it says instead of a page, at a time.
    """

    lives: Mapping[str, Life]
    strangers: Mapping[str, int] = Factory(dict)
    page_size: int = 100
    tells_total: bool = True
    order: Order = "newest"
    lag: float = 0.0
    stuck_at: float = inf
    filters: bool = True
    numbers: bool = True
    hides: Callable[[str], bool] = lambda _: False
    fails: Callable[[float], Failure | None] = lambda _: None

    def read(self, page: Page, now: float) -> TaskPage:
        shown = min(now - self.lag, self.stuck_at)
        wanted = page.status if self.filters else None
        rows = [
            ListedTask(task_id=name, status=status)
            for name, life in self.lives.items()
            if (page.since or -inf) <= life.since <= shown and not self.hides(name)
            if (status := life.status(shown)) == wanted or wanted is None
        ]
        if self.order == "newest":
            rows.reverse()
        if self.order == "chance":
            Random(page.sweep).shuffle(rows)
        others = [status for status, count in self.strangers.items() if wanted in {None, status} for _ in range(count)]
        total, first = len(rows) + len(others), self.page_size * (page.number - 1) if self.numbers else 0
        ours = range(len(others), total) if self.order == "oldest" else range(len(rows))
        data = tuple(
            rows[number - ours.start]
            if number in ours
            else ListedTask(task_id=f"stranger-{number}", status=others[number % len(others)])
            for number in range(first, min(first + self.page_size, total))
        )
        return TaskPage(data=data, total=total if self.tells_total else None)


@define
class Play:
    """The schedule at work: it asks as the budgets allow, hears `latency` later, and everything is noted.

    Attributes:
        ours: The tasks that are waited for, in the order of their submits.
        listing: The list, or None where it may never be read.
        unheard: Whether a question about a task fails, at a time.
        tells_ends: Whether an answer tells when a task ended.
        delays: For each task found done, how long after its end that was.
        actions: All requests, with their times.
        idle: The longest row of decisions that found nothing to do, without any time going by.
    """

    ours: Mapping[str, Life]
    listing: Listing | None = None
    latency: float = 0.05
    unheard: Callable[[str, float], bool] = lambda *_: False
    tells_ends: bool = True
    schedule: Scheduler = Factory(lambda: Scheduler(Random(1)))
    queries: Budget = Factory(lambda: Budget(LIMIT, random=Random(2)))
    lists: Budget = Factory(lambda: Budget(LIMIT, random=Random(3)))
    now: float = 0.0
    delays: dict[str, float] = Factory(dict)
    actions: list[tuple[float, Action]] = Factory(list)
    idle: int = 0
    _events: list[tuple[float, int, Callable[[], None]]] = Factory(list)
    _out: set[str] = Factory(set)
    _count: int = 0

    def __attrs_post_init__(self) -> None:
        for name, life in self.ours.items():
            self._at(life.since, partial(self._add, name))

    def run(self, until: float) -> Play:
        """Go on until a time, or until all tasks are found done."""
        idle = 0
        while self._events or len(self.schedule):
            due = self.schedule.next_at(self.now, self._pages_at())
            due = inf if due is None else max(due, self.queries.ready_at(self.now), self.now)
            happens = self._events[0][0] if self._events else inf
            assert min(due, happens) < inf, "tasks wait, and nothing will ever happen"
            if min(due, happens) > until:
                self.now = until
                break
            if happens <= due:
                self.now = max(self.now, happens)
                heappop(self._events)[2]()
                continue
            idle = 0 if due > self.now else idle + 1
            self.now = due
            action = self.schedule.next(self.now, self.queries.rate(self.now), self._pages_at())
            if action is not None:
                idle = 0
                self._send(action)
            self.idle = max(self.idle, idle)
        return self

    @property
    def requests(self) -> int:
        return len(self.actions)

    @property
    def asks(self) -> Counter[str]:
        """How often each task was asked about."""
        return Counter(action.task_id for _, action in self.actions if isinstance(action, Ask))

    @property
    def pages(self) -> list[tuple[float, Page]]:
        """The pages asked for, with their times."""
        return [(time, action) for time, action in self.actions if isinstance(action, Page)]

    @property
    def statistics(self) -> SweepStatistics:
        return self.schedule.sweep_statistics(self.now)

    @property
    def mean_delay(self) -> float:
        return sum(self.delays.values()) / len(self.delays)

    def _at(self, time: float, event: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._events, (time, self._count, event))

    def _add(self, name: str) -> None:
        self.schedule.add(name, self.now)

    def _pages_at(self) -> float:
        return inf if self.listing is None else self.lists.ready_at(self.now)

    def _send(self, action: Action) -> None:
        sent_at, seen_at, heard_at = self.now, self.now + self.latency / 2, self.now + self.latency
        self.actions.append((sent_at, action))
        self.queries.take(sent_at)
        match action:
            case Ask(task_id):
                assert task_id not in self._out, f"{task_id} is asked about twice at once"
                assert task_id not in self.delays, f"{task_id} is asked about after its end was found"
                self._out.add(task_id)
                self._at(heard_at, lambda: self._answered(task_id, seen_at))
            case Page() as page:
                assert self.listing is not None
                self.lists.take(sent_at)
                failure = self.listing.fails(sent_at)
                reply = self.listing.read(page, seen_at) if failure is None else None
                self._at(heard_at, lambda: self._listed(page, reply, failure, sent_at))

    def _answered(self, task_id: str, seen_at: float) -> None:
        self._out.remove(task_id)
        life = self.ours[task_id]
        status = life.status(seen_at)
        if self.unheard(task_id, self.now):
            self.schedule.failed(task_id, self.now)
        elif status in {"PENDING", "RUNNING"}:
            self.schedule.alive(task_id, self.now, running=status == "RUNNING")
        else:
            self.delays[task_id] = self.now - life.ends
            self.schedule.done(task_id, self.now, ended_at=life.ends if self.tells_ends else None)

    def _listed(self, page: Page, reply: TaskPage | None, failure: Failure | None, sent_at: float) -> None:
        waiting = len(self.schedule)
        if failure == "throttled":
            self.lists.throttled(self.now, sent_at=sent_at)
        if reply is None:
            self.schedule.page_failed(page, self.now, throttled=failure == "throttled", refused=failure == "refused")
        else:
            self.schedule.listed(page, reply, sent_at, self.now)
        assert len(self.schedule) == waiting, "only an answer about a task itself may end it"
