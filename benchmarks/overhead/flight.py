"""What very many tasks in flight cost: memory, time for a decision, and how long the loop is held."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from math import inf
from random import Random
from statistics import median
from typing import Any, Final

import anyio
from attrs import define, field, frozen

import aiofunasr
from aiofunasr.schedule.scheduler import Ask, Scheduler
from aiofunasr.testing import run_in_virtual_time
from benchmarks.overhead.contenders import API_KEY
from benchmarks.overhead.loopback import Loopback
from benchmarks.overhead.peak import peak_bytes

_TICK: Final = 0.001


@frozen
class Holds:
    """How long the loop was held at the longest, in seconds: in all, and without the garbage collector."""

    longest: float
    longest_without_collector: float
    longest_collection: float


def measure(tasks: int) -> None:
    """Print everything about `tasks` tasks in flight, each part in a fresh process."""
    print(f"{tasks:,} tasks of one file in flight; the service is scripted, in the process, and never done\n")
    for how in ("submit", "transcribe"):
        print(f"  {_in_fresh_process(bytes_per_task, how, tasks):6,.0f} bytes a task, by `{how}`, each asked about")
    seconds = _in_fresh_process(decisions_in_a_row, tasks)
    print(f"  {1e6 * median(seconds):6.1f} us for a scheduling decision without a task list, one after another")
    _in_fresh_process(held, tasks)


def _in_fresh_process(function: Callable[..., Any], *args: Any) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as fresh:
        return fresh.apply(function, args)


@asynccontextmanager
async def session_of(tasks: int, query: float) -> AsyncIterator[aiofunasr.Session]:
    """Run a session that may have so many tasks in flight."""
    limits = aiofunasr.Limits(submit=1e6, query=query, list=query, in_flight=tasks)
    transport = Loopback(done=False)
    async with aiofunasr.Session(
        API_KEY, base_url="https://service.example", transport=transport, limits=limits
    ) as session:
        yield session


async def fill(session: aiofunasr.Session, how: str, tasks: int) -> object:
    """Have so many tasks submitted, and return what must be kept for them to be waited for."""
    urls = (f"https://media.example/recordings/2025-06-01/call-{number:08}.wav" for number in range(tasks))
    if how == "submit":
        return [await session.submit(url) for url in urls]
    batch = await session.transcribe(urls, files_per_task=1).__aenter__()
    while session.statistics().tasks_in_flight < tasks:  # noqa: ASYNC110  (there is no event for it)
        await anyio.sleep(0.1)
    return batch


def bytes_per_task(how: str, tasks: int) -> float:
    """Return by how much the process grows for each task until it was asked about; in virtual time."""

    async def grown() -> int:
        async with session_of(100, query=1e6) as session:
            await fill(session, how, 100)
        before = peak_bytes()
        async with session_of(tasks, query=1e6) as session:
            kept = await fill(session, how, tasks)
            while session.statistics().requests["query"].sent < tasks:  # noqa: ASYNC110
                await anyio.sleep(0.1)
            after = peak_bytes()
            del kept
        return after - before

    return run_in_virtual_time(grown) / tasks


def decisions_in_a_row(tasks: int) -> list[float]:
    """Return how long it takes to name the next of so many tasks, a thousand times, with the answers in between.

    No task list can be had, so each time tasks are compared with one another.
    """
    seed = Random(1)
    scheduler = Scheduler(seed)
    for number in range(tasks):
        scheduler.add(f"{number:08x}-cafe-4a2b-9c1d-0123456789ab", number * 1e-4)
    now, seconds = tasks * 1e-4 + 20.0, list[float]()
    while len(seconds) < 1000:
        now += 0.05
        started = time.perf_counter()
        action = scheduler.next(now, 20.0, inf)
        if isinstance(action, Ask):
            seconds.append(time.perf_counter() - started)
            scheduler.alive(action.task_id, now, running=seed.random() < 0.5)
    return seconds


def held(tasks: int) -> None:
    """Print how long the loop is held, phase by phase, at the documented limits, in real time."""
    asyncio.run(_held(tasks))


async def _held(tasks: int) -> None:
    async with _watch() as watch, session_of(tasks, query=20.0) as session:
        with watch.phase("submitting"):
            kept = await fill(session, "submit", tasks)
        decisions = _timed_decisions(session)
        with watch.phase("ten seconds of polling"):
            await anyio.sleep(10)
        with watch.phase("closing"):
            started = time.perf_counter()
            await session.aclose()
            closing = time.perf_counter() - started
        del kept
    if decisions:
        print(
            f"  {1e6 * median(decisions):6.1f} us for one of a session, each after some 50 ms of sleep "
            f"(the longest of {len(decisions):,}: {1e6 * max(decisions):,.0f} us)"
        )
    print(f"  {closing:6.2f} s to close, with {len(session.unfinished):,} tokens handed over\n")
    print("  The longest hold of the loop, ms    in all   without the collector   (one collection)")
    for name, holds in watch.phases.items():
        print(
            f"    {name:28} {1e3 * holds.longest:10.1f} {1e3 * holds.longest_without_collector:19.1f}"
            f" {1e3 * holds.longest_collection:20.1f}"
        )
    print()


def _timed_decisions(session: aiofunasr.Session) -> list[float]:
    """Have every decision of the session's schedule timed from now on."""
    schedule: Any = session._engine.poller._schedule  # noqa: SLF001  (there is no other way in)
    decide, seconds = schedule.next, list[float]()

    def timed(*args: Any) -> Any:
        started = time.perf_counter()
        found = decide(*args)
        if found is not None:
            seconds.append(time.perf_counter() - started)
        return found

    schedule.next = timed
    return seconds


@define
class _Watch:
    """Ticks: what passes between two ticks beyond the tick itself, the loop was held."""

    phases: dict[str, Holds] = field(factory=dict)
    _holds: list[tuple[float, float]] = field(factory=list)
    _collections: list[float] = field(factory=list)
    _collecting_since: float = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Keep the longest holds while the block runs."""
        holds, collections = len(self._holds), len(self._collections)
        yield
        self.phases[name] = Holds(
            max((hold for hold, _ in self._holds[holds:]), default=0.0),
            max((hold - collecting for hold, collecting in self._holds[holds:]), default=0.0),
            max(self._collections[collections:], default=0.0),
        )

    async def tick(self) -> None:
        while True:
            collections, started = len(self._collections), time.perf_counter()
            await anyio.sleep(_TICK)
            hold = time.perf_counter() - started - _TICK
            self._holds.append((hold, sum(self._collections[collections:])))

    def collected(self, phase: str, _: dict[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._collecting_since = now
        else:
            self._collections.append(now - self._collecting_since)


@asynccontextmanager
async def _watch() -> AsyncIterator[_Watch]:
    watch = _Watch()
    gc.callbacks.append(watch.collected)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(watch.tick)
            yield watch
            group.cancel_scope.cancel()
    finally:
        gc.callbacks.remove(watch.collected)
