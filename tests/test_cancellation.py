"""Cancel at every await: whatever was under way, nothing is left behind and the session still works."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import anyio
import pytest

import aiofunasr
from aiofunasr import Session
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, Service
from aiofunasr.testing import LocalTransport, local_session, run_in_virtual_time
from support import CancelledAfter, clean, urls


async def run_cancelled_after(steps: int, work: Coroutine[Any, Any, None]) -> bool:
    """Run work in a task of its own and cancel it after so many steps; say whether it came to that."""
    coroutine = CancelledAfter(work, steps)
    with suppress(asyncio.CancelledError):
        await asyncio.get_running_loop().create_task(coroutine)
    return coroutine.was_cancelled


async def small_run(session: Session) -> None:
    """Use every public await once."""
    task = await session.submit(urls(2))
    async for _ in task:
        break
    await task
    async with session.transcribe(urls(4, "batch")) as batch:
        async for _ in batch:
            pass
    again = await session.attach(task.token)
    async for _ in session.as_completed([again, task]):
        pass
    with suppress(aiofunasr.BadRequestError):
        await task.cancel()
    async for _ in session.list_tasks(page_size=2):
        pass


async def until_never_cancelled(attempt: Callable[[int], Awaitable[bool]]) -> int:
    """Cancel after step 1, 2, 3 ... until the work ends first; return how many steps that were."""
    for steps in itertools.count(1):
        if not await attempt(steps):
            return steps
    raise AssertionError


def test_a_session_outlives_a_caller_cancelled_at_any_await() -> None:
    async def attempt(steps: int) -> bool:
        async with clean(), local_session(EmulatorSettings(queue_seconds=(0.0, 1.0))) as (session, service):
            cancelled = await run_cancelled_after(steps, small_run(session))
            if cancelled:
                results = await aiofunasr.transcribe(urls(2, "after"), session=session)
                assert [result.ok for result in results] == [True, True]
            assert not service.ledger.duplicates()
            transport = session._engine.gateway.transport
            lanes = session.statistics().requests.values()
            await anyio.sleep(30)
            assert {lane.waiting for lane in lanes} == {0}
        assert isinstance(transport, LocalTransport)
        assert transport.open_requests == 0
        return cancelled

    async def every_step() -> None:
        assert await until_never_cancelled(attempt) > 10

    run_in_virtual_time(every_step)


def test_a_whole_session_cancelled_at_any_await_leaves_nothing_behind() -> None:
    services: list[Service] = []

    async def whole_life() -> None:
        async with local_session(EmulatorSettings(queue_seconds=(0.0, 1.0))) as (session, service):
            services.append(service)
            await small_run(session)

    async def attempt(steps: int) -> bool:
        async with clean():
            cancelled = await run_cancelled_after(steps, whole_life())
        assert all(not service.ledger.duplicates() for service in services)
        return cancelled

    async def every_step() -> None:
        assert await until_never_cancelled(attempt) > 10

    run_in_virtual_time(every_step)


def test_cancelling_a_wait_never_cancels_the_remote_task() -> None:
    async def scenario() -> None:
        async with local_session(EmulatorSettings(queue_seconds=(50.0, 50.0))) as (session, service):
            task = await session.submit(urls(1))
            with anyio.move_on_after(5):
                await task
            async with session.transcribe(urls(3, "batch")) as batch:
                with anyio.move_on_after(5):
                    await anext(batch)
            assert service.ledger.requests["cancel"] == 0
            assert (await task)[0].ok
            for token in batch.unfinished:
                assert (await (await session.attach(token)))[0].ok

    run_in_virtual_time(scenario)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3])
async def test_no_connection_stays_open_over_a_real_socket(seconds: float) -> None:
    # The server within: it may still be about a request whose client has gone, until it is stopped.
    async with clean(), EmulatorServer(settings=EmulatorSettings.instant()) as server:
        async with Session(server.api_key, base_url=server.base_url) as session:
            with anyio.move_on_after(seconds):
                await small_run(session)
            assert (await (await session.submit(urls(1, "after"))))[0].ok
            http = session._engine.gateway.transport._owned  # type: ignore[attr-defined]
        assert http.closed
        assert not http.connector or not http.connector._conns
        assert not server.service.ledger.duplicates()


async def test_entering_may_be_cancelled() -> None:
    async with clean():
        session = Session("sk-x", base_url="http://127.0.0.1:9/api/v1")
        entering = asyncio.create_task(session.__aenter__())
        await asyncio.sleep(0)
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering


async def test_closing_is_finished_even_when_it_is_cancelled() -> None:
    async with clean(), EmulatorServer(settings=EmulatorSettings.instant()) as server:
        session = await Session(server.api_key, base_url=server.base_url).__aenter__()
        await session.submit(urls(1))
        closing = asyncio.create_task(session.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert "closed" in repr(session)
        assert len(session.unfinished) == 1
