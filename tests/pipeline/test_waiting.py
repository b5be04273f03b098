"""Who waits for results: woken when there is something to wake for, and only then."""

from __future__ import annotations

import asyncio

import anyio
import anyio.lowlevel
import pytest

from aiofunasr.pipeline.outlet import Outlet, change
from aiofunasr.results import SubtaskResult
from aiofunasr.testing import run_in_virtual_time


class Waits:
    """How often somebody began to wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        wait = asyncio.Event.wait

        async def counted(event: asyncio.Event) -> bool:
            self.count += 1
            return await wait(event)

        monkeypatch.setattr(asyncio.Event, "wait", counted)


async def report(outlet: Outlet, index: int) -> None:
    outlet.report(SubtaskResult(source="a", index=index))
    for _ in range(3):
        await anyio.lowlevel.checkpoint()


def test_of_many_results_only_that_which_is_waited_for_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits() -> int:
        outlet, other = Outlet(lambda _: None), Outlet(lambda _: None)
        counted = Waits(monkeypatch)
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
        return counted.count

    assert run_in_virtual_time(waits) == 1


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
