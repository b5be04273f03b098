from __future__ import annotations

from math import cbrt, exp, inf, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.schedule.completion import KNOWN_AFTER, CompletionModel, Estimate
from aiofunasr.schedule.lifetimes import LifeTable

HAZARDS = st.floats(0.001, 1.0)
PRICES = st.floats(0.005, 1.0)
LENGTHS = st.none() | st.floats(10.0, 10_000.0)


class Constant(LifeTable):
    """Lives that end with the same chance at any age."""

    def __init__(self, hazard: float, finest: float = 0.25) -> None:
        super().__init__(10.0, 1.0, finest=finest)
        self._hazards = [hazard] * len(self._hazards)


def constant(*, begins: float = 0.1, ends: float) -> CompletionModel:
    model = CompletionModel()
    model.queue, model.processing, model.speed = Constant(begins), Constant(ends), Constant(ends, 1 / 4096)
    return model


def note(model: CompletionModel, queued: float, ran: float, length: float | None = None) -> None:
    """Tell a model of one task's whole life."""
    model.waited(0.0, queued)
    model.began(queued)
    model.ran(0.0, ran, length)
    model.ended(ran, length)


def a_queue_wait(random: Random) -> float:
    return random.lognormvariate(2.0, 0.7)


def a_run(random: Random) -> float:
    return random.lognormvariate(3.5, 0.6)


@pytest.fixture(scope="module")
def experienced() -> CompletionModel:
    """A model that has seen tasks wait about 7 and run about 33 seconds."""
    random, model = Random(1), CompletionModel()
    for _ in range(500):
        note(model, a_queue_wait(random), a_run(random))
    return model


# --- what follows for asking ---


@given(HAZARDS, PRICES, st.floats(0.0, 1000.0))
def test_the_interval_follows_the_square_root_law(hazard: float, price: float, age: float) -> None:
    model = constant(ends=hazard)
    interval = model.interval_running(age, None, price)
    assert interval == pytest.approx(sqrt(2.0 * price / hazard))
    assert model.interval_running(age, None, 4.0 * price) == pytest.approx(2.0 * interval)


@given(HAZARDS, PRICES, st.floats(10.0, 10_000.0))
def test_with_lengths_the_hazard_is_one_in_units_of_the_length(hazard: float, price: float, length: float) -> None:
    model = constant(ends=hazard)
    assert model.end_hazard(1.0, length) == pytest.approx(hazard / length)
    assert model.interval_running(1.0, length, price) == pytest.approx(sqrt(2.0 * price * length / hazard))


@given(HAZARDS, HAZARDS, PRICES, LENGTHS)
def test_one_that_has_not_begun_is_asked_about_by_the_cube_root(
    begins: float, ends: float, price: float, length: float | None
) -> None:
    model = constant(begins=begins, ends=ends)
    ended = ends / (length or 1.0)
    interval = model.interval_pending(begins, length, price)
    assert interval == pytest.approx(cbrt(6.0 * price / (begins * ended)), rel=0.02)


@given(HAZARDS, st.floats(0.0, 500.0), st.floats(0.01, 100.0))
def test_the_delay_of_a_running_task_is_the_time_it_has_been_over(hazard: float, age: float, since: float) -> None:
    alive = (1.0 - exp(-hazard * since)) / hazard
    assert constant(ends=hazard).delay_running(age, since, None) == pytest.approx(since - alive, rel=1e-3, abs=1e-6)


@given(HAZARDS, HAZARDS, st.floats(0.0, 200.0), LENGTHS)
def test_the_delay_of_a_pending_task_counts_both_steps(
    begins: float, ends: float, since: float, length: float | None
) -> None:
    model = constant(begins=begins, ends=ends)
    ended, parts, delay = ends / (length or 1.0), 400, 0.0
    for number in range(parts):
        # It begins so long ago, and from then on it is as one that runs.
        ago = since * (number + 0.5) / parts
        begun = begins * exp(-begins * (since - ago)) * since / parts
        delay += begun * (ago - (1.0 - exp(-ended * ago)) / ended)
    assert model.delay_pending(begins, since, length) == pytest.approx(delay, rel=0.3, abs=1e-3)


# --- what follows for people ---


def test_nothing_is_said_before_enough_is_known() -> None:
    model = CompletionModel()
    for _ in range(KNOWN_AFTER):
        assert model.time_left(waited=0.0, ran=None) is None
        assert not model.is_known
        note(model, 5.0, 20.0)
    assert isinstance(model.time_left(waited=0.0, ran=None), Estimate)


@given(
    st.lists(st.tuples(st.floats(0.0, 1e4), st.floats(0.0, 1e5), LENGTHS), min_size=KNOWN_AFTER, max_size=20),
    st.floats(0.0, 1e6),
    st.none() | st.floats(0.0, 1e6),
    LENGTHS,
)
def test_an_estimate_is_in_order_whatever_was_seen(
    lives: list[tuple[float, float, float | None]], waited: float, ran: float | None, length: float | None
) -> None:
    model = CompletionModel()
    for life in lives:
        note(model, *life)
    left = model.time_left(waited=waited, ran=ran, length=length)
    assert left is not None
    assert 0.0 <= left.low <= left.median <= left.high < inf


def test_four_out_of_five_end_within_the_estimate_for_new_tasks(experienced: CompletionModel) -> None:
    random = Random(2)
    left = experienced.time_left(waited=0.0, ran=None)
    assert left is not None
    ends = [a_queue_wait(random) + a_run(random) for _ in range(2000)]
    assert 0.7 < sum(left.low <= end <= left.high for end in ends) / len(ends) < 0.9
    assert 0.4 < sum(end <= left.median for end in ends) / len(ends) < 0.6


@pytest.mark.parametrize("age", [5.0, 25.0, 60.0])
def test_four_out_of_five_end_within_the_estimate_for_running_tasks(experienced: CompletionModel, age: float) -> None:
    random = Random(3)
    left = experienced.time_left(waited=age + 5.0, ran=age)
    assert left is not None
    ends = [end - age for end in (a_run(random) for _ in range(8000)) if end > age]
    assert 0.68 < sum(left.low <= end <= left.high for end in ends) / len(ends) < 0.92
    assert 0.35 < sum(end <= left.median for end in ends) / len(ends) < 0.65


def test_twice_the_length_takes_twice_the_time() -> None:
    random, model = Random(4), CompletionModel()
    for _ in range(300):
        length = random.uniform(60.0, 3600.0)
        note(model, 2.0, 0.05 * length * random.lognormvariate(0.0, 0.2), length)
    short = model.time_left(waited=5.0, ran=0.0, length=600.0)
    long = model.time_left(waited=5.0, ran=0.0, length=1200.0)
    assert short is not None
    assert long is not None
    assert short.median == pytest.approx(0.05 * 600.0, rel=0.2)
    assert long.median == pytest.approx(2.0 * short.median, rel=0.01)
    # The length says more than the crowd does: without it, an hour and a minute are all the same.
    unknown = model.time_left(waited=5.0, ran=0.0)
    assert unknown is not None
    assert unknown.high - unknown.low > 3.0 * (short.high - short.low)


def test_a_task_that_waits_is_further_off_than_one_that_runs(experienced: CompletionModel) -> None:
    waits, runs = experienced.time_left(waited=3.0, ran=None), experienced.time_left(waited=3.0, ran=0.0)
    assert waits is not None
    assert runs is not None
    assert waits.median > runs.median


@given(
    st.lists(st.tuples(st.floats(0.0, 1e4), st.floats(0.0, 1e5), LENGTHS), max_size=20),
    st.floats(0.0, 1e6),
    st.none() | st.floats(0.0, 1e6),
    LENGTHS,
)
def test_a_greater_share_of_tasks_takes_longer(
    lives: list[tuple[float, float, float | None]], waited: float, ran: float | None, length: float | None
) -> None:
    model = CompletionModel()
    for life in lives:
        note(model, *life)
    times = [model.left(share, waited, ran, length) for share in (0.01, 0.1, 0.5, 0.9, 0.999)]
    assert 0.0 < times[0] <= times[1] <= times[2] <= times[3] <= times[4] < inf
