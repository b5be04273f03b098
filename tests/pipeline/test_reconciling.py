"""A submit whose reply was lost is found again, or known not to be there, and never billed twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import anyio
import pytest

import aiofunasr
from aiofunasr import AmbiguousSubmissionError, Reconciliation, ServiceUnavailableError, Session, TransportError
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.pipeline import reconciler
from support import play, urls

ACCEPTED = [Fault.drop_after(), Fault.truncated(), Fault.error(500, handled=True), Fault.html_page(handled=True)]
NOT_ACCEPTED = [Fault.drop_before(), Fault.error(500), Fault.error(502, html=True), Fault.html_page()]


def named(fault: Fault) -> str:
    return repr(fault.drop or fault.status)


@pytest.mark.parametrize("fault", [*ACCEPTED, Fault.delayed(1000)], ids=named)
def test_an_accepted_task_is_found_by_its_files(fault: Fault) -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(3))
        assert task.task_id == service.ledger.submissions[0].task_id
        assert [result.file_url for result in await task] == urls(3)
        assert len(service.ledger.submissions) == 1
        assert session.statistics().lost_submits.found == 1

    play(scenario, faults=FaultPlan().on("submit", fault, 1))


@pytest.mark.parametrize("fault", NOT_ACCEPTED, ids=named)
def test_a_submit_that_made_no_task_is_sent_again(fault: Fault) -> None:
    async def scenario(session: Session, service: Service) -> None:
        # A task of ours, which the list shows: without one its silence means nothing.
        await session.submit(urls(1, "witness"))
        results = await (await session.submit(urls(3)))
        assert [result.ok for result in results] == [True] * 3
        assert len(service.ledger.submissions) == 2
        assert session.statistics().lost_submits.absent == 1

    play(scenario, faults=FaultPlan().on("submit", fault, 2))


def test_a_later_task_of_ours_in_the_list_shortens_the_wait() -> None:
    times: dict[bool, float] = {}

    def scenario_with(later: bool) -> Callable[[Session, Service], Any]:
        async def scenario(session: Session, service: Service) -> None:
            await session.submit(urls(1, "earlier"))

            async def others() -> None:
                for number in range(30):
                    await anyio.sleep(3)
                    await session.submit(urls(1, f"later{number}"))

            async with anyio.create_task_group() as group:
                if later:
                    group.start_soon(others)
                await session.submit(urls(1))
                times[later] = anyio.current_time()
            assert not service.ledger.duplicates()

        return scenario

    for later in (False, True):
        play(scenario_with(later), faults=FaultPlan().on("submit", Fault.drop_before(), 2))
    assert times[True] < 60 < times[False] < 120


def test_without_a_witness_an_empty_list_proves_nothing() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(AmbiguousSubmissionError, match="not shown enough") as caught:
            await session.submit(urls(1))
        assert caught.value.candidates == ()
        assert 300 < anyio.current_time() < 400
        assert service.ledger.requests["submit"] == 1
        assert session.statistics().lost_submits.undecided == 1
        # And the session goes on.
        assert (await (await session.submit(urls(1))))[0].ok

    play(
        scenario,
        faults=FaultPlan().on("submit", Fault.drop_before(), 1),
        reconciliation=Reconciliation(patience=300),
    )


@pytest.mark.parametrize("status", [400, 403, 404])
def test_where_listing_is_refused_one_task_is_ambiguous_and_none_is_sent_twice(status: Literal[400, 403, 404]) -> None:
    async def scenario(session: Session, service: Service) -> None:
        results = await aiofunasr.transcribe(urls(30), session=session)
        failed = [result for result in results if not result.ok]
        assert [type(result.error) for result in failed] == [AmbiguousSubmissionError]
        assert not service.ledger.duplicates()

    play(
        scenario,
        EmulatorSettings(list_enabled=False, list_refusal=status),
        faults=FaultPlan().on("submit", Fault.drop_after(), 7),
    )


def test_a_list_that_fails_for_a_while_is_asked_again() -> None:
    async def scenario(session: Session, service: Service) -> None:
        assert (await (await session.submit(urls(1))))[0].ok
        assert len(service.ledger.submissions) == 1

    faults = FaultPlan().on("submit", Fault.drop_after(), 1)
    play(scenario, faults=faults.on("list", Fault.error(500), range(1, 12)).sometimes("query", Fault.error(503), 0.5))


def test_identical_submits_in_the_same_second_are_each_given_one_task() -> None:
    async def scenario(session: Session, service: Service) -> None:
        tasks: list[str] = []

        async def submit() -> None:
            task = await session.submit(urls(2))
            tasks.append(task.task_id)
            assert len(await task) == 2

        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(submit)
        assert sorted(tasks) == sorted(submission.task_id for submission in service.ledger.submissions)
        assert len(set(tasks)) == 6

    # Of six, two are lost with their replies and one before it is read.
    faults = FaultPlan().on("submit", Fault.drop_after(), [2, 4]).on("submit", Fault.drop_before(), 5)
    play(scenario, faults=faults)


def test_among_strangers_tasks_only_ours_is_taken() -> None:
    async def scenario(session: Session, service: Service) -> None:
        now = 1_790_000_000.0
        for number in range(40):
            service.add_task(f"https://stranger.example/{number}-10s.wav", now=now)
        await session.submit(urls(1, "witness"))
        found = await session.submit(urls(1, "found"))
        again = await session.submit(urls(1, "again"))
        assert len(service.ledger.submissions) == 3
        assert found.task_id in {submission.task_id for submission in service.ledger.submissions}
        assert [result.ok for result in (*await found, *await again)] == [True, True]

    faults = FaultPlan().on("submit", Fault.drop_after(), 2).on("submit", Fault.drop_before(), 3)
    play(scenario, faults=faults)


@pytest.mark.parametrize("lag", [0.0, 5.0, 40.0, 120.0])
def test_rows_that_come_late_are_waited_for(lag: float) -> None:
    async def scenario(session: Session, service: Service) -> None:
        for number in range(3):
            await session.submit(urls(1, f"witness{number}"))
            await anyio.sleep(20)
        results = await aiofunasr.transcribe(urls(20), session=session)
        assert [result.ok for result in results] == [True] * 20
        assert not service.ledger.duplicates()

    faults = FaultPlan().on("submit", Fault.drop_after(), range(4, 12)).on("submit", Fault.drop_before(), range(12, 20))
    play(scenario, EmulatorSettings(list_lag=lag), faults=faults)


@pytest.mark.parametrize("hours", [-7.0, 0.0, 8.0, 14.0])
def test_a_list_that_means_another_zone_hides_nothing_for_long(hours: float) -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1, "witness"))
        await anyio.sleep(30)
        for number in range(2):
            assert (await (await session.submit(urls(1, f"lost{number}"))))[0].ok
        assert not service.ledger.duplicates()

    faults = FaultPlan().on("submit", Fault.drop_after(), 2).on("submit", Fault.drop_before(), 3)
    play(scenario, EmulatorSettings(list_utc_offset_hours=hours), faults=faults)


def test_a_search_goes_on_when_its_caller_leaves() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with anyio.move_on_after(1):
            await session.submit(urls(1))
        assert not session.tokens
        await anyio.sleep(120)
        (submission,) = service.ledger.submissions
        (token,) = session.tokens
        assert aiofunasr.TaskToken.decode(token).task_id == submission.task_id
        assert (await (await session.attach(token)))[0].ok

    play(scenario, faults=FaultPlan().on("submit", Fault.drop_after(), 1))


def test_a_search_that_is_not_over_when_the_session_closes_is_told() -> None:
    async def scenario(session: Session, _: Service) -> None:
        async with anyio.create_task_group() as group:

            async def submit() -> None:
                with pytest.raises(aiofunasr.SessionClosedError):
                    await session.submit(urls(1))

            group.start_soon(submit)
            await anyio.sleep(2)
            await session.aclose()
        assert session.unanswered == (tuple(urls(1)),)

    play(scenario, EmulatorSettings(queue_seconds=(500, 500)), faults=FaultPlan().on("submit", Fault.drop_after(), 1))


def test_lost_submits_of_a_batch_do_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(session: Session, service: Service) -> None:
        done: list[float] = []
        async with session.transcribe(urls(200), files_per_task=1) as batch:
            async for result in batch:
                assert result.ok
                done.append(anyio.current_time())
        assert len(done) == 200
        assert not service.ledger.duplicates()
        # Twenty searches at once are more than may submit at once.
        assert sum(at < 30 for at in done) == 180

    faults = FaultPlan().on("submit", Fault.drop_before(), range(1, 41, 2))
    play(scenario, EmulatorSettings(queue_seconds=(1.0, 2.0)), faults=faults)


def test_resending_what_is_unknown_has_to_be_asked_for() -> None:
    async def scenario(session: Session, service: Service) -> None:
        assert (await (await session.submit(urls(1))))[0].ok
        assert service.ledger.duplicates() == {urls(1)[0]: 2}

    play(scenario, faults=FaultPlan().on("submit", Fault.drop_after(), 1), on_unknown_submit="resend")


def test_what_is_known_not_to_be_there_is_not_tried_for_ever() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1, "witness"))
        with pytest.raises((TransportError, ServiceUnavailableError)):
            await session.submit(urls(1))
        assert service.ledger.requests["submit"] == 6

    play(scenario, faults=FaultPlan().on("submit", Fault.drop_before(), range(2, 100)))


def test_a_fault_of_the_search_itself_ends_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reconciler, "decide", fail)

    async def scenario(session: Session, _: Service) -> None:
        with pytest.raises(AmbiguousSubmissionError, match="ZeroDivisionError"):
            await session.submit(urls(1))
        assert (await (await session.submit(urls(1))))[0].ok

    play(scenario, faults=FaultPlan().on("submit", Fault.drop_after(), 1))
