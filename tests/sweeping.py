"""Runs of many tasks in virtual time, with a task list of some kind, and what is demanded of them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import anyio
from attrs import frozen

from aiofunasr import Session, SessionStatistics
from aiofunasr.emulator import EmulatorSettings, FaultPlan, ScriptedRecognizer, Service
from aiofunasr.testing.local import EPOCH
from aiofunasr.wire.messages import Kind
from support import Rewriting, play, urls

FILES = 60
TIMES = ScriptedRecognizer(
    queue_seconds=lambda _, chance: chance.lognormvariate(1.0, 0.6),
    processing_seconds=lambda _, chance: chance.lognormvariate(2.7, 0.5),
)


@frozen(kw_only=True)
class Bounds:
    """What is demanded of a run.

    Attributes:
        mean, longest: Seconds from the end of a task to its result, on average and at most.
        requests: Queries and list pages, for each task.
    """

    mean: float
    longest: float
    requests: float


SWEPT = Bounds(mean=2.0, longest=5.0, requests=4.0)
"""Where the list can be read as it is."""

DOUBTFUL = Bounds(mean=5.0, longest=35.0, requests=8.0)
"""Where it can, but not quite be believed."""

ALONE = Bounds(mean=6.5, longest=25.0, requests=8.0)
"""Where it cannot, and each task is asked about by itself."""


@frozen(kw_only=True)
class Run:
    """What came of a run."""

    lateness: list[float]
    queries: int
    pages: int
    statistics: SessionStatistics
    service: Service

    def check(self, bounds: Bounds) -> None:
        """Check what was demanded, and that no limit was ever exceeded."""
        count = len(self.lateness)
        assert sum(self.lateness) / count <= bounds.mean
        assert max(self.lateness) <= bounds.longest
        assert self.queries >= count  # nothing is over before a query has said so
        assert self.queries + self.pages <= bounds.requests * count
        assert not self.service.ledger.throttled["query"]


def now() -> float:
    """Return the emulator's time of day."""
    return EPOCH + anyio.current_time()


async def transcribe_all(session: Session, service: Service, files: list[str]) -> list[float]:
    """Transcribe files, one a task, and return how late each result was; by the emulator's word on when it ended."""
    lateness = []

    async def one(url: str) -> None:
        task = await session.submit([url])
        results = await task
        assert [(result.ok, result.file_url) for result in results] == [(True, url)]
        planned = service._board.find(task.task_id, "emulator")
        assert planned is not None
        assert planned.ends_at is not None
        lateness.append(now() - planned.ends_at)

    async with anyio.create_task_group() as group:
        for url in files:
            group.start_soon(one, url)
    # None lost, none twice, and none that was over before its end.
    assert len(lateness) == len(files)
    assert min(lateness) > 0
    assert not service.ledger.duplicates()
    assert len(session.tokens) == 0
    return lateness


def run(
    files: int = FILES,
    *,
    faults: FaultPlan | None = None,
    prepare: Callable[[Session, Service], Awaitable[None]] | None = None,
    **settings: Any,
) -> Run:
    """Run so many tasks and return what was seen."""

    async def scenario(session: Session, service: Service) -> Run:
        if prepare is not None:
            await prepare(session, service)
        lateness = await transcribe_all(session, service, urls(files))
        statistics = session.statistics()
        assert (statistics.tasks_in_flight, statistics.tasks_suspected) == (0, 0)
        assert statistics.tasks_completed == files
        requests = service.ledger.requests
        assert statistics.requests["list"].sent == requests["list"]
        return Run(
            lateness=lateness,
            queries=requests["query"],
            pages=requests["list"],
            statistics=statistics,
            service=service,
        )

    found: Run = play(scenario, EmulatorSettings(**settings), faults=faults, recognizer=TIMES)
    return found


def rewriting(
    change: Callable[[dict[str, Any], Random], object],
) -> Callable[[Session, Service], Awaitable[None]]:
    """Make something that has each reply of the list changed on its way."""
    chance = Random(0)

    def rewrite(kind: Kind, body: bytes) -> bytes:
        if kind is not Kind.LIST:
            return body
        reply = json.loads(body)
        changed = change(reply, chance)
        return json.dumps(reply if changed is None else changed).encode()

    async def prepare(session: Session, _: Service) -> None:
        Rewriting(session, rewrite)

    return prepare


def each_row(change: Callable[[dict[str, Any], Random], object]) -> Callable[[Session, Service], Awaitable[None]]:
    """Do the same to each row of the list."""

    def change_all(reply: dict[str, Any], chance: Random) -> None:
        for row in reply["data"]:
            change(row, chance)

    return rewriting(change_all)
