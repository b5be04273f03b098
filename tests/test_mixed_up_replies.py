"""Replies that are another task's: something between us and the service mixes them up."""

from __future__ import annotations

from typing import Literal

import anyio
import pytest
from attrs import evolve

import aiofunasr
from aiofunasr import AmbiguousSubmissionError, Session, TaskCanceledError
from aiofunasr.emulator import DEFAULT_API_KEY, EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.testing.local import EPOCH, LocalTransport
from aiofunasr.token import TaskToken, digests
from benchmarks.faults.workload import expected
from support import play, urls

MIXED_UP = Fault.answer_for_another_task()


def test_a_query_answered_for_another_task_decides_nothing() -> None:
    async def scenario(session: Session, _: Service) -> None:
        results = await aiofunasr.transcribe(urls(20), session=session)
        assert [result.text for result in results] == [expected(url).text for url in urls(20)]

    play(scenario, EmulatorSettings.instant(), faults=FaultPlan().on("query", MIXED_UP, range(2, 100, 2)))


def test_another_files_document_is_nobodys_transcript() -> None:
    async def scenario(session: Session, _: Service) -> None:
        results = await aiofunasr.transcribe(urls(20), session=session, files_per_task=1)
        assert [result.text for result in results] == [expected(url).text for url in urls(20)]

    play(scenario, EmulatorSettings.instant(), faults=FaultPlan().on("result", MIXED_UP, [3, 7]))


def test_a_submit_answered_with_a_task_that_is_waited_for_is_of_unknown_outcome() -> None:
    async def scenario(session: Session, service: Service) -> None:
        first = await session.submit(urls(1, "first"))
        second = await session.submit(urls(1, "second"))
        assert [(await task)[0].task_id for task in (first, second)] == [
            submission.task_id for submission in service.ledger.submissions
        ]
        assert not service.ledger.duplicates()

    slow = EmulatorSettings(queue_seconds=(50.0, 50.0))
    play(scenario, slow, faults=FaultPlan().on("submit", MIXED_UP, 2))


@pytest.mark.parametrize("own", [True, False])
def test_a_submit_answered_with_a_task_that_is_done_is_of_unknown_outcome(own: bool) -> None:
    async def scenario(session: Session, service: Service) -> None:
        if own:
            await (await session.submit(urls(1, "first")))
        (result,) = await aiofunasr.transcribe(urls(1, "second"), session=session)
        (accepted,) = service.ledger.submissions_of(*urls(1, "second"))
        assert result.task_id == accepted.task_id or isinstance(result.error, AmbiguousSubmissionError)

    play(scenario, EmulatorSettings.instant(), faults=FaultPlan().on("submit", MIXED_UP, 2 if own else 1))


def test_a_submit_answered_with_the_task_of_a_lost_one_takes_it_from_nobody() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1, "witness"))
        results: dict[str, aiofunasr.SubtaskResult] = {}

        async def submit(host: str) -> None:
            (results[host],) = await (await session.submit(urls(1, host)))

        async with anyio.create_task_group() as group:
            group.start_soon(submit, "lost")
            await anyio.sleep(0.5)
            group.start_soon(submit, "mixed")
        for host, result in results.items():
            (accepted,) = service.ledger.submissions_of(*urls(1, host))
            assert result.task_id == accepted.task_id
        assert not service.ledger.duplicates()

    # The reply to the third names the task of the second, whose own reply was lost.
    faults = FaultPlan().on("submit", Fault.drop_after(), 2).on("submit", MIXED_UP, 3)
    play(scenario, EmulatorSettings(queue_seconds=(300.0, 300.0)), faults=faults)


@pytest.mark.parametrize(
    "listing",
    [
        EmulatorSettings(),
        EmulatorSettings(list_lag=6.0),
        EmulatorSettings(list_ignored_filters=["task_id"]),
    ],
    ids=["as documented", "behind", "unfiltered"],
)
def test_the_task_of_a_lost_submit_that_was_cancelled_in_its_stead_is_not_told_as_its_own(
    listing: EmulatorSettings,
) -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1, "witness"))
        candidates: list[str] = []

        async def submit_and_lose() -> None:
            # That a task shows no files leaves open whether it is its own.
            with pytest.raises(AmbiguousSubmissionError) as raised:
                await session.submit(urls(1, "lost"))
            candidates.extend(raised.value.candidates)

        async with anyio.create_task_group() as group:
            group.start_soon(submit_and_lose)
            await anyio.sleep(0.5)
            task = await session.submit(urls(1, "mixed"))
            await task.cancel()
            (mixed,) = await task
        (cancelled,) = service.ledger.submissions_of(*urls(1, "lost"))
        (accepted,) = service.ledger.submissions_of(*urls(1, "mixed"))
        assert (mixed.task_id, mixed.text) == (accepted.task_id, expected(*urls(1, "mixed")).text)
        assert candidates == [cancelled.task_id]
        assert not service.ledger.duplicates()

    faults = FaultPlan().on("submit", Fault.drop_after(), 2).on("submit", MIXED_UP, 3)
    play(scenario, evolve(listing, queue_seconds=(20.0, 20.0)), faults=faults)


@pytest.mark.parametrize("named", ["submit", "other", "none"])
def test_a_task_that_was_cancelled_while_another_submit_was_lost_is_told_as_cancelled(
    named: Literal["submit", "other", "none"],
) -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1, "witness"))
        async with anyio.create_task_group() as group:
            group.start_soon(session.submit, urls(1, "lost"))
            await anyio.sleep(0.5)
            task = await session.submit(urls(1))
            await task.cancel()
            (result,) = await task
            assert isinstance(result.error, TaskCanceledError)
        assert len(service.ledger.submissions) == 3

    faults = FaultPlan().on("submit", Fault.drop_after(), 2)
    play(scenario, EmulatorSettings(queue_seconds=(20.0, 20.0), list_request_id=named), faults=faults)


def test_a_task_that_shows_none_of_our_files_and_is_not_found_is_not_sent_again() -> None:
    async def scenario(session: Session, service: Service) -> None:
        (result,) = await (await session.submit(urls(1)))
        assert isinstance(result.error, AmbiguousSubmissionError)
        # Not the one the reply named; but its token leads to a search for the right one.
        assert result.task_id is None
        assert result.error.task_id is None
        assert result.token is not None
        assert result.error.tokens == (result.token,)
        assert len(service.ledger.submissions) == 1

    faults = FaultPlan().on("submit", MIXED_UP, 1)
    play(scenario, EmulatorSettings.instant(list_enabled=False), faults=faults)


def test_a_token_of_a_mixed_up_reply_leads_to_the_right_task() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with local_session_on(service) as stranger:
            await (await stranger.submit(urls(1, "stranger")))
        token = (await session.submit(urls(3))).token
        batch = session.transcribe(urls(1, "other"))
        await anext(batch)
        await session.aclose()
        async with local_session_on(service) as second:
            results = await (await second.attach(token))
        assert [result.text for result in results] == [expected(url).text for url in urls(3)]
        assert not service.ledger.duplicates()

    slow = EmulatorSettings(queue_seconds=(2.0, 2.0))
    play(scenario, slow, faults=FaultPlan().on("submit", MIXED_UP, 2))


def test_a_search_for_the_right_task_that_is_cut_off_is_told() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(2))
        await anyio.sleep(40)
        await session.aclose()
        with pytest.raises(aiofunasr.SessionClosedError):
            await task
        assert session.unanswered == (tuple(urls(2)),)
        assert len(service.ledger.submissions) == 1

    faults = FaultPlan().on("submit", MIXED_UP, 1).always("list", Fault.error(500))
    play(scenario, EmulatorSettings.instant(), faults=faults)


@pytest.mark.parametrize("by_token", [False, True])
def test_who_waits_for_a_task_that_is_searched_for_hears_that_the_session_was_closed(by_token: bool) -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(2))
        if by_token:
            mixed_up = evolve(TaskToken.decode(task.token), file_digests=digests(urls(2, "other")))
            task = await session.attach(mixed_up.encode())
        told = False

        async def wait() -> None:
            nonlocal told
            with pytest.raises(aiofunasr.SessionClosedError):
                await task
            told = True

        with anyio.fail_after(50):
            async with anyio.create_task_group() as group:
                group.start_soon(wait)
                await anyio.sleep(40)
                assert not told
                await session.aclose()
        assert told

    faults = FaultPlan().on("submit", MIXED_UP, 1).always("list", Fault.error(500))
    play(scenario, EmulatorSettings.instant(), faults=faults)


def local_session_on(service: Service) -> Session:
    def clock() -> float:
        return EPOCH + anyio.current_time()

    transport = LocalTransport(service, clock)
    return Session(DEFAULT_API_KEY, base_url=service.base_url, transport=transport, clock=clock)
