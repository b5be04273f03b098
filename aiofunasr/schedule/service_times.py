"""The service's times on our clock.

Its clock and ours differ, perhaps by hours where it writes the time of another zone. But each submit is seen by both:
we know when it left, the service says when it came. The smallest difference of late is that of the clocks, and of one
way of the road. What `scheduled_time` means is not documented: the examples show it a moment after the submit, which
says nothing about when a task began. It is believed to be that moment once a task was seen PENDING without it.
"""

from __future__ import annotations

from collections import deque

from aiofunasr.snapshots import TaskSnapshot, TaskStatus

_SAMPLES = 20


class ServiceTimes:
    """What is known of the service's clock; all times are seconds since the epoch."""

    def __init__(self) -> None:
        self._differences: deque[float] = deque(maxlen=_SAMPLES)
        self._tells_begin: bool | None = None

    @property
    def difference(self) -> float | None:
        """By how much the service's clock is ahead of ours, or None where nothing is known."""
        return min(self._differences) if self._differences else None

    def learn(self, snapshot: TaskSnapshot, before: TaskSnapshot | None, submitted_at: float | None) -> None:
        """Take in an answer, the one before it, and when the submit left here."""
        if before is None and submitted_at is not None and snapshot.submit_time is not None:
            self._differences.append(snapshot.submit_time.timestamp() - submitted_at)
        if snapshot.scheduled_time is None:
            return
        if snapshot.task_status == TaskStatus.PENDING:
            self._tells_begin = False
        elif self._tells_begin is None and before is not None and before.task_status == TaskStatus.PENDING:
            self._tells_begin = True

    def ended_at(self, snapshot: TaskSnapshot) -> float | None:
        """Return when a task ended, or None where that is not known."""
        return None if snapshot.end_time is None else self._ours(snapshot.end_time.timestamp())

    def began_at(self, snapshot: TaskSnapshot) -> float | None:
        """Return when a task left the queue, or None where that is not known."""
        if not self._tells_begin or snapshot.scheduled_time is None:
            return None
        return self._ours(snapshot.scheduled_time.timestamp())

    def _ours(self, theirs: float) -> float | None:
        difference = self.difference
        return None if difference is None else theirs - difference
