"""Work that is done once for all who want it at the same time."""

from __future__ import annotations

import anyio
import pytest

from aiofunasr import InvalidReplyError, Session, SessionClosedError
from aiofunasr.emulator import Service
from aiofunasr.pipeline.single_flight import SingleFlight
from support import play


class Work:
    """Takes a second, and counts."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done = 0
        self.error = error

    async def __call__(self) -> int:
        await anyio.sleep(1)
        self.done += 1
        if self.error is not None:
            raise self.error
        return self.done


def test_it_is_done_once_at_a_time_and_anew_for_whoever_comes_later() -> None:
    async def scenario(session: Session, service: Service) -> None:
        flight, work, found = SingleFlight[int](session._engine.background), Work(), list[int]()

        async def want() -> None:
            found.append(await flight.do(work))

        for _ in range(2):
            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(want)
        assert found == [1] * 10 + [2] * 10
        assert not flight.is_under_way

    play(scenario)


def test_whoever_began_it_may_leave() -> None:
    async def scenario(session: Session, service: Service) -> None:
        flight, work = SingleFlight[int](session._engine.background), Work()
        with anyio.move_on_after(0.5):
            await flight.do(work)
        assert flight.is_under_way
        assert await flight.do(work) == 1
        assert anyio.current_time() < 1.2

    play(scenario)


@pytest.mark.parametrize("error", [InvalidReplyError("no", path="$.data"), ZeroDivisionError()])
def test_an_error_is_everybody_s_and_ends_only_that_run(error: Exception) -> None:
    async def scenario(session: Session, service: Service) -> None:
        flight, work, caught = SingleFlight[int](session._engine.background), Work(error), list[Exception]()

        async def want() -> None:
            try:
                await flight.do(work)
            except (InvalidReplyError, ZeroDivisionError) as found:
                caught.append(found)

        async with anyio.create_task_group() as group:
            group.start_soon(want)
            group.start_soon(want)
        assert [str(found) for found in caught] == [str(error)] * 2
        work.error = None
        assert await flight.do(work) == 2
        # Begun without anybody to hear of it, an error is no harm.
        work.error = error
        flight.begin(work)
        await anyio.sleep(2)
        assert session._engine.background.is_open

    play(scenario)


def test_it_ends_with_the_session() -> None:
    async def scenario(session: Session, service: Service) -> None:
        flight, work = SingleFlight[int](session._engine.background), Work()
        flight.begin(work)
        await session.aclose()
        with pytest.raises(SessionClosedError):
            await SingleFlight[int](session._engine.background).do(work)
        assert work.done == 0

    play(scenario)
