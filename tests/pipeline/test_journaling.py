"""A run with a journal goes on where an earlier one was, whatever ended it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anyio
import pytest
from journaled import Place, kill, play

import aiofunasr
from aiofunasr import AmbiguousSubmissionError, JournalError, JournalLockedError, Session, SqliteJournal, SubtaskResult
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan
from aiofunasr.journal import AttemptState
from support import urls


def texts(results: list[SubtaskResult]) -> list[str]:
    return [result.text for result in results]


def test_what_is_done_is_answered_from_the_journal(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        first = await place.run(urls(30))
        asked = place.service.ledger.requests.total()
        second = await place.run(urls(30))
        assert texts(second) == texts(first)
        assert [result.index for result in second] == list(range(30))
        assert [result.source for result in second] == urls(30)
        assert {result.task_id for result in second} == {result.task_id for result in first}
        assert place.service.ledger.requests.total() == asked

    play(scenario, Place(tmp_path / "batch.db"))


def test_new_files_of_a_grown_manifest_are_submitted_and_no_others(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        await place.run(urls(10))
        assert len(await place.run(urls(25))) == 25
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(25), 1)

    play(scenario, Place(tmp_path / "batch.db"))


def test_other_options_make_other_files_of_the_same_urls(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        await place.run(urls(2))
        async with place.session() as session:
            await aiofunasr.transcribe(urls(2), session=session, language_hints=["zh"])
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(2), 2)

    play(scenario, Place(tmp_path / "batch.db"))


def test_tasks_in_flight_are_waited_for_and_not_submitted_again(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        async with place.session() as session:
            batch = session.transcribe(urls(50), files_per_task=7)
            async with batch:
                await anyio.sleep(3)
        left = len(batch.unfinished)
        assert left
        accepted = place.accepted
        async with place.session() as session:
            batch = session.transcribe(urls(50), files_per_task=7)
            results = [result async for result in batch]
            assert batch.progress.resumed > 0
        assert sorted(result.index for result in results) == list(range(50))
        assert all(result.ok and result.token for result in results)
        assert all(result.file_url == urls(50)[result.index] for result in results)
        assert accepted <= 50
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(50), 1)

    play(scenario, Place(tmp_path / "batch.db", EmulatorSettings(queue_seconds=(30, 60))))


@pytest.mark.parametrize("fault", [Fault.drop_after(), Fault.drop_before()], ids=["accepted", "not accepted"])
def test_a_submit_that_was_cut_off_is_searched_for_by_the_next_run(tmp_path: Path, fault: Fault) -> None:
    async def scenario(place: Place) -> None:
        async with place.session(on_unknown_submit="raise") as session:
            results = await aiofunasr.transcribe(urls(20), session=session, files_per_task=1)
        assert {type(result.error) for result in results} == {type(None), AmbiguousSubmissionError}
        await anyio.sleep(100)
        results = await place.run(urls(20))
        assert [result.ok for result in results] == [True] * 20
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(20), 1)

    faults = FaultPlan().on("submit", fault, [3, 9, 12])
    play(scenario, Place(tmp_path / "batch.db", faults=faults))


@pytest.mark.parametrize("at", [0.01, 0.03, 0.05, 0.5, 1.0, 2.51, 4.0, 8.0])
def test_a_killed_run_is_gone_on_with(tmp_path: Path, at: float) -> None:
    async def scenario(place: Place) -> None:
        session = place.session()
        await session.__aenter__()
        batch = session.transcribe(urls(60), files_per_task=1)
        with anyio.move_on_after(at):
            async for _ in batch:
                pass
        await kill(session)
        results = await place.run(urls(60))
        assert [result.ok for result in results] == [True] * 60
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(60), 1)

    # Another program's tasks do not help as witnesses, ours do; the first kill is before there is one.
    play(scenario, Place(tmp_path / "batch.db"))


def test_files_that_failed_stay_failed_until_asked_for_again(tmp_path: Path) -> None:
    files = ["https://h/404.wav", "https://h/silence.wav", "https://h/a-10s.wav"]

    async def scenario(place: Place) -> None:
        first = await place.run(files)
        second = await place.run(files)
        assert [type(result.error) for result in second] == [type(result.error) for result in first]
        assert [result.no_speech for result in second] == [False, True, False]
        assert str(second[0].error) == str(first[0].error)
        assert place.accepted == 3
        async with place.session() as session:
            third = [result async for result in session.transcribe(files, retry_failed=True)]
        assert len(third) == 3
        assert place.service.ledger.file_counts() == {files[0]: 2, files[1]: 1, files[2]: 1}

    play(scenario, Place(tmp_path / "batch.db"))


def test_a_file_that_stands_twice_in_the_input_is_billed_once(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        files = [*urls(10), *urls(10), *urls(3)]
        results = await place.run(files, files_per_task=3)
        assert [result.source for result in results] == files
        assert texts(results)[:10] == texts(results)[10:20]
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(10), 1)

    play(scenario, Place(tmp_path / "batch.db"))


def test_two_batches_of_a_session_share_the_work(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        done: list[list[SubtaskResult]] = []
        async with place.session() as session, anyio.create_task_group() as group:

            async def run(files: list[str]) -> None:
                done.append([result async for result in session.transcribe(files)])

            group.start_soon(run, urls(30))
            group.start_soon(run, urls(40)[::-1])
        assert sorted(len(results) for results in done) == [30, 40]
        assert all(result.ok for results in done for result in results)
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(40), 1)

    play(scenario, Place(tmp_path / "batch.db"))


def test_a_batch_that_is_left_lets_another_go_on_with_its_files(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        async with place.session() as session:
            async with session.transcribe(urls(30), files_per_task=1):
                await anyio.sleep(0.53)
            results = [result async for result in session.transcribe(urls(30), files_per_task=1)]
            assert len(results) == 30
            assert all(result.ok for result in results)
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(30), 1)

    play(scenario, Place(tmp_path / "batch.db"))


def test_a_signature_that_changed_makes_no_new_file_and_is_not_stored(tmp_path: Path) -> None:
    def signed(mark: str) -> list[str]:
        return [f"{url}?Expires=1790000000&OSSAccessKeyId=LTAI{mark}&Signature=MARK{mark}%3D" for url in urls(5)]

    async def scenario(place: Place) -> None:
        first = await place.run(signed("A"))
        second = await place.run(signed("B"))
        assert texts(second) == texts(first)
        assert [result.source for result in second] == signed("B")
        assert place.accepted == 5

    play(scenario, Place(tmp_path / "batch.db"))
    for file in tmp_path.iterdir():
        assert b"MARK" not in file.read_bytes(), file


def test_a_local_file_that_changed_is_another_file(tmp_path: Path) -> None:
    sound = tmp_path / "a.wav"

    async def scenario(place: Place) -> None:
        assert len(await place.run([str(sound)])) == 1
        await place.run([str(sound)])
        assert place.accepted == 1
        assert place.service.ledger.requests["upload"] == 1
        await anyio.Path(sound).write_bytes(b"RIFF12")
        await place.run([str(sound)])
        assert place.accepted == 2
        await anyio.Path(sound).unlink()
        (gone,) = await place.run([str(sound)])
        assert isinstance(gone.error, aiofunasr.InvalidFileError)

    sound.write_bytes(b"RIFF1")
    play(scenario, Place(tmp_path / "batch.db"))


def test_a_submit_is_entered_with_its_token(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        async with place.session() as session:
            task = await session.submit(urls(3))
        async with SqliteJournal(place.path) as journal:
            (attempt,) = await journal.open_attempts()
        assert (attempt.task_id, attempt.state) == (task.task_id, AttemptState.ACCEPTED)
        results = await place.run(urls(3))
        assert {result.task_id for result in results} == {task.task_id}

    play(scenario, Place(tmp_path / "batch.db"))


def test_a_refused_submit_is_entered_as_refused(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        with pytest.raises(aiofunasr.BadRequestError):
            async with place.session() as session:
                await session.submit(urls(3))
        async with SqliteJournal(place.path) as journal:
            assert not await journal.open_attempts()
        assert [result.ok for result in await place.run(urls(3))] == [True] * 3

    faults = FaultPlan().on("submit", Fault.error(400, "InvalidParameter"), 1)
    play(scenario, Place(tmp_path / "batch.db", faults=faults))


def test_a_submit_cancelled_before_it_left_is_entered_as_refused(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        async with place.session(limits=aiofunasr.Limits(submit=0.1)) as session:
            await session.submit(urls(1, "first"))
            with anyio.move_on_after(1):
                await session.submit(urls(1))
        async with SqliteJournal(place.path) as journal:
            assert len(await journal.open_attempts()) == 1
        assert place.accepted == 1

    play(scenario, Place(tmp_path / "batch.db"))


def test_a_journal_of_another_region_is_not_gone_on_with(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        async with place.session(region="cn-beijing") as session:
            await session.submit(urls(1))
        with pytest.raises(aiofunasr.ConfigurationError, match="cn-beijing"):
            await place.run(urls(1), region="ap-southeast-1")
        assert place.accepted == 1

    play(scenario, Place(tmp_path / "batch.db", EmulatorSettings(queue_seconds=(500, 500))))


def test_one_session_at_a_time_has_a_journal(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        async with place.session():
            with pytest.raises(JournalLockedError):
                async with place.session():
                    pass
        async with place.session() as session:
            assert (await (await session.submit(urls(1))))[0].ok

    play(scenario, Place(tmp_path / "batch.db"))


class FullDisk(SqliteJournal):
    """A journal that cannot be written from the n-th entry of a kind on."""

    def __init__(self, path: Path, kind: str, left: int) -> None:
        super().__init__(path)
        self._kind, self._entries_left = kind, left

    def _count(self, kind: str) -> None:
        if kind == self._kind:
            self._entries_left -= 1
            if self._entries_left < 0:
                raise JournalError("the disk is full")

    async def begin(self, *arguments: Any, **more: Any) -> int:
        self._count("begin")
        return await super().begin(*arguments, **more)

    async def settle(self, *arguments: Any, **more: Any) -> None:
        self._count("settle")
        await super().settle(*arguments, **more)

    async def complete(self, *arguments: Any, **more: Any) -> None:
        self._count("complete")
        await super().complete(*arguments, **more)


@pytest.mark.parametrize("kind", ["begin", "settle", "complete"])
def test_a_disk_that_is_full_ends_the_run_and_nothing_is_billed_twice(tmp_path: Path, kind: str) -> None:
    async def scenario(place: Place) -> None:
        with pytest.raises(JournalError, match="full") as caught:
            async with place.session(journal=FullDisk(place.path, kind, 5)) as session:
                async for result in session.transcribe(urls(40), files_per_task=1):
                    assert result.ok
        before = place.accepted
        assert before < 40
        if kind != "begin":
            assert caught.value.tokens
        await anyio.sleep(60)
        assert place.accepted == before
        results = await place.run(urls(40))
        assert [result.ok for result in results] == [True] * 40
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(40), 1)

    play(scenario, Place(tmp_path / "batch.db", EmulatorSettings(queue_seconds=(0.5, 1))))


def test_what_was_in_flight_at_closing_is_in_the_journal(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        async with place.session() as session, anyio.create_task_group() as group:

            async def submit(host: str) -> None:
                with pytest.raises((AmbiguousSubmissionError, aiofunasr.SessionClosedError)):
                    await session.submit(urls(1, host))

            group.start_soon(submit, "lost")
            await anyio.sleep(0.2)
            group.start_soon(submit, "late")
            await anyio.sleep(0.2)
            begun = anyio.current_time()
            await session.aclose()
            assert anyio.current_time() - begun < 1.1
        async with SqliteJournal(place.path) as journal:
            attempts = await journal.open_attempts()
        assert [attempt.state for attempt in attempts] == [AttemptState.UNKNOWN] * 2

    faults = FaultPlan().on("submit", Fault.drop_after(), 1).on("submit", Fault.delayed(500), 2)
    play(scenario, Place(tmp_path / "batch.db", EmulatorSettings(queue_seconds=(50, 50)), faults))


@pytest.mark.parametrize("given", [3, object(), b"x"])
def test_what_is_no_journal_is_refused(given: Any) -> None:
    with pytest.raises(aiofunasr.InvalidArgumentError, match="journal"):
        Session("sk-x", journal=given)


def test_a_batch_that_only_waited_for_a_file_gives_nobody_elses_away(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        async with place.session() as session, anyio.create_task_group() as group:
            results: list[list[SubtaskResult]] = []

            async def run() -> None:
                results.append([result async for result in session.transcribe(urls(3), files_per_task=1)])

            group.start_soon(run)
            await anyio.sleep(0.01)
            async with session.transcribe(urls(3)):
                await anyio.sleep(0.01)
            group.start_soon(run)
        assert [len(each) for each in results] == [3, 3]
        assert place.service.ledger.file_counts() == dict.fromkeys(urls(3), 1)

    play(scenario, Place(tmp_path / "batch.db"))


def test_a_loop_that_is_shut_down_leaves_what_had_left_unknown(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        session = place.session()
        await session.__aenter__()
        submit = asyncio.create_task(session.submit(urls(1)))
        with anyio.fail_after(1):
            while not place.service.ledger.submissions:  # noqa: ASYNC110  (the service has no event for it)
                await anyio.sleep(0.01)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.wait([submit])
        assert session._engine.journal is not None
        await session._engine.journal.aclose()
        async with SqliteJournal(place.path) as journal:
            (attempt,) = await journal.open_attempts()
        assert attempt.state is not AttemptState.REFUSED
        await place.run(urls(1))
        assert place.accepted == 1

    faults = FaultPlan().on("submit", Fault.delayed(5), 1)
    play(scenario, Place(tmp_path / "batch.db", faults=faults))
