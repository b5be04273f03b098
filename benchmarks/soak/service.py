"""The hostile service in a process of its own, so that what it keeps is not counted as the client's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Self

from attrs import frozen

from aiofunasr.emulator import EmulatorServer, EmulatorSettings, RateLimit, Service
from benchmarks.faults.plan import hostile_plan
from benchmarks.processes import ServiceProcess, running

_LIMIT = RateLimit(200)
"""Above the client's own, so that faults are what slows it down."""


@frozen
class Books:
    """What the service has counted until now."""

    submits: int
    files: int
    files_doubled: int
    requests: int
    faults: int

    @classmethod
    def of(cls, service: Service) -> Self:
        ledger = service.ledger
        counts = ledger.file_counts()
        return cls(
            submits=len(ledger.submissions),
            files=len(counts),
            files_doubled=sum(count > 1 for count in counts.values()),
            requests=ledger.requests.total(),
            faults=ledger.faults.total(),
        )


HostileService = ServiceProcess[Books]


def hostile_service(share: float, seed: int) -> AbstractContextManager[HostileService]:
    """Run a fresh service in which a share of all requests goes wrong."""
    return running(_make, Books.of, share, seed)


def _make(share: float, seed: int) -> EmulatorServer:
    settings = EmulatorSettings(
        seed=seed,
        queue_seconds=(0.5, 8.0),
        list_lag=2.0,
        clock_offset_seconds=30.0,
        resign_links=True,
        submit_limit=_LIMIT,
        query_limit=_LIMIT,
        list_limit=_LIMIT,
    )
    return EmulatorServer(settings=settings, faults=hostile_plan(share, seed))
