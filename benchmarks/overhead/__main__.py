"""Measure what the library itself costs.

    python -m benchmarks.overhead

Four questions. What does a file cost in processor time, beside a bare aiohttp loop that sends the very same requests to
the same server, and beside the official SDK? What does a task in flight cost in memory, and a decision what to ask
next in time, when there are very many? How long is the event loop held at the longest? Does the memory grow with the
length of the input?
"""

from __future__ import annotations

import argparse

from benchmarks.overhead import cost, flight, manifest


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often the contenders take turns (default: 5)")
    parser.add_argument("--tasks", type=int, default=100_000, help="how many tasks are in flight (default: 100,000)")
    parser.add_argument(
        "--files",
        type=int,
        nargs="+",
        default=[10_000, 100_000, 1_000_000],
        help="the lengths of the manifests (default: 10,000, 100,000 and 1,000,000)",
    )
    parser.add_argument("parts", nargs="*", help="cost, flight, manifest (default: all)")
    arguments = parser.parse_args()
    parts = arguments.parts or ["cost", "flight", "manifest"]
    if "cost" in parts:
        cost.measure(arguments.rounds)
    if "flight" in parts:
        flight.measure(arguments.tasks)
    if "manifest" in parts:
        manifest.measure(arguments.files)


if __name__ == "__main__":
    main()
