from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.pacing.retries import LONGEST_WAIT, RetryBudget, wait_before


def test_a_failing_service_is_not_asked_much_more_than_once() -> None:
    """With every request failing, retries stay near a tenth of them and one a second."""
    budget = RetryBudget()
    allowed = 0
    for step in range(1000):
        now = step * 0.1
        budget.request(now)
        allowed += budget.allow(now)
    assert allowed <= 1000 * 0.1 + 100 * 1.0 + 10


def test_a_quiet_session_may_retry() -> None:
    budget = RetryBudget()
    assert budget.allow(0.0)
    for _ in range(20):
        budget.allow(0.0)
    assert not budget.allow(0.0)
    assert budget.allow(1.5)


@given(st.integers(2, 10_000), st.integers(0, 100))
def test_waits_grow_to_a_bound(attempt: int, seed: int) -> None:
    wait = wait_before(attempt, Random(seed))
    assert 0.0 < wait <= LONGEST_WAIT
    if attempt >= 10:
        assert wait >= LONGEST_WAIT / 2
