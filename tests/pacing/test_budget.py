from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.pacing.budget import BURST, DECREASE, FLOOR, FREEZE, HEADROOM, LEEWAY, RECOVERY, Budget

LIMIT = 20.0
JITTER = 0.01
"""Seconds by which a request may arrive late, and the next one not."""


def ready(budget: Budget, now: float) -> float:
    """Return when a request may go; a rate that changes meanwhile moves that."""
    while (at := budget.ready_at(now)) > now:
        now = at
    return now


def send_as_fast_as_allowed(budget: Budget, seconds: float, *, start: float = 0.0, wish: float = 0.0) -> list[float]:
    """Take requests for a while, each at once when it may go, but at least `wish` seconds apart."""
    times: list[float] = []
    now = start
    while True:
        now = ready(budget, now)
        if now >= start + seconds:
            return times
        budget.take(now)
        times.append(now)
        now += wish


def most_in_any(window: float, times: list[float]) -> int:
    """Return how many lie in a stretch of time at most, both its ends included."""
    ordered, first, most = sorted(times), 0, 0
    for number, time in enumerate(ordered):
        while ordered[first] < time - window:
            first += 1
        most = max(most, number - first + 1)
    return most


# --- never too many ---


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 30)), min_size=1, max_size=15),
    st.floats(0.1, 3.0),
)
def test_never_more_than_burst_and_rate_in_any_window(pauses: list[tuple[float, int]], window: float) -> None:
    budget = Budget(LIMIT)
    times, now = [], 0.0
    for pause, count in pauses:
        now += pause
        for _ in range(count):
            now = ready(budget, now)
            budget.take(now)
            times.append(now)
    assert most_in_any(window, times) <= BURST + LIMIT * HEADROOM * window + 1e-6


@given(
    st.integers(1, 100),
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 60), st.sampled_from([False, False, True])), max_size=10),
    st.integers(0, 1000),
)
def test_never_more_than_the_limit_in_any_second_wherever_that_begins(
    limit: int, pauses: list[tuple[float, int, bool]], seed: int
) -> None:
    """The service counts by its own clock, and requests take a little longer or shorter to get there."""
    random, budget = Random(seed), Budget(limit, random=Random(seed))
    arrivals, now = [], 0.0
    for pause, count, throttled in [(0.0, limit + 5, False), *pauses]:
        now += pause
        if throttled:
            budget.throttled(now, sent_at=now)
        for _ in range(count):
            now = ready(budget, now)
            budget.take(now)
            arrivals.append(now + random.choice((0.0, JITTER, random.uniform(0.0, JITTER))))
    assert most_in_any(1.0, arrivals) <= limit


def test_a_burst_is_only_for_limits_with_room_for_it() -> None:
    for limit in (1.0, 5.0, 10.0, 19.0):
        assert len(send_as_fast_as_allowed(Budget(limit), 0.001)) == 1
    for limit in (20.0, 100.0):
        assert len(send_as_fast_as_allowed(Budget(limit), 0.001)) == BURST


def test_a_busy_budget_uses_its_rate_and_stays_a_tenth_below_the_limit() -> None:
    times = send_as_fast_as_allowed(Budget(LIMIT), 60.0)
    assert 60 * LIMIT * HEADROOM - 1 <= len(times) <= 60 * LIMIT * HEADROOM + BURST


def test_an_idle_hour_buys_no_more_than_the_burst() -> None:
    budget = Budget(LIMIT)
    budget.take(0.0)
    times = send_as_fast_as_allowed(budget, 0.01, start=3600.0)
    assert len(times) == BURST


# --- giving way, and coming back ---


@given(
    st.lists(st.tuples(st.floats(0.01, 30), st.booleans(), st.none() | st.floats(0, 20)), min_size=1, max_size=40),
    st.integers(0, 1000),
    st.booleans(),
)
def test_it_recovers_from_any_pattern_of_throttling(
    throttles: list[tuple[float, bool, float | None]], seed: int, busy: bool
) -> None:
    budget = Budget(LIMIT, random=Random(seed))
    now = 0.0
    for pause, quota, retry_after in throttles:
        if busy:
            send_as_fast_as_allowed(budget, min(pause, 2.0), start=now)
        now += pause
        before = budget.rate(now)
        budget.throttled(now, sent_at=now, quota=quota, retry_after=retry_after)
        assert budget.ceiling * FLOOR <= budget.rate(now) <= before
        assert budget.ready_at(now) >= now + (retry_after or 0.0)
    assert budget.ready_at(now) <= now + 60.0
    assert budget.rate(now + 200.0) == budget.ceiling
    assert len(send_as_fast_as_allowed(budget, 10.0, start=now + 200.0)) >= 10 * budget.ceiling - 1


def test_one_burst_of_refusals_is_one_decrease() -> None:
    budget = Budget(LIMIT)
    send_as_fast_as_allowed(budget, 20.0)
    for late in (0.0, 0.01, 0.02):
        budget.throttled(20.0 + late, sent_at=19.9)
    assert budget.rate(20.02) == pytest.approx(budget.ceiling * DECREASE, rel=0.05)
    # One that left after that is news.
    budget.throttled(20.1, sent_at=20.05)
    assert budget.rate(20.1) < budget.ceiling * DECREASE * 0.9


@pytest.mark.parametrize("wish", [0.15, 0.25])
def test_what_is_decreased_is_what_really_went(wish: float) -> None:
    budget = Budget(LIMIT)
    send_as_fast_as_allowed(budget, 20.0, wish=wish)
    budget.throttled(20.0, sent_at=19.9)
    assert budget.rate(20.0) == pytest.approx(LEEWAY * DECREASE / wish, rel=0.15)


def test_an_idle_client_is_soon_itself_again_after_a_strangers_storm() -> None:
    budget = Budget(LIMIT, random=Random(1))
    budget.take(99.9)
    budget.throttled(100.0, sent_at=99.9)
    assert budget.ready_at(100.0) <= 100.0 + FREEZE[1]
    times = send_as_fast_as_allowed(budget, 5.0 + 1.0 / RECOVERY, start=100.0)
    for seconds, share in ((5.0, 0.1), (10.0, 0.25), (15.0, 0.4), (2.0 + 1.0 / RECOVERY, 0.95)):
        count = len([time for time in times if seconds <= time - 100.0 < seconds + 2.0])
        assert count >= 2.0 * budget.ceiling * share - 1


def test_an_idle_client_does_not_pause_for_long_after_a_strangers_storm() -> None:
    budget = Budget(LIMIT, random=Random(1))
    budget.take(99.9)
    budget.throttled(100.0, sent_at=99.9)
    times = send_as_fast_as_allowed(budget, 30.0, start=100.0)
    assert max(later - earlier for earlier, later in pairwise(times)) < 3.0


@pytest.mark.parametrize("retry_after", [None, 5.0])
def test_nothing_goes_back_to_back_after_a_refusal(retry_after: float | None) -> None:
    budget = Budget(LIMIT, random=Random(1))
    send_as_fast_as_allowed(budget, 20.0)
    budget.throttled(20.0, sent_at=19.9, retry_after=retry_after)
    first, second, *_ = send_as_fast_as_allowed(budget, 10.0, start=20.0)
    assert second - first > 0.5 / budget.ceiling


def test_a_quota_waits_longer_and_recovers_more_slowly_than_a_rate() -> None:
    rate, quota = Budget(LIMIT, random=Random(1)), Budget(LIMIT, random=Random(1))
    for budget, is_quota in ((rate, False), (quota, True)):
        send_as_fast_as_allowed(budget, 10.0)
        budget.throttled(10.0, sent_at=9.9, quota=is_quota)
    begins = [budget.ready_at(10.0) for budget in (rate, quota)]
    assert begins[0] < begins[1]
    assert quota.rate(10.0) == rate.rate(10.0)
    recovered = [
        budget.rate(begin + 4.0) - budget.rate(begin) for budget, begin in zip((rate, quota), begins, strict=True)
    ]
    assert recovered[0] > 2.0 * recovered[1] > 0.0


@pytest.mark.parametrize("quota", [False, True])
def test_a_time_that_is_told_is_kept(quota: bool) -> None:
    budget = Budget(LIMIT, random=Random(1))
    send_as_fast_as_allowed(budget, 10.0)
    budget.throttled(10.0, sent_at=9.9, quota=quota, retry_after=30.0)
    assert ready(budget, 10.0) == 40.0
    # One that is told for a request of before is kept as well, and a shorter one shortens nothing.
    budget.throttled(15.0, sent_at=9.9, quota=quota, retry_after=40.0)
    budget.throttled(16.0, sent_at=9.9, quota=quota, retry_after=1.0)
    assert send_as_fast_as_allowed(budget, 60.0, start=16.0)[0] == 55.0


# --- two of them ---


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("start", ["one full, one down", "one full, one not there yet"])
def test_two_budgets_on_one_limit_drift_to_equal_shares(seed: int, start: str) -> None:
    """Play a limit of 20 a second that two budgets share, one of which starts with all of it."""
    random = Random(seed)
    budgets = [Budget(LIMIT, random=random), Budget(LIMIT, random=random)]
    if start == "one full, one down":
        for early in range(6):
            budgets[1].throttled(early * 0.1, sent_at=early * 0.1)
    begins = [0.0, 0.0 if start == "one full, one down" else 30.0]
    sent: list[tuple[float, int]] = []
    recent: list[float] = []
    now = 0.0
    while now < 400.0:
        who = min((0, 1), key=lambda index: max(budgets[index].ready_at(now), begins[index]))
        now = max(ready(budgets[who], now), begins[who])
        budgets[who].take(now)
        recent = [time for time in recent if time > now - 1.0]
        if len(recent) >= LIMIT:
            budgets[who].throttled(now, sent_at=now)
        else:
            recent.append(now)
            sent.append((now, who))
    late = [who for time, who in sent if time > 200.0]
    share = late.count(0) / len(late)
    assert 0.4 < share < 0.6
    assert len(late) / 200.0 > 0.6 * LIMIT
