"""Nothing doubled, nothing lost: every file has one result, and every accepted task is told of."""

from __future__ import annotations

import anyio
import pytest

import aiofunasr
from aiofunasr import (
    AmbiguousSubmissionError,
    BadRequestError,
    FunASRError,
    Session,
    SessionClosedError,
    TaskToken,
    TranscriptionTask,
)
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from support import play, urls

SLOW = EmulatorSettings(queue_seconds=(500.0, 500.0))


def told(*tokens: str) -> set[str]:
    return {TaskToken.decode(token).task_id for token in tokens}


def accepted(service: Service) -> set[str]:
    return {submission.task_id for submission in service.ledger.submissions}


def test_files_of_a_refused_task_that_fail_alone_fail_alone() -> None:
    async def scenario(session: Session, service: Service) -> None:
        results = await aiofunasr.transcribe(urls(300), session=session)
        assert [result.index for result in results] == list(range(300))
        failed = [result for result in results if not result.ok]
        assert {type(result.error) for result in failed} == {AmbiguousSubmissionError}
        assert 0 < len(failed) < 40
        assert not service.ledger.duplicates()
        known = {url for submission in service.ledger.submissions for url in submission.file_urls}
        assert known == set(urls(300))

    play(
        scenario,
        EmulatorSettings(max_files_per_task=1),
        faults=FaultPlan().on("submit", Fault.drop_after(), range(40, 300, 10)),
        on_unknown_submit="raise",
    )


def test_a_refused_request_is_not_repeated_for_every_file() -> None:
    async def scenario(session: Session, service: Service) -> None:
        results = await aiofunasr.transcribe(urls(2000), session=session)
        assert {type(result.error) for result in results} == {BadRequestError}
        assert service.ledger.requests["submit"] < 1000

    play(scenario, faults=FaultPlan().always("submit", Fault.error(400, "InvalidParameter")))


def test_leaving_a_batch_ends_it_for_every_consumer() -> None:
    async def scenario(session: Session, _: Service) -> None:
        batch = session.transcribe(urls(5))
        async with anyio.create_task_group() as group:

            async def consume() -> None:
                assert [result async for result in batch] == []

            group.start_soon(consume)
            await anyio.sleep(2)
            await batch.aclose()
        assert len(batch.unfinished) == 5

    play(scenario, SLOW)


@pytest.mark.parametrize("latency", [0.02, 0.2, 0.4])
@pytest.mark.parametrize("after", [0.1, 1.0, 3.0])
def test_every_accepted_task_of_a_batch_that_is_left_is_told(latency: float, after: float) -> None:
    async def scenario(session: Session, service: Service) -> None:
        taken: set[str] = set()
        with anyio.move_on_after(after):
            async with session.transcribe(urls(200), files_per_task=1) as batch:
                async for result in batch:
                    taken.add(result.task_id or "")
        await anyio.sleep(5)
        assert accepted(service) == taken | told(*batch.unfinished)

    play(scenario, EmulatorSettings.instant(), latency=latency)


@pytest.mark.parametrize("latency", [0.02, 0.2, 0.3, 0.45])
def test_every_accepted_task_of_a_session_that_is_left_is_told(latency: float) -> None:
    async def scenario(session: Session, service: Service) -> None:
        taken: set[str] = set()
        errors: list[FunASRError] = []

        async def consume() -> None:
            try:
                async for result in session.transcribe(urls(200), files_per_task=1):
                    taken.add(result.task_id or "")
            except FunASRError as error:
                errors.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(consume)
            await anyio.sleep(4)
            sent = service.ledger.requests["submit"]
            await session.aclose()
            # What was on its way was let through, nothing more was begun.
            assert service.ledger.requests["submit"] - sent <= 1 + 9 * latency
        assert accepted(service) <= taken | told(*session.unfinished)
        assert len(errors) == 1

    play(scenario, latency=latency)


def test_a_cancelled_submit_that_was_accepted_is_told() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with anyio.move_on_after(0.1):
            await session.submit(urls(1))
        await anyio.sleep(1000)
        assert told(*session.tokens) == accepted(service)
        await session.aclose()
        assert told(*session.unfinished) == accepted(service)

    play(scenario, latency=0.4)


def test_results_that_are_there_can_be_had_after_closing_and_are_told() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task: TranscriptionTask = await session.submit(urls(3, "task"))
        batch = session.transcribe(urls(20))
        first = await anext(batch)
        await anyio.sleep(100)
        await session.aclose()
        assert told(*session.unfinished) == accepted(service) - {first.task_id}
        assert len(await task) == 3
        more = [await anext(batch) for _ in range(19)]
        assert all(result.ok for result in more)

    play(scenario)


def test_a_closed_session_tells_a_batch_its_tokens() -> None:
    async def scenario(session: Session, service: Service) -> None:
        batch = session.transcribe(urls(5))
        with anyio.move_on_after(3):
            await anext(batch)
        await session.aclose()
        with pytest.raises(SessionClosedError) as caught:
            await anext(batch)
        assert told(*caught.value.tokens) == accepted(service)

    play(scenario, SLOW)
