from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.schedule.completion import KNOWN_AFTER
from aiofunasr.schedule.crowd import LONGEST, SHORTEST, Crowd
from aiofunasr.schedule.lifetimes import LifeTable
from aiofunasr.schedule.scheduler import CHEAPEST
from aiofunasr.schedule.watched import Watched

SIGHTS = st.lists(st.tuples(st.floats(0.0, 20.0), st.booleans()), max_size=12)


class Remembering(LifeTable):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__(10.0, 1.5)
        self.pieces: list[tuple[float, float]] = []
        self.ends: list[float] = []

    def lived(self, begin: float, end: float) -> None:
        super().lived(begin, end)
        if end > begin:
            self.pieces.append((begin, end))

    def ended(self, age: float) -> None:
        super().ended(age)
        self.ends.append(age)


def crowd_of(*tasks: Watched, now: float) -> tuple[Crowd, Remembering, Remembering]:
    crowd, queue, processing = Crowd(), Remembering(), Remembering()
    crowd.model.queue, crowd.model.processing = queue, processing
    for task in tasks:
        crowd.add(task, now)
    return crowd, queue, processing


def a_task(name: str = "task", since: float = 1000.0, now: float | None = None, length: float | None = None) -> Watched:
    return Watched(name, since, length, since if now is None else now)


# --- what is learned ---


@given(SIGHTS, st.floats(0.0, 100.0))
def test_every_second_of_a_life_is_told_once(sights: list[tuple[float, bool]], came: float) -> None:
    """However often it was seen: no second before it came to us, none twice, and none left out once it was here."""
    task = a_task(now=1000.0 + came)
    crowd, queue, processing = crowd_of(task, now=1000.0 + came)
    now = 1000.0 + came
    for seconds, running in sights:
        now += seconds
        crowd.see(task, now, running=running)
    crowd.remove(task.task_id)
    crowd.finish(task, now + 5.0, ended_at=now + 3.0, began_at=None)
    assert task.began_at is not None
    began = task.began_at - 1000.0
    pieces = queue.pieces + [(began + begin, began + end) for begin, end in processing.pieces]
    assert pieces[0][0] == pytest.approx(came)
    assert pieces[-1][1] == pytest.approx(now + 3.0 - 1000.0)
    for (_, end), (begin, _) in pairwise(pieces):
        assert begin == pytest.approx(end)
    assert queue.ends == pytest.approx([began])
    assert processing.ends == pytest.approx([now + 3.0 - 1000.0 - began])


def test_the_services_own_times_are_taken_where_they_are_known() -> None:
    task = a_task()
    crowd, queue, processing = crowd_of(task, now=1000.0)
    crowd.see(task, 1005.0, running=False)
    crowd.see(task, 1020.0, running=True, began_at=1012.0)
    crowd.remove("task")
    crowd.finish(task, 1050.0, ended_at=1042.0, began_at=None)
    assert queue.ends == [12.0]
    assert processing.ends == [30.0]


def test_what_was_not_seen_to_happen_is_taken_to_have_happened_halfway() -> None:
    task = a_task()
    crowd, queue, processing = crowd_of(task, now=1000.0)
    crowd.see(task, 1010.0, running=False)
    crowd.see(task, 1020.0, running=True)
    crowd.see(task, 1040.0, running=True)
    crowd.remove("task")
    crowd.finish(task, 1060.0, ended_at=None, began_at=None)
    assert queue.ends == [15.0]
    assert processing.ends == [35.0]


@given(st.none() | st.floats(-1e6, 1e6), st.none() | st.floats(-1e6, 1e6), st.booleans())
def test_impossible_times_make_no_impossible_lives(ended: float | None, began: float | None, running: bool) -> None:
    task = a_task()
    crowd, queue, processing = crowd_of(task, now=1000.0)
    crowd.see(task, 1010.0, running=running)
    crowd.remove("task")
    ended_at, began_at = (None if time is None else 1000.0 + time for time in (ended, began))
    crowd.finish(task, 1060.0, ended_at=ended_at, began_at=began_at)
    assert 0.0 <= queue.ends[0] <= 60.0
    assert 0.0 <= processing.ends[0] <= 60.0


def test_a_task_may_begin_when_the_clock_does() -> None:
    task = a_task(since=0.0)
    crowd, _, processing = crowd_of(task, now=0.0)
    crowd.remove("task")
    crowd.finish(task, 30.0, ended_at=20.0, began_at=0.0)
    assert processing.ends == [20.0]


def test_an_older_sight_takes_nothing_back() -> None:
    task = a_task()
    crowd, *_ = crowd_of(task, now=1000.0)
    crowd.see(task, 1020.0, running=True)
    crowd.see(task, 1010.0, running=True)
    crowd.see(task, 1015.0, running=False)
    assert task.known_at == 1020.0
    assert (crowd.pending.count, crowd.running.count) == (0, 1)


# --- what follows from it ---


@given(st.booleans(), st.floats(0.0, 600.0), st.none() | st.floats(30.0, 5000.0), st.floats(0.01, 1.0))
def test_a_task_comes_up_neither_too_soon_nor_too_late(
    running: bool, age: float, length: float | None, price: float
) -> None:
    task = a_task(length=length)
    crowd, *_ = crowd_of(task, now=1000.0)
    seen = 1000.0 + age
    crowd.see(task, seen, running=running, began_at=1000.0)
    due = crowd.due(task, price)
    assert min(seen + SHORTEST, task.known_at + LONGEST) <= due <= task.known_at + LONGEST
    assert crowd.due(task, price * 2.0) >= due
    # What is believed of its beginning changes with its age, a little.
    assert crowd.value(task, due + 1.0) >= 0.8 * crowd.value(task, due)


@given(st.floats(0.0, 600.0), st.floats(0.01, 0.3))
def test_a_running_task_comes_up_when_the_question_is_worth_its_price(age: float, price: float) -> None:
    task = a_task()
    crowd, *_ = crowd_of(task, now=1000.0)
    crowd.see(task, 1000.0 + age, running=True, began_at=1000.0)
    due = crowd.due(task, price)
    if SHORTEST * 1.01 < due - task.known_at < LONGEST:
        assert price / 2.0 < crowd.value(task, due) < price * 2.0


@pytest.mark.parametrize("age", [0.0, 5.0, 10.0])
def test_a_pending_task_need_not_be_put_back_when_it_comes_up(age: float) -> None:
    task = a_task()
    crowd, *_ = crowd_of(task, now=1000.0)
    crowd.see(task, 1000.0 + age, running=False)
    due = crowd.due(task, CHEAPEST)
    assert CHEAPEST <= crowd.value(task, due) < 1.3 * CHEAPEST


def test_a_sweep_is_a_sight_of_those_who_do_not_run() -> None:
    pending, runs = a_task("pending"), a_task("runs")
    crowd, *_ = crowd_of(pending, runs, now=1000.0)
    crowd.see(runs, 1001.0, running=True)
    before = crowd.value(pending, 1006.0)
    for now in range(1001, 1006):
        crowd.swept(float(now), full=False)
    assert crowd.seen_at(pending) == 1005.0
    assert crowd.seen_at(runs) == 1001.0
    assert crowd.value(pending, 1006.0) < before / 2.0


def test_the_longer_one_is_not_met_as_running_the_likelier_it_has_slipped_through() -> None:
    task = a_task()
    crowd, *_ = crowd_of(task, now=1000.0)
    values = []
    for now in range(1000, 1060, 5):
        crowd.swept(float(now), full=False)
        values.append(crowd.value(task, float(now)))
    assert values[0] == 0.0
    assert values[1] < values[3] < values[6] < values[-1]
    assert crowd.skipped_delay(1060.0) > crowd.skipped_delay(1020.0) > 0.0
    assert crowd.due(task, 0.5) <= 1055.0 + SHORTEST


@given(
    st.lists(st.tuples(st.floats(0.1, 500.0), st.floats(0.1, 500.0)), min_size=KNOWN_AFTER, max_size=10),
    st.lists(st.tuples(st.floats(0.0, 300.0), st.booleans()), max_size=10),
    st.integers(0, 10_000),
    st.floats(0.1, 100.0),
)
def test_all_are_done_no_sooner_than_each(
    ended: list[tuple[float, float]], live: list[tuple[float, bool]], coming: int, rate: float
) -> None:
    crowd = Crowd()
    assert crowd.all_left(0.0, [], live=0, coming=0, rate=1.0) is None
    for waited, ran in ended:
        crowd.finish(a_task(since=0.0), 1000.0, began_at=waited, ended_at=waited + ran)
    tasks = [a_task(f"task-{number}") for number in range(len(live))]
    for task, (age, running) in zip(tasks, live, strict=True):
        crowd.add(task, 1000.0)
        crowd.see(task, 1000.0 + age, running=running)
    now, names = 1300.0, [task.task_id for task in tasks]
    left = crowd.all_left(now, names, live=len(names), coming=coming, rate=rate)
    assert left is not None
    assert 0.0 <= left.low <= left.median <= left.high < float("inf")
    for name in names if coming == 0 else []:
        one = crowd.time_left(name, now)
        assert one is not None
        assert left.high >= one.median * 0.99 - 1e-6
    later = crowd.all_left(now, names, live=len(names), coming=coming + 5000, rate=rate)
    assert later is not None
    assert later.median >= 5000 / rate


def test_a_full_sweep_says_nothing_of_those_who_slip_through() -> None:
    task = a_task()
    crowd, *_ = crowd_of(task, now=1000.0)
    crowd.swept(1010.0, full=True)
    assert crowd.skipped_delay(1020.0) == 0.0
    crowd.swept(1020.0, full=False)
    assert crowd.skipped_delay(1030.0) > 0.0
