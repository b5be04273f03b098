"""Work that is handed to a session's background, and callers that leave before it is done."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest

from aiofunasr import Limits, Session, SessionClosedError
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.pipeline.background import Background
from aiofunasr.testing import run_in_virtual_time
from support import clean, play, urls


def with_background(scenario: Callable[[Background], Awaitable[Any]], at_once: int = 2) -> Any:
    async def run() -> Any:
        async with clean():
            background = Background(at_once)
            await background.start(lambda error: None)
            try:
                return await scenario(background)
            finally:
                background.close(SessionClosedError("the session is closed"))
                await background.stop()

    return run_in_virtual_time(run)


class Work:
    """Takes a second each, and remembers when what was begun, and what was cancelled."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, float]] = []
        self.cancelled: list[int] = []

    async def __call__(self, number: int, seconds: float = 1.0) -> int:
        self.begun.append((number, anyio.current_time()))
        try:
            await anyio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        if number < 0:
            raise ZeroDivisionError
        return number * 10


def test_what_stands_in_line_is_done_in_turn_by_a_few_tasks() -> None:
    async def scenario(background: Background) -> tuple[list[int], int]:
        async def hand_over(number: int) -> int:
            return await background.run_in_line(work, number)

        callers = [asyncio.create_task(hand_over(number)) for number in range(6)]
        await anyio.sleep(0.5)
        tasks = len(asyncio.all_tasks())
        return list(await asyncio.gather(*callers)), tasks - len(callers)

    work = Work()
    results, tasks = with_background(scenario)
    assert results == [0, 10, 20, 30, 40, 50]
    assert work.begun == [(0, 0.0), (1, 0.0), (2, 1.0), (3, 1.0), (4, 2.0), (5, 2.0)]
    # The test's own, the background's, its foreman and two workers.
    assert tasks == 5


@pytest.mark.parametrize("way", ["run", "run_in_line"])
def test_what_goes_wrong_is_raised_where_it_is_awaited(way: str) -> None:
    async def scenario(background: Background) -> int:
        with pytest.raises(ZeroDivisionError):
            await getattr(background, way)(Work(), -1)
        result: int = await getattr(background, way)(Work(), 7)
        return result

    assert with_background(scenario) == 70


@pytest.mark.parametrize(
    ("way", "after", "begun", "cancelled"),
    [
        ("run", 0.5, [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        ("run", 1.5, [0, 1, 2, 3, 4, 5], []),
        ("run_in_line", 0.5, [0, 1], [0, 1]),
        ("run_in_line", 1.5, [0, 1, 2, 3], [2, 3]),
    ],
)
def test_who_leaves_takes_the_work_along(way: str, after: float, begun: list[int], cancelled: list[int]) -> None:
    async def scenario(background: Background) -> None:
        async def leave(number: int) -> None:
            with anyio.move_on_after(after):
                await getattr(background, way)(work, number)

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(leave, number)
        assert sorted(number for number, _ in work.begun) == begun
        # Others have their turn at once, as if nobody had been there.
        at = anyio.current_time()
        assert await getattr(background, way)(work, 7) == 70
        assert anyio.current_time() == at + 1.0

    work = Work()
    with_background(scenario)
    assert sorted(work.cancelled) == cancelled


def test_nothing_is_kept_of_who_left_the_line() -> None:
    async def hand_over(background: Background, work: Work) -> None:
        await background.run_in_line(work, 1, 100.0)

    async def scenario(background: Background) -> None:
        # Two are done at once.
        callers = [asyncio.create_task(hand_over(background, Work())) for _ in range(2)]
        await anyio.sleep(1.0)
        work = Work()
        left, caller = weakref.ref(work), asyncio.create_task(hand_over(background, work))
        await anyio.sleep(1.0)
        caller.cancel()
        await asyncio.wait([caller])
        del work, caller
        gc.collect()
        assert left() is None
        await asyncio.gather(*callers)

    with_background(scenario)


def test_work_that_only_waits_gives_its_place_to_others() -> None:
    async def scenario(background: Background) -> list[tuple[int, float]]:
        async def wait(number: int) -> None:
            with background.away():
                await anyio.sleep(10.0)
            await work(number)

        async def hand_over(what: Callable[..., Coroutine[Any, Any, object]], number: int) -> None:
            await background.run_in_line(what, number)

        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(hand_over, wait, number)
            await anyio.sleep(1.0)
            for number in range(3, 5):
                group.start_soon(hand_over, work, number)
        return work.begun

    work = Work()
    assert sorted(with_background(scenario)) == [(0, 10.0), (1, 10.0), (2, 10.0), (3, 1.0), (4, 1.0)]


async def told(background: Background, work: Work, number: int) -> str:
    """Return what is said to who waits for long work when that comes to nothing."""
    try:
        await background.run_in_line(work, number, 100.0)
    except SessionClosedError as error:
        return str(error)
    return "done"


def test_who_stands_in_line_when_the_session_is_closed_is_told() -> None:
    async def scenario(background: Background) -> list[str]:
        callers = [asyncio.create_task(told(background, work, number)) for number in range(5)]
        await anyio.sleep(1.0)
        background.close(SessionClosedError("the session is closed"))
        await background.stop()
        return list(await asyncio.gather(*callers))

    work = Work()
    assert with_background(scenario) == ["the session is closed"] * 5
    assert [number for number, _ in work.begun] == sorted(work.cancelled) == [0, 1]


def test_who_stands_in_line_when_the_background_fails_is_told() -> None:
    async def run() -> list[str]:
        background = Background(2)
        await background.start(lambda error: background.close(SessionClosedError(f"it failed: {error!r}")))

        async def fail() -> None:
            await anyio.sleep(1.0)
            raise ZeroDivisionError

        background.spawn(fail)
        callers = [asyncio.create_task(told(background, work, number)) for number in range(5)]
        with anyio.fail_after(10.0):
            heard = list(await asyncio.gather(*callers))
        await background.stop()
        return heard

    work = Work()
    heard = run_in_virtual_time(run)
    assert heard[:2] == ["the session was closed while this was awaited"] * 2
    for said in heard[2:]:
        assert said.startswith("it failed: ")
        assert "ZeroDivisionError" in said
    assert [number for number, _ in work.begun] == sorted(work.cancelled) == [0, 1]


def test_uploads_and_searches_hold_up_no_other_submit(tmp_path: Path) -> None:
    """Two requests are allowed at once, and more than two submits wait for something else."""

    paths = [tmp_path / f"{number}.wav" for number in range(4)]
    for path in paths:
        path.write_bytes(b"RIFF" * 100)

    async def scenario(session: Session, _: Service) -> None:
        async with anyio.create_task_group() as group:
            for path in paths:
                group.start_soon(session.submit, path)
            await anyio.sleep(5.0)
            began = anyio.current_time()
            await session.submit(urls(1))
            assert anyio.current_time() < began + 5.0

    faults = FaultPlan().always("upload", Fault.delayed(30.0))
    limits = Limits(requests=2, uploads=4)
    play(scenario, EmulatorSettings(), faults=faults, limits=limits)
