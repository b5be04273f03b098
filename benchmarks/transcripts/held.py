"""How long the event loop is held while documents are downloaded and read, in a running session."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio
import anyio.lowlevel
import anyio.to_thread
from attrs import astuple, frozen

import aiofunasr
from aiofunasr.transport import OpenReply
from aiofunasr.wire.messages import Kind, Request
from benchmarks.overhead.contenders import API_KEY
from benchmarks.overhead.loopback import Loopback
from benchmarks.transcripts.readers import PIECE, in_pieces

_TICK: Final = 0.001


@frozen
class Holds:
    """How long a task that wants to run each millisecond was kept from it, in ms.

    Attributes:
        ticks: How often it ran.
        high: The 99.9th percentile.
        high_of_own: The same of the processor time that the loop's own thread spent meanwhile. What others on the
            machine take does not count, nor does what other threads of the program do, nor a call that waits. So it
            stands for the hold where there are no other threads and no such calls: reading in a session is that, and
            the tests fail on any call that blocks a loop.
        longest: The longest.
        longest_without_collector: The longest, not counting what the garbage collector took of it.
    """

    ticks: int
    high: float
    high_of_own: float
    longest: float
    longest_without_collector: float


class _Pieces(Loopback):
    """A service whose every file has the same document, which comes in pieces as from a socket."""

    def __init__(self, document: bytes) -> None:
        super().__init__(done=True)
        self._document = document

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[OpenReply]:
        if request.kind is not Kind.DOWNLOAD:
            async with super().open(request) as reply:
                yield reply
            return
        yield _Reply(self._document)


class _Reply:
    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self, document: bytes) -> None:
        self._document = document

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._document), PIECE):
            await anyio.lowlevel.checkpoint()
            yield self._document[start : start + PIECE]


def measure(document: bytes, files: int, rounds: int) -> dict[str, Holds]:
    """Have so many files with one document transcribed, and beside that have it read in other ways.

    What else runs on the machine only ever adds, so of several rounds each figure is the best: what a way itself holds
    up it holds up in all of them.
    """
    # The service has one document for all of them, which names no file.
    nameless = document.replace(b'"file_url"', b'"file_was"', 1)

    async def session() -> None:
        no_limit = aiofunasr.Limits(submit=1e6, query=1e6, list=1e6, downloads=16)
        transport = _Pieces(nameless)
        async with aiofunasr.Session(
            API_KEY, base_url="https://service.example", transport=transport, limits=no_limit
        ) as running:
            urls = [f"https://media.example/{number}.wav" for number in range(files)]
            async for result in running.transcribe(urls, files_per_task=1):
                assert result.unwrap().sentences

    async def threads(read: Callable[[bytes], object]) -> None:
        for _ in range(files):
            await anyio.to_thread.run_sync(read, nameless)

    async def loop() -> None:
        for _ in range(files):
            json.loads(nameless)
            await anyio.lowlevel.checkpoint()

    async def idle() -> None:
        await anyio.sleep(0.2 * files)

    ways: dict[str, Callable[[], Awaitable[None]]] = {
        "aiofunasr.Session": session,
        "the same decoder in a thread": lambda: threads(in_pieces),
        "json.loads in a thread": lambda: threads(json.loads),
        "json.loads in the loop": loop,
        "nothing at all": idle,
    }
    return {name: _best([asyncio.run(_watched(run)) for _ in range(rounds)]) for name, run in ways.items()}


def _best(rounds: Sequence[Holds]) -> Holds:
    return Holds(*(min(figures) for figures in zip(*map(astuple, rounds), strict=True)))


async def _watched(run: Callable[[], Awaitable[None]]) -> Holds:
    holds: list[tuple[float, float, float]] = []
    collections: list[float] = []
    since = 0.0

    def collected(phase: str, _: dict[str, int]) -> None:
        nonlocal since
        if phase == "start":
            since = time.perf_counter()
        else:
            collections.append(time.perf_counter() - since)

    async def tick() -> None:
        while True:
            before, started, worked = len(collections), time.perf_counter(), time.thread_time()
            await anyio.sleep(_TICK)
            own = time.thread_time() - worked
            holds.append((time.perf_counter() - started - _TICK, own, sum(collections[before:])))

    gc.collect()
    gc.callbacks.append(collected)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            await run()
            await anyio.sleep(2 * _TICK)
            group.cancel_scope.cancel()
    finally:
        gc.callbacks.remove(collected)
    return _holds(holds)


def _holds(holds: list[tuple[float, float, float]]) -> Holds:
    return Holds(
        len(holds),
        1e3 * _high([hold for hold, _, _ in holds]),
        1e3 * _high([own for _, own, _ in holds]),
        1e3 * max(hold for hold, _, _ in holds),
        1e3 * max(hold - collecting for hold, _, collecting in holds),
    )


def _high(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.999 * len(values)))]
