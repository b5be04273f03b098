from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.testing import run_in_virtual_time
from aiofunasr.time_limit import TimeLimit

Bound = Callable[[], AbstractAsyncContextManager[Any]]
"""Bounds what is done inside."""


async def outcome(work: Awaitable[object]) -> tuple[str, float]:
    """Return what became of some work, and when."""
    try:
        await work
        word = "done"
    except (TimeoutError, asyncio.CancelledError, ZeroDivisionError) as error:
        word = type(error).__name__
    return word, anyio.current_time()


def ours(seconds: float | None) -> Bound:
    limit = TimeLimit(seconds)

    @asynccontextmanager
    async def bound() -> Any:
        with limit.begin():
            yield

    return bound


def test_each_has_its_own_time_from_when_it_began() -> None:
    async def run() -> list[tuple[str, float]]:
        limit = TimeLimit(10.0)

        async def one(begins: float, takes: float) -> tuple[str, float]:
            async def work() -> None:
                await anyio.sleep(begins)
                with limit.begin():
                    await anyio.sleep(takes)

            return await outcome(work())

        pieces = [(0, 9), (1, 11), (2, 3), (3, 30), (40, 10.5), (41, 0)]
        return list(await asyncio.gather(*(one(*piece) for piece in pieces)))

    assert run_in_virtual_time(run) == [
        ("done", 9),
        ("TimeoutError", 11),
        ("done", 5),
        ("TimeoutError", 13),
        ("TimeoutError", 50),
        ("done", 41),
    ]


pieces = st.lists(
    st.tuples(
        st.integers(0, 30).map(lambda at: at / 2),
        st.integers(0, 30).map(lambda at: at / 2 + 0.25),
        # When somebody else cancels it, if ever.
        st.none() | st.integers(0, 60).map(lambda at: at / 2 + 0.125),
        st.booleans(),
    ),
    max_size=12,
)


@given(pieces, st.none() | st.integers(0, 16))
def test_it_does_what_the_time_out_of_asyncio_does(
    pieces: list[tuple[float, float, float | None, bool]], seconds: int | None
) -> None:
    async def run(bound: Bound) -> list[tuple[str, float]]:
        async def work(begins: float, takes: float, fails: bool) -> None:
            await asyncio.sleep(begins)
            async with bound():
                await asyncio.sleep(takes)
                if fails:
                    raise ZeroDivisionError
            # Whatever comes after it, in the same task, has all the time it wants.
            await asyncio.sleep(20)

        tasks = [asyncio.create_task(outcome(work(begins, takes, fails))) for begins, takes, _, fails in pieces]
        for task, (_, _, cancelled_at, _) in zip(tasks, pieces, strict=True):
            if cancelled_at is not None:
                asyncio.get_running_loop().call_at(cancelled_at, task.cancel)
        return list(await asyncio.gather(*tasks))

    expected = run_in_virtual_time(run, lambda: asyncio.timeout(seconds))
    assert run_in_virtual_time(run, ours(seconds)) == expected


async def pass_and_cancel_at_once(bound: Bound, cancel_first: bool) -> tuple[str, int]:
    """Have the time pass and somebody cancel in the same turn of the loop, in one order or the other."""
    loop = asyncio.get_running_loop()

    async def work() -> None:
        async with bound():
            await asyncio.sleep(100)

    task = asyncio.create_task(work())
    if cancel_first:
        # The later it is asked for, the later it is called among those of one moment.
        loop.call_at(10.0, task.cancel)
        await asyncio.sleep(0)
    else:
        await asyncio.sleep(0)
        loop.call_at(10.0, task.cancel)
    word, _ = await outcome(task)
    return word, task.cancelling()


@pytest.mark.parametrize("cancel_first", [False, True])
def test_who_is_cancelled_just_when_the_time_passes_is_cancelled(cancel_first: bool) -> None:
    expected = run_in_virtual_time(pass_and_cancel_at_once, lambda: asyncio.timeout(10.0), cancel_first)
    assert expected == ("CancelledError", 1)
    assert run_in_virtual_time(pass_and_cancel_at_once, ours(10.0), cancel_first) == expected


def test_after_its_time_a_task_is_not_cancelled_any_more() -> None:
    async def run() -> tuple[int, float]:
        limit = TimeLimit(3.0)
        with pytest.raises(TimeoutError), limit.begin():
            await asyncio.sleep(5.0)
        task = asyncio.current_task()
        assert task is not None
        cancelling = task.cancelling()
        await asyncio.sleep(4.0)
        return cancelling, anyio.current_time()

    assert run_in_virtual_time(run) == (0, 7.0)


def test_one_inside_the_other() -> None:
    async def run(inner: float, outer: float) -> tuple[list[str], float]:
        heard = list[str]()
        try:
            with TimeLimit(outer).begin():
                try:
                    with TimeLimit(inner).begin():
                        await asyncio.sleep(100)
                except TimeoutError:
                    heard.append("inner")
                    raise
        except TimeoutError:
            heard.append("outer")
        return heard, anyio.current_time()

    assert run_in_virtual_time(run, 2.0, 5.0) == (["inner", "outer"], 2.0)
    assert run_in_virtual_time(run, 5.0, 2.0) == (["outer"], 2.0)


@pytest.mark.parametrize(("scope", "expected"), [(4.0, "left"), (20.0, "TimeoutError")])
def test_the_scopes_of_anyio_go_around_it_and_into_it(scope: float, expected: str) -> None:
    async def run() -> tuple[str, float, float]:
        limit = TimeLimit(10.0)

        async def around() -> str:
            with anyio.move_on_after(scope):
                with limit.begin():
                    await anyio.sleep(100)
            return "left"

        try:
            word = await around()
        except TimeoutError as error:
            word = type(error).__name__
        at = anyio.current_time()
        with limit.begin():
            with anyio.move_on_after(4.0):
                await anyio.sleep(100)
        return word, at, anyio.current_time()

    at = min(scope, 10.0)
    assert run_in_virtual_time(run) == (expected, at, at + 4.0)


def test_a_shield_is_no_protection_from_it() -> None:
    async def run() -> tuple[str, float]:
        limit = TimeLimit(10.0)

        async def work() -> None:
            with anyio.CancelScope(shield=True), limit.begin():
                await anyio.sleep(100)

        with anyio.move_on_after(2.0):
            return await outcome(work())
        raise AssertionError("the shield did not hold")

    assert run_in_virtual_time(run) == ("TimeoutError", 10.0)


def test_many_need_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> int:
        loop, set_ = asyncio.get_running_loop(), 0
        limit, call_at = TimeLimit(10.0), loop.call_at

        def counted(*args: Any, **more: Any) -> asyncio.TimerHandle:
            nonlocal set_
            set_ += 1
            return call_at(*args, **more)

        async def work() -> None:
            with limit.begin():
                await done.wait()

        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(1000):
                group.create_task(work())
            monkeypatch.setattr(loop, "call_at", counted)
            await asyncio.sleep(1.0)
            done.set()
        return set_

    # One for all of them, and the one of this test's own pause.
    assert run_in_virtual_time(run) == 2
