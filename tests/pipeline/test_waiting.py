"""Who waits for results: woken when there is something to wake for, and only then."""

from __future__ import annotations

import anyio
import anyio.lowlevel

from aiofunasr.pipeline.outlet import Outlet, Watcher, change
from aiofunasr.results import SubtaskResult
from aiofunasr.testing import run_in_virtual_time


class Watched(Outlet):
    """An outlet that counts how often somebody began to wait at it."""

    __slots__ = ("waits",)

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.waits = 0

    def watch(self, watcher: Watcher) -> None:
        self.waits += 1
        super().watch(watcher)


async def report(outlet: Outlet, index: int) -> None:
    outlet.report(SubtaskResult(source="a", index=index))
    for _ in range(3):
        await anyio.lowlevel.checkpoint()


def test_of_many_results_only_that_which_is_waited_for_wakes() -> None:
    async def waits() -> tuple[int, int]:
        outlet, other = Watched(), Watched()
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                await change(outlet, other, ready=lambda: outlet.waiting + other.waiting >= 50)
                assert outlet.waiting + other.waiting == 50

            group.start_soon(wait)
            await anyio.lowlevel.checkpoint()
            for index in range(25):
                await report(outlet, index)
                await report(other, index)
        assert not outlet._watchers
        assert not other._watchers
        return outlet.waits, other.waits

    assert run_in_virtual_time(waits) == (1, 1)


def test_what_another_has_taken_meanwhile_is_waited_for_again() -> None:
    async def taken_by() -> list[str]:
        outlet, found = Outlet(lambda _: None), list[str]()

        async def take(name: str) -> None:
            await change(outlet, ready=lambda: outlet.waiting > 0)
            assert outlet.take() is not None
            found.append(name)

        async with anyio.create_task_group() as group:
            for name in "ab":
                group.start_soon(take, name)
            await anyio.lowlevel.checkpoint()
            # Both are woken by it, and one of them comes too late.
            await report(outlet, 0)
            assert len(found) == 1
            await report(outlet, 1)
        assert not outlet._watchers
        return sorted(found)

    assert run_in_virtual_time(taken_by) == ["a", "b"]


def test_who_stops_waiting_leaves_nothing_behind() -> None:
    async def run() -> None:
        outlet = Outlet(lambda _: None)
        with anyio.move_on_after(5):
            await change(outlet, ready=lambda: False)
        assert not outlet._watchers
        outlet.changed()

    run_in_virtual_time(run)
