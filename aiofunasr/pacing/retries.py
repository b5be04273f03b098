"""How often a failed request is tried again, and when.

A service that fails is not helped by being asked more often. So retries have a budget of their own, over all kinds
of request: a tenth of the requests that went out of late, and one a second so that a quiet session can retry too.
Within it, each request waits longer from try to try, with enough chance in it that many do not come back together.
"""

from __future__ import annotations

from random import Random

SHARE = 0.1
EACH_SECOND = 1.0
MEMORY = 10.0
"""Seconds for which an unused allowance is kept."""

TRIES = 5
FIRST_WAIT = 0.5
LONGEST_WAIT = 10.0


class RetryBudget:
    """An allowance that requests fill and retries drain."""

    def __init__(self) -> None:
        self._most = EACH_SECOND * MEMORY
        self._left = self._most
        self._at = float("-inf")

    def request(self, now: float) -> None:
        """Note a first try."""
        self._refill(now)
        # A busy session may save up more than a quiet one: the cap follows what it sends.
        self._left = min(self._left + SHARE, self._most * 10)

    def allow(self, now: float) -> bool:
        """Take one retry from the budget; False when there is none left."""
        self._refill(now)
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def _refill(self, now: float) -> None:
        elapsed = max(now - self._at, 0.0) if self._at > float("-inf") else 0.0
        self._at = now
        if self._left < self._most:
            self._left = min(self._left + EACH_SECOND * elapsed, self._most)


def wait_before(attempt: int, random: Random, *, first: float = FIRST_WAIT, longest: float = LONGEST_WAIT) -> float:
    """Return the seconds to wait before try number `attempt` (2 is the first retry): half fixed, half chance."""
    ceiling = min(longest, first * 2.0 ** min(attempt - 2, 30))
    return ceiling / 2 + random.uniform(0, ceiling / 2)
