"""The command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import attrs

import benchmarks.polling as package
from benchmarks.polling.figures import Figures
from benchmarks.polling.peers import PEERS
from benchmarks.polling.run import OURS, Outcome, Run, execute
from benchmarks.polling.scenarios import SCENARIOS, Scenario
from benchmarks.polling.table import render


def main() -> int:
    arguments = _arguments()
    started = time.perf_counter()
    policies = [OURS] if arguments.ours else [OURS, *PEERS]
    missed: list[str] = []
    stored: list[Figures] = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        # All are handed in at once, so that no process waits for a scenario to end.
        tables = [(scenario, _hand_in(pool, scenario, policies, arguments.seeds)) for scenario in arguments.only]
        for scenario, runs in tables:
            rows = [Figures.of(scenario, policy, [run.result() for run in runs[policy]]) for policy in policies]
            stored += rows
            verdicts = rows[0].verdicts(scenario.targets)
            missed += [f"{scenario.name} {name}" for name, met in verdicts.items() if not met]
            print(render(scenario, rows, OURS), flush=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([attrs.asdict(row) for row in stored], indent=1) + "\n", encoding="utf-8")
    print(f"{time.perf_counter() - started:.0f} s in all; targets missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


def _hand_in(
    pool: ProcessPoolExecutor, scenario: Scenario, policies: list[str], seeds: int
) -> dict[str, list[Future[Outcome]]]:
    runs: dict[str, list[Future[Outcome]]] = {}
    for policy in policies:
        count = seeds if policy == OURS or scenario.peer_seeds is None else min(seeds, scenario.peer_seeds)
        runs[policy] = [pool.submit(execute, Run(scenario.name, policy, seed)) for seed in range(count)]
    return runs


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.polling",
        description=package.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", type=_scenarios, default=SCENARIOS, metavar="NAMES", help="some scenarios, with commas between"
    )
    parser.add_argument("--ours", action="store_true", help="leave the peers out")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each (default: 5)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one a processor)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="store the figures")
    return parser.parse_args()


def _scenarios(text: str) -> tuple[Scenario, ...]:
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    names = text.split(",")
    if strange := [name for name in names if name not in by_name]:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(strange)}; there are {', '.join(by_name)}")
    return tuple(by_name[name] for name in names)


if __name__ == "__main__":
    sys.exit(main())
