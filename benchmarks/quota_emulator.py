"""The emulated service in a process of its own, so that no client shares its interpreter, and its books."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from random import Random
from typing import Final, Self

from attrs import frozen

from aiofunasr.emulator import (
    EmulatorServer,
    EmulatorSettings,
    RecognitionRequest,
    ScriptedRecognizer,
    Service,
)

FILE_URL: Final = "https://media.example.com/call-{}-60s.wav"
"""All last a minute, so that what was billed can be counted in files."""

QUEUE_SECONDS: Final = (5.0, 10.0)
PROCESSING_SPREAD: Final = 20.0


@frozen
class Books:
    """What the service has counted until now."""

    submits: int
    files_doubled: int
    queries: int
    throttled: Counter[str]
    """By the kind of request."""
    files_billed: int

    @classmethod
    def of(cls, service: Service) -> Self:
        ledger = service.ledger
        each = ScriptedRecognizer().plan(RecognitionRequest(FILE_URL), Random(0)).speech_ms
        return cls(
            submits=len(ledger.submissions),
            files_doubled=len(ledger.duplicates()),
            queries=ledger.requests["query"] + ledger.requests["list"],
            throttled=Counter(ledger.throttled),
            files_billed=ledger.billed_ms // each,
        )


class EmulatorProcess:
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
def emulator(query_limit: int, shortest_task: float) -> Iterator[EmulatorProcess]:
    """Run a fresh service; its tasks are processed for `shortest_task` seconds and up to 20 more."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, query_limit, shortest_task), daemon=True)
    process.start()
    theirs.close()
    try:
        yield EmulatorProcess(ours)
    finally:
        # The end of the pipe is the end of the service.
        ours.close()
        process.join()


def _serve(pipe: Connection, query_limit: int, shortest_task: float) -> None:
    with suppress(EOFError, KeyboardInterrupt):
        asyncio.run(_serve_until_closed(pipe, query_limit, shortest_task))


async def _serve_until_closed(pipe: Connection, query_limit: int, shortest_task: float) -> None:
    def processing_seconds(_: str, chance: Random) -> float:
        return shortest_task + chance.uniform(0.0, PROCESSING_SPREAD)

    settings = EmulatorSettings(queue_seconds=QUEUE_SECONDS, query_limit=query_limit)
    recognizer = ScriptedRecognizer(processing_seconds=processing_seconds)
    async with EmulatorServer(settings=settings, recognizer=recognizer) as server:
        pipe.send(server.base_url)
        pipe.send(server.api_key)
        while True:
            await asyncio.to_thread(pipe.recv)
            pipe.send(Books.of(server.service))
