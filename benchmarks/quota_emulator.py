"""The emulated service in a process of its own, so that no client shares its interpreter, and its books."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
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
from benchmarks.processes import ServiceProcess, running

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


EmulatorProcess = ServiceProcess[Books]


def emulator(query_limit: int, shortest_task: float) -> AbstractContextManager[EmulatorProcess]:
    """Run a fresh service; its tasks are processed for `shortest_task` seconds and up to 20 more."""
    return running(_make, Books.of, query_limit, shortest_task)


def _make(query_limit: int, shortest_task: float) -> EmulatorServer:
    def processing_seconds(_: str, chance: Random) -> float:
        return shortest_task + chance.uniform(0.0, PROCESSING_SPREAD)

    settings = EmulatorSettings(queue_seconds=QUEUE_SECONDS, query_limit=query_limit)
    return EmulatorServer(settings=settings, recognizer=ScriptedRecognizer(processing_seconds=processing_seconds))
