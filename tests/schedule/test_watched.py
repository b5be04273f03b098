from __future__ import annotations

from math import sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.schedule.watched import NOTHING, Ended, Unseen, Watched


def a_task(hazard: float, known_at: float) -> Watched:
    task = Watched("task", 0.0, None, 0.0)
    task.hazard, task.known_at = hazard, known_at
    return task


def group_of(tasks: list[Watched]) -> Unseen:
    group = Unseen()
    for task in tasks:
        group.add(task)
    return group


def spread_of(tasks: list[Watched]) -> float:
    """Return the half width of a stretch of time over which moments that vary as much would be spread evenly."""
    weight = sum(task.hazard for task in tasks)
    mean = sum(task.hazard * task.known_at for task in tasks) / weight
    return sqrt(3.0 * sum(task.hazard * (task.known_at - mean) ** 2 for task in tasks) / weight)


def check(group: Unseen, tasks: list[Watched]) -> None:
    assert group.count == len(tasks)
    weight = sum(task.hazard for task in tasks)
    assert group.hazards == pytest.approx(weight, abs=1e-9)
    if tasks:
        assert group.hazard == pytest.approx(weight / len(tasks), rel=1e-6, abs=1e-9)
        assert group.known_at == pytest.approx(
            sum(task.hazard * task.known_at for task in tasks) / weight, rel=1e-9, abs=1e-3
        )
        assert group.spread == pytest.approx(spread_of(tasks), rel=1e-3, abs=0.05)
    else:
        assert group.hazard == 0.0


@given(
    st.lists(
        st.tuples(st.floats(0.001, 2.0), st.floats(0.0, 3600.0)) | st.integers(0, 100),
        max_size=60,
    )
)
def test_the_sums_are_those_of_the_tasks_in_it(changes: list[tuple[float, float] | int]) -> None:
    """A pair of numbers is a task that comes, a single number says which of them goes."""
    group, tasks = Unseen(), list[Watched]()
    for change in changes:
        if isinstance(change, tuple):
            tasks.append(a_task(*change))
            group.add(tasks[-1])
        elif tasks:
            group.remove(tasks.pop(change % len(tasks)))
        check(group, tasks)


def test_a_group_that_has_become_empty_knows_nothing() -> None:
    first, second = a_task(1.9999999999999998, 0.0), a_task(0.021252234284675306, 1.0)
    third = a_task(1.0, 256.0)
    group = group_of([first, second])
    group.remove(first)
    group.add(third)
    group.remove(third)
    group.remove(second)
    assert group.count == 0
    assert group.spread == 0.0
    assert 0.0 <= group.known_at <= 256.0


def test_a_group_that_is_never_empty_gathers_no_rounding() -> None:
    random, tasks = Random(1), [a_task(0.1, 0.0)]
    group = group_of(tasks)
    for number in range(1, 20_000):
        tasks.append(a_task(random.uniform(0.0001, 2.0), 5.0 * number))
        group.add(tasks[-1])
        if len(tasks) > 300:
            group.remove(tasks.pop(0))
    # Few are left, of little weight.
    tasks += [a_task(0.001, tasks[-1].known_at + later) for later in (0.0, 1.0)]
    for task in tasks[-2:]:
        group.add(task)
    while len(tasks) > 2:
        group.remove(tasks.pop(0))
    assert group.spread == pytest.approx(spread_of(tasks), abs=0.001)
    assert group.known_at == pytest.approx(tasks[0].known_at + 0.5, abs=0.001)


def test_ten_thousand_changes_leave_no_trace_of_rounding() -> None:
    """Play two hours in which tasks come, are seen and go, as they do in a busy session."""
    random = Random(1)
    group, tasks = Unseen(), list[Watched]()
    for number in range(10_000):
        now = 1e6 + number * 0.7
        if not tasks or random.random() < 0.3:
            tasks.append(a_task(random.lognormvariate(-3.0, 1.0), now))
            group.add(tasks[-1])
        elif random.random() < 0.6:
            task = random.choice(tasks)
            group.remove(task)
            task.known_at, task.hazard = now, random.lognormvariate(-3.0, 1.0)
            group.add(task)
        else:
            group.remove(tasks.pop(random.randrange(len(tasks))))
    check(group, tasks)
    while len(tasks) > 2:
        group.remove(tasks.pop(0))
    check(group, tasks)
    while tasks:
        group.remove(tasks.pop())
    group.add(a_task(0.1, 5.0))
    assert (group.known_at, group.spread, group.hazards) == (5.0, 0.0, 0.1)


def seen_one_by_one(tasks: list[Watched], now: float, lag: float) -> Ended:
    """Return what a look shows of them, task by task.

    Of a task with a hazard that was last seen so long ago, the look shows all but the last `lag` seconds; whatever
    ended in there is late by the time since then.
    """
    ended = gathered = late = 0.0
    for task in tasks:
        since = now - task.known_at
        if since > lag:
            ended += task.hazard * (since - lag)
            gathered += task.hazard * (since - lag) ** 2 / 2.0
            late += task.hazard * (since - lag) * (since + lag) / 2.0
    return Ended(ended, gathered, late)


def the_same(ended: Ended, expected: Ended, rel: float) -> bool:
    return (
        ended.tasks == pytest.approx(expected.tasks, rel=rel, abs=1e-4)
        and ended.gathered == pytest.approx(expected.gathered, rel=rel, abs=1e-4)
        # Of rounding a millionth of a second stays of when they were seen, and counts for as long as the list lags.
        and ended.late == pytest.approx(expected.late, rel=rel, abs=1e-3)
    )


@given(
    st.integers(1, 50),
    st.floats(0.001, 1.0),
    st.floats(0.0, 1e5),
    st.floats(0.0, 300.0),
    st.sampled_from([0.0, 0.5, 5.0, 60.0]),
)
def test_tasks_seen_together_end_as_they_would_one_by_one(
    count: int, hazard: float, known_at: float, since: float, lag: float
) -> None:
    tasks = [a_task(hazard, known_at) for _ in range(count)]
    now = known_at + since
    assert the_same(group_of(tasks).ended(now, lag), seen_one_by_one(tasks, now, lag), rel=1e-3)


@given(
    st.floats(0.001, 1.0),
    st.floats(0.0, 1e5),
    st.floats(1.0, 60.0),
    st.floats(0.0, 60.0),
    st.sampled_from([0.0, 0.5, 5.0, 20.0]),
)
def test_tasks_seen_at_different_times_end_as_they_would_one_by_one(
    hazard: float, first: float, width: float, since: float, lag: float
) -> None:
    """The lag may lie before all of them, in between, or after all."""
    tasks = [a_task(hazard, first + width * (number + 0.5) / 200) for number in range(200)]
    now = first + width + since
    expected = seen_one_by_one(tasks, now, lag)
    ended = group_of(tasks).ended(now, lag)
    if expected.tasks > 0.01 * hazard * len(tasks):
        assert the_same(ended, expected, rel=0.03)


def test_a_lag_makes_a_look_show_less_of_what_is_late() -> None:
    group = group_of([a_task(0.1, 10.0) for _ in range(20)])
    at_once, later = group.ended(20.0, 0.0), group.ended(20.0, 4.0)
    assert later.tasks < at_once.tasks
    assert later.gathered < later.late < at_once.late == pytest.approx(at_once.gathered)
    assert group.ended(20.0, 11.0) == NOTHING
    assert Unseen().ended(20.0, 1.0).tasks == 0.0
