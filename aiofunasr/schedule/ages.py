"""The tasks by age, so that the oldest is at hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush
from math import inf

from aiofunasr.schedule.watched import Watched
from aiofunasr.schedule.weeding import Weeder

_ROOM = 64
"""So many tasks that are gone may stand in line beside as many as there are."""

_LOOKED_AT_ONCE = 4
"""How many are looked at for each one that leaves, while there are more than that."""


class ByAge:
    """Knows which of some tasks was submitted first, in O(log n) at most for each that comes or goes.

    Those that were submitted after all before them stand in line, the few others in a heap; who is gone leaves when it
    comes first, or is found before that, because a few are looked at each time. The dictionary of the tasks would
    nearly do, but it passes by every gap in front of the first each time.

    Args:
        tasks: The tasks that there are, by id.
    """

    def __init__(self, tasks: Mapping[str, Watched]) -> None:
        self._tasks = tasks
        # The line, in two parts: those in front were there when they were looked at last.
        self._front: deque[Watched] = deque()
        self._in_line: deque[Watched] = deque()
        self._earlier: list[Watched] = []
        self._weeder = Weeder()
        self._latest = -inf

    def __len__(self) -> int:
        """Return how many places are taken, by those that are gone, too."""
        return len(self._front) + len(self._in_line) + len(self._earlier)

    def add(self, task: Watched) -> None:
        """Take in a task."""
        if task.since >= self._latest:
            self._latest = task.since
            self._in_line.append(task)
        else:
            heappush(self._earlier, task)

    def tidy(self) -> None:
        """Make room after a task is gone: behind one that takes very long there may be very many."""
        if len(self) <= 2 * len(self._tasks) + _ROOM:
            return
        for _ in range(min(_LOOKED_AT_ONCE, len(self._in_line))):
            if self._is_here(task := self._in_line.popleft()):
                self._front.append(task)
        if not self._in_line:
            self._front, self._in_line = self._in_line, self._front
        self._weeder.weed(self._earlier, len(self._tasks), lambda task: not self._is_here(task))

    @property
    def oldest(self) -> Watched | None:
        """The task that was submitted first, or None where there is none."""
        for line in (self._front, self._in_line):
            while line and not self._is_here(line[0]):
                line.popleft()
        while self._earlier and not self._is_here(self._earlier[0]):
            heappop(self._earlier)
        return min((line[0] for line in (self._front or self._in_line, self._earlier) if line), default=None)

    def _is_here(self, task: Watched) -> bool:
        return self._tasks.get(task.task_id) is task
