"""The tasks by age, so that the oldest is at hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush
from math import inf

from aiofunasr.schedule.watched import Watched

_ROOM = 64
"""So many tasks that are gone may stand in line beside as many as there are."""


class ByAge:
    """Knows which of some tasks was submitted first, in O(log n) at most for each that comes or goes.

    Those that were submitted after all before them stand in line, the few others in a heap; who is gone leaves when it
    comes first. The dictionary of the tasks would nearly do, but it passes by every gap in front of the first each
    time.

    Args:
        tasks: The tasks that there are, by id.
    """

    def __init__(self, tasks: Mapping[str, Watched]) -> None:
        self._tasks = tasks
        self._in_line: deque[Watched] = deque()
        self._earlier: list[Watched] = []
        self._latest = -inf

    def __len__(self) -> int:
        """Return how many places are taken, by those that are gone, too."""
        return len(self._in_line) + len(self._earlier)

    def add(self, task: Watched) -> None:
        """Take in a task."""
        if task.since >= self._latest:
            self._latest = task.since
            self._in_line.append(task)
        else:
            heappush(self._earlier, task)

    def tidy(self) -> None:
        """Make room after a task is gone: behind one that takes very long there may be very many."""
        if len(self) > 2 * len(self._tasks) + _ROOM:
            self._in_line = deque(filter(self._is_here, self._in_line))
            self._earlier = sorted(filter(self._is_here, self._earlier))

    @property
    def oldest(self) -> Watched | None:
        """The task that was submitted first, or None where there is none."""
        while self._in_line and not self._is_here(self._in_line[0]):
            self._in_line.popleft()
        while self._earlier and not self._is_here(self._earlier[0]):
            heappop(self._earlier)
        return min((line[0] for line in (self._in_line, self._earlier) if line), default=None)

    def _is_here(self, task: Watched) -> bool:
        return self._tasks.get(task.task_id) is task
