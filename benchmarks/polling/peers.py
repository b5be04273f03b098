"""How the peers wait for a task: their documented policies, applied to this service's limit.

Each is a coroutine that asks about one task until it is done (true) or until it gives up (false: the task is lost to
the caller, though the service goes on with it).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import chain, repeat
from random import Random
from typing import Final, Literal

import anyio

Answer = Literal["done", "not yet", "throttled"]
Ask = Callable[[], Awaitable[Answer]]
Policy = Callable[[Ask, Random], Awaitable[bool]]


async def dashscope_1(ask: Ask, _: Random) -> bool:
    """Ask at 0, 1, 2, 4, 6, 8, 12, 16, 20, 25, 30, ... s; a 429 ends the wait."""
    for wait in chain((1, 1, 2, 2, 2, 4, 4, 4), repeat(5)):
        answer = await ask()
        if answer != "not yet":
            return answer == "done"
        await anyio.sleep(wait)
    raise AssertionError


async def dashscope_2(ask: Ask, chance: Random) -> bool:
    """Sleep 1, 2, 4, 8, 8, ... s before each question; a 429 is tried again twice, then raised."""
    for wait in chain((1, 2, 4), repeat(8)):
        await anyio.sleep(wait)
        answer = await ask()
        for attempt in range(2):
            if answer == "throttled":
                await anyio.sleep(min(0.5 * 2**attempt, 8.0) * (1 + 0.25 * chance.random()))
                answer = await ask()
        if answer != "not yet":
            return answer == "done"
    raise AssertionError


async def speechmatics(ask: Ask, chance: Random) -> bool:
    """Wait from 0.5 s by factors of 1.6 up to 5 s, each give or take a fifth; the sixth 429 in a row is raised."""
    failures = 0
    for wait in _growing(0.5, 1.6, 5.0):
        answer = await ask()
        if answer == "done":
            return True
        failures = failures + 1 if answer == "throttled" else 0
        if failures > 5:
            return False
        await anyio.sleep(wait * chance.uniform(0.8, 1.2))
    raise AssertionError


async def every_5_s(ask: Ask, _: Random) -> bool:
    """Ask every 5 s; a 429 is one more "not yet"."""
    for wait in repeat(5):
        if await ask() == "done":
            return True
        await anyio.sleep(wait)
    raise AssertionError


def _growing(first: float, factor: float, largest: float) -> Iterator[float]:
    wait = first
    while True:
        yield wait
        wait = min(wait * factor, largest)


PEERS: Final[dict[str, Policy]] = {
    "dashscope 1.x": dashscope_1,
    "dashscope 2.0.2": dashscope_2,
    "speechmatics": speechmatics,
    "every 5 s": every_5_s,
}
