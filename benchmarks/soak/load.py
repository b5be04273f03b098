"""What the program does with its sessions for as long as it runs."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import anyio
from anyio import to_thread

from aiofunasr import FunASRError, Limits, Session, Timeouts

OPEN_SESSIONS: Final = 2
SESSION_SECONDS: Final = (90.0, 240.0)
BATCH_FILES: Final = (1, 150)
AT_ONCE: Final = 16
"""Batches running at the same time, at most."""

_LEFT: Final = 0.1
_CANCELLED: Final = 0.1
_ATTACHED: Final = 0.15
"""The chances that a batch is left early, is cancelled, or is one task that is attached on another session."""

_LIMITS: Final = Limits(submit=100, query=100, list=100)
_TIMEOUTS: Final = Timeouts(connect=5, submit=5, request=5, download=5, idle=5)
"""Short, so that faults that are waited for do not hold a place for long."""

OpenSession = Callable[[], Session]


class Load:
    """Sessions that come and go, and the batches on them; `counts` says what happened."""

    def __init__(self, open_session: OpenSession, files_per_second: float, seed: int) -> None:
        self._open_session = open_session
        self._rate = files_per_second
        self._chance = Random(f"{seed}/load")
        self._sessions: list[Session] = []
        self._open = anyio.Event()
        self._leftover: list[str] = []
        self._numbers = 0
        self.counts: Counter[str] = Counter()

    async def run(self, seconds: float) -> None:
        """Work for so long, then let go of everything."""
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:
                for _ in range(OPEN_SESSIONS):
                    group.start_soon(self._keep_session_open)
                group.start_soon(self._start_batches)

    async def _keep_session_open(self) -> None:
        while True:
            async with self._session() as session:
                self._sessions.append(session)
                self._open.set()
                try:
                    async with anyio.create_task_group() as group:
                        tokens, self._leftover = self._leftover[:200], []
                        for token in tokens:
                            group.start_soon(self._guarded, self._attach, session, token)
                        await anyio.sleep(self._chance.uniform(*SESSION_SECONDS))
                        group.cancel_scope.cancel()
                finally:
                    self._sessions.remove(session)
                    if not self._sessions:
                        self._open = anyio.Event()
            self.counts["sessions closed"] += 1
            self._leftover += session.unfinished
            self.counts["left unfinished"] += len(session.unfinished)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        session = self._open_session()
        async with session:
            self.counts["sessions opened"] += 1
            yield session

    async def _start_batches(self) -> None:
        at_once = anyio.Semaphore(AT_ONCE)
        async with anyio.create_task_group() as group:
            while True:
                count = self._chance.randint(*BATCH_FILES)
                group.start_soon(self._batch, count, at_once)
                await anyio.sleep(count / self._rate)
                # Behind: no more before what there is has begun.
                async with at_once:
                    pass

    async def _batch(self, count: int, at_once: anyio.Semaphore) -> None:
        async with at_once:
            await self._open.wait()
            session = self._chance.choice(self._sessions)
            self._numbers += 1
            urls = [f"https://media.example.com/{self._numbers}/{number}-call-9s.wav" for number in range(count)]
            self.counts["batches"] += 1
            await self._guarded(self._work, session, urls)

    async def _guarded(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Run something whose failure ends nothing else."""
        try:
            await function(*arguments)
        except FunASRError as error:
            self.counts[f"ended by {type(error).__name__}"] += 1

    async def _work(self, session: Session, urls: list[str]) -> None:
        fate = self._chance.random()
        if fate < _ATTACHED:
            await self._submit_and_attach(session, urls[:100])
        elif fate < _ATTACHED + _CANCELLED:
            self.counts["cancelled"] += 1
            with anyio.move_on_after(self._chance.uniform(0.0, 10.0)):
                await self._transcribe(session, urls)
        elif fate < _ATTACHED + _CANCELLED + _LEFT:
            self.counts["left early"] += 1
            await self._transcribe(session, urls, at_most=len(urls) // 2)
        else:
            await self._transcribe(session, urls)

    async def _transcribe(self, session: Session, urls: list[str], at_most: int | None = None) -> None:
        width: Any = self._chance.choice(["auto", 1, 10])
        async with session.transcribe(urls, files_per_task=width) as batch:
            taken = 0
            async for result in batch:
                self.counts["results" if result.ok else f"file: {type(result.error).__name__}"] += 1
                taken += 1
                if taken == at_most:
                    return

    async def _submit_and_attach(self, session: Session, urls: list[str]) -> None:
        task = await session.submit(urls)
        await self._attach(self._chance.choice(self._sessions or [session]), task.token)

    async def _attach(self, session: Session, token: str) -> None:
        self.counts["attached"] += 1
        task = await session.attach(token)
        async for result in task:
            self.counts["results" if result.ok else f"file: {type(result.error).__name__}"] += 1


@asynccontextmanager
async def session_maker(base_url: str, api_key: str, seed: int, *, journal: bool) -> AsyncIterator[OpenSession]:
    """Enter with what opens sessions; with `journal`, each has one of its own, which is deleted in the end."""
    chance = Random(f"{seed}/sessions")
    make = partial(Session, api_key, base_url=base_url, limits=_LIMITS, timeouts=_TIMEOUTS)
    directory = await to_thread.run_sync(tempfile.TemporaryDirectory)
    numbers = iter(range(10**9))

    def open_session() -> Session:
        given: dict[str, Any] = {"random": Random(chance.random())}
        if journal:
            given["journal"] = Path(directory.name) / f"{next(numbers)}.db"
        return make(**given)

    try:
        yield open_session
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(directory.cleanup)
