"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial

import anyio

import benchmarks.soak as package
from benchmarks.soak.load import Load, session_maker
from benchmarks.soak.samples import Sample, look, trends
from benchmarks.soak.service import Books, hostile_service


def main() -> int:
    arguments = _arguments()
    with hostile_service(arguments.share / 100, arguments.seed) as service:
        run = partial(_soak, service.base_url, service.api_key, arguments)
        samples, counts = asyncio.run(run())
        books = service.books()
    return _report(samples, counts, books)


async def _soak(base_url: str, api_key: str, arguments: argparse.Namespace) -> tuple[list[Sample], Counter[str]]:
    samples: list[Sample] = []
    async with session_maker(base_url, api_key, arguments.seed, journal=arguments.journal) as open_session:
        load = Load(open_session, arguments.files_per_second, arguments.seed)
        async with anyio.create_task_group() as group:
            group.start_soon(_watch, arguments.every, samples, load)
            await load.run(arguments.minutes * 60)
            group.cancel_scope.cancel()
    await anyio.sleep(1)
    left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    print(f"after everything was closed: {len(left)} asyncio tasks {', '.join(left[:5])}")
    return samples, load.counts


async def _watch(every: float, samples: list[Sample], load: Load) -> None:
    begin = anyio.current_time()
    while True:
        await anyio.sleep_until(begin + every * (len(samples) + 1))
        sample = look(anyio.current_time() - begin)
        samples.append(sample)
        print(
            f"{sample.at:6.0f} s {sample.memory:7.1f} MB {sample.objects:8} objects {sample.tasks:5} tasks "
            f"{sample.descriptors:4} descriptors {sample.sockets:4} sockets {sample.threads:3} threads "
            f"{load.counts['results']:8} results",
            flush=True,
        )


def _report(samples: Sequence[Sample], counts: Counter[str], books: Books) -> int:
    print()
    print(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print(
        f"the service: {books.submits} submits of {books.files} files, {books.files_doubled} files more than once, "
        f"{books.requests} requests, {books.faults} faults"
    )
    print(f"{'':12}{'first half':>12}{'second half':>13}{'an hour':>12}")
    found = trends(samples)
    for trend in found:
        verdict = "  GROWS" if trend.grows else ""
        print(f"{trend.name:12}{trend.first:12.1f}{trend.second:13.1f}{trend.slope:+12.1f}{verdict}")
    return 1 if books.files_doubled or any(trend.grows for trend in found) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description=package.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="default: 20")
    parser.add_argument("--files-per-second", type=float, default=20.0, help="default: 20")
    parser.add_argument("--share", type=float, default=5.0, help="percent of requests that go wrong (default: 5)")
    parser.add_argument("--every", type=float, default=10.0, help="seconds from one sample to the next (default: 10)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--journal", action="store_true", help="give each session a journal")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
