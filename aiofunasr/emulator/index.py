"""Find the tasks a list shows without looking at all the others.

An account may have a day's hundreds of thousands of tasks and ask ten times a second for the few that are live. So the
tasks of each status are kept in the order of their submits, and moved when their status changes: when that will be
is known of a planned task, and told of any other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from math import inf

from aiofunasr.emulator.tasks import Place, Task


class _Submits:
    """Tasks in the order of their submits, so that a time window is two binary searches away."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []
        self._places: list[Place] = []

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks)

    def add(self, task: Task) -> None:
        at = bisect_left(self._places, task.place)
        self._tasks.insert(at, task)
        self._places.insert(at, task.place)

    def discard(self, task: Task) -> bool:
        at = bisect_left(self._places, task.place)
        if at == len(self._tasks) or self._tasks[at] is not task:
            return False
        del self._tasks[at], self._places[at]
        return True

    def keep(self, known: Mapping[str, Task]) -> None:
        self._tasks = [task for task in self._tasks if task.task_id in known]
        self._places = [task.place for task in self._tasks]

    def between(self, begin: float, end: float) -> list[Task]:
        return self._tasks[bisect_left(self._places, (begin, -1)) : bisect_right(self._places, (end, inf))]


class TaskIndex:
    """The tasks of an account, or of one model in it.

    `known` has the tasks that are not forgotten, by their ids; `status_of` says what the list shows of one.
    """

    def __init__(self, known: Mapping[str, Task], status_of: Callable[[Task, float], str]) -> None:
        self._known = known
        self._status_of = status_of
        self._all = _Submits()
        self._by_status: defaultdict[str, _Submits] = defaultdict(_Submits)
        # The moment that `_by_status` is right for, and the changes that come after it.
        self._followed_to = -inf
        self._changes: list[tuple[float, Place, Task]] = []
        self._gone = 0

    def add(self, task: Task) -> None:
        """Enter the newest task."""
        self._all.add(task)
        self.note_change(task, task.submitted_at)

    def note_change(self, task: Task, at: float) -> None:
        """Note that the status of a task changes at a moment, which may have passed."""
        heappush(self._changes, (at, task.place, task))

    def note_expired(self) -> None:
        """Note that one of the tasks is gone; they are dropped together, once they are half of all."""
        self._gone += 1
        if self._gone * 2 > len(self._all):
            for submits in (self._all, *self._by_status.values()):
                submits.keep(self._known)
            self._changes = [change for change in self._changes if change[2].task_id in self._known]
            heapify(self._changes)
            self._gone = 0

    def start_over(self) -> None:
        """Note that the status of every task may have become another, whatever the time."""
        self._by_status.clear()
        self._followed_to = -inf
        self._changes = [(task.submitted_at, task.place, task) for task in self._all]
        heapify(self._changes)

    def find(self, begin: float, end: float, status: str | None, seen_at: float) -> list[Task]:
        """Return the tasks submitted in `[begin, end]` that have a status at a moment, the oldest first."""
        if status is None:
            tasks = self._all.between(begin, end)
        elif seen_at < self._followed_to:
            # The clock was set back.
            tasks = [task for task in self._all.between(begin, end) if self._status_of(task, seen_at) == status]
        else:
            self._follow(seen_at)
            tasks = self._by_status[status].between(begin, end)
        return [task for task in tasks if task.task_id in self._known] if self._gone else tasks

    def _follow(self, seen_at: float) -> None:
        self._followed_to = seen_at
        while self._changes and self._changes[0][0] <= seen_at:
            _, _, task = heappop(self._changes)
            if task.task_id not in self._known:
                continue
            any(submits.discard(task) for submits in self._by_status.values())
            self._by_status[self._status_of(task, seen_at)].add(task)
            next_change = task.next_change(seen_at)
            if next_change is not None:
                self.note_change(task, next_change)
