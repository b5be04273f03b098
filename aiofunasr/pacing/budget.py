"""One kind of request's share of the account's rate limit.

The theory, in a paragraph. Requests are spaced evenly by the generic cell rate algorithm: one number, the time at
which the next request is due if all of them kept their distance, is moved on by `1 / rate` with each request, and a
request may go ahead of it by the length of the burst. In any stretch of t seconds at most `burst + rate * t` requests
go, and an idle hour buys no more than the burst. The account is shared with strangers, so the rate itself gives way
when the service says 429 (times 0.7, and a short freeze) and climbs back by a twentieth of the ceiling each second:
additive increase, multiplicative decrease, under which several such budgets on one limit drift towards equal shares.
What is decreased is the rate at which requests really went of late: to lower an allowance that is not used up would
relieve nobody. A reply to a request that left before the last decrease is old news and decreases nothing again.
"""

from __future__ import annotations

from math import exp
from random import Random

HEADROOM = 0.9
"""The share of a stated limit that is used, so that small differences between two clocks do no harm."""

BURST = 2
"""Requests that may go back to back where the headroom has room for them; more, and more than the limit would fall
within one window of the service's own counting."""

DECREASE = 0.7
FLOOR = 0.05
"""The lowest rate, as a share of the ceiling."""

RECOVERY = 0.05
"""How much of the ceiling comes back each second after a rate was exceeded."""

QUOTA_RECOVERY = 0.01
"""The same after a quota was used up, which is counted in minutes."""

MEASURED_OVER = 2.0
"""Seconds over which the rate of the requests that went is averaged."""

LEEWAY = 1.5
"""By how much the rate may exceed that average, which counts pauses, too."""

FREEZE = (0.5, 1.0)
QUOTA_FREEZE = (5.0, 10.0)
"""Seconds without any request after a 429, drawn at random so that several clients do not come back together."""


class Budget:
    """When the next request of one kind may go.

    `limit` is what the service states, in requests a second; `now` is any clock in seconds that never goes back.
    """

    def __init__(self, limit: float, *, burst: int = BURST, random: Random | None = None) -> None:
        self.ceiling = limit * HEADROOM
        self._burst = burst if limit - self.ceiling >= burst - 1e-9 else 1
        self._random = random or Random()  # noqa: S311  (it spreads requests, it hides nothing)
        self._due = float("-inf")
        self._frozen_until = float("-inf")
        self._decreased_at = float("-inf")
        self._rate = self.ceiling
        self._rate_at = 0.0
        self._recovery = RECOVERY
        self._sent = 0.0
        self._sent_at = 0.0

    def rate(self, now: float) -> float:
        """Return the requests a second allowed at `now`."""
        if self._rate >= self.ceiling:
            return self.ceiling
        since = max(now - max(self._rate_at, self._frozen_until), 0.0)
        return min(self._rate + self._recovery * self.ceiling * since, self.ceiling)

    def ready_at(self, now: float) -> float:
        """Return the time from which a request may go; it is not after `now` when one may go at once."""
        early = self._due - (self._burst - 1) / self.rate(now)
        return max(early, self._frozen_until)

    def take(self, now: float) -> None:
        """Note that a request goes at `now`, which `ready_at` allowed."""
        self._due = max(self._due, now) + 1.0 / self.rate(now)
        self._sent = self._sent * exp((self._sent_at - now) / MEASURED_OVER) + 1.0
        self._sent_at = now

    def throttled(self, now: float, *, sent_at: float, quota: bool = False, retry_after: float | None = None) -> None:
        """Note that the service refused a request sent at `sent_at` because of a limit."""
        shortest, longest = QUOTA_FREEZE if quota else FREEZE
        if sent_at >= self._decreased_at:
            measured = self._sent * exp((self._sent_at - now) / MEASURED_OVER) / MEASURED_OVER
            self._rate = max(min(self.rate(now), measured * LEEWAY) * DECREASE, self.ceiling * FLOOR)
            self._rate_at = self._decreased_at = now
            self._recovery = QUOTA_RECOVERY if quota else RECOVERY
            self._frozen_until = max(self._frozen_until, now + self._random.uniform(shortest, longest))
        if retry_after is not None:
            self._frozen_until = max(self._frozen_until, now + retry_after)
        # The burst is for a limit that has room; this one has none.
        self._due = max(self._due, self._frozen_until + (self._burst - 1) / self._rate)
