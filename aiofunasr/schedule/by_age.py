"""Ask about a task the less often the older it is.

The theory, in a paragraph. How long a task still takes is best guessed by how long it has taken: a task ten seconds old
may end any moment, one that is an hour old hardly within the next second. Asking at intervals that are a fixed share
of the age finds each end late by at most that share of the whole wait, with a number of questions that grows with the
logarithm of it. A least interval keeps young tasks from eating the account's budget, a largest one bounds the surprise,
and some chance in each keeps tasks submitted together from being asked about together.
"""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from random import Random
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST = 1.0
"""Seconds before the first question: no task is done sooner."""

SHARE_OF_AGE = 0.2
LEAST = 1.0
LARGEST = 20.0
JITTER = 0.1

AFTER_FAILURE = 1.0
"""Seconds before a failed question is asked again; doubled with each failure in a row, up to `LARGEST`."""


class AgeSchedule(Generic[K]):
    """A heap of tasks by the time at which each is to be asked about; O(log n) for every step.

    `K` is whatever stands for a task. A task handed out by `next` is not handed out again until `answered` or `failed`
    puts it back.
    """

    def __init__(self, random: Random | None = None) -> None:
        self._random = random or Random()  # noqa: S311  (it spreads requests, it hides nothing)
        self._heap: list[tuple[float, int, K]] = []
        self._entries: dict[K, _Entry] = {}
        self._count = 0

    def __len__(self) -> int:
        """Return how many tasks are waited for, those being asked about right now included."""
        return len(self._entries)

    def add(self, task: K, now: float, *, age: float = 0.0) -> None:
        """Begin to wait for a task that is `age` seconds old; an old one is asked about at once."""
        self._entries[task] = _Entry(now - age)
        self._put(task, now + max(FIRST * self._spread() - age, 0.0))

    def remove(self, task: K) -> None:
        """Stop waiting for a task; its place in the heap is dropped when it comes up."""
        self._entries.pop(task, None)
        if len(self._heap) > 64 and len(self._heap) > 4 * len(self._entries):
            self._heap = [item for item in self._heap if self._is_current(item)]
            heapify(self._heap)

    def hint(self, task: K) -> None:
        """Ask about a task before all others, because something says that it is done."""
        entry = self._entries.get(task)
        if entry is not None and entry.place is not None:
            self._put(task, float("-inf"))

    def answered(self, task: K, now: float) -> None:
        """Put a task back that was asked about and is not done."""
        entry = self._entries.get(task)
        if entry is not None:
            entry.failures = 0
            interval = min(max(LEAST, SHARE_OF_AGE * (now - entry.since)), LARGEST)
            self._put(task, now + interval * self._spread())

    def failed(self, task: K, now: float) -> int:
        """Put a task back whose question failed, and return how often in a row that was."""
        entry = self._entries.get(task)
        if entry is None:
            return 0
        entry.failures += 1
        wait = min(AFTER_FAILURE * 2.0 ** min(entry.failures - 1, 30), LARGEST)
        self._put(task, now + wait * self._spread())
        return entry.failures

    def next_at(self) -> float | None:
        """Return when the next question is due, or None when there is none to ask."""
        while self._heap and not self._is_current(self._heap[0]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def next(self, now: float) -> K | None:
        """Take the task to ask about now, or None when none is due."""
        due = self.next_at()
        if due is None or due > now:
            return None
        task = heappop(self._heap)[2]
        self._entries[task].place = None
        return task

    def _put(self, task: K, due: float) -> None:
        self._count += 1
        self._entries[task].place = self._count
        heappush(self._heap, (due, self._count, task))

    def _is_current(self, item: tuple[float, int, K]) -> bool:
        entry = self._entries.get(item[2])
        return entry is not None and entry.place == item[1]

    def _spread(self) -> float:
        return self._random.uniform(1 - JITTER, 1 + JITTER)


class _Entry:
    __slots__ = ("failures", "place", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.place: int | None = None
        self.failures = 0
