"""How far the service's clock is ahead of ours.

Two kinds of evidence, and each gives an interval that holds the difference. A reply says when it was written (`Date`,
in whole seconds), which was after its request left and before it arrived. And a row of the task list says when a task
was made that we know to be ours: after its submit left and before its reply came. The intervals are intersected. Where
they contradict each other one of the clocks was set: what was timed before may go by either, so both are believed
until `settle` says that nothing of that time matters any more.
"""

from __future__ import annotations

SLACK = 2.0
"""Seconds by which the clocks of the service's own machines may differ from each other."""

_UNKNOWN = 26 * 3600.0
"""Seconds: more than any two time zones differ."""

_WIDEST = 60.0
"""Seconds; where the difference is known less exactly, a time says nothing about who made a task."""


class ServiceClock:
    """The difference between the service's clock and ours, as an interval of seconds."""

    def __init__(self) -> None:
        self._now: tuple[float, float] | None = None
        self._before: tuple[float, float] | None = None

    def __repr__(self) -> str:
        return f"<ServiceClock ahead by {self.least:.3f} to {self.most:.3f} s>"

    @property
    def least(self) -> float:
        """The least that the service's clock may be ahead, in seconds."""
        return min((each[0] for each in (self._now, self._before) if each is not None), default=-_UNKNOWN)

    @property
    def most(self) -> float:
        """The most that the service's clock may be ahead, in seconds."""
        return max((each[1] for each in (self._now, self._before) if each is not None), default=_UNKNOWN)

    @property
    def is_known(self) -> bool:
        """Whether the difference is known well enough to tell tasks apart by the time they were made."""
        return self.most - self.least <= _WIDEST

    def replied(self, date: float, sent_at: float, received_at: float) -> bool:
        """Learn from a reply that says it was written in the second that begins at `date`; False: a clock was set."""
        return self._narrow(date - received_at, date + 1.0 - sent_at)

    def created(self, at: float, sent_at: float, received_at: float) -> bool:
        """Learn from a task of ours that was made at `at` by the service's clock; False: a clock was set."""
        return self._narrow(at - received_at, at - sent_at)

    def settle(self) -> None:
        """Believe the newest evidence alone: nothing that was timed before a clock was set matters any more."""
        self._before = None

    def _narrow(self, least: float, most: float) -> bool:
        least, most = least - SLACK, most + SLACK
        if self._now is None:
            self._now = least, most
        elif max(least, self._now[0]) <= min(most, self._now[1]):
            self._now = max(least, self._now[0]), min(most, self._now[1])
        else:
            self._before = self.least, self.most
            self._now = least, most
            return False
        return True

    def window(self, begin: float, end: float) -> tuple[float, float]:
        """Return a span of our time as the span of the service's time that holds it for certain."""
        return begin + self.least, end + self.most
