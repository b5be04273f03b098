from __future__ import annotations

from heapq import heapify, heappop, heappush

from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.schedule.weeding import Weeder, take_out


def is_a_heap(heap: list[int]) -> bool:
    return all(heap[(at - 1) // 2] <= heap[at] for at in range(1, len(heap)))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.data())
def test_an_item_leaves_from_any_place_and_the_others_stay_a_heap(items: list[int], data: st.DataObject) -> None:
    heap = items.copy()
    heapify(heap)
    while heap:
        at = data.draw(st.integers(0, len(heap) - 1))
        left = sorted(heap)
        left.remove(heap[at])
        take_out(heap, at)
        assert is_a_heap(heap)
        assert sorted(heap) == left


@given(st.lists(st.integers(-5, 1000), max_size=400))
def test_only_what_is_outdated_leaves(steps: list[int]) -> None:
    """A number from 0 on comes, and one below takes the first out; every third that comes is outdated at once."""
    heap: list[int] = []
    weeder = Weeder()
    wanted = 0
    for step in steps:
        if step >= 0:
            heappush(heap, step)
            wanted += step % 3 > 0
        elif heap:
            wanted -= heappop(heap) % 3 > 0
        weeder.weed(heap, 0, lambda item: item % 3 == 0)
        assert is_a_heap(heap)
        assert sum(item % 3 > 0 for item in heap) == wanted


def test_however_many_get_outdated_the_heap_stays_small_and_few_are_looked_at_each_time() -> None:
    weeder, heap = Weeder(), list(range(10_000))
    outdated: set[int] = set()
    looked_at = 0

    def is_outdated(item: int) -> bool:
        nonlocal looked_at
        looked_at += 1
        return item in outdated

    for number in range(10_000, 60_000):
        # The 10,000 newest are wanted.
        outdated.add(number - 10_000)
        heappush(heap, number)
        looked_at = 0
        weeder.weed(heap, 10_000, is_outdated)
        assert looked_at <= 8
        assert len(heap) < 15_000
    assert not set(range(50_000, 60_000)) - set(heap)
