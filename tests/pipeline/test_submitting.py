"""Submit once: each row of the table of what may become of a submit."""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager

import anyio
import pytest

import aiofunasr
from aiofunasr import (
    AmbiguousSubmissionError,
    AuthenticationError,
    BadRequestError,
    FunASRError,
    NotFoundError,
    QuotaExceededError,
    RequestTimeoutError,
    Session,
    SessionClosedError,
    Timeouts,
    TransportError,
)
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, RateLimit, Service
from aiofunasr.pipeline.outlet import Outlet
from aiofunasr.pipeline.record import TaskRecord
from aiofunasr.transport import OpenReply
from aiofunasr.wire.messages import Request
from support import play, urls


def test_an_accepted_submit_is_sent_once() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(3))
        assert [result.ok for result in await task] == [True] * 3
        assert service.ledger.requests["submit"] == 1

    play(scenario)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.error(400, "InvalidParameter", "url error"), BadRequestError),
        (Fault.error(401, "InvalidApiKey"), AuthenticationError),
        (Fault.error(404, "ModelNotFound"), NotFoundError),
    ],
)
def test_a_refused_submit_is_an_error_and_not_sent_again(fault: Fault, kind: type[FunASRError]) -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(kind):
            await session.submit(urls(1))
        assert service.ledger.requests["submit"] == 1
        assert not session.tokens

    play(scenario, faults=FaultPlan().on("submit", fault, [1]))


def test_a_throttled_submit_waits_and_is_sent_again() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1))
        assert service.ledger.requests["submit"] == 6
        assert len(service.ledger.submissions) == 1
        assert session.statistics().requests["submit"].throttled == 5

    play(scenario, faults=FaultPlan().on("submit", Fault.throttled(), range(1, 6)))


def test_retry_after_is_obeyed() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1))
        assert anyio.current_time() >= 7.0
        assert len(service.ledger.submissions) == 1

    play(scenario, faults=FaultPlan().on("submit", Fault.throttled(retry_after=7), [1]))


def test_a_used_up_quota_is_tried_for_a_while_and_then_said() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(QuotaExceededError):
            await session.submit(urls(1))
        assert anyio.current_time() > 30.0
        assert service.ledger.requests["submit"] == 8

    play(scenario, faults=FaultPlan().always("submit", Fault.throttled("Throttling.AllocationQuota")))


@pytest.mark.parametrize(
    "fault",
    [
        Fault.drop_after(),
        Fault.drop_before(),
        Fault.truncated(),
        Fault.error(500, handled=True),
        Fault.error(502, html=True),
        Fault.error(503),
        Fault.error(504, handled=True),
        Fault.html_page(handled=True),
        Fault.delayed(1000),
    ],
    ids=lambda fault: repr(fault.drop or fault.status or "delayed"),
)
def test_a_submit_of_unknown_outcome_is_never_sent_again(fault: Fault) -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(AmbiguousSubmissionError) as caught:
            await session.submit(urls(2))
        assert caught.value.file_urls == tuple(urls(2))
        assert caught.value.model == "fun-asr"
        assert caught.value.sent_at == pytest.approx(1_790_000_000, abs=2)
        assert service.ledger.requests["submit"] == 1
        assert len(service.ledger.submissions) <= 1
        # And the session goes on.
        assert (await (await session.submit(urls(1, "other"))))[0].ok

    play(scenario, faults=FaultPlan().on("submit", fault, [1]), on_unknown_submit="raise")


class UnreachableFor:
    """A transport whose first requests find no connection, on top of one that works."""

    def __init__(self, session: Session, times: int) -> None:
        self._inner = session._engine.gateway.transport
        self.left = times
        session._engine.gateway.transport = self

    def open(self, request: Request) -> AbstractAsyncContextManager[OpenReply]:
        if self.left:
            self.left -= 1
            raise TransportError("cannot connect", sent=False)
        return self._inner.open(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def test_what_was_not_sent_is_sent_again_within_reason() -> None:
    async def scenario(session: Session, service: Service) -> None:
        UnreachableFor(session, 3)
        await session.submit(urls(1))
        assert len(service.ledger.submissions) == 1
        UnreachableFor(session, 99)
        with pytest.raises(TransportError) as caught:
            await session.submit(urls(1))
        assert not caught.value.sent
        assert len(service.ledger.submissions) == 1

    play(scenario)


def test_submits_keep_to_the_limit_of_the_account() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with anyio.create_task_group() as group:
            for url in urls(100):
                group.start_soon(session.submit, [url])
        assert 10.0 <= anyio.current_time() <= 13.0
        assert service.ledger.throttled["submit"] == 0

    play(scenario, EmulatorSettings(submit_limit=RateLimit(10)))


def test_a_url_given_twice_in_one_task_is_billed_once_and_answered_twice() -> None:
    async def scenario(session: Session, service: Service) -> None:
        url = urls(1)[0]
        results = await (await session.submit([url, url]))
        assert [result.index for result in results] == [0, 1]
        assert results[0].text == results[1].text != ""
        assert service.ledger.submissions[0].file_urls == (url,)

    play(scenario)


def test_cancelled_before_the_request_leaves_nothing_was_submitted() -> None:
    async def scenario(session: Session, service: Service) -> None:
        for url in urls(3):
            await session.submit([url])  # uses the burst up, so that the next has to wait
        with anyio.move_on_after(0.01):
            await session.submit(urls(1, "other"))
        await anyio.sleep(5)
        assert not service.ledger.submissions_of(urls(1, "other")[0])

    play(scenario)


def test_cancelled_after_the_request_left_the_task_is_kept() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with anyio.move_on_after(0.1):
            await session.submit(urls(1))
        assert not session.tokens
        await anyio.sleep(2)
        assert service.ledger.requests["submit"] == 1
        (token,) = session.tokens
        assert (await (await session.attach(token)))[0].ok

    play(scenario, latency=0.5)


def test_leaving_one_submit_looks_at_hardly_any_task_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be very many in flight, and callers that are cancelled all the time."""

    async def scenario(session: Session, _: Service) -> None:
        async with session.transcribe(urls(200), files_per_task=1) as batch:
            while session.statistics().tasks_in_flight < 200:  # noqa: ASYNC110
                await anyio.sleep(0.1)
            task = await session.submit(urls(1, "accepted"))
            looks, setter = 0, TaskRecord.__dict__["outlets"]

            def counted(record: TaskRecord) -> tuple[Outlet, ...]:
                nonlocal looks
                looks += 1
                outlets: tuple[Outlet, ...] = setter.fget(record)
                return outlets

            monkeypatch.setattr(TaskRecord, "outlets", property(counted, setter.fset))
            with anyio.move_on_after(0.01):
                await session.submit(urls(1, "never sent"))
            assert session._engine.forget(task._outlet) == (task.token,)
            monkeypatch.undo()
            assert looks < 10
        assert len(batch.unfinished) == 200

    play(scenario, EmulatorSettings(queue_seconds=(600.0, 900.0)))


def test_leaving_waits_for_a_submit_on_its_way_and_names_its_token() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with anyio.move_on_after(0.1):
            await session.submit(urls(1))
        before = anyio.current_time()
        await session.aclose()
        assert anyio.current_time() - before <= 1.0
        assert len(session.unfinished) == len(service.ledger.submissions) == 1

    play(scenario, latency=0.3)


def test_a_submit_that_gets_no_reply_does_not_hold_up_leaving(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with anyio.create_task_group() as group:

            async def submit() -> None:
                with pytest.raises(AmbiguousSubmissionError):
                    await session.submit(urls(1))

            group.start_soon(submit)
            await anyio.sleep(0.5)
            before = anyio.current_time()
            await session.aclose()
            assert anyio.current_time() - before <= 1.01
        assert len(service.ledger.submissions) == 1
        assert session.unanswered == (tuple(urls(1)),)

    with caplog.at_level(logging.WARNING, "aiofunasr"):
        play(scenario, faults=FaultPlan().always("submit", Fault.delayed(500)))
    assert "cut off" in caplog.text


@pytest.mark.parametrize("at_once", [True, False])
def test_a_submit_whose_reply_is_lost_while_leaving_is_told(at_once: bool) -> None:
    async def scenario(session: Session, service: Service) -> None:
        ended: list[FunASRError] = []

        async def submit() -> None:
            try:
                if at_once:
                    await session.submit(urls(1))
                else:
                    await aiofunasr.transcribe(urls(1), session=session)
            except FunASRError as error:
                ended.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(submit)
            await anyio.sleep(0.1)
            await session.aclose()
            # Already now, and not when the caller has taken it in.
            assert session.unanswered == (tuple(urls(1)),)
        assert len(ended) == len(service.ledger.submissions) == 1
        assert session.unanswered == (tuple(urls(1)),)

    play(scenario, latency=0.3, faults=FaultPlan().on("submit", Fault.drop_after(), 1))


def test_submits_that_wait_for_their_turn_do_not_hold_up_leaving(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(session: Session, service: Service) -> None:
        closed = 0

        async def submit(url: str) -> None:
            nonlocal closed
            try:
                await session.submit([url])
            except SessionClosedError:
                closed += 1

        async with anyio.create_task_group() as group:
            for url in urls(60):
                group.start_soon(submit, url)
            await anyio.sleep(1)
            before = anyio.current_time()
            await session.aclose()
            assert anyio.current_time() - before < 0.1
        assert closed == 60 - len(service.ledger.submissions)
        assert len(service.ledger.submissions) < 15

    with caplog.at_level(logging.WARNING, "aiofunasr"):
        play(scenario)
    assert "cut off" not in caplog.text


def test_a_timed_out_submit_says_so_in_its_cause() -> None:
    async def scenario(session: Session, _: Service) -> None:
        with pytest.raises(AmbiguousSubmissionError) as caught:
            await session.submit(urls(1))
        assert isinstance(caught.value.__cause__, RequestTimeoutError)
        assert anyio.current_time() == pytest.approx(9.0, abs=0.1)

    play(
        scenario,
        faults=FaultPlan().always("submit", Fault.delayed(500)),
        timeouts=Timeouts(submit=9.0),
        on_unknown_submit="raise",
    )
