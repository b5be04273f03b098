from __future__ import annotations

import time

import anyio
import anyio.to_thread
import pytest

from aiofunasr.testing import run_in_virtual_time


def test_a_year_passes_in_a_moment_and_in_order() -> None:
    seen: list[tuple[float, str]] = []

    async def wait(seconds: float, name: str) -> None:
        await anyio.sleep(seconds)
        seen.append((anyio.current_time(), name))

    async def work() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(wait, 3600.0 * 24 * 365, "year")
            group.start_soon(wait, 1.0, "second")
            group.start_soon(wait, 3600.0, "hour")

    run_in_virtual_time(work)
    assert seen == [(1.0, "second"), (3600.0, "hour"), (3600.0 * 24 * 365, "year")]


def test_time_outs_are_virtual_too() -> None:
    async def work() -> float:
        with anyio.move_on_after(500):
            await anyio.sleep_forever()
        return anyio.current_time()

    assert run_in_virtual_time(work) == 500


def test_the_clock_stands_still_while_a_thread_works() -> None:
    seen: list[tuple[float, str]] = []

    async def work() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 1000)
            await anyio.to_thread.run_sync(time.sleep, 0.2)
            seen.append((anyio.current_time(), "thread"))

    run_in_virtual_time(work)
    assert seen == [(0.0, "thread")]


def test_what_it_raises_comes_out() -> None:
    async def work(what: str) -> None:
        await anyio.sleep(1)
        raise KeyError(what)

    with pytest.raises(KeyError, match="x"):
        run_in_virtual_time(work, "x")
