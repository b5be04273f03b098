"""Anything in any order: what the schedule promises holds after all of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from schedule.world import page_of

from aiofunasr.schedule.crowd import LONGEST
from aiofunasr.schedule.scheduler import LONGEST_AFTER_FAILURE, Ask, Scheduler
from aiofunasr.schedule.sweeps import Page
from aiofunasr.snapshots import TaskStatus

RATE = 18.0
MOST = 50
IDLE = 100
"""Decisions in a row that may find nothing to do although something seemed to be due."""

STATUSES = st.sampled_from([*(status.value for status in TaskStatus), "SUSPENDED", ""])
AGES = st.sampled_from([0.0, 0.3, 1.0]) | st.floats(0.0, 100_000.0)
LENGTHS = st.none() | st.sampled_from([0.0, 0.001]) | st.floats(0.1, 1e5)
TIMES = st.none() | st.floats(-1e6, 1e6)
TOTALS = st.none() | st.integers(-5, 400) | st.sampled_from([10_000, 10**9])


class Anything(RuleBasedStateMachine):
    """Tasks wait with the schedule or are handed out, and never both."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule = Scheduler(Random(0))
        self.waiting: set[str] = set()
        self.out: set[str] = set()
        self.gone: list[str] = []
        self.unanswered: list[str] = []
        self.pages: list[tuple[Page, float]] = []
        self.names = 0

    @initialize(now=st.sampled_from([0.0, 1000.0, 1e9]), count=st.sampled_from([0, 2, 30]))
    def begin(self, now: float, count: int) -> None:
        self.now = now
        for _ in range(count):
            self.add(0.0, None)

    # --- tasks come and go ---

    @precondition(lambda self: len(self.waiting) < MOST - 1)
    @rule(age=AGES, length=LENGTHS)
    def add(self, age: float, length: float | None) -> None:
        self.names += 1
        name = f"task-{self.names}"
        self.schedule.add(name, self.now, age=age, length=length)
        self.waiting.add(name)

    @precondition(lambda self: self.gone and len(self.waiting) < MOST - 1)
    @rule(data=st.data())
    def add_again(self, data: st.DataObject) -> None:
        """Wait again for one that was given up, whose last question may still be on its way."""
        name = data.draw(st.sampled_from(self.gone))
        self.gone.remove(name)
        self.schedule.add(name, self.now, age=data.draw(st.floats(0.0, 1000.0)))
        self.waiting.add(name)

    @precondition(lambda self: self.waiting or self.out)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.waiting | self.out)))
        self.schedule.remove(name)
        self.waiting.discard(name)
        if name in self.out:
            # A late reply to a forgotten task.
            self.out.remove(name)
            self.schedule.alive(name, self.now, running=True)
            assert self.schedule.failed(name, self.now, throttled=data.draw(st.booleans())) == 0
            self.schedule.done(name, self.now, ended_at=self.now)
        self.gone.append(name)

    @rule(data=st.data())
    def hint(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([*sorted(self.waiting | self.out), "never-heard-of"]))
        self.schedule.hint(name)
        if name in self.waiting:
            assert self.next_at(may_read=False) == self.now

    # --- time goes by, and things are asked ---

    @rule(seconds=st.sampled_from([0.0, 0.05, 1.0, 70.0]) | st.floats(0.0, 30.0) | st.floats(0.0, 10_000.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(count=st.integers(1, 20), may_read=st.booleans(), rate=st.sampled_from([RATE, 0.1, 0.0, 1000.0]))
    def ask(self, count: int, may_read: bool, rate: float) -> None:
        for _ in range(count):
            match self.schedule.next(self.now, rate, self.now if may_read else inf):
                case Ask(task_id):
                    assert task_id in self.waiting
                    self.waiting.remove(task_id)
                    self.out.add(task_id)
                case Page() as page:
                    assert may_read
                    self.pages.append((page, self.now))

    @rule()
    def work(self) -> None:
        """Do all that is due, as the poller's loop does."""
        idle = 0
        while (due := self.next_at(may_read=True)) is not None and due <= self.now and idle <= IDLE:
            action = self.schedule.next(self.now, RATE, self.now)
            idle = idle + 1 if action is None else 0
            if isinstance(action, Ask):
                self.waiting.remove(action.task_id)
                self.out.add(action.task_id)
            elif action is not None:
                self.pages.append((action, self.now))
        assert idle <= IDLE, "the loop runs, and neither does anything nor waits"

    # --- answers ---

    @precondition(lambda self: self.out)
    @rule(data=st.data(), running=st.booleans(), began_at=TIMES)
    def alive(self, data: st.DataObject, running: bool, began_at: float | None) -> None:
        name = self.back(data)
        self.schedule.alive(name, self.now, running=running, began_at=None if began_at is None else self.now + began_at)

    @precondition(lambda self: self.out)
    @rule(running=st.booleans())
    def all_alive(self, running: bool) -> None:
        for name in sorted(self.out):
            self.schedule.alive(name, self.now, running=running)
        self.waiting |= self.out
        self.out.clear()

    @precondition(lambda self: self.out)
    @rule(data=st.data(), throttled=st.booleans())
    def failed(self, data: st.DataObject, throttled: bool) -> None:
        failures = self.schedule.failed(self.back(data), self.now, throttled=throttled)
        assert failures >= 0 if throttled else failures >= 1

    @precondition(lambda self: self.out)
    @rule(data=st.data(), ended_at=TIMES, began_at=TIMES)
    def done(self, data: st.DataObject, ended_at: float | None, began_at: float | None) -> None:
        name = self.back(data)
        self.waiting.remove(name)
        ended_at, began_at = (None if time is None else self.now + time for time in (ended_at, began_at))
        self.schedule.done(name, self.now, ended_at=ended_at, began_at=began_at)

    def back(self, data: st.DataObject) -> str:
        name = data.draw(st.sampled_from(sorted(self.out)))
        self.out.remove(name)
        self.waiting.add(name)
        return name

    # --- the list ---

    @precondition(lambda self: self.pages)
    @rule(data=st.data(), total=TOTALS)
    def listed(self, data: st.DataObject, total: int | None) -> None:
        names = [*sorted(self.waiting | self.out), *self.gone, "stranger-1", "stranger-2"]
        rows = data.draw(st.lists(st.tuples(st.sampled_from(names), STATUSES), max_size=12))
        reply = page_of(*rows, total=total)
        self.reply(data, lambda page, sent_at: self.schedule.listed(page, reply, sent_at, self.now))

    @precondition(lambda self: self.pages)
    @rule(data=st.data(), status=STATUSES, missing=st.integers(0, 3))
    def listed_well(self, data: st.DataObject, status: str, missing: int) -> None:
        """Show nearly all of them as of one status, which is the one asked for if any is."""
        names = sorted(self.waiting | self.out)[missing:]

        def read(page: Page, sent_at: float) -> None:
            rows = [(name, page.status or status) for name in names]
            self.schedule.listed(page, page_of(*rows, total=len(rows)), sent_at, self.now)

        self.reply(data, read)

    @precondition(lambda self: self.pages)
    @rule(data=st.data(), throttled=st.booleans(), refused=st.booleans())
    def page_failed(self, data: st.DataObject, throttled: bool, refused: bool) -> None:
        fail = partial(self.schedule.page_failed, throttled=throttled, refused=refused)
        self.reply(data, lambda page, _: fail(page, self.now))

    def reply(self, data: st.DataObject, tell: Callable[[Page, float], None]) -> None:
        """Answer any page that is on its way, one of an older sweep perhaps."""
        page, sent_at = self.pages.pop(data.draw(st.integers(0, len(self.pages) - 1)))
        tell(page, sent_at)

    # --- what always holds ---

    def next_at(self, *, may_read: bool) -> float | None:
        return self.schedule.next_at(self.now, self.now if may_read else inf)

    @invariant()
    def nothing_is_lost(self) -> None:
        assert len(self.schedule) == len(self.waiting) + len(self.out)
        crowd = self.schedule._crowd
        assert crowd.pending.count + crowd.running.count == len(self.schedule)
        asking = self.schedule._asking
        assert asking._placed == sum(task.place is not None for task in crowd.tasks.values())
        assert len(asking._heap) <= 2 * asking._placed + 66

    @invariant()
    def something_comes_up_while_tasks_wait(self) -> None:
        if self.waiting:
            due = self.next_at(may_read=False)
            assert due is not None
            assert due <= self.now + max(LONGEST, LONGEST_AFTER_FAILURE) * 1.2

    def teardown(self) -> None:
        """Let everybody who waits be looked at, one way or the other, before too long."""
        for name in sorted(self.out):
            self.schedule.alive(name, self.now, running=False)
        unseen, end = self.waiting | self.out, self.now + 1.5 * LONGEST
        while unseen:
            due = self.schedule.next_at(self.now, inf)
            assert due is not None
            self.now = max(due, self.now + 1 / RATE)
            assert self.now < end, f"{unseen} wait in vain"
            match self.schedule.next(self.now, RATE, inf):
                case Ask(task_id):
                    unseen.discard(task_id)
                    self.schedule.alive(task_id, self.now, running=bool(self.names % 2))


TestWhateverHappens: Any = Anything.TestCase
TestWhateverHappens.settings = settings(max_examples=60, stateful_step_count=40)
