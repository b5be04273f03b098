"""How late the ends of tasks were noticed."""

from __future__ import annotations

from collections import deque

from attrs import frozen

_REMEMBERED = 1000
"""So many of the last ends are kept."""


@frozen(kw_only=True)
class DelayStatistics:
    """How many seconds went by between the end of a task and our learning of it, by the service's own times.

    Attributes:
        count: How many of the last ends these figures are of.
        median, p95, longest: In seconds; the way of the reply is in them.
    """

    count: int
    median: float
    p95: float
    longest: float


class Delays:
    """The delays of the last ends."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)

    def note(self, seconds: float) -> None:
        """Note how late an end was noticed; before it, by a clock that differs, is not late."""
        self._seconds.append(max(seconds, 0.0))

    def statistics(self) -> DelayStatistics | None:
        """Return how late the last ends were noticed, or None before the first."""
        delays = sorted(self._seconds)
        if not delays:
            return None
        last = len(delays) - 1
        return DelayStatistics(
            count=len(delays), median=delays[last // 2], p95=delays[round(last * 0.95)], longest=delays[-1]
        )
