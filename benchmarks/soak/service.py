"""The hostile service in a process of its own, so that what it keeps is not counted as the client's."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Self

from attrs import frozen

from aiofunasr.emulator import EmulatorServer, EmulatorSettings, RateLimit, Service
from benchmarks.faults.plan import hostile_plan

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


class HostileService:
    """The running service, as seen from outside."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.base_url: str = pipe.recv()
        self.api_key: str = pipe.recv()

    def books(self) -> Books:
        """Ask for the books, which is no request to the service."""
        self._pipe.send(None)
        books: Books = self._pipe.recv()
        return books


@contextmanager
def hostile_service(share: float, seed: int) -> Iterator[HostileService]:
    """Run a fresh service in which a share of all requests goes wrong."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, share, seed), daemon=True)
    process.start()
    theirs.close()
    try:
        yield HostileService(ours)
    finally:
        # The end of the pipe is the end of the service.
        ours.close()
        process.join()


def _serve(pipe: Connection, share: float, seed: int) -> None:
    with suppress(EOFError, KeyboardInterrupt):
        asyncio.run(_serve_until_closed(pipe, share, seed))


async def _serve_until_closed(pipe: Connection, share: float, seed: int) -> None:
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
    async with EmulatorServer(settings=settings, faults=hostile_plan(share, seed)) as server:
        pipe.send(server.base_url)
        pipe.send(server.api_key)
        while True:
            await asyncio.to_thread(pipe.recv)
            pipe.send(Books.of(server.service))
