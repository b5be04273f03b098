"""The official SDK's interface, where waiting is the subject."""

from __future__ import annotations

import anyio
import pytest

from aiofunasr import Session, SessionClosedError, TaskToken, Transcription, TranscriptionResponse
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from support import play, urls

SLOW = EmulatorSettings(queue_seconds=(100.0, 200.0))


def test_many_waits_at_once_stay_within_the_limits_and_lose_no_task() -> None:
    async def scenario(session: Session, service: Service) -> None:
        answers: list[TranscriptionResponse] = []

        async def call(url: str) -> None:
            answers.append(await Transcription.call("fun-asr", [url], session=session))

        async with anyio.create_task_group() as group:
            for url in urls(300):
                group.start_soon(call, url)
        assert {answer.output.task_status for answer in answers} == {"SUCCEEDED"}
        assert {answer.output.results[0]["file_url"] for answer in answers} == set(urls(300))
        assert not service.ledger.duplicates()
        assert session.statistics().requests["query"].throttled == 0
        # Nobody asked for the transcripts.
        assert service.ledger.requests["result"] == 0

    play(scenario, EmulatorSettings(queue_seconds=(5.0, 60.0)))


def test_failing_status_requests_end_no_wait() -> None:
    async def scenario(session: Session, _: Service) -> None:
        answer = await Transcription.call("fun-asr", urls(1), session=session)
        assert answer.output.task_status == "SUCCEEDED"

    bad = FaultPlan().sometimes("query", Fault.error(502), 0.4).sometimes("query", Fault.throttled(), 0.4)
    play(scenario, SLOW, faults=bad)


def test_a_refused_key_ends_a_wait_and_is_the_answer() -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await Transcription.async_call("fun-asr", urls(1), session=session)
        answer = await Transcription.wait(task, session=session)
        assert (answer.status_code, answer.code, answer.output) == (401, "InvalidApiKey", None)

    play(
        scenario,
        SLOW,
        faults=FaultPlan().always("query", Fault.error(401, "InvalidApiKey")).always("list", Fault.error(403)),
    )


@pytest.mark.parametrize("own", [True, False])
def test_waits_that_are_given_up_leave_nothing_behind(own: bool) -> None:
    async def scenario(session: Session, service: Service) -> None:
        if own:
            task_id = (await Transcription.async_call("fun-asr", urls(1), session=session)).output.task_id
        else:
            task_id = service.add_task(*urls(1), now=session._engine.clock())
        poller = session._engine.poller
        for _ in range(3):
            with anyio.move_on_after(1.0):
                await Transcription.wait(task_id, session=session)
            timed_out = await Transcription.wait(task_id, wait_timeout=1.0, session=session)
            assert timed_out.status_code == 408
            record = poller.find(task_id)
            # What was submitted here is looked after; what was only waited for is not.
            assert (record is not None) is own
            assert record is None or len(record.outlets) == 1
        assert (await Transcription.wait(task_id, session=session)).output.task_status == "SUCCEEDED"

    play(scenario, SLOW)


def test_closing_the_session_ends_a_wait_with_the_token() -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await Transcription.async_call("fun-asr", urls(1), session=session)
        raised: list[SessionClosedError] = []
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                try:
                    await Transcription.wait(task, session=session)
                except SessionClosedError as error:
                    raised.append(error)

            group.start_soon(wait)
            await anyio.sleep(5)
            await session.aclose()
        assert [(error.task_id, error.tokens) for error in raised] == [(task.output.task_id, session.unfinished)]

    play(scenario, SLOW)


def test_a_submit_whose_reply_is_lost_is_searched_for() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await Transcription.async_call("fun-asr", urls(1, "witness"), session=session)
        task = await Transcription.async_call("fun-asr", urls(1), session=session)
        assert task.output.task_id == service.ledger.submissions_of(*urls(1))[0].task_id
        assert not service.ledger.duplicates()

    play(scenario, EmulatorSettings.instant(), faults=FaultPlan().on("submit", Fault.drop_after(), 2))


def test_a_cancelled_submit_is_kept_by_the_session() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with anyio.move_on_after(0.3):
            await Transcription.async_call("fun-asr", urls(1), session=session)
        await anyio.sleep(5)
        (submission,) = service.ledger.submissions
        assert [TaskToken.decode(token).task_id for token in session.tokens] == [submission.task_id]

    play(scenario, SLOW, latency=0.2)
