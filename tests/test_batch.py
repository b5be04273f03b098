"""Many files in, results out: back-pressure, packing, and what ends a batch."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Self

import anyio
import pytest
from attrs import evolve

import aiofunasr
from aiofunasr import (
    AuthenticationError,
    BadRequestError,
    FunASRError,
    InvalidArgumentError,
    Limits,
    Session,
    SubtaskResult,
)
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.testing import VirtualTimeLoop
from support import play, urls


def test_every_file_has_one_result_whatever_the_kind_of_input() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async def slowly() -> AsyncIterator[str]:
            for url in urls(30, "async"):
                await anyio.sleep(0.3)
                yield url

        for files in (urls(30, "list"), (url for url in urls(30, "generator")), slowly()):
            results = await aiofunasr.transcribe(files, session=session)
            assert [result.index for result in results] == list(range(30))
            assert all(result.ok for result in results)
        assert not service.ledger.duplicates()
        assert session.statistics().files_submitted == 90

    play(scenario)


def test_results_come_in_the_order_they_complete_with_their_place_in_the_input() -> None:
    async def scenario(session: Session, _: Service) -> None:
        given = urls(40)
        order = []
        async for result in session.transcribe(given):
            assert result.source == result.file_url == given[result.index]
            order.append(result.index)
        assert sorted(order) == list(range(40))
        assert order != sorted(order)

    play(scenario)


def test_a_file_given_twice_has_two_results() -> None:
    async def scenario(session: Session, _: Service) -> None:
        results = await aiofunasr.transcribe(urls(3) * 2, session=session)
        assert [result.index for result in results] == list(range(6))
        assert [result.text for result in results[:3]] == [result.text for result in results[3:]]

    play(scenario)


def test_what_is_wrong_with_one_file_is_its_result() -> None:
    async def scenario(session: Session, _: Service) -> None:
        given = [urls(1)[0], "ftp://h/a", "/no/such/file", "https://h/404.wav", "https://h/silence.wav", 17]
        results = await aiofunasr.transcribe(given, session=session)  # type: ignore[arg-type]
        assert [result.ok for result in results] == [True, False, False, False, True, False]
        assert isinstance(results[1].error, InvalidArgumentError)

    play(scenario)


def test_a_slow_consumer_slows_submission_down() -> None:
    async def scenario(session: Session, service: Service) -> None:
        read = 0

        def files() -> Iterator[str]:
            nonlocal read
            for url in urls(500):
                read += 1
                yield url

        async with session.transcribe(files(), files_per_task=1) as batch:
            await anyio.sleep(600)
            assert read <= 51
            assert session.statistics().files_submitted == 50
            # Only so many transcripts are fetched ahead of the consumer.
            assert service.ledger.requests["result"] <= 8
            for _ in range(10):
                await anext(batch)
            await anyio.sleep(600)
            assert session.statistics().files_submitted == 60
            assert "10/? files" in repr(batch)
            assert batch.progress.in_flight == 50

    play(scenario, limits=Limits(in_flight=50, downloads=4))


def test_a_long_input_is_never_held_whole() -> None:
    class Canary(str):
        __slots__ = ("__weakref__",)
        alive = 0
        most = 0

        def __new__(cls, text: str) -> Self:
            cls.alive += 1
            cls.most = max(cls.most, cls.alive)
            return super().__new__(cls, text)

        def __del__(self) -> None:
            type(self).alive -= 1

    async def scenario(session: Session, _: Service) -> None:
        count = 0
        async for _result in session.transcribe((Canary(url) for url in urls(5000)), files_per_task=100):
            count += 1
        assert count == 5000
        assert Canary.most < 500

    play(scenario, limits=Limits(in_flight=300))


@pytest.mark.parametrize(("count", "tasks"), [(10, 10), (90, 90), (900, (90, 110)), (9000, (90, 140))])
def test_files_are_packed_when_submission_would_hold_them_up(count: int, tasks: int | tuple[int, int]) -> None:
    async def scenario(session: Session, service: Service) -> None:
        results = await aiofunasr.transcribe(urls(count), session=session)
        assert len(results) == count
        sent = len(service.ledger.submissions)
        low, high = tasks if isinstance(tasks, tuple) else (tasks, tasks)
        assert low <= sent <= high
        assert not service.ledger.duplicates()

    play(scenario, limits=Limits(in_flight=10_000))


def test_a_service_that_takes_one_file_a_task_is_found_out() -> None:
    async def scenario(session: Session, service: Service) -> None:
        results = await aiofunasr.transcribe(urls(400), session=session)
        assert all(result.ok for result in results)
        assert {len(submission.file_urls) for submission in service.ledger.submissions} == {1}
        assert not service.ledger.duplicates()
        refused = session.statistics().requests["submit"].sent - 400
        assert 1 <= refused <= 20
        # Known for the rest of the session.
        await aiofunasr.transcribe(urls(400, "more"), session=session)
        assert session.statistics().requests["submit"].sent - 800 == refused

    play(scenario, EmulatorSettings(max_files_per_task=1))


@pytest.mark.parametrize(
    ("requests", "fault", "expected"),
    [
        (40, Fault.delayed(1.0), [16, 40]),
        (8, Fault.delayed(1.0), [8, 8]),
        (40, evolve(Fault.error(400), delay=1.0), [16, 16]),
    ],
)
def test_as_many_as_requests_are_allowed_are_submitted_at_once_when_one_was_accepted(
    requests: int, fault: Fault, expected: list[int]
) -> None:
    async def scenario(session: Session, _: Service) -> list[int]:
        seen = list[int]()

        async def look() -> None:
            await anyio.sleep(0.5)
            for _ in range(2):
                seen.append(session.statistics().requests["submit"].in_flight)
                await anyio.sleep(1.0)

        async with anyio.create_task_group() as group:
            group.start_soon(look)
            results = await aiofunasr.transcribe(urls(200), session=session, files_per_task=1)
        assert all(result.ok for result in results) == (fault.status is None)
        return seen

    limits = Limits(submit=1e4, requests=requests)
    assert play(scenario, faults=FaultPlan().always("submit", fault), limits=limits) == expected


def test_a_width_that_was_asked_for_is_not_second_guessed() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with session.transcribe(urls(20), files_per_task=10) as batch:
            results = [result async for result in batch]
        assert [type(result.error) for result in results] == [BadRequestError] * 20
        assert service.ledger.requests["submit"] == 2

    play(scenario, EmulatorSettings(max_files_per_task=1))


def test_a_wrong_key_ends_the_batch_at_once() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(AuthenticationError):
            await aiofunasr.transcribe(urls(1000), session=session)
        assert service.ledger.requests["submit"] <= 20

    play(scenario, api_key="sk-wrong")


def test_a_key_refused_in_the_middle_gives_what_is_there_then_the_error_with_the_tokens() -> None:
    async def scenario(session: Session, service: Service) -> None:
        done = 0
        with pytest.raises(AuthenticationError) as caught:
            async for result in session.transcribe(urls(200), files_per_task=1):
                assert result.ok
                done += 1
                if done == 20:
                    refused = Fault.error(401, "InvalidApiKey")
                    service.faults = FaultPlan().always("query", refused).always("submit", refused)
        accepted = {submission.task_id for submission in service.ledger.submissions}
        assert caught.value.tokens
        named = {aiofunasr.TaskToken.decode(token).task_id for token in caught.value.tokens}
        assert named <= accepted
        assert done + len(named) >= len(accepted)

    play(scenario)


def test_an_input_that_fails_gives_its_error_after_the_results() -> None:
    async def scenario(session: Session, _: Service) -> None:
        def files() -> Iterator[str]:
            yield from urls(5)
            raise OSError("the disk is gone")

        seen = []
        with pytest.raises(OSError, match="disk"):
            async for result in session.transcribe(files()):
                seen.append(result)  # noqa: PERF401  (a comprehension would lose them with the error)
        assert len(seen) == 5

    play(scenario)


def test_leaving_early_stops_submission_and_names_what_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with session.transcribe(urls(300), files_per_task=1) as batch:
            async for _ in batch:
                break
            in_flight = batch.tokens
            assert in_flight
        assert set(batch.unfinished) >= set(in_flight)
        told = {aiofunasr.TaskToken.decode(token).task_id for token in batch.unfinished}
        assert len(told) == len(service.ledger.submissions) - 1
        sent = service.ledger.requests["submit"]
        assert session.statistics().tasks_in_flight == 0
        await anyio.sleep(60)
        assert service.ledger.requests["submit"] <= sent + 1
        assert [result async for result in batch] == []
        await batch.aclose()
        assert "closed" in repr(batch)
        (again,) = await (await session.attach(batch.unfinished[0]))
        assert again.ok

    with caplog.at_level(logging.WARNING, "aiofunasr"):
        play(scenario)
    assert "fasr1." in caplog.text


def test_a_batch_that_is_dropped_does_not_go_on_for_ever() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async for _ in session.transcribe(urls(2000), files_per_task=1):
            break
        gc.collect()
        await anyio.sleep(1)
        sent = service.ledger.requests["submit"]
        await anyio.sleep(60)
        assert service.ledger.requests["submit"] <= sent + 1
        assert session.statistics().tasks_in_flight == 0

    play(scenario)


def test_a_time_out_while_waiting_loses_nothing() -> None:
    async def scenario(session: Session, _: Service) -> None:
        seen = []
        batch = session.transcribe(urls(20))
        while True:
            try:
                with anyio.fail_after(0.05):
                    seen.append((await anext(batch)).index)
            except TimeoutError:
                continue
            except StopAsyncIteration:
                break
        assert sorted(seen) == list(range(20))

    play(scenario)


def test_several_consumers_share_one_batch() -> None:
    async def scenario(session: Session, _: Service) -> None:
        seen: list[int] = []

        async def consume(batch: aiofunasr.TranscriptionBatch) -> None:
            async for result in batch:
                seen.append(result.index)  # noqa: PERF401

        async with session.transcribe(urls(50)) as batch, anyio.create_task_group() as group:
            for _consumer in range(4):
                group.start_soon(consume, batch)
        assert sorted(seen) == list(range(50))

    play(scenario)


async def _of_a_batch(session: Session) -> AsyncGenerator[SubtaskResult]:
    async with session.transcribe(urls(60), files_per_task=1) as batch:
        await anyio.sleep(600)
        async for result in batch:
            yield result


async def _of_a_task(session: Session) -> AsyncGenerator[SubtaskResult]:
    task = await session.submit(urls(60))
    await task
    async for result in task:
        yield result


async def _of_tasks(session: Session) -> AsyncGenerator[SubtaskResult]:
    tasks = [await session.submit(urls(30)) for _ in range(2)]
    await anyio.sleep(600)
    async for result in session.as_completed(tasks):
        yield result


@pytest.mark.parametrize("ready", [_of_a_batch, _of_a_task, _of_tasks])
def test_others_run_while_results_that_are_ready_are_worked_on(
    ready: Callable[[Session], AsyncGenerator[SubtaskResult]],
) -> None:
    async def turns(session: Session, seconds: float) -> int:
        loop, count, seen = asyncio.get_running_loop(), 0, 0
        handle: asyncio.Handle | None = None
        assert isinstance(loop, VirtualTimeLoop)

        def turn() -> None:
            nonlocal count, handle
            count += 1
            handle = loop.call_soon(turn)

        async with aclosing(ready(session)) as results:
            async for _ in results:
                seen += 1
                if seen == 20:
                    handle = loop.call_soon(turn)
                if seen == 30:
                    break
                # It computes for so long.
                loop._jump(seconds)
        assert handle is not None
        handle.cancel()
        return count

    assert play(lambda session, _: turns(session, 0.0015)) >= 10
    # For others to run between any two small ones would cost more than it is worth.
    assert play(lambda session, _: turns(session, 0.0)) <= 1


def test_several_batches_and_tasks_share_one_session() -> None:
    async def scenario(session: Session, service: Service) -> None:
        finished: dict[str, int] = {}

        async def batch(host: str) -> None:
            finished[host] = len(await aiofunasr.transcribe(urls(60, host), session=session))

        async with anyio.create_task_group() as group:
            for host in "abcde":
                group.start_soon(batch, host)
            task = await session.submit(urls(2, "task"))
            assert len(await task) == 2
        assert finished == dict.fromkeys("abcde", 60)
        assert not service.ledger.throttled
        assert not service.ledger.duplicates()

    play(scenario)


def test_an_ambiguous_submit_in_a_batch_is_the_result_of_its_files() -> None:
    async def scenario(session: Session, service: Service) -> None:
        results = await aiofunasr.transcribe(urls(30), session=session)
        failed = [result for result in results if not result.ok]
        assert [type(result.error).__name__ for result in failed] == ["AmbiguousSubmissionError"] * 3
        assert not service.ledger.duplicates()

    play(scenario, faults=FaultPlan().on("submit", Fault.drop_after(), [3, 10, 20]), on_unknown_submit="raise")


def test_a_consumer_that_is_stuck_in_one_batch_does_not_hold_up_another() -> None:
    async def scenario(session: Session, _: Service) -> None:
        async with session.transcribe(urls(200, "stuck"), files_per_task=1) as stuck:
            await anext(stuck)
            with anyio.fail_after(60):
                results = await aiofunasr.transcribe(urls(40), session=session)
            assert len(results) == 40

    play(scenario)


async def test_closing_the_session_ends_a_batch(session: Session) -> None:
    batch = session.transcribe(urls(50))
    await anext(batch)
    await session.aclose()
    with pytest.raises(FunASRError, match="closed"):
        async for _ in batch:
            pass


@pytest.mark.parametrize("journal", [False, True])
def test_leaving_a_large_batch_logs_each_token_in_lines_of_bearable_length_unless_a_journal_has_them(
    journal: bool, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    async def scenario(session: Session, _: Service) -> None:
        async with session.transcribe(urls(50), files_per_task=1) as batch:
            while len(batch.tokens) < 50:  # noqa: ASYNC110  (there is no event for it)
                await anyio.sleep(0.1)
        lines = [line.partition(": ")[2].split() for line in caplog.messages if line.startswith("left in flight")]
        assert [token for line in lines for token in line] == ([] if journal else [*batch.unfinished])
        assert all(len(line) <= 20 for line in lines)
        said = next(line for line in caplog.messages if "was left" in line)
        assert f" {len(batch.unfinished)} tasks" in said
        assert said.endswith("the journal has them") == journal

    slow = EmulatorSettings(queue_seconds=(600.0, 600.0))
    play(scenario, slow, journal=tmp_path / "journal" if journal else None)
