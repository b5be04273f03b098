"""Rate limits, counted over a sliding window (protocol notes, section 6.4)."""

from __future__ import annotations

from collections import deque
from typing import Final

from attrs import define, field, frozen, validators

# Clocks are floats near 2e9: two of them a window apart may differ from it by a microsecond's rounding.
_ROUNDING: Final = 1e-6


@frozen
class RateLimit:
    """At most `count` requests in any `seconds`."""

    count: int = field(validator=[validators.instance_of(int), validators.ge(1)])
    seconds: float = field(default=1.0, validator=validators.gt(0.0))


def as_rate_limit(value: int | RateLimit) -> RateLimit:
    """Read a bare number as that many requests a second."""
    return value if isinstance(value, RateLimit) else RateLimit(value)


@define
class SlidingWindow:
    """One budget: remembers when its last `count` requests were admitted.

    An exact log and no token bucket, so that "never more than the limit in any window" holds to the request.
    Refused requests cost nothing.
    """

    limit: RateLimit
    _admitted: deque[float] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._admitted = deque(maxlen=self.limit.count)

    def change(self, limit: RateLimit) -> None:
        """Go on under another limit; what was admitted counts on, as far back as is remembered."""
        self.limit = limit
        self._admitted = deque(self._admitted, maxlen=limit.count)

    def admit(self, now: float) -> float:
        """Count one request, or return the seconds after which one would be admitted (0.0: it was)."""
        if len(self._admitted) == self.limit.count:
            wait = self._admitted[0] + self.limit.seconds - now
            if wait > _ROUNDING:
                return wait
        self._admitted.append(now)
        return 0.0
