from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.pacing.budget import BURST, FLOOR, HEADROOM, Budget

LIMIT = 20.0


def send_as_fast_as_allowed(budget: Budget, seconds: float, *, start: float = 0.0, wish: float = 0.0) -> list[float]:
    """Take requests for a while, each at once when it may go, but at least `wish` seconds apart."""
    times: list[float] = []
    now = start
    while True:
        now = max(now, budget.ready_at(now))
        if now >= start + seconds:
            return times
        budget.take(now)
        times.append(now)
        now += wish


def most_in_any(window: float, times: list[float]) -> int:
    return max((sum(1 for other in times if time <= other < time + window) for time in times), default=0)


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
            now = max(now, budget.ready_at(now))
            budget.take(now)
            times.append(now)
    assert most_in_any(window, times) <= BURST + LIMIT * HEADROOM * window + 1e-6


def test_a_busy_budget_uses_its_rate_and_stays_a_tenth_below_the_limit() -> None:
    times = send_as_fast_as_allowed(Budget(LIMIT), 60.0)
    assert 60 * LIMIT * HEADROOM - 1 <= len(times) <= 60 * LIMIT * HEADROOM + BURST


def test_an_idle_hour_buys_no_more_than_the_burst() -> None:
    budget = Budget(LIMIT)
    budget.take(0.0)
    times = send_as_fast_as_allowed(budget, 0.01, start=3600.0)
    assert len(times) == BURST


@given(
    st.lists(st.tuples(st.floats(0.01, 30), st.booleans(), st.none() | st.floats(0, 20)), min_size=1, max_size=40),
    st.integers(0, 1000),
)
def test_it_recovers_from_any_pattern_of_throttling(
    throttles: list[tuple[float, bool, float | None]], seed: int
) -> None:
    budget = Budget(LIMIT, random=Random(seed))
    now = 0.0
    for pause, quota, retry_after in throttles:
        now += pause
        before = budget.rate(now)
        budget.throttled(now, sent_at=now, quota=quota, retry_after=retry_after)
        assert budget.ceiling * FLOOR <= budget.rate(now) <= before
        assert budget.ready_at(now) >= now + (retry_after or 0.0)
    assert budget.ready_at(now) <= now + 60.0
    assert budget.rate(now + 200.0) == budget.ceiling


def test_one_burst_of_refusals_is_one_decrease() -> None:
    budget = Budget(LIMIT)
    send_as_fast_as_allowed(budget, 20.0)
    for late in (0.0, 0.01, 0.02):
        budget.throttled(20.0 + late, sent_at=19.9)
    assert budget.rate(20.02) == pytest.approx(LIMIT * HEADROOM * 0.7, rel=0.05)


def test_a_quota_waits_longer_and_recovers_more_slowly_than_a_rate() -> None:
    rate, quota = Budget(LIMIT, random=Random(1)), Budget(LIMIT, random=Random(1))
    rate.throttled(0.0, sent_at=0.0)
    quota.throttled(0.0, sent_at=0.0, quota=True)
    assert quota.ready_at(0.0) > rate.ready_at(0.0)
    assert quota.rate(15.0) < rate.rate(15.0)


def test_two_budgets_on_one_limit_drift_to_equal_shares() -> None:
    """Play a limit of 20 a second that two budgets share, one of which starts with all of it."""
    random = Random(7)
    budgets = [Budget(LIMIT, random=random), Budget(LIMIT, random=random)]
    for early in range(6):
        budgets[1].throttled(early * 0.1, sent_at=early * 0.1)
    sent: list[tuple[float, int]] = []
    recent: list[float] = []
    now = 0.0
    while now < 400.0:
        who = min((0, 1), key=lambda index: budgets[index].ready_at(now))
        now = max(now, budgets[who].ready_at(now))
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
