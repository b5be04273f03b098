"""One poller for the session: nothing but the service's word, or a refused key, ends a wait."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

import anyio
import pytest

from aiofunasr import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    Session,
    TaskExpiredError,
    WaitTimeoutError,
)
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, RateLimit, ScriptedRecognizer, Service
from support import play, urls

SLOW = ScriptedRecognizer(processing_seconds=lambda url, chance: 100.0)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.throttled(),
        Fault.throttled("Throttling.AllocationQuota"),
        Fault.error(500),
        Fault.error(502, html=True),
        Fault.error(503),
        Fault.error(504),
        Fault.drop_before(),
        Fault.drop_after(),
        Fault.truncated(),
        Fault.html_page(),
        Fault.delayed(100),
        Fault.answer_for_another_task(),
    ],
    ids=lambda fault: repr(fault.drop or fault.status or (fault.other_task and "other task") or "delayed"),
)
def test_a_failed_query_says_nothing_about_the_task(fault: Fault) -> None:
    async def scenario(session: Session, service: Service) -> None:
        other = await session.submit(urls(1, "other"))
        task = await session.submit(urls(1))
        assert (await task)[0].ok
        assert (await other)[0].ok
        assert service.ledger.requests["query"] > 12

    play(scenario, faults=FaultPlan().on("query", fault, range(1, 12)))


def test_a_task_that_is_forgotten_before_its_question_leaves_is_not_asked_about() -> None:
    async def scenario(session: Session, service: Service) -> None:
        poller = session._engine.poller
        decide, left = poller._next, await session.submit(urls(1, "left"))

        def decide_and_leave() -> object:
            action = decide()
            if action is not None and (record := poller.find(left.task_id)) is not None:
                asyncio.get_running_loop().call_soon(poller.forget, record)
            return action

        monkeypatch.setattr(poller, "_next", decide_and_leave)
        await anyio.sleep(10.0)
        assert poller.find(left.task_id) is None
        assert service.ledger.requests["query"] == 0
        assert (await (await session.submit(urls(1))))[0].ok

    with pytest.MonkeyPatch.context() as monkeypatch:
        play(scenario, EmulatorSettings(list_enabled=False))


def test_an_outage_of_an_hour_is_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        start = 1_790_000_000.0 + anyio.current_time()
        service.faults = FaultPlan().between("query", Fault.error(503), start, start + 3600)
        assert (await task)[0].ok
        assert 3600 <= anyio.current_time() <= 3630

    with caplog.at_level(logging.WARNING, "aiofunasr"):
        play(scenario)
    assert "the task goes on" in caplog.text


def test_a_task_the_service_does_not_know_yet_is_given_a_moment() -> None:
    async def scenario(session: Session, _: Service) -> None:
        assert (await (await session.submit(urls(1))))[0].ok

    play(scenario, faults=FaultPlan(unknown_for=10.0))


def test_a_task_the_service_does_not_know_has_expired() -> None:
    async def scenario(session: Session, _: Service) -> None:
        (result,) = await (await session.attach("no-such-task"))
        assert isinstance(result.error, TaskExpiredError)
        assert result.error.task_id == "no-such-task"

    play(scenario)


def test_a_task_nobody_hears_of_for_a_day_has_expired() -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(2))
        results = await task
        assert [type(result.error) for result in results] == [TaskExpiredError] * 2
        assert {result.error.token for result in results if result.error} == {task.token}
        assert 24 * 3600 <= anyio.current_time() <= 25 * 3600

    play(scenario, faults=FaultPlan().always("query", Fault.error(500)))


def test_a_query_that_is_refused_again_and_again_ends_that_wait_only() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        (result,) = await task
        assert isinstance(result.error, NotFoundError)
        assert result.error.token == task.token
        service.faults = FaultPlan()
        assert (await (await session.attach(task.token)))[0].ok

    play(scenario, faults=FaultPlan().always("query", Fault.error(404, "NotFound")))


def test_a_refused_key_ends_every_wait_with_the_tokens() -> None:
    async def scenario(session: Session, service: Service) -> None:
        tasks = [await session.submit(urls(1, host)) for host in "abc"]
        service.faults = FaultPlan().always("query", Fault.error(401, "InvalidApiKey"))
        for task in tasks:
            with pytest.raises(AuthenticationError) as caught:
                await task
            assert (caught.value.task_id, caught.value.token) == (task.task_id, task.token)
        assert session.statistics().tasks_in_flight == 0
        # The tasks are alive, and so is the session.
        service.faults = FaultPlan()
        for task in tasks:
            assert (await (await session.attach(task.token)))[0].ok

    play(scenario)


def test_a_provided_key_that_expires_is_asked_for_again() -> None:
    calls = Counter[str]()

    async def provide() -> str:
        calls["key"] += 1
        return "sk-emulator"

    async def scenario(session: Session, _: Service) -> None:
        assert (await (await session.submit(urls(1))))[0].ok

    play(scenario, faults=FaultPlan().on("query", Fault.error(401, "InvalidApiKey"), [1, 2]), api_key=provide)
    assert calls["key"] >= 4


def test_a_failing_key_provider_is_waited_out_while_polling() -> None:
    answers: list[str | OSError] = ["sk-emulator", OSError("vault"), OSError("vault"), "sk-emulator"]

    async def provide() -> str:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer

    async def scenario(session: Session, _: Service) -> None:
        assert (await (await session.submit(urls(1))))[0].ok

    play(scenario, api_key=provide)


def test_a_key_provider_that_gives_nonsense_ends_the_waits() -> None:
    answers = ["sk-emulator", ""]

    async def provide() -> str:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(1))
        with pytest.raises(ConfigurationError) as caught:
            await task
        assert caught.value.token == task.token

    play(scenario, api_key=provide)


def test_a_deadline_ends_the_wait_and_not_the_task() -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(1))
        with pytest.raises(WaitTimeoutError) as caught:
            await task.wait(timeout=30)
        assert anyio.current_time() == pytest.approx(30, abs=1)
        assert caught.value.token == task.token
        assert isinstance(caught.value, TimeoutError)
        with pytest.raises(TimeoutError):
            with anyio.fail_after(10):
                await task
        assert (await task)[0].ok

    play(scenario, recognizer=SLOW)


def test_five_hundred_tasks_at_once_all_come_back_within_the_limits() -> None:
    async def scenario(session: Session, service: Service) -> None:
        tasks = []

        async def submit(url: str) -> None:
            tasks.append(await session.submit([url]))

        async with anyio.create_task_group() as group:
            for url in urls(500):
                group.start_soon(submit, url)
        seen = Counter([result.file_url async for result in session.as_completed(tasks) if result.ok])
        assert seen == Counter(urls(500))
        assert not service.ledger.throttled
        assert not service.ledger.duplicates()
        assert len(service.ledger.submissions) == 500

    play(scenario)


def test_a_smaller_limit_than_stated_is_found_and_kept_to() -> None:
    async def scenario(session: Session, service: Service) -> None:
        tasks = [await session.submit([url]) for url in urls(60)]
        for task in tasks:
            assert (await task)[0].ok
        lane = session.statistics().requests["query"]
        assert lane.throttled == service.ledger.throttled["query"] > 0
        assert lane.throttled < 0.2 * lane.sent

    play(scenario, EmulatorSettings(query_limit=RateLimit(6)))


def test_a_question_on_the_way_is_no_obstacle_to_leaving() -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(1))
        await anyio.sleep(2)
        before = anyio.current_time()
        await session.aclose()
        assert anyio.current_time() - before < 0.1
        assert session.unfinished == (task.token,)

    play(scenario, faults=FaultPlan().always("query", Fault.delayed(1000)))
