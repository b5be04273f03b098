from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import erf, exp, isfinite, log, pi, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.schedule.lifetimes import BINS_PER_OCTAVE, MEMORY, OCTAVES, LifeTable

FINEST = 0.25
OLDEST = 1e7
AGES = st.floats(0.0, OLDEST)
SHARES = st.floats(0.001, 0.999)


def taught(lives: list[float], *, median: float = 12.0, shape: float = 1.7) -> LifeTable:
    table = LifeTable(median, shape)
    for life in lives:
        table.lived(0.0, life)
        table.ended(life)
    return table


TABLES = st.builds(taught, st.lists(st.floats(0.0, 2000.0), max_size=30), shape=st.floats(1.0, 4.0))


def pieces(begin: float, length: float) -> list[tuple[float, float]]:
    """Return the middles and widths of small pieces of the time from `begin` on, none of which spans two bins."""
    end = begin + length
    edges = [FINEST * 2.0 ** (number / BINS_PER_OCTAVE) for number in range(BINS_PER_OCTAVE * OCTAVES + 1)]
    cuts = [begin, *(edge for edge in edges if begin < edge < end), end]
    return [
        (start + (number + 0.5) * (stop - start) / 8, (stop - start) / 8)
        for start, stop in pairwise(cuts)
        for number in range(8)
    ]


def log_normal_hazard(median: float, sigma: float) -> Callable[[float], float]:
    def hazard(age: float) -> float:
        at = log(age / median) / sigma
        return exp(-at * at / 2.0) / (age * sigma * sqrt(2.0 * pi)) / (0.5 - erf(at / sqrt(2.0)) / 2.0)

    return hazard


# --- the first guess ---


@given(st.floats(0.5, 100.0), st.floats(1.0, 8.0), st.floats(0.5, 10_000.0))
def test_what_was_never_seen_is_as_imagined(median: float, shape: float, age: float) -> None:
    """The hazard is that of the log-logistic law, somewhere within half an octave of the age."""

    def law(at: float) -> float:
        power: float = (at / median) ** shape
        return shape / at * power / (1.0 + power)

    near = [law(age * 2.0 ** (number / 20.0)) for number in range(-10, 11)]
    assert min(near) * 0.98 <= LifeTable(median, shape).hazard(age) <= max(near) * 1.02


@given(st.floats(2.0, 500.0), st.floats(1.0, 8.0))
def test_half_of_the_imagined_lives_reach_their_median(median: float, shape: float) -> None:
    assert LifeTable(median, shape).quantile(0.5) == pytest.approx(median, rel=0.15)


# --- learning ---


def test_it_learns_a_constant_hazard() -> None:
    random = Random(1)
    table = taught([random.expovariate(1 / 20.0) for _ in range(2 * MEMORY)])
    for age in (2.0, 5.0, 12.0, 20.0, 35.0):
        assert 1 / 2.0 < table.hazard(age) * 20.0 < 2.0
    assert table.quantile(0.5) == pytest.approx(20.0 * log(2.0), rel=0.2)


def test_it_learns_a_log_normal_law() -> None:
    random, law = Random(2), log_normal_hazard(60.0, 0.5)
    table = taught([random.lognormvariate(log(60.0), 0.5) for _ in range(2 * MEMORY)])
    for age in (35.0, 50.0, 60.0, 90.0):
        assert 1 / 2.0 < table.hazard(age) / law(age) < 2.0
    assert table.hazard(15.0) < table.hazard(60.0) / 3.0
    assert table.quantile(0.5) == pytest.approx(60.0, rel=0.15)


def test_it_learns_two_kinds_of_lives_in_one_crowd() -> None:
    random = Random(3)
    table = taught([random.choice((8.0, 200.0)) * random.lognormvariate(0.0, 0.2) for _ in range(2 * MEMORY)])
    assert table.hazard(40.0) < min(table.hazard(8.0), table.hazard(220.0)) / 4.0
    assert table.quantile(0.25) == pytest.approx(8.0, rel=0.25)
    assert table.quantile(0.75) == pytest.approx(200.0, rel=0.25)
    assert table.quantile(0.5, age=40.0) == pytest.approx(160.0, rel=0.25)


def test_those_still_alive_teach_without_anybody_ending() -> None:
    table = LifeTable(12.0, 1.7)
    hazard, median = table.hazard(50.0), table.quantile(0.5)
    for _ in range(100):
        table.lived(0.0, 100.0)
    assert table.hazard(50.0) < hazard / 10.0
    assert table.quantile(0.5) > 5.0 * median
    assert table.ended_count == 0


@pytest.mark.parametrize(("before", "after"), [(10.0, 100.0), (100.0, 10.0)])
def test_it_forgets_what_is_no_longer_so(before: float, after: float) -> None:
    random = Random(4)
    table = taught([before * random.lognormvariate(0.0, 0.4) for _ in range(4 * MEMORY)])
    assert table.quantile(0.5) == pytest.approx(before, rel=0.2)
    for _ in range(2 * MEMORY):
        life = after * random.lognormvariate(0.0, 0.4)
        table.lived(0.0, life)
        table.ended(life)
    assert table.quantile(0.5) == pytest.approx(after, rel=0.35)


@given(st.floats(0.0, 500.0), st.floats(0.0, 500.0), st.floats(0.0, 500.0))
def test_a_life_told_in_pieces_is_the_same_life(first: float, second: float, third: float) -> None:
    whole, pieces = LifeTable(12.0, 1.7), LifeTable(12.0, 1.7)
    whole.lived(first, first + second + third)
    pieces.lived(first, first + second)
    pieces.lived(first + second, first + second + third)
    for age in (0.1, 1.0, 10.0, 100.0, 300.0, 1000.0, 1500.0):
        assert pieces.hazard(age) == pytest.approx(whole.hazard(age), rel=1e-9)


@given(AGES, st.floats(0.0, OLDEST))
def test_nothing_is_learned_from_no_time_or_from_time_that_ran_backwards(age: float, back: float) -> None:
    table = LifeTable(12.0, 1.7)
    table.lived(age, age)
    table.lived(age, age - back)
    assert table.hazard(age) == LifeTable(12.0, 1.7).hazard(age)


def test_a_life_may_be_of_no_length() -> None:
    table = LifeTable(12.0, 1.7)
    hazard = table.hazard(0.0)
    table.lived(0.0, 0.0)
    table.ended(0.0)
    assert table.hazard(0.0) > hazard
    assert table.ended_count == 1


# --- what follows ---


@given(TABLES, SHARES, st.floats(0.0, 300.0))
def test_a_quantile_is_where_that_share_has_ended(table: LifeTable, share: float, age: float) -> None:
    left = table.quantile(share, age=age)
    if age + left < 10_000.0:
        hazards = sum(table.hazard(at) * step for at, step in pieces(age, left))
        assert 1.0 - exp(-hazards) == pytest.approx(share, rel=1e-6)


def test_among_the_very_oldest_it_takes_as_long_again_until_half_have_ended() -> None:
    table = taught([5.0, 20.0, 300.0])
    for age in (1e5, 1e6, OLDEST):
        assert table.quantile(0.5, age=age) == pytest.approx(age)
        assert table.quantile(0.75, age=age) == pytest.approx(3.0 * age)


@given(TABLES, AGES, st.lists(SHARES, min_size=2, max_size=10))
def test_a_greater_share_takes_longer(table: LifeTable, age: float, shares: list[float]) -> None:
    quantiles = [table.quantile(share, age=age) for share in sorted(shares)]
    assert all(one <= other for one, other in pairwise(quantiles))


@given(TABLES, st.floats(0.0, 500.0), st.floats(0.01, 200.0))
def test_the_delay_is_the_integral_of_the_share_that_has_ended(table: LifeTable, age: float, since: float) -> None:
    hazards = delay = 0.0
    for at, step in pieces(age, since):
        hazard = table.hazard(at) * step
        delay += step * (1.0 - exp(-(hazards + hazard / 2.0)))
        hazards += hazard
    assert table.delay(age, since) == pytest.approx(delay, rel=0.02, abs=1e-6)


@given(TABLES, st.floats(0.0, 500.0), st.floats(0.001, 5.0))
def test_until_delay_inverts_the_second_order_law(table: LifeTable, age: float, delay: float) -> None:
    until = table.until_delay(age, delay)
    first = second = 0.0
    for at, step in pieces(age, until):
        hazard = table.hazard(at) * step
        second += step * (first + hazard / 2.0)
        first += hazard
    assert second == pytest.approx(delay, rel=1e-6)
    # The law lets the dead die again, so that it is never later than the truth.
    assert table.delay(age, until) <= delay * (1.0 + 1e-6) + 1e-6


@given(TABLES, st.floats(0.001, 1.0), st.floats(0.01, 5.0))
def test_until_delay_after_inverts_the_third_order_law(table: LifeTable, rate: float, delay: float) -> None:
    until = table.until_delay_after(rate, delay)
    first = second = third = 0.0
    for at, step in pieces(0.0, until):
        hazard = table.hazard(at) * step
        third += step * (second + step * (first + hazard / 3.0) / 2.0)
        second += step * (first + hazard / 2.0)
        first += hazard
    # What is solved for is the time; the delay goes with its third or fourth power.
    assert rate * third == pytest.approx(delay, rel=0.05)


@pytest.mark.parametrize("learn", [lambda table: table.lived(0.0, 40.0), lambda table: table.ended(2.0)])
def test_what_was_answered_before_is_forgotten_when_something_is_learned(learn: Callable[[LifeTable], None]) -> None:
    asked, fresh = LifeTable(12.0, 1.7), LifeTable(12.0, 1.7)
    before = asked.until_delay_after(0.1, 0.5)
    assert asked.until_delay_after(0.1, 0.5) == before
    assert asked.until_delay_after(0.2, 0.5) < before < asked.until_delay_after(0.1, 1.0)
    assert asked.until_delay_after(0.1, 0.5) == before
    learn(asked)
    learn(fresh)
    assert asked.until_delay_after(0.1, 0.5) == fresh.until_delay_after(0.1, 0.5) != before


OBSERVATIONS = st.lists(
    st.tuples(st.booleans(), AGES | st.floats(0.0, 1.0), AGES | st.floats(0.0, 1.0), st.integers(1, 9)), max_size=12
)


@given(OBSERVATIONS, AGES | st.sampled_from([0.0, 0.25, 1.0, 2.0**15, OLDEST]), SHARES, st.floats(0.001, OLDEST))
def test_everything_stays_finite_whatever_was_seen(
    observations: list[tuple[bool, float, float, int]], age: float, share: float, since: float
) -> None:
    table = LifeTable(12.0, 1.7)
    for is_end, begin, end, count in observations:
        for _ in range(count):
            if is_end:
                table.ended(end)
            else:
                table.lived(begin, end)
    assert 0.0 < table.hazard(age) < float("inf")
    assert 0.0 < table.quantile(share, age=age) < float("inf")
    assert -1e-6 < table.delay(age, since) <= since
    assert 0.0 < table.until_delay(age, share) < float("inf")
    assert isfinite(table.until_delay_after(share, share))
    assert table.until_delay_after(share, share) >= 0.0
