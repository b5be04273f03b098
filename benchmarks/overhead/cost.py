"""What a file costs in processor time, beside a bare loop that sends the very same requests."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import time
from collections import Counter
from statistics import median

from attrs import define, field, frozen

from benchmarks.overhead.contenders import CONTENDERS, Tasks
from benchmarks.overhead.server import ScriptedServer, scripted_server


@frozen
class Shape:
    """How many tasks, and how many files in each."""

    tasks: int
    width: int

    def urls(self) -> Tasks:
        return [
            [f"https://media.example/{task}/call-{number}.wav" for number in range(self.width)]
            for task in range(self.tasks)
        ]

    def __str__(self) -> str:
        return f"{self.tasks:,} tasks of {self.width} {'file' if self.width == 1 else 'files'}"


SHAPES = (Shape(1000, 1), Shape(100, 100))


@define
class _Entry:
    seconds: list[float] = field(factory=list)
    requests: Counter[str] = field(factory=Counter)


def measure(rounds: int) -> None:
    """Print the table, shape by shape; the contenders take turns, each time in a fresh process."""
    print("CPU time of the client; the server is another process. Ratios are medians over the rounds.\n")
    with scripted_server() as server:
        for shape in SHAPES:
            _print(shape, _race(shape, server, rounds), rounds)


def _race(shape: Shape, server: ScriptedServer, rounds: int) -> dict[str, _Entry]:
    entries = {name: _Entry() for name in CONTENDERS}
    for _ in range(rounds):
        for name, entry in entries.items():
            with multiprocessing.get_context("spawn").Pool(1) as fresh:
                fresh.apply(warm_up, (name, server.base_url))
                server.counts()
                entry.seconds.append(fresh.apply(cpu_seconds, (name, server.base_url, shape)))
                entry.requests = server.counts()
    return entries


def _print(shape: Shape, entries: dict[str, _Entry], rounds: int) -> None:
    files = shape.tasks * shape.width
    base = next(iter(entries.values())).seconds
    print(f"{shape}, {rounds} rounds{'':17} ms a file  ratio  (least-most)   requests")
    for name, entry in entries.items():
        ratios = [own / bare for own, bare in zip(entry.seconds, base, strict=True)]
        counted = ", ".join(f"{number:,} {kind}" for kind, number in sorted(entry.requests.items()))
        print(
            f"  {name:30} {1000 * median(entry.seconds) / files:17.3f}  {median(ratios):5.2f}"
            f"  ({min(ratios):.2f}-{max(ratios):.2f})    {counted}"
        )
    print()


def warm_up(name: str, base_url: str) -> None:
    """Have everything imported and made that is made once."""
    asyncio.run(_checked(name, base_url, Shape(2, 2)))


def cpu_seconds(name: str, base_url: str, shape: Shape) -> float:
    """Return the processor time of one run in this process."""
    gc.collect()
    before = time.process_time()
    asyncio.run(_checked(name, base_url, shape))
    return time.process_time() - before


async def _checked(name: str, base_url: str, shape: Shape) -> None:
    characters = await CONTENDERS[name](base_url, shape.urls())
    assert characters > 1000 * shape.tasks * shape.width, "some texts are missing"
