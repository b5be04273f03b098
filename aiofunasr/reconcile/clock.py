"""How far the service's clock is ahead of ours.

Two kinds of evidence, and each gives an interval that holds the difference. A reply says when it was written (`Date`,
in whole seconds), which was after its request left and before it arrived. And a row of the task list says when a task
was made that we know to be ours: after its submit left and before its reply came. The intervals are intersected; where
they contradict each other one of the clocks was set, and both are believed from then on, because a wider interval only
makes the search longer.
"""

from __future__ import annotations

SLACK = 2.0
"""Seconds by which the clocks of the service's own machines may differ from each other."""

_UNKNOWN = 26 * 3600.0
"""Seconds: more than any two time zones differ."""


class ServiceClock:
    """The difference between the service's clock and ours, as an interval of seconds."""

    def __init__(self) -> None:
        self.least = -_UNKNOWN
        self.most = _UNKNOWN

    def __repr__(self) -> str:
        return f"<ServiceClock ahead by {self.least:.3f} to {self.most:.3f} s>"

    def replied(self, date: float, sent_at: float, received_at: float) -> None:
        """Learn from a reply that says it was written in the second that begins at `date`."""
        self._narrow(date - received_at, date + 1.0 - sent_at)

    def created(self, at: float, sent_at: float, received_at: float) -> None:
        """Learn from a task of ours that was made at `at` by the service's clock."""
        self._narrow(at - received_at, at - sent_at)

    def _narrow(self, least: float, most: float) -> None:
        least, most = least - SLACK, most + SLACK
        if max(least, self.least) <= min(most, self.most):
            self.least, self.most = max(least, self.least), min(most, self.most)
        else:
            self.least, self.most = min(least, self.least), max(most, self.most)

    def window(self, begin: float, end: float) -> tuple[float, float]:
        """Return a span of our time as the span of the service's time that holds it for certain."""
        return begin + self.least, end + self.most
