"""Files that several batches, submits and runs of a journal come to: each is billed once, and nobody waits for ever."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from journaled import Place, kill, play

import aiofunasr
from aiofunasr import JournalError, SqliteJournal, SubtaskResult
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan
from aiofunasr.journal import AttemptState
from support import urls

LONG = 20_000.0
"""Seconds of virtual time after which somebody waits for ever."""

LOST = urls(20)[8:12]
"""The files of the third of five submits."""


async def lose(place: Place) -> None:
    """Run a batch of which one submit stays of unknown outcome."""
    async with place.session(on_unknown_submit="raise") as session:
        await aiofunasr.transcribe(urls(20), session=session, files_per_task=4)
    await anyio.sleep(100)


@pytest.mark.parametrize("how", ["one batch", "two batches", "left"])
@pytest.mark.parametrize("fault", [Fault.drop_after(), Fault.drop_before()], ids=["accepted", "not accepted"])
def test_one_submit_is_searched_for_once(tmp_path: Path, fault: Fault, how: str) -> None:
    async def scenario(place: Place) -> None:
        await lose(place)
        results: list[SubtaskResult] = []
        with anyio.fail_after(LONG):
            async with place.session() as session, anyio.create_task_group() as group:

                async def run(files: list[str]) -> None:
                    results.extend([result async for result in session.transcribe(files)])

                if how == "two batches":
                    group.start_soon(run, LOST[:2])
                    group.start_soon(run, LOST[2:])
                else:
                    if how == "left":
                        async with session.transcribe(LOST):
                            await anyio.sleep(1)
                    group.start_soon(run, LOST)
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(20), 1)
        assert [result.ok for result in results] == [True] * 4

    play(scenario, Place(tmp_path / "batch.db", faults=FaultPlan().on("submit", fault, 3)))


def test_what_is_sent_again_is_sent_once(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        async with place.session(on_unknown_submit="raise") as session:
            await aiofunasr.transcribe(urls(50), session=session, files_per_task=50)
        await anyio.sleep(100)
        with anyio.fail_after(LONG):
            results = await place.run(urls(50), on_unknown_submit="resend")
        assert [result.ok for result in results] == [True] * 50
        assert not place.service.ledger.duplicates()

    play(scenario, Place(tmp_path / "batch.db", faults=FaultPlan().on("submit", Fault.drop_before(), 1)))


class FailsOnce(SqliteJournal):
    """A journal that cannot enter the first attempt that comes into a state."""

    def __init__(self, path: Path, state: AttemptState) -> None:
        super().__init__(path)
        self._state: AttemptState | None = state

    async def settle(self, attempt_id: int, state: AttemptState, **more: Any) -> None:
        if state is self._state:
            self._state = None
            raise JournalError("the disk is full")
        await super().settle(attempt_id, state, **more)


@pytest.mark.parametrize("state", [AttemptState.ACCEPTED, AttemptState.UNKNOWN])
def test_a_session_goes_on_after_an_entry_that_failed(tmp_path: Path, state: AttemptState) -> None:
    async def scenario(place: Place) -> None:
        with anyio.fail_after(LONG):
            async with place.session(journal=FailsOnce(place.path, state)) as session:
                with pytest.raises(JournalError):
                    await aiofunasr.transcribe(urls(3), session=session, files_per_task=3)
                results = await aiofunasr.transcribe(urls(3), session=session, files_per_task=3)
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(3), 1)
        assert state is AttemptState.UNKNOWN or all(result.ok for result in results)

    faults = FaultPlan().on("submit", Fault.drop_after(), 1) if state is AttemptState.UNKNOWN else FaultPlan()
    play(scenario, Place(tmp_path / "batch.db", faults=faults))


def test_a_session_goes_on_after_what_was_found_could_not_be_entered(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        await lose(place)
        with anyio.fail_after(LONG):
            async with place.session(journal=FailsOnce(place.path, AttemptState.ACCEPTED)) as session:
                first = await aiofunasr.transcribe(LOST, session=session)
                assert not any(result.ok for result in first)
                assert all(result.ok for result in await aiofunasr.transcribe(LOST, session=session))
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(20), 1)

    play(scenario, Place(tmp_path / "batch.db", faults=FaultPlan().on("submit", Fault.drop_after(), 3)))


def test_a_batch_that_is_left_while_it_reads_keeps_no_file(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        began = anyio.Event()

        async def source() -> AsyncIterator[str]:
            began.set()
            await anyio.to_thread.run_sync(time.sleep, 0.2)
            yield urls(1)[0]

        with anyio.fail_after(LONG):
            async with place.session() as session:
                async with session.transcribe(source()):
                    await began.wait()
                    for _ in range(10):
                        await anyio.lowlevel.checkpoint()
                (result,) = await aiofunasr.transcribe(urls(1), session=session)
        assert result.ok

    play(scenario, Place(tmp_path / "batch.db"))


def test_two_batches_that_are_left_at_once_keep_no_file(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        with anyio.fail_after(LONG):
            async with place.session() as session:

                async def run() -> None:
                    async with session.transcribe(urls(1)):
                        await anyio.sleep_forever()

                with anyio.move_on_after(0.05):
                    async with anyio.create_task_group() as group:
                        group.start_soon(run)
                        group.start_soon(run)
                (result,) = await aiofunasr.transcribe(urls(1), session=session)
        assert result.ok

    play(scenario, Place(tmp_path / "batch.db"))


def test_two_batches_may_be_read_one_after_the_other(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        with anyio.fail_after(LONG):
            async with (
                place.session() as session,
                session.transcribe(urls(200)) as first,
                session.transcribe(urls(200)[::-1]) as second,
            ):
                assert len([result async for result in first]) == 200
                assert len([result async for result in second]) == 200
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(200), 1)

    play(scenario, Place(tmp_path / "batch.db"))


@pytest.mark.parametrize("fault", [Fault.throttled(), Fault.drop_before()], ids=["throttled", "lost"])
def test_a_batch_waits_for_the_repetition_of_a_submit(tmp_path: Path, fault: Fault) -> None:
    async def scenario(place: Place) -> None:
        async with place.session() as session, anyio.create_task_group() as group:
            await session.submit(urls(1, "witness"))

            async def submit() -> None:
                assert (await (await session.submit(urls(1))))[0].ok

            async def transcribe() -> None:
                await anyio.sleep(0.3)
                assert (await aiofunasr.transcribe(urls(1), session=session))[0].ok

            group.start_soon(submit)
            group.start_soon(transcribe)
        assert place.service.ledger.file_counts()[urls(1)[0]] == 1

    play(scenario, Place(tmp_path / "batch.db", faults=FaultPlan().on("submit", fault, 2)))


def test_a_file_that_failed_again_is_not_tried_for_each_of_its_places(tmp_path: Path) -> None:
    bad = "https://h/404.wav"

    async def scenario(place: Place) -> None:
        async with place.session(limits=aiofunasr.Limits(in_flight=5)) as session:
            batch = session.transcribe([bad, *urls(10), bad], retry_failed=True)
            assert len([result async for result in batch]) == 12
        assert place.service.ledger.file_counts()[bad] == 1

    play(scenario, Place(tmp_path / "batch.db"))


def test_one_task_of_an_earlier_run_that_is_anothers_is_the_failure_of_its_files(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        async with place.session() as session:
            await session.submit(urls(1))
        async with place.session(journal=None) as session:
            stranger = await session.submit(urls(1, "stranger"))
            await stranger
        async with SqliteJournal(place.path) as journal:
            (attempt,) = await journal.open_attempts()
            await journal.settle(attempt.id, attempt.state, ended_at=attempt.sent_at, task_id=stranger.task_id)
        results = await place.run([*urls(1), *urls(5, "other")])
        assert [result.ok for result in results] == [False] + [True] * 5

    faults = FaultPlan().always("list", Fault.error(403, "AccessDenied"))
    play(scenario, Place(tmp_path / "batch.db", EmulatorSettings(queue_seconds=(5, 50)), faults))


def test_files_of_earlier_tasks_are_counted_once(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.wav" for number in range(4)]
    for path in paths:
        path.write_bytes(b"RIFF" + path.name.encode())

    async def scenario(place: Place) -> None:
        async with place.session() as session:
            await session.submit(paths)
        async with place.session() as session:
            batch = session.transcribe(paths)
            assert [result.ok async for result in batch] == [True] * 4
            assert batch.progress.resumed == 4

    play(scenario, Place(tmp_path / "batch.db", EmulatorSettings(queue_seconds=(50, 50))))


_LOSSES = [
    Fault.drop_after(),
    Fault.drop_before(),
    Fault.delayed(5),
    Fault.throttled(),
    Fault.error(500),
]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_batches_do_with_each_others_files(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    faults = FaultPlan()
    for number in chance.sample(range(2, 60), 6):
        faults = faults.on("submit", chance.choice(_LOSSES), number)

    async def scenario(place: Place) -> None:
        for _ in range(4):
            session = place.session(limits=aiofunasr.Limits(in_flight=chance.choice([3, 20, 1000])))
            await session.__aenter__()

            async def batch(width: int, patience: float, files: list[str], wait: float) -> None:
                await anyio.sleep(wait)
                with anyio.move_on_after(patience):
                    async with session.transcribe(files, files_per_task=width) as results:  # noqa: B023
                        async for _ in results:
                            pass

            with anyio.move_on_after(chance.choice([1, 5, 40, 4000])):
                async with anyio.create_task_group() as group:
                    for _ in range(chance.randint(1, 4)):
                        files = chance.sample(urls(60), chance.randint(5, 60))
                        files += chance.sample(files, 3)
                        patience, wait = chance.choice([0.3, 2, 10, 5000]), chance.choice([0, 0.2, 3])
                        group.start_soon(batch, chance.choice([1, 4, 30]), patience, files, wait)
            await (kill(session) if chance.random() < 0.5 else session.aclose())
            await anyio.sleep(chance.choice([0, 30, 200]))
        results = await place.run(urls(60))
        assert len(results) == 60
        assert not place.service.ledger.duplicates()
        assert all(result.ok or isinstance(result.error, aiofunasr.AmbiguousSubmissionError) for result in results)

    async def in_time(place: Place) -> None:
        with anyio.fail_after(10 * LONG):
            await scenario(place)

    play(in_time, Place(tmp_path / "batch.db", EmulatorSettings(queue_seconds=(1, 30)), faults))
