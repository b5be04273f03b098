"""A service that outlives the sessions that use it, and their journal, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import anyio

import aiofunasr
from aiofunasr import Session, SubtaskResult
from aiofunasr.emulator import DEFAULT_API_KEY, EmulatorSettings, FaultPlan, ScriptedRecognizer, Service
from aiofunasr.testing import run_in_virtual_time
from aiofunasr.testing.local import EPOCH, LocalTransport


class Place:
    """A service that outlives the sessions it is used by, in virtual time, and a journal beside it."""

    def __init__(self, path: Path, settings: EmulatorSettings | None = None, faults: FaultPlan | None = None) -> None:
        self.path = path
        self.service = Service(settings or EmulatorSettings(), ScriptedRecognizer(), faults or FaultPlan())

    def session(self, **arguments: Any) -> Session:
        def clock() -> float:
            return EPOCH + anyio.current_time()

        given: dict[str, Any] = {"api_key": DEFAULT_API_KEY, "base_url": self.service.base_url, "journal": self.path}
        transport = LocalTransport(self.service, clock)
        return Session(transport=transport, clock=clock, random=Random(1), **(given | arguments))

    async def run(self, files: list[str], **arguments: Any) -> list[SubtaskResult]:
        async with self.session(**arguments) as session:
            return await aiofunasr.transcribe(files, session=session)

    @property
    def accepted(self) -> int:
        return sum(self.service.ledger.file_counts().values())


def play(scenario: Callable[[Place], Awaitable[None]], place: Place) -> None:
    run_in_virtual_time(scenario, place)


async def kill(session: Session) -> None:
    """End a session as a killed process would: nothing is flushed, nobody is told."""
    background = session._engine.background
    assert background._task is not None
    background._task.cancel()
    await asyncio.wait([background._task])
    assert session._engine.journal is not None
    await session._engine.journal.aclose()
