"""`Session.statistics`: what a session does and has done, as a value of one moment."""

from __future__ import annotations

import anyio
import attrs
import pytest
from attrs.exceptions import FrozenInstanceError

from aiofunasr import Limits, Session, SessionStatistics
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, ScriptedRecognizer, Service
from aiofunasr.testing.local import EPOCH
from support import play, urls

TIMES = ScriptedRecognizer(
    queue_seconds=lambda _, chance: chance.lognormvariate(1.0, 0.6),
    processing_seconds=lambda _, chance: chance.lognormvariate(2.5, 0.5),
)


def test_before_anything_was_done() -> None:
    async def scenario(session: Session, _: Service) -> None:
        now = session.statistics()
        assert (now.tasks_in_flight, now.tasks_suspected, now.tasks_submitted, now.tasks_completed) == (0, 0, 0, 0)
        assert (now.downloads_waiting, now.downloads_in_flight, now.downloads_retried) == (0, 0, 0)
        assert now.detection_delay is None
        assert (now.sweeps.sweeps, now.sweeps.pages, now.sweeps.form) == (0, 0, "by status")
        assert (now.sweeps.trust, now.sweeps.lag) == (1.0, 0.0)
        assert set(now.requests) == {"submit", "query", "list", "cancel", "upload policy", "token", "vocabulary"}
        assert {(lane.sent, lane.throttled, lane.in_flight) for lane in now.requests.values()} == {(0, 0, 0)}

    play(scenario)


def test_it_is_frozen_and_of_one_moment() -> None:
    async def scenario(session: Session, _: Service) -> None:
        before = session.statistics()
        async for result in session.transcribe(urls(30), files_per_task=1):
            assert result.ok
        after = session.statistics()
        assert (before.tasks_completed, after.tasks_completed) == (0, 30)
        assert before.sweeps.sweeps == before.requests["query"].sent == 0
        assert after == session.statistics()
        assert after.detection_delay is not None
        for value in (after, after.sweeps, after.detection_delay, after.requests["query"]):
            for field in attrs.fields(type(value)):
                with pytest.raises(FrozenInstanceError):
                    setattr(value, field.name, None)

    play(scenario)


def test_the_figures_of_a_run_agree_with_each_other_and_with_the_service() -> None:
    async def scenario(session: Session, service: Service) -> None:
        seen: list[SessionStatistics] = []

        async def look() -> None:
            while True:
                seen.append(session.statistics())
                await anyio.sleep(0.05)

        async with anyio.create_task_group() as group:
            group.start_soon(look)
            async for result in session.transcribe(urls(120), files_per_task=1):
                assert result.ok
            group.cancel_scope.cancel()
        end = session.statistics()
        for now in seen:
            assert now.tasks_submitted == now.tasks_in_flight + now.tasks_completed
            assert 0 <= now.tasks_suspected <= now.tasks_in_flight
            assert (now.detection_delay is None) == (now.tasks_completed == 0)
            assert now.downloads_in_flight <= 16
        assert max(now.tasks_suspected for now in seen) > 0
        assert (end.tasks_completed, end.tasks_in_flight, end.tasks_suspected) == (120, 0, 0)
        assert (end.files_submitted, end.files_collected, end.downloads_waiting) == (120, 120, 0)
        for kind in ("submit", "query", "list"):
            assert end.requests[kind].sent == service.ledger.requests[kind] > 0
            assert end.requests[kind].throttled == service.ledger.throttled[kind] == 0
        assert end.requests["list"].sent == end.sweeps.pages >= end.sweeps.sweeps > 0
        assert end.sweeps.form == "by status"
        assert 0.8 <= end.sweeps.trust <= 1
        assert end.sweeps.rows_per_page == 100

    play(scenario, recognizer=TIMES)


@pytest.mark.parametrize(("latency", "offset"), [(0.0, 8.0), (0.02, 0.0), (0.3, 8.0)])
def test_the_delay_of_detection_is_what_it_was(latency: float, offset: float) -> None:
    """The service's zone, or a clock that is wrong by hours, makes no difference: only differences count."""

    async def scenario(session: Session, service: Service) -> None:
        truth: list[float] = []

        async def one(url: str) -> None:
            task = await session.submit([url])
            while task.status != "SUCCEEDED":  # noqa: ASYNC110  (the truth is to the hundredth)
                await anyio.sleep(0.01)
            planned = service._board.find(task.task_id, "emulator")
            assert planned is not None
            assert planned.ends_at is not None
            truth.append(EPOCH + anyio.current_time() - planned.ends_at)
            assert (await task)[0].ok

        async with anyio.create_task_group() as group:
            for url in urls(60):
                group.start_soon(one, url)
        truth.sort()
        found = session.statistics().detection_delay
        assert found is not None
        assert found.count == 60
        # The way to the service is the one thing that its times cannot tell apart from its clock's being ahead.
        error = latency + 0.03
        assert found.median == pytest.approx(truth[29], abs=error)
        assert found.p95 == pytest.approx(truth[56], abs=error)
        assert found.longest == pytest.approx(truth[-1], abs=error)
        assert 0 < found.median <= found.p95 <= found.longest

    play(scenario, EmulatorSettings(utc_offset_hours=offset), recognizer=TIMES, latency=latency)


def test_ends_that_nobody_waited_for_do_not_count_as_detected_late() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task_id = service.add_task(*urls(1, "old"), now=EPOCH + anyio.current_time())
        await anyio.sleep(3600)
        assert (await (await session.attach(task_id)))[0].ok
        assert session.statistics().tasks_completed == 1
        assert session.statistics().detection_delay is None

    play(scenario)


def test_downloads_that_wait_are_counted() -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(20))
        while session.statistics().tasks_completed == 0:  # noqa: ASYNC110  (what is tested has no events)
            await anyio.sleep(0.1)
        now = session.statistics()
        assert now.downloads_in_flight == 2
        assert now.downloads_waiting == 18
        assert (await task.wait())[0].ok
        end = session.statistics()
        assert (end.downloads_waiting, end.downloads_in_flight, end.files_collected) == (0, 0, 20)

    play(scenario, faults=FaultPlan().always("result", Fault.delayed(10)), limits=Limits(downloads=2))


def test_what_was_throttled_and_slowed_down_is_shown() -> None:
    async def scenario(session: Session, service: Service) -> None:
        tasks = [await session.submit([url]) for url in urls(20)]
        service.faults = FaultPlan().on("query", Fault.throttled(), range(1, 4)).always("list", Fault.error(403, "No"))
        lowest = session.statistics().requests["query"].ceiling
        for task in tasks:
            assert (await task)[0].ok
            lowest = min(lowest, session.statistics().requests["query"].rate)
        lane = session.statistics().requests["query"]
        assert lane.throttled == 3
        assert lowest < lane.ceiling
        assert lane.ceiling == pytest.approx(18)
        assert session.statistics().sweeps.form is None

    play(scenario, EmulatorSettings(queue_seconds=(0.5, 1.0)))
