"""Interrupt any await, at any moment, in any way: nothing leaks, nothing is lost, and nothing is cancelled remotely."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import anyio
import hypothesis
import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

import aiofunasr
from aiofunasr import AmbiguousSubmissionError, FunASRError, Session, TaskToken, TranscriptionBatch, TranscriptionTask
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.testing import LocalTransport, local_session, run_in_virtual_time
from support import CancelledAfter, clean, urls

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not count open files")

SETTINGS = EmulatorSettings(queue_seconds=(0.0, 1.0))
LONG = 500.0
"""Seconds of virtual time in which everything that was begun has ended."""


@define
class Run:
    """One run: what the caller holds, and what it was told."""

    session: Session
    local: Path
    tasks: list[TranscriptionTask] = field(factory=list)
    batches: list[TranscriptionBatch] = field(factory=list)
    delivered: list[tuple[int, str | None]] = field(factory=list)
    errors: list[FunASRError] = field(factory=list)

    def told(self) -> set[str]:
        """Return the ids of all tasks the caller has a result, a handle or a token of."""
        tokens = [*self.session.tokens, *self.session.unfinished, *(task.token for task in self.tasks)]
        tokens += [token for batch in self.batches for token in batch.unfinished]
        tokens += [token for error in self.errors for token in error.tokens]
        doubtful = [error for error in self.errors if isinstance(error, AmbiguousSubmissionError)]
        return {TaskToken.decode(token).task_id for token in tokens} | {
            *(task_id for _, task_id in self.delivered if task_id is not None),
            *(task_id for error in doubtful for task_id in error.candidates),
        }


async def submit(run: Run) -> None:
    run.tasks.append(await run.session.submit(urls(2, "submitted")))


async def submit_local(run: Run) -> None:
    run.tasks.append(await run.session.submit([run.local, *urls(1, "beside")]))


async def attach(run: Run) -> None:
    task = await run.session.attach(run.tasks[0].token)
    await task


async def wait(run: Run) -> None:
    await run.tasks[0].wait(300)


async def iterate(run: Run) -> None:
    async for _ in run.tasks[0]:
        pass


async def as_completed(run: Run) -> None:
    async for _ in run.session.as_completed(run.tasks):
        pass


async def take(run: Run, batch: TranscriptionBatch) -> None:
    async for result in batch:
        run.delivered.append((result.index, result.task_id))


async def transcribe(run: Run) -> None:
    batch = run.session.transcribe([*urls(12, "batch"), run.local], files_per_task=5)
    run.batches.append(batch)
    await take(run, batch)


async def transcribe_and_leave(run: Run) -> None:
    async with run.session.transcribe(urls(12, "left"), files_per_task=1) as batch:
        run.batches.append(batch)
        run.delivered.append((0, (await anext(batch)).task_id))


async def cancel(run: Run) -> None:
    await run.tasks[0].cancel()


async def list_tasks(run: Run) -> None:
    async for _ in run.session.list_tasks(page_size=1):
        pass


Act = Callable[[Run], Coroutine[Any, Any, None]]
ACTS: list[Act] = [
    submit,
    submit_local,
    attach,
    wait,
    iterate,
    as_completed,
    transcribe,
    transcribe_and_leave,
    cancel,
    list_tasks,
]
WAYS = ["cancel", "cancel twice", "scope", "move on", "wait for"]

moments = st.integers(1, 60) | st.floats(0.0, 0.3) | st.floats(0.0, 8.0)
"""A number of awaits, or seconds."""

FAULTS = [
    FaultPlan(),
    FaultPlan().sometimes("*", Fault.delayed(3.0), 0.4),
    FaultPlan().sometimes("query", Fault.drop_before(), 0.3).sometimes("result", Fault.truncated(), 0.5),
    FaultPlan().sometimes("*", Fault.throttled(), 0.3),
    FaultPlan().sometimes("submit", Fault.delayed(2.0), 0.5).sometimes("result", Fault.expired(), 0.5),
    FaultPlan().sometimes("upload", Fault.drop_after(), 0.7).sometimes("policy", Fault.error(500), 0.5),
    FaultPlan().sometimes("submit", Fault.drop_after(), 0.6).sometimes("list", Fault.error(500), 0.3),
    FaultPlan().sometimes("submit", Fault.error(500), 0.3).sometimes("submit", Fault.timed_out(), 0.4),
]
"""Those of submits leave their outcome unknown; the first, which is the witness, is always answered."""


async def interrupt(way: str, moment: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do the work, and interrupt it."""
    loop = asyncio.get_running_loop()
    seconds = moment * 0.02 if isinstance(moment, int) else moment
    match way:
        case "move on":
            with anyio.move_on_after(seconds):
                await work()
        case "wait for":
            with suppress(TimeoutError):
                await asyncio.wait_for(work(), seconds)
        case "scope":
            scope = anyio.CancelScope()

            async def scoped() -> None:
                with scope:
                    await work()

            if isinstance(moment, int):
                await loop.create_task(CancelledAfter(scoped(), moment, scope.cancel))
            else:
                loop.call_later(seconds, scope.cancel)
                await scoped()
        case _:
            task: asyncio.Task[None]
            if isinstance(moment, int):
                task = loop.create_task(CancelledAfter(work(), moment))
            else:
                task = loop.create_task(work())
                loop.call_later(seconds, task.cancel)
            if way == "cancel twice":
                loop.call_later(seconds + 0.05, task.cancel)
            with suppress(asyncio.CancelledError):
                await task


def assert_at_rest(session: Session) -> None:
    """Make sure that nothing of the session is held by anybody any more."""
    engine = session._engine
    for lane in engine.gateway.lanes.values():
        assert lane._places.value == lane.at_once
        assert not lane._queue.locked()
    assert engine.collector._workers == len(engine.collector._resting)
    assert engine.collector.waiting == 0
    assert engine.uploader._limiter.borrowed_tokens == 0
    assert not engine.collector._reading._turn.locked()
    assert not engine.background._calls
    assert not engine.submitter._under_way


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def one_run(run: Run, act: Act, way: str, moment: float) -> None:
    async def work() -> None:
        try:
            await act(run)
        except FunASRError as error:
            run.errors.append(error)

    await interrupt(way, moment, work)


@needs_proc
@hypothesis.example(submit, "wait for", 2, FAULTS[0], 0)
@hypothesis.example(submit_local, "wait for", 6, FAULTS[0], 0)
@hypothesis.settings(max_examples=150, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ACTS), st.sampled_from(WAYS), moments, st.sampled_from(FAULTS), st.integers(0, 1000))
def test_any_await_may_be_interrupted(
    tmp_path: Path, act: Act, way: str, moment: float, faults: FaultPlan, seed: int
) -> None:
    local = tmp_path / "local-5s.wav"
    local.write_bytes(b"RIFF" * 20_000)

    async def scenario(session: Session, service: Service) -> None:
        run = Run(session, local)
        run.tasks.append(await session.submit(urls(3, "before")))
        service.faults = faults
        await one_run(run, act, way, moment)
        # Some go on where they were: a batch that was not left has all of its results, each once.
        service.faults = FaultPlan()
        for batch in run.batches if act is transcribe else ():
            await take(run, batch)
            assert sorted(index for index, _ in run.delivered) == list(range(13)) or run.errors
            assert batch._feeder.intake._window.value == session._limits.in_flight or run.errors
        results = await aiofunasr.transcribe([*urls(2, "after"), local], session=session)
        assert [result.ok for result in results] == [True] * 3
        run.delivered += [(result.index, result.task_id) for result in results]
        await anyio.sleep(LONG)
        assert_at_rest(session)
        assert isinstance(session._engine.transport, LocalTransport)
        assert session._engine.transport.open_requests == 0
        assert service.ledger.requests["cancel"] == 0 or act is cancel
        assert not service.ledger.duplicates()
        await session.aclose()
        assert {submission.task_id for submission in service.ledger.submissions} <= run.told()

    async def whole() -> None:
        async with clean(), local_session(SETTINGS, seed=seed) as (session, service):
            await scenario(session, service)

    before = descriptors()
    run_in_virtual_time(whole)
    assert descriptors() <= before


@hypothesis.settings(max_examples=60)
@given(st.sampled_from(WAYS), moments, st.sampled_from(FAULTS[:2]), st.booleans())
def test_a_session_may_be_interrupted_on_its_way_in_and_out(
    way: str, moment: float, faults: FaultPlan, work: bool
) -> None:
    sessions: list[tuple[Session, Service]] = []

    async def life() -> None:
        async with local_session(SETTINGS, faults=faults) as (session, service):
            sessions.append((session, service))
            await session.submit(urls(1))
            if work:
                await aiofunasr.transcribe(urls(3, "batch"), session=session)

    async def whole() -> None:
        async with clean():
            await interrupt(way, moment, life)
            for session, service in sessions:
                transport = session._engine.transport
                assert isinstance(transport, LocalTransport)
                assert transport.closed
                assert transport.open_requests == 0
                assert_at_rest_when_closed(session)
                assert not service.ledger.requests["cancel"]
                told = {TaskToken.decode(token).task_id for token in session.unfinished}
                assert work or session.unanswered or told >= {each.task_id for each in service.ledger.submissions}

    run_in_virtual_time(whole)


def assert_at_rest_when_closed(session: Session) -> None:
    engine = session._engine
    assert all(lane._places.value == lane.at_once for lane in engine.gateway.lanes.values())
    assert engine.collector._workers == 0
    assert not engine.background._calls
    assert not engine.submitter._under_way


@needs_proc
@pytest.mark.parametrize("seed", range(3))
async def test_no_connection_nor_file_stays_open(seed: int, tmp_path: Path) -> None:
    """Over sockets, so that moments are real ones."""
    local = tmp_path / "local-5s.wav"
    local.write_bytes(b"RIFF" * 500_000)
    random = Random(seed)
    gc.collect()
    before = descriptors()
    faults = FaultPlan().sometimes("*", Fault.delayed(0.05), 0.5).sometimes("result", Fault.truncated(), 0.2)
    async with clean():
        async with (
            EmulatorServer(settings=EmulatorSettings.instant(), faults=faults) as server,
            Session(server.api_key, base_url=server.base_url) as session,
        ):
            run = Run(session, local)
            chosen = [submit_local, transcribe, *random.sample(ACTS, 3)]
            for act in chosen:
                if not run.tasks:
                    run.tasks.append(await session.submit(urls(3, "before")))
                await once(run, act, random)
            server.service.faults = FaultPlan()
            assert (await (await session.submit(urls(1, "after"))))[0].ok
            http = session._engine.transport._owned  # type: ignore[attr-defined]
            with anyio.fail_after(20):
                while http.connector._acquired:  # noqa: ASYNC110
                    await anyio.sleep(0.01)
            assert not server.service.ledger.requests["cancel"] or cancel in chosen
        assert http.closed
    gc.collect()
    assert descriptors() <= before


async def once(run: Run, act: Act, random: Random) -> None:
    async def work() -> None:
        with suppress(FunASRError):
            await act(run)

    await interrupt(random.choice(WAYS), random.choice([random.randint(1, 40), random.uniform(0, 0.3)]), work)
