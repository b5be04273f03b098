"""Sharing tasks out among submits that are as good as each other.

Submits of the same files and options may each be given any of the tasks that one of them made. But each was under way
at a time of its own, so not every task may be every submit's, and one that is given away in haste leaves another's
behind. So they are shared out all at once, by a largest matching (augmenting paths).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence


def share_out(takers: Sequence[int], may_take: Mapping[int, Collection[str]]) -> dict[str, int]:
    """Give each task to one of those that may have it, so that as many tasks as possible find a taker.

    Where there are fewer tasks than takers, those that come first have some.
    """
    owner: dict[str, int] = {}

    def find(taker: int, tried: set[str]) -> bool:
        for task_id in sorted(may_take[taker]):
            if task_id not in tried:
                tried.add(task_id)
                if task_id not in owner or find(owner[task_id], tried):
                    owner[task_id] = taker
                    return True
        return False

    for taker in takers:
        find(taker, set())
    return owner
