from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.schedule.service_times import ServiceTimes
from aiofunasr.snapshots import TaskSnapshot

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AHEAD = st.floats(-90_000.0, 90_000.0) | st.sampled_from([0.0, 3.0, -3.0, 8 * 3600.0, -8 * 3600.0])


class Service:
    """Writes the times of a clock that is ahead of ours by some seconds."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead

    def snapshot(
        self,
        status: str = "RUNNING",
        *,
        submitted: float | None = 0.0,
        scheduled: float | None = None,
        ended: float | None = None,
    ) -> TaskSnapshot:
        """Return an answer; the times are ours, in seconds after noon."""
        submit_time, scheduled_time, end_time = (
            None if time is None else NOON + timedelta(seconds=time + self._ahead)
            for time in (submitted, scheduled, ended)
        )
        return TaskSnapshot(
            task_id="task",
            task_status=status,
            submit_time=submit_time,
            scheduled_time=scheduled_time,
            end_time=end_time,
        )


def after_noon(moment: float | None) -> float | None:
    return None if moment is None else moment - NOON.timestamp()


def acquainted(ahead: float) -> tuple[ServiceTimes, Service]:
    """Return times that know the difference, because a submit took no time on its way."""
    times, service = ServiceTimes(), Service(ahead)
    times.learn(service.snapshot("PENDING"), None, NOON.timestamp())
    return times, service


# --- the two clocks ---


@given(AHEAD, st.integers(0, 1000))
def test_the_difference_of_the_clocks_is_the_smallest_seen(ahead: float, seed: int) -> None:
    random, times, service = Random(seed), ServiceTimes(), Service(ahead)
    ways = [random.uniform(0.02, 2.0) for _ in range(15)]
    for number, way in enumerate(ways):
        left = 10.0 * number
        times.learn(service.snapshot(submitted=left + way), None, NOON.timestamp() + left)
    assert times.difference == pytest.approx(ahead + min(ways), abs=1e-3)
    ended = times.ended_at(service.snapshot("SUCCEEDED", submitted=500.0, ended=530.0))
    assert after_noon(ended) == pytest.approx(530.0 - min(ways), abs=1e-3)


def test_without_a_submit_of_ours_nothing_is_known() -> None:
    times, service = ServiceTimes(), Service(0.0)
    done = service.snapshot("SUCCEEDED", ended=5.0)
    times.learn(done, None, None)
    times.learn(service.snapshot(submitted=None), None, NOON.timestamp())
    assert times.difference is None
    assert times.ended_at(done) is None
    assert times.began_at(done) is None


def test_only_the_first_answer_about_a_task_tells_of_its_submit() -> None:
    times, service = ServiceTimes(), Service(0.0)
    first = service.snapshot("PENDING", submitted=None)
    times.learn(service.snapshot(submitted=0.0), first, NOON.timestamp())
    assert times.difference is None


def test_a_clock_that_was_set_is_noticed() -> None:
    times = ServiceTimes()
    for ahead in [3.0] * 50 + [3600.0] * 50:
        times.learn(Service(ahead).snapshot(), None, NOON.timestamp())
    assert times.difference == pytest.approx(3600.0)


def test_a_task_that_has_not_ended_has_no_end() -> None:
    times, service = acquainted(3.0)
    assert times.ended_at(service.snapshot()) is None


# --- what `scheduled_time` means ---


@given(AHEAD)
def test_it_is_the_begin_once_a_task_was_seen_waiting_without_it(ahead: float) -> None:
    times, service = acquainted(ahead)
    running = service.snapshot("RUNNING", scheduled=20.0)
    assert times.began_at(running) is None
    times.learn(running, service.snapshot("PENDING"), None)
    assert after_noon(times.began_at(running)) == pytest.approx(20.0, abs=1e-3)
    assert times.began_at(service.snapshot("RUNNING")) is None


@pytest.mark.parametrize("late", [True, False])
def test_it_is_not_the_begin_once_a_task_was_seen_waiting_with_it(late: bool) -> None:
    times, service = acquainted(0.0)
    waits, runs = service.snapshot("PENDING", scheduled=0.1), service.snapshot("RUNNING", scheduled=0.1)
    if late:
        times.learn(runs, service.snapshot("PENDING"), None)
    times.learn(waits, None, None)
    assert times.began_at(runs) is None
    times.learn(runs, service.snapshot("PENDING"), None)
    assert times.began_at(runs) is None


@pytest.mark.parametrize("before", [None, "RUNNING"])
def test_a_task_that_was_not_seen_waiting_says_nothing_of_it(before: str | None) -> None:
    times, service = acquainted(0.0)
    runs = service.snapshot("RUNNING", scheduled=0.1)
    times.learn(runs, None if before is None else service.snapshot(before), None)
    assert times.began_at(runs) is None
