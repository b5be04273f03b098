from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aiofunasr.schedule.by_age import LARGEST, AgeSchedule


def questions_of(lifetime: float, *, age: float = 0.0) -> list[float]:
    """Return when one task is asked about until it is done."""
    schedule = AgeSchedule[str](Random(3))
    schedule.add("t", 0.0, age=age)
    asked: list[float] = []
    while True:
        due = schedule.next_at()
        assert due is not None
        assert schedule.next(due) == "t"
        asked.append(due)
        if due >= lifetime:
            return asked
        schedule.answered("t", due)


def test_a_young_task_is_asked_about_often_and_an_old_one_rarely() -> None:
    asked = questions_of(3600.0)
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert 0.9 <= asked[0] <= 1.1
    assert max(gaps[:3]) < 1.5
    assert min(gaps[-3:]) > 0.85 * LARGEST
    assert max(gaps) <= 1.1 * LARGEST


def test_a_task_is_found_done_within_a_share_of_its_life() -> None:
    for lifetime in (2.0, 10.0, 40.0, 90.0):
        assert questions_of(lifetime)[-1] - lifetime <= max(1.1, 0.25 * lifetime)


def test_an_old_attached_task_is_asked_about_at_once() -> None:
    assert questions_of(0.0, age=500.0) == [0.0]


def test_tasks_submitted_together_do_not_stay_together() -> None:
    schedule = AgeSchedule[int](Random(1))
    for task in range(100):
        schedule.add(task, 0.0)
    times = set()
    while (due := schedule.next_at()) is not None:
        schedule.next(due)
        times.add(round(due, 6))
    assert len(times) == 100


def test_failures_wait_longer_and_longer_and_are_never_the_end() -> None:
    schedule = AgeSchedule[str](Random(1))
    schedule.add("t", 0.0)
    now, gaps = 0.0, []
    for count in range(1, 200):
        due = schedule.next_at()
        assert due is not None
        gaps.append(due - now)
        now = due
        assert schedule.next(now) == "t"
        assert schedule.failed("t", now) == count
    assert gaps[1] < gaps[4] <= 1.1 * LARGEST
    assert max(gaps) <= 1.1 * LARGEST


def test_a_hint_comes_first() -> None:
    schedule = AgeSchedule[str](Random(1))
    for task in "abc":
        schedule.add(task, 0.0)
    schedule.hint("b")
    assert schedule.next(0.1) == "b"
    assert schedule.next(0.1) is None
    schedule.hint("b")  # being asked about already
    assert schedule.next(0.2) is None


class ScheduleMachine(RuleBasedStateMachine):
    """Whatever happens, a task is with the schedule or handed out, and never in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule = AgeSchedule[int](Random(0))
        self.now = 0.0
        self.waiting: set[int] = set()
        self.asking: set[int] = set()
        self.names = 0

    @rule(age=st.floats(0, 5000))
    def add(self, age: float) -> None:
        self.names += 1
        self.schedule.add(self.names, self.now, age=age)
        self.waiting.add(self.names)

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def ask(self) -> None:
        task = self.schedule.next(self.now)
        if task is not None:
            assert task in self.waiting
            self.waiting.remove(task)
            self.asking.add(task)

    @precondition(lambda self: self.asking)
    @rule(data=st.data(), how=st.sampled_from(["answered", "failed"]))
    def reply(self, data: st.DataObject, how: str) -> None:
        task = data.draw(st.sampled_from(sorted(self.asking)))
        getattr(self.schedule, how)(task, self.now)
        self.asking.remove(task)
        self.waiting.add(task)

    @precondition(lambda self: self.waiting or self.asking)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(sorted(self.waiting | self.asking)))
        self.schedule.remove(task)
        self.waiting.discard(task)
        self.asking.discard(task)
        self.schedule.answered(task, self.now)  # a late reply to a forgotten task

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def hint(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(sorted(self.waiting)))
        self.schedule.hint(task)
        due = self.schedule.next_at()
        assert due is not None
        assert due <= self.now

    @invariant()
    def nothing_is_lost(self) -> None:
        assert len(self.schedule) == len(self.waiting) + len(self.asking)
        assert (self.schedule.next_at() is not None) == bool(self.waiting)
        assert len(self.schedule._heap) <= max(64, 4 * len(self.schedule) + 64 * 2)


TestSchedule: Any = ScheduleMachine.TestCase
