"""The command line."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import benchmarks.faults as package
from benchmarks.faults.peers import PEERS
from benchmarks.faults.run import OURS, Run, execute
from benchmarks.faults.table import head, row


def main() -> int:
    arguments = _arguments()
    started = time.perf_counter()
    programs = [OURS] if arguments.ours else [OURS, *PEERS]
    broken = 0
    # Fresh processes that hash alike: sets of names are then gone through in the same order by every run.
    os.environ["PYTHONHASHSEED"] = "0"
    with ProcessPoolExecutor(arguments.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        runs = {
            (share, program): [
                pool.submit(
                    execute, Run(program, share, seed, arguments.files, arguments.policy, not arguments.not_mixed_up)
                )
                for seed in range(arguments.seeds)
            ]
            for share in arguments.shares
            for program in programs
        }
        for share in arguments.shares:
            print(head(share, arguments.files, arguments.seeds), flush=True)
            for program in programs:
                outcomes = [run.result() for run in runs[share, program]]
                if program == OURS:
                    broken += sum(outcome.findings.broken for outcome in outcomes)
                print(row(program, outcomes, arguments.files), flush=True)
            print()
    verdict = "all that must be 0 is 0" if not broken else f"{broken} of what must be 0 is not"
    print(f"{time.perf_counter() - started:.0f} s in all; {verdict}")
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults",
        description=package.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--files", type=int, default=2000, help="different files in each run (default: 2000)")
    parser.add_argument("--seeds", type=int, default=10, help="runs of each (default: 10)")
    parser.add_argument(
        "--shares", type=_shares, default=_shares("0,5,20,50"), metavar="PERCENTS", help="default: 0,5,20,50"
    )
    parser.add_argument("--policy", help="what the session does about unknown submits (default: what it does anyway)")
    parser.add_argument(
        "--not-mixed-up", action="store_true", help="never answer a submit or a download for another task"
    )
    parser.add_argument("--ours", action="store_true", help="leave the peers out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one a processor)")
    return parser.parse_args()


def _shares(text: str) -> tuple[float, ...]:
    shares = tuple(float(part) / 100 for part in text.split(","))
    if not all(0 <= share < 1 for share in shares):
        raise argparse.ArgumentTypeError("percents from 0 to below 100 are needed, with commas between")
    return shares


if __name__ == "__main__":
    sys.exit(main())
