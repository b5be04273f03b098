"""Replies that are another task's: something between us and the service mixes them up."""

from __future__ import annotations

import pytest

import aiofunasr
from aiofunasr import AmbiguousSubmissionError, Session
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
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


@pytest.mark.xfail(strict=True, reason="a task that is done is forgotten, and is taken for a new one")
@pytest.mark.parametrize("own", [True, False])
def test_a_submit_answered_with_a_task_that_is_done_is_of_unknown_outcome(own: bool) -> None:
    async def scenario(session: Session, service: Service) -> None:
        if own:
            await (await session.submit(urls(1, "first")))
        (result,) = await aiofunasr.transcribe(urls(1, "second"), session=session)
        (accepted,) = service.ledger.submissions_of(*urls(1, "second"))
        assert result.task_id == accepted.task_id or isinstance(result.error, AmbiguousSubmissionError)

    play(scenario, EmulatorSettings.instant(), faults=FaultPlan().on("submit", MIXED_UP, 2 if own else 1))
