from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.schedule.ages import ByAge
from aiofunasr.schedule.watched import Watched


@given(st.lists(st.floats(0.0, 100.0) | st.integers(0, 1000), max_size=200), st.booleans())
def test_the_oldest_is_known_whoever_comes_and_goes(steps: list[float | int], often: bool) -> None:
    """A time is that of a task that comes; a whole number says which of those that are there goes."""
    tasks: dict[str, Watched] = {}
    by_age = ByAge(tasks)
    for number, step in enumerate(steps):
        if isinstance(step, float):
            tasks[str(number)] = task = Watched(str(number), step, None, step)
            by_age.add(task)
        elif tasks:
            del tasks[list(tasks)[step % len(tasks)]]
            by_age.tidy()
        if often:
            oldest = by_age.oldest
            assert (oldest and oldest.since) == min((task.since for task in tasks.values()), default=None)
    oldest = by_age.oldest
    assert (oldest and oldest.since) == min((task.since for task in tasks.values()), default=None)
    assert oldest is None or tasks[oldest.task_id] is oldest


def test_a_task_that_came_again_is_not_taken_for_the_former_one() -> None:
    tasks: dict[str, Watched] = {}
    by_age = ByAge(tasks)
    for since in (1.0, 5.0):
        tasks["a"] = task = Watched("a", since, None, since)
        by_age.add(task)
    assert by_age.oldest is tasks["a"]


def test_those_that_are_gone_behind_one_that_stays_do_not_fill_the_memory() -> None:
    tasks = {"first": Watched("first", 0.0, None, 0.0)}
    by_age = ByAge(tasks)
    by_age.add(tasks["first"])
    for number in range(5000):
        # Every other one is older than the one before it.
        name, since = str(number), number + 10.0 * (number % 2)
        tasks[name] = Watched(name, since, None, since)
        by_age.add(tasks[name])
        del tasks[name]
        by_age.tidy()
    assert by_age.oldest is tasks["first"]
    assert len(by_age) < 100


class Asked(dict[str, Watched]):
    """Counts how often it is asked about a task."""

    times = 0

    def get(self, *args: Any) -> Any:
        self.times += 1
        return super().get(*args)


def test_room_is_made_little_by_little() -> None:
    tasks = Asked({str(number): Watched(str(number), number, None, number) for number in range(20_000)})
    by_age = ByAge(tasks)
    for task in tasks.values():
        by_age.add(task)
    for name in list(tasks)[1:]:
        del tasks[name]
        tasks.times = 0
        by_age.tidy()
        assert tasks.times < 10
    assert by_age.oldest is tasks["0"]
    assert len(by_age) < 100
