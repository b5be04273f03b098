from __future__ import annotations

from collections import deque

import anyio
import anyio.lowlevel

from aiofunasr.pipeline.crew import Alarm, Crew
from aiofunasr.testing import run_in_virtual_time


def test_there_are_as_many_workers_as_pieces_at_once_and_never_more_than_allowed() -> None:
    async def most_at_once(most: int, pieces: int) -> int:
        left, now, peak = deque(range(pieces)), 0, 0

        async def find() -> int | None:
            return left.popleft() if left else None

        async def do(_: int) -> None:
            nonlocal now, peak
            now += 1
            peak = max(peak, now)
            await anyio.sleep(1.0)
            now -= 1

        await Crew(most, find, do).run()
        assert not left
        assert now == 0
        return peak

    assert run_in_virtual_time(most_at_once, 4, 30) == 4
    assert run_in_virtual_time(most_at_once, 4, 2) == 2
    assert run_in_virtual_time(most_at_once, 4, 0) == 0


def test_work_without_any_wait_does_not_hold_the_loop() -> None:
    async def runs() -> bool:
        done = 0

        async def find() -> int | None:
            return None if done > 10_000 else 1

        async def do(_: int) -> None:
            nonlocal done
            done += 1

        async with anyio.create_task_group() as group:
            group.start_soon(Crew(4, find, do).run)
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            early = done
        return early < 1000 < done

    assert run_in_virtual_time(runs)


def test_an_alarm_rings_at_its_time_or_before() -> None:
    async def slept(rings_at: float, due: float) -> float:
        alarm, started = Alarm(), anyio.current_time()

        async def ring() -> None:
            await anyio.sleep(1.0)
            alarm.ring_before(started + rings_at)

        async with anyio.create_task_group() as group:
            group.start_soon(ring)
            await alarm.sleep_until(started + due)
            woken = anyio.current_time()
        return woken - started

    assert run_in_virtual_time(slept, 2.0, 5.0) == 1.0
    assert run_in_virtual_time(slept, 9.0, 5.0) == 5.0
