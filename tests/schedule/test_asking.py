from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schedule.world import LIMIT, Life, Play, lives, page_of

from aiofunasr.schedule.asking import CHOICES, Asking
from aiofunasr.schedule.crowd import LONGEST, SHORTEST, Crowd
from aiofunasr.schedule.scheduler import AFTER_FAILURE, FIRST, JITTER, LONGEST_AFTER_FAILURE, Ask, Scheduler
from aiofunasr.schedule.sweeps import Page
from aiofunasr.schedule.watched import Watched

NEVER = float("inf")
RATE = 18.0
MANY = 50_000


def asked_next(schedule: Scheduler, now: float) -> tuple[str, float]:
    """Let time go by until something is asked, and return what and when."""
    for _ in range(1000):
        due = schedule.next_at(now, NEVER)
        assert due is not None
        now = max(now, due)
        action = schedule.next(now, RATE, NEVER)
        if isinstance(action, Ask):
            return action.task_id, now
    raise AssertionError("nothing is ever asked")


def questions(count: int, *, age: float = 0.0, running: bool = True) -> list[float]:
    """Return when a task is asked about that goes on and on."""
    schedule = Scheduler(Random(1))
    schedule.add("a", 0.0, age=age)
    now, found = 0.0, []
    for _ in range(count):
        _, now = asked_next(schedule, now)
        found.append(now)
        schedule.alive("a", now, running=running)
    return found


# --- one task ---


@pytest.mark.parametrize("running", [True, False])
def test_one_task_is_asked_about_neither_too_often_nor_too_rarely(running: bool) -> None:
    asked = questions(200, running=running)
    assert asked[0] >= FIRST * (1 - JITTER)
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert min(gaps) >= SHORTEST * 0.999
    assert max(gaps) <= LONGEST * 1.001
    # As it gets older, it is ever less likely to end just now.
    assert sum(gaps[:20]) < sum(gaps[-20:])


def test_a_task_that_is_not_new_is_asked_about_at_once() -> None:
    assert questions(1, age=500.0) == [0.0]


@given(st.lists(st.floats(0.0, 5000.0), min_size=1, max_size=50), st.integers(0, 100))
@settings(max_examples=20)
def test_nobody_is_forgotten(ages: list[float], seed: int) -> None:
    """Each of a few dozen tasks is looked at every now and then, however old it is and whatever else is going on."""
    schedule, random = Scheduler(Random(seed)), Random(seed)
    seen = {f"task-{number}": 0.0 for number in range(len(ages))}
    for name, age in zip(seen, ages, strict=True):
        schedule.add(name, 0.0, age=age)
    now = 0.0
    while now < 2.5 * LONGEST:
        name, now = asked_next(schedule, now + 1.0 / LIMIT)
        assert now - seen[name] <= LONGEST * 1.2
        seen[name] = now
        schedule.alive(name, now, running=random.random() < 0.5)
    assert min(seen.values()) > now - LONGEST * 1.2


# --- failures ---


def pauses(count: int, *, answers: int = 0) -> list[float]:
    """Answer some questions, then fail one after another, and return how long the schedule waited after each."""
    schedule = Scheduler(Random(1))
    schedule.add("a", 0.0)
    now, found = 0.0, []
    for _ in range(answers):
        _, now = asked_next(schedule, now)
        schedule.alive("a", now, running=True)
    _, now = asked_next(schedule, now)
    for number in range(1, count + 1):
        assert schedule.failed("a", now) == number
        _, then = asked_next(schedule, now)
        found.append(then - now)
        now = then
    return found


@pytest.mark.parametrize("answers", [0, 5])
def test_failures_wait_longer_and_longer_up_to_a_bound(answers: int) -> None:
    waits = pauses(40, answers=answers)
    assert waits[0] >= AFTER_FAILURE * (1 - JITTER)
    assert all(later > 1.5 * earlier for earlier, later in pairwise(waits[:4]))
    assert min(waits[10:]) >= LONGEST_AFTER_FAILURE * (1 - JITTER)


def test_failures_never_end_a_wait() -> None:
    assert max(pauses(1000)) <= LONGEST_AFTER_FAILURE * (1 + JITTER) * 1.001


def test_an_answer_ends_the_pauses() -> None:
    schedule = Scheduler(Random(1))
    schedule.add("a", 0.0)
    for number in range(1, 6):
        assert schedule.failed("a", 100.0 * number) == number
    schedule.alive("a", 600.0, running=True)
    assert asked_next(schedule, 600.0)[1] <= 600.0 + LONGEST_AFTER_FAILURE / 2
    assert schedule.failed("a", 700.0) == 1


def test_one_that_fails_keeps_nobody_else_waiting() -> None:
    ours = lives(20)
    alone = Play(ours).run(600.0)
    disturbed = Play(
        ours | {"broken": Life(0.0, 1.0, 300.0)}, unheard=lambda name, now: name == "broken" and now < 400.0
    ).run(600.0)
    assert disturbed.delays.keys() == ours.keys() | {"broken"}
    assert disturbed.delays["broken"] - 100.0 <= LONGEST_AFTER_FAILURE * (1 + JITTER) + 1.0
    mean = sum(disturbed.delays[name] for name in ours) / len(ours)
    assert mean < 2.0 * alone.mean_delay + 0.5


# --- many ---


class Counted:
    """How often a task was looked at to value it or to say when it is due."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        value, due = Crowd.value, Crowd.due

        def counted_value(crowd: Crowd, task: Watched, now: float) -> float:
            self.count += 1
            return value(crowd, task, now)

        def counted_due(crowd: Crowd, task: Watched, price: float) -> float:
            self.count += 1
            return due(crowd, task, price)

        monkeypatch.setattr(Crowd, "value", counted_value)
        monkeypatch.setattr(Crowd, "due", counted_due)


def test_a_decision_among_very_many_tasks_looks_at_few(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = Scheduler(Random(1))
    for number in range(MANY):
        schedule.add(f"task-{number}", number * 0.001)
    counted = Counted(monkeypatch)
    now, most, decisions, pages = 60.0, 0, 0, 0
    while decisions < 1500:
        counted.count = 0
        schedule.next_at(now, now)
        action = schedule.next(now, RATE, now)
        most, decisions = max(most, counted.count), decisions + 1
        match action:
            case Ask(task_id):
                schedule.alive(task_id, now, running=decisions % 2 == 0)
            case Page() as page:
                first = 100 * (page.number - 1)
                rows = [(f"task-{number}", "RUNNING") for number in range(first, first + 100)]
                shown = page_of(total=0) if page.status == "PENDING" else page_of(*rows, total=MANY)
                schedule.listed(page, shown, now, now)
                pages += 1
        now += 1.0 / RATE
    assert pages > 100
    # As many as are put right before something else gets its turn, and as many as are compared.
    assert most <= 200


def test_what_was_compared_is_not_looked_at_again_so_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many that are due, each decision looks at one more, and only now and then at those that were left."""
    schedule = Scheduler(Random(1))
    for number in range(5000):
        schedule.add(f"task-{number}", number * 0.001)
    counted = Counted(monkeypatch)
    decisions = 400
    for number in range(decisions):
        assert isinstance(schedule.next(60.0 + number / RATE, RATE, NEVER), Ask)
    assert counted.count <= 1.3 * decisions


def test_what_was_compared_and_then_seen_is_looked_at_again() -> None:
    crowd = Crowd()
    asking = Asking(crowd)
    tasks = [Watched(f"task-{number}", 0.0, None, 0.0) for number in range(3)]
    for number, task in enumerate(tasks):
        crowd.add(task, 0.0)
        crowd.see(task, 1.0 + number, running=True)
        asking.put(task, 4.0)
    found = asking.best(10.0, 0.001)
    assert found is not None
    assert found[0] is tasks[0]
    # A list showed it alive a moment ago.
    crowd.see(tasks[1], 9.9, running=True)
    found = asking.best(10.1, 0.001)
    assert found is not None
    assert found[0] is tasks[2]


@pytest.mark.parametrize("seen", [False, True])
def test_who_left_while_it_was_compared_is_not_asked_about(seen: bool) -> None:
    crowd = Crowd()
    asking = Asking(crowd)
    tasks = [Watched(f"task-{number}", 0.0, None, 0.0) for number in range(3)]
    for task in tasks:
        crowd.add(task, 0.0)
        asking.put(task, 4.0)
    assert asking.best(10.0, 0.001) is not None
    left = [task for task in tasks if task.place is not None]
    asking.drop(left[0])
    if seen:
        crowd.see(left[1], 9.0, running=True)
    found = asking.best(10.1, 0.001)
    assert found is not None
    assert found[0] is left[1]
    assert asking.best(10.2, 0.001) is None


def test_of_those_that_are_due_the_one_worth_most_is_taken() -> None:
    crowd = Crowd()
    asking = Asking(crowd)
    for number, seen in enumerate((3.0, 1.0, 2.0)):
        task = Watched(f"task-{number}", 0.0, None, 0.0)
        crowd.add(task, 0.0)
        crowd.see(task, seen, running=True)
        asking.put(task, 4.0)
    assert CHOICES >= 3
    taken = []
    while (best := asking.best(10.0, 0.001)) is not None:
        taken.append(best[0].task_id)
    assert taken == ["task-1", "task-2", "task-0"]


def test_what_was_dropped_does_not_fill_the_memory() -> None:
    schedule = Scheduler(Random(1))
    for number in range(5000):
        schedule.add(f"task-{number}", number * 0.01)
        if number >= 10:
            schedule.remove(f"task-{number - 10}")
    assert len(schedule) == 10
    assert len(schedule._asking._heap) < 200


def test_places_do_not_pile_up_where_all_tasks_are_asked_about_out_of_turn() -> None:
    schedule = Scheduler(Random(1))
    for number in range(2000):
        schedule.add(f"task-{number}", 0.0)
    for number in range(2000):
        schedule.hint(f"task-{number}")
    for _ in range(2000):
        action = schedule.next(1.0, 1e6, NEVER)
        assert isinstance(action, Ask)
        schedule.alive(action.task_id, 1.0, running=True)
    assert 2000 <= len(schedule._asking._heap) < 3000
