from __future__ import annotations

import asyncio
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


def test_what_there_is_to_do_is_begun_in_one_turn_of_the_loop() -> None:
    async def begun_together(most: int) -> list[int]:
        left, turn, turns = deque(range(30)), list[int](), list[int]()

        async def find() -> int | None:
            if len(left) in {30, 20}:
                await anyio.sleep(1.0)
            return left.popleft() if left else None

        async def do(piece: int) -> None:
            if not turn:
                asyncio.get_running_loop().call_soon(end_turn)
            turn.append(piece)
            await anyio.sleep(0.1)

        def end_turn() -> None:
            turns.append(len(turn))
            turn.clear()

        await Crew(most, find, do).run()
        return turns

    assert run_in_virtual_time(begun_together, 30) == [10, 20]
    assert run_in_virtual_time(begun_together, 8) == [8, 2, 8, 8, 4]


def test_a_worker_that_is_away_leaves_its_place_to_another() -> None:
    async def finished() -> list[str]:
        left, done = deque(["waits", "quick", "late"]), list[str]()

        async def find() -> str | None:
            return left.popleft() if left else None

        async def do(piece: str) -> None:
            if piece == "waits":
                with crew.away():
                    await anyio.sleep(10.0)
            else:
                await anyio.sleep(1.0)
            done.append(piece)

        crew = Crew(1, find, do)
        await crew.run()
        return done

    assert run_in_virtual_time(finished) == ["quick", "late", "waits"]


def test_how_many_pieces_are_done_at_once_can_be_changed() -> None:
    async def run() -> tuple[list[int], int]:
        left, now, seen = deque(range(12)), 0, list[int]()

        async def find() -> int | None:
            return left.popleft() if left else None

        async def do(_: int) -> None:
            nonlocal now
            now += 1
            await anyio.sleep(10.0)
            now -= 1

        crew = Crew(2, find, do)
        async with anyio.create_task_group() as group:
            group.start_soon(crew.run)
            for at, most in ((1.0, 5), (2.0, 5), (3.0, 1), (21.0, 1), (31.0, 1)):
                await anyio.sleep(at - anyio.current_time())
                seen.append(now)
                crew.allow(most)
            await anyio.sleep(5.0)
            crew.allow(6)
        # It is over, and stays so.
        crew.allow(6)
        return seen, len(left)

    assert run_in_virtual_time(run) == ([2, 5, 5, 1, 1], 0)


def test_a_crew_that_is_cancelled_leaves_nobody_behind() -> None:
    async def left_behind() -> int:
        async def find() -> int | None:
            await anyio.sleep(1.0)
            return 1

        async def do(_: int) -> None:
            await anyio.sleep(3.0)

        for seconds in (0.0, 0.5, 1.0, 2.0, 3.0, 4.5):
            with anyio.move_on_after(seconds) as scope:
                await Crew(3, find, do).run()
            assert scope.cancelled_caught
        return len(asyncio.all_tasks()) - 1

    assert run_in_virtual_time(left_behind) == 0


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
