"""Which task to ask about by itself, and when.

The theory, in a paragraph. A task comes up when the delay it has gathered unseen is worth the price of a question; a
heap holds them by that time. As long as the limit allows more questions than come up, that is all. When it does not,
questions are worth more than their price, and the heap is ordered by the going rate instead: what the last questions
were worth. Times in the heap are promises of the past (a sweep may have seen a task since), so each is looked at
again when it comes up, and of the first few the one worth most is asked about; the others stay to be compared with the
next. That is as good as always finding the very best, and takes O(log n).
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf
from typing import NamedTuple

from aiofunasr.schedule.crowd import LONGEST, Crowd
from aiofunasr.schedule.watched import Watched
from aiofunasr.schedule.weeding import Weeder

CHOICES = 3
"""How many of the tasks that are due are compared."""

_RENEWED_AT_ONCE = 64
"""How many outdated places are cleared or put right before something else gets its turn."""

_A_MOMENT = 0.1
"""Seconds before a task that is nearly due is thought about again."""

_SOON = 0.5
"""Seconds within which a task that was compared with others is still worth about the same."""

_SMALL = 0.1
_NOT_LONG = 2.0

_RECENT = 0.1
"""The weight of the last question in the going rate."""


class _Candidate(NamedTuple):
    """A task that was compared with others: its worth, its place, which it keeps, and when it was last seen by then."""

    worth: float
    task: Watched
    place: float
    seen_at: float


class Asking:
    """The tasks that may be asked about, by the time at which each comes up."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._heap: list[tuple[float, Watched]] = []
        self._weeder = Weeder()
        # How many tasks have a place.
        self._placed = 0
        # What was compared of late and not chosen.
        self._compared: list[_Candidate] = []
        self._compared_at = -inf
        self._going_rate = 0.0

    def going_rate(self, price: float) -> float:
        """Return what a question is worth at the moment, which is at least its price."""
        return max(self._going_rate, price)

    def put(self, task: Watched, due: float) -> None:
        """Have a task come up at a time."""
        if task.place is None:
            self._placed += 1
        task.place = due
        heappush(self._heap, (due, task))

    def put_back(self, task: Watched, now: float, price: float) -> None:
        """Have a task come up when it is worth a question."""
        # What was said to be due and is not comes up again after a while that is small beside what it has waited.
        soonest = now + min(max(_A_MOMENT, _SMALL * (now - self._crowd.seen_at(task))), _NOT_LONG)
        self.put(task, max(self._crowd.due(task, self.going_rate(price)), soonest))

    def drop(self, task: Watched) -> None:
        """Take a task out; its place in the heap is cleared when it comes up, or is weeded out."""
        if task.place is not None:
            task.place = None
            self._placed -= 1
            self._weeder.weed(self._heap, self._placed, _is_outdated)

    def due_at(self, now: float, price: float) -> float:
        """Return when the first task is worth a question."""
        self._return_compared()
        for _ in range(_RENEWED_AT_ONCE):
            if not self._heap:
                return inf
            due, task = self._heap[0]
            if task.place is not due:
                heappop(self._heap)
            elif due > now:
                return min(due, max(self._due_by_now(task, due, price), now + _A_MOMENT))
            elif self._must_be_asked(task, now) or self._crowd.value(task, now) >= price:
                return now
            else:
                heappop(self._heap)
                self.put_back(task, now, price)
        return now

    def best(self, now: float, price: float) -> tuple[Watched, float] | None:
        """Take out the task that is worth most, of the first few that are due, with what it is worth."""
        candidates = self._still_compared(now)
        for _ in range(_RENEWED_AT_ONCE):
            if not self._heap or len(candidates) == CHOICES:
                break
            due, task = self._heap[0]
            if task.place is not due:
                heappop(self._heap)
                continue
            if due > now and (candidates or self._due_by_now(task, due, price) > now):
                break
            heappop(self._heap)
            worth = self._crowd.value(task, now)
            if worth < price and not self._must_be_asked(task, now):
                self.put_back(task, now, price)
                break
            candidates.append(_Candidate(worth, task, due, self._crowd.seen_at(task)))
        if not candidates:
            return None
        chosen = max(candidates)
        # The others need not be looked at again so soon.
        self._compared = [one for one in candidates if one is not chosen]
        chosen.task.place = None
        self._placed -= 1
        return chosen.task, chosen.worth

    def _still_compared(self, now: float) -> list[_Candidate]:
        """Return what was compared so shortly before that it need not be looked at again."""
        if now - self._compared_at > _SOON or any(
            one.seen_at != self._crowd.seen_at(one.task) for one in self._compared
        ):
            self._return_compared()
            self._compared_at = now
        return [one for one in self._compared if one.task.place is one.place]

    def _return_compared(self) -> None:
        """Put what was compared and not chosen back where it came from; who left is cleared when it comes up."""
        for one in self._compared:
            heappush(self._heap, (one.place, one.task))
        self._compared = []

    def asked(self, value: float, now: float, price: float) -> None:
        """Note that a task worth so much is asked about."""
        more_are_due = bool(self._compared) or (bool(self._heap) and self._heap[0][0] <= now)
        self._going_rate += _RECENT * ((value if more_are_due else price) - self._going_rate)

    def _due_by_now(self, task: Watched, due: float, price: float) -> float:
        # It was put there at the going rate of its time; if questions are worth less now, it comes up earlier.
        return due if task.failures else min(due, self._crowd.due(task, price))

    def _must_be_asked(self, task: Watched, now: float) -> bool:
        # One whose question failed comes up when its pause is over, and nobody waits for ever.
        return task.failures > 0 or now - task.known_at >= LONGEST


def _is_outdated(item: tuple[float, Watched]) -> bool:
    return item[1].place is not item[0]
