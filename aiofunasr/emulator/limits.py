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

    def __str__(self) -> str:
        return str(self.count) if self.seconds == 1.0 else f"{self.count}/{self.seconds:g}"


def as_rate_limit(value: int | str | RateLimit) -> RateLimit:
    """Read a bare number as that many requests a second, and `100/60` as a hundred in sixty."""
    if isinstance(value, RateLimit):
        return value
    if isinstance(value, str):
        count, _, seconds = value.partition("/")
        try:
            return RateLimit(int(count), float(seconds or 1.0))
        except ValueError:
            raise ValueError(f"a limit is requests a second, or COUNT/SECONDS, not {value!r}") from None
    return RateLimit(value)


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

    def wait(self, now: float) -> float:
        """Return the seconds after which a request would be admitted; 0.0: it would be now."""
        if len(self._admitted) < self.limit.count:
            return 0.0
        wait = self._admitted[0] + self.limit.seconds - now
        return wait if wait > _ROUNDING else 0.0

    def admit(self, now: float) -> float:
        """Count one request, or return the seconds after which one would be admitted (0.0: it was)."""
        wait = self.wait(now)
        if not wait:
            self._admitted.append(now)
        return wait
