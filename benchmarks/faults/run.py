"""One run in virtual time: a program, a share of faults, a seed."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple
from unittest.mock import patch
from uuid import UUID

import anyio
from attrs import frozen

from aiofunasr import FunASRError, Limits, Session
from aiofunasr.emulator import DEFAULT_API_KEY, EmulatorSettings, RateLimit, ScriptedRecognizer, Service
from aiofunasr.errors import TransportError
from aiofunasr.testing import LocalTransport, run_in_virtual_time
from aiofunasr.testing.local import EPOCH
from aiofunasr.transport import OpenReply
from aiofunasr.wire.messages import Request
from benchmarks.faults.audit import Findings, Told, audit
from benchmarks.faults.peers import PEERS, PeerProgram
from benchmarks.faults.plan import hostile_plan, not_connected
from benchmarks.faults.workload import CLOSED_EARLY, SESSIONS, Job, make_jobs, strangers

OURS: Final = "aiofunasr"
HORIZON: Final = 12 * 3600.0
"""Seconds after which what has not come is missing."""

_EARLY: Final = 8.0
"""Seconds after which a session is closed in the middle of its work."""

_AT_ONCE: Final = 4
"""Tasks submitted at once, beside the batches."""


class Run(NamedTuple):
    """What is to be run, so that it can be sent to another process.

    `policy` is for unknown submits. `mixed_up`: submits and downloads, too, are sometimes answered for another task.
    """

    program: str
    share: float
    seed: int
    files: int
    policy: str | None = None
    mixed_up: bool = True


@frozen
class Outcome:
    """What was found, how long it took in virtual and in real seconds, and the requests and faults until then."""

    findings: Findings
    seconds: float
    requests: int
    faults: int
    took: float


def execute(run: Run) -> Outcome:
    """Run and look up what came of it."""
    stage = _Stage(run)
    chance = Random(f"{run.seed}/names")

    def name() -> UUID:
        return UUID(int=chance.getrandbits(128), version=4)

    # What an upload is called decides what is recognized in it, and is otherwise another each time.
    with TemporaryDirectory(prefix="aiofunasr-faults-") as directory, patch.object(uuid, "uuid4", name):
        stage.make_files(Path(directory))
        return run_in_virtual_time(stage.play)


class _Flaky(LocalTransport):
    """A transport that sometimes does not connect at all."""

    def __init__(self, service: Service, share: float, seed: str) -> None:
        super().__init__(service, clock)
        self._not_connected = not_connected(share)
        self._chance = Random(seed)

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[OpenReply]:
        if self._chance.random() < self._not_connected:
            raise TransportError(f"the {request.kind} request failed: no connection", sent=False)
        async with super().open(request) as reply:
            yield reply


def clock() -> float:
    """Return the time of day in the run."""
    return EPOCH + anyio.current_time()


class _Stage:
    """The service, the program and the strangers."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._jobs = make_jobs(run.files, run.seed)
        ours = run.program == OURS
        changes: dict[str, Any] = {} if ours else {"submit_limit": RateLimit(1000)}
        settings = EmulatorSettings(
            seed=run.seed,
            list_lag=5.0,
            clock_offset_seconds=Random(f"{run.seed}/clock").uniform(-120.0, 120.0),
            results_order="shuffled",
            resign_links=True,
            **changes,
        )
        plan = hostile_plan(run.share, run.seed, mixed_up=run.mixed_up)
        self._service = Service(settings, ScriptedRecognizer(), plan)
        self._told = Told()

    def make_files(self, directory: Path) -> None:
        """Make the files that are uploaded."""
        self._directory = directory
        for name in (name for job in self._jobs if job.way == "upload" for name in job.urls):
            (directory / name).write_bytes(b"sound")

    async def play(self) -> Outcome:
        started = time.perf_counter()
        with anyio.move_on_after(HORIZON):
            async with anyio.create_task_group() as background:
                background.start_soon(self._add_strangers)
                findings = await (self._ours() if self._run.program == OURS else self._peers())
                seconds = anyio.current_time()
                background.cancel_scope.cancel()
            ledger = self._service.ledger
            return Outcome(
                findings, seconds, ledger.requests.total(), ledger.faults.total(), time.perf_counter() - started
            )
        raise AssertionError("a run does not end")

    async def _ours(self) -> Findings:
        sessions = [self._session(number) for number in range(SESSIONS)]
        with anyio.move_on_after(HORIZON - 3600.0):
            async with AsyncExitStack() as stack:
                for session in sessions:
                    await stack.enter_async_context(session)
                group = await stack.enter_async_context(anyio.create_task_group())
                at_once = anyio.Semaphore(_AT_ONCE)
                for job in self._jobs:
                    group.start_soon(self._do, job, sessions, at_once)
                await anyio.sleep(_EARLY)
                await sessions[CLOSED_EARLY].aclose()
                for token in sessions[CLOSED_EARLY].unfinished:
                    group.start_soon(self._attach, token, sessions[0])
        for session in sessions:
            self._told.tokens += session.unfinished
            self._told.unanswered += session.unanswered
        return audit(self._jobs, self._told, self._service.ledger, strict=self._run.policy in {None, "reconcile"})

    def _session(self, number: int) -> Session:
        seed = f"{self._run.seed}/session {number}"
        given: dict[str, Any] = {} if self._run.policy is None else {"on_unknown_submit": self._run.policy}
        return Session(
            DEFAULT_API_KEY,
            base_url=self._service.base_url,
            transport=_Flaky(self._service, self._run.share, seed),
            # One upload at a time, because the threads that read the files would end in any order.
            limits=Limits(in_flight=10_000, uploads=1),
            random=Random(seed),
            clock=clock,
            **given,
        )

    async def _do(self, job: Job, sessions: list[Session], at_once: anyio.Semaphore) -> None:
        """Have one job done; whatever is raised is noted, because it, too, tells of tasks."""
        try:
            if job.way in {"transcribe", "upload"}:
                sources = [self._directory / name for name in job.urls] if job.way == "upload" else job.urls
                async with sessions[job.session].transcribe(sources, files_per_task=job.files_per_task) as batch:
                    async for result in batch:
                        self._told.results.append((job, result))
                return
            async with at_once:
                task = await sessions[0].submit(job.urls)
            if job.way == "attach":
                self._told.tokens.append(task.token)
                task = await sessions[1].attach(task.token)
            if job.way == "cancel":
                # It may be too late, and the request may be what is lost: the task goes on then.
                with suppress(FunASRError):
                    await task.cancel()
            async for result in task:
                self._told.results.append((job, result))
        except FunASRError as error:
            self._told.raised.append((job, error))

    async def _attach(self, token: str, session: Session) -> None:
        """Take the results of a task that was left unfinished."""
        job = next(job for job in self._jobs if job.session == CLOSED_EARLY)
        try:
            async for result in await session.attach(token):
                self._told.results.append((job, result))
        except FunASRError as error:
            self._told.raised.append((job, error))

    async def _peers(self) -> Findings:
        """Submit as a peer does; a task is forgotten when its program was not told the id."""
        share = not_connected(self._run.share)
        program = PeerProgram(self._service, PEERS[self._run.program], self._run.seed, share)
        await program.submit_all([f"https://media.example.com/{number}.wav" for number in range(self._run.files)])
        findings = audit((), self._told, self._service.ledger, strict=True)
        return Findings(
            twice=findings.twice,
            forgotten=sum(task.task_id not in program.known for task in self._service.ledger.submissions),
            wrong=0,
            doubled=0,
            missing=0,
            told_by_files_alone=0,
            errors=Counter({"gave up": program.gave_up}),
        )

    async def _add_strangers(self) -> None:
        for at, urls in strangers(self._run.seed):
            if at > 0:
                await anyio.sleep_until(at)
            self._service.add_task(*urls, now=EPOCH + at)
