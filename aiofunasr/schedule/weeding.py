"""A heap whose outdated items are taken out little by little.

What is in the middle of a heap cannot be found, so an item that is no longer wanted stays until it comes first, which
may be never. Building the heap anew without those costs as much as there are items, all at once. Instead a few places
are looked at for each item that gets outdated, one after another from the last to the first, and what is outdated
there makes room for the last item. Seldom does that have a long way from there to its place: half of a heap's places
are at its very end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

_LOOKED_AT_ONCE = 8

_ROOM = 64
"""So many outdated items may always stay."""


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


T = TypeVar("T", bound=_Ordered)


class Weeder:
    """Goes round and round in a heap, so that about a fourth as many items are outdated as are wanted."""

    def __init__(self) -> None:
        # The place that was looked at last.
        self._at = 0

    def weed(self, heap: list[T], wanted: int, is_outdated: Callable[[T], bool]) -> None:
        """Take some outdated items out of a heap in which no more than `wanted` are not.

        To be called for each item that gets outdated.
        """
        if 4 * len(heap) <= 5 * wanted + _ROOM * 4:
            return
        for _ in range(min(_LOOKED_AT_ONCE, len(heap))):
            self._at = (self._at or len(heap)) - 1
            if self._at >= len(heap):
                # Others have left meanwhile.
                self._at = len(heap) - 1
            if is_outdated(heap[self._at]):
                take_out(heap, self._at)


def take_out(heap: list[T], at: int) -> None:
    """Take the item at a place out of a heap."""
    last = heap.pop()
    if at == len(heap):
        return
    while at and last < heap[above := (at - 1) // 2]:
        heap[at] = heap[above]
        at = above
    while (below := 2 * at + 1) < len(heap):
        if below + 1 < len(heap) and heap[below + 1] < heap[below]:
            below += 1
        if not heap[below] < last:
            break
        heap[at] = heap[below]
        at = below
    heap[at] = last
