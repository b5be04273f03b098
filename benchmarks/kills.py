"""Kill a batch at random moments, again and again, until it is done, and look into the service's books.

    python -m benchmarks.kills [--files 200] [--kills 50] [--seed 0]

Real processes, real sockets, a real journal. A child process transcribes the files with a journal; this one serves
them, with replies to submits that come late or never, and sends SIGKILL after a random time. What is left when a
child ends by itself is looked at: every file must have been submitted exactly once by the emulator's own ledger, and
have the text that an undisturbed run gives. Batches are run until there were as many kills as asked for.

`in between` counts the kills that fell between the entry of a submit and that of its outcome: the next life found that
submit in the journal without one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Final

from attrs import define

import aiofunasr
from aiofunasr import Reconciliation, Session
from aiofunasr.emulator import DEFAULT_API_KEY, EmulatorServer, EmulatorSettings, Fault, FaultPlan
from aiofunasr.journal import AttemptState
from aiofunasr.journal.reader import viewing

SHORTEST_LIFE: Final = 0.7
"""Seconds after its start when a child has begun to work."""

MEAN_LIFE: Final = 2.0
RECONCILIATION: Final = Reconciliation(late=1.0, lag=3.0)
"""On one machine nothing is late; with the defaults each batch would take many minutes."""

FAULTS: Final = (
    FaultPlan()
    .sometimes("submit", Fault.drop_after(), 0.05)
    .sometimes("submit", Fault.drop_before(), 0.05)
    .sometimes("submit", Fault.delayed(0.5), 0.3)
    .sometimes("result", Fault.truncated(), 0.1)
    .sometimes("query", Fault.error(503), 0.05)
)


@define
class Tally:
    """What was seen over all batches."""

    batches: int = 0
    kills: int = 0
    in_between: int = 0
    doubled: int = 0
    forgotten: int = 0
    wrong: int = 0

    @property
    def is_good(self) -> bool:
        return not (self.doubled or self.forgotten or self.wrong)


def urls(count: int, batch: int) -> list[str]:
    """Return the files of a batch."""
    return [f"https://media.example.com/batch-{batch}/call-{number}-20s.wav" for number in range(count)]


def settings() -> EmulatorSettings:
    """Return how the service behaves: quick, under its usual limits."""
    return EmulatorSettings(queue_seconds=(0.2, 1.5))


async def live(base_url: str, journal: str, files: list[str], output: str) -> None:
    """Be the child: transcribe the files, and write down all texts at the end."""
    session = Session(DEFAULT_API_KEY, base_url=base_url, journal=journal, reconciliation=RECONCILIATION)
    async with session, session.transcribe(files, files_per_task=3) as batch:
        texts = {result.file_url: result.unwrap().text async for result in batch}
    # The end of the child: there is no loop to hold up.
    Path(output).write_text(json.dumps(texts), encoding="utf-8")  # noqa: ASYNC240


async def undisturbed(files: list[str]) -> dict[str, str]:
    """Return the texts of a run that nobody kills."""
    async with (
        EmulatorServer(settings=EmulatorSettings.instant(limits_enabled=False)) as server,
        Session(server.api_key, base_url=server.base_url) as session,
    ):
        results = await aiofunasr.transcribe(files, session=session, files_per_task=100)
    return {str(result.file_url): result.text for result in results}


async def run_batch(tally: Tally, files: list[str], directory: Path, chance: Random) -> None:
    """Run one batch to its end, through as many lives as it takes."""
    journal, output = directory / "batch.db", directory / "texts.json"
    async with EmulatorServer(settings=settings(), faults=FAULTS) as server:
        job = json.dumps([server.base_url, str(journal), files, str(output)])
        while True:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.kills", "--child", stdin=asyncio.subprocess.PIPE
            )
            await _hand_over(child, job)
            try:
                async with asyncio.timeout(SHORTEST_LIFE + chance.expovariate(1 / MEAN_LIFE)):
                    status = await child.wait()
            except TimeoutError:
                child.send_signal(signal.SIGKILL)
                await child.wait()
                tally.kills += 1
                tally.in_between += await asyncio.to_thread(_unsettled, journal)
                continue
            if status:
                raise SystemExit(f"a child ended with status {status}")
            break
        ledger = server.service.ledger
    texts = json.loads(await asyncio.to_thread(output.read_text, "utf-8"))
    expected = await undisturbed(files)
    tally.batches += 1
    tally.doubled += len(ledger.duplicates())
    tally.forgotten += len(ledger.file_counts().keys() - texts.keys()) + len(set(files) - texts.keys())
    tally.wrong += sum(texts[url] != expected[url] for url in texts)


async def _hand_over(child: asyncio.subprocess.Process, job: str) -> None:
    assert child.stdin is not None
    child.stdin.write(job.encode())
    await child.stdin.drain()
    child.stdin.close()


def _unsettled(journal: Path) -> int:
    if not journal.exists():
        return 0
    with viewing(journal) as view:
        return any(attempt.state is AttemptState.SENT for attempt in view.summary().open_attempts)


async def measure(files: int, kills: int, seed: int) -> Tally:
    """Run batches until there were enough kills."""
    chance, tally = Random(seed), Tally()
    while tally.kills < kills:
        with tempfile.TemporaryDirectory() as directory:
            await run_batch(tally, urls(files, tally.batches), Path(directory), chance)
    return tally


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200, help="in each batch")
    parser.add_argument("--kills", type=int, default=50, help="over all batches, at least")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        asyncio.run(live(*json.load(sys.stdin)))
        return
    tally = asyncio.run(measure(given.files, given.kills, given.seed))
    print(f"{tally.batches} batches of {given.files} files, {tally.kills} kills, {tally.in_between} in between")
    print(f"doubled {tally.doubled}, forgotten {tally.forgotten}, wrong {tally.wrong}")
    sys.exit(0 if tally.is_good else 1)


if __name__ == "__main__":
    main()
