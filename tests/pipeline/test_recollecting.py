"""A result that is paid for is asked for again, by a link that holds, until the right document is there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from aiofunasr import (
    AccessDeniedError,
    InvalidReplyError,
    Limits,
    NotFoundError,
    Session,
    SubtaskResult,
    TranscriptionTask,
)
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.pipeline.collector import REFUSALS, TRIES
from aiofunasr.transport import OpenReply
from aiofunasr.wire.messages import Kind, Request
from support import Rewriting, play, urls

QUICK = EmulatorSettings(queue_seconds=(0.0, 1.0))


class Answering:
    """A transport whose downloads a test answers itself: with a status and a body, or None for the real reply."""

    def __init__(self, session: Session, answer: Callable[[str], tuple[int, bytes] | None]) -> None:
        self._inner = session._engine.gateway.transport
        self._answer = answer
        self.asked: list[str] = []
        session._engine.collector._transport = self

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[OpenReply]:
        self.asked.append(request.url)
        if (answer := self._answer(request.url)) is None:
            async with self._inner.open(request) as reply:
                yield reply
        else:
            await anyio.sleep(0.02)
            yield _Reply(*answer)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Reply:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.headers: dict[str, str] = {}
        self._body = body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._body


async def until_ended(task: TranscriptionTask) -> None:
    while not task.snapshot or not task.snapshot.is_terminal:  # noqa: ASYNC110
        await anyio.sleep(0.01)


async def alone(session: Session) -> SubtaskResult:
    (result,) = await (await session.submit(urls(1)))
    return result


REFUSED = b"<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>"


@pytest.mark.parametrize(
    "fault",
    [Fault.expired(), Fault.error(403, "SignatureDoesNotMatch"), Fault.error(404, "NoSuchKey"), Fault.error(400, "X")],
    ids=["expired", "403", "404", "400"],
)
def test_a_link_that_is_refused_is_asked_for_again(fault: Fault) -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(2))
        assert all(result.ok for result in await task)
        assert service.ledger.requests["result"] == 4

    play(scenario, QUICK, faults=FaultPlan().on("result", fault, [1, 2]))


def test_one_query_serves_all_files_of_a_task() -> None:
    async def scenario(session: Session, service: Service) -> None:
        answering = Answering(session, lambda url: (403, REFUSED) if len(answering.asked) <= 16 else None)
        task = await session.submit(urls(16))
        await until_ended(task)
        before = service.ledger.requests["query"]
        assert all(result.ok for result in await task)
        assert service.ledger.requests["query"] - before <= 3

    play(scenario, QUICK)


def test_the_new_link_is_used() -> None:
    async def scenario(session: Session, _: Service) -> None:
        answering = Answering(session, lambda url: (403, REFUSED) if url == answering.asked[0] else None)
        result = await alone(session)
        assert result.ok
        assert len(answering.asked) == len(set(answering.asked)) == 2
        assert result.transcription_url == answering.asked[1]

    play(scenario, EmulatorSettings(queue_seconds=(0.0, 0.0), resign_links=True))


@pytest.mark.parametrize(("status", "kind"), [(403, AccessDeniedError), (404, NotFoundError)])
def test_a_link_that_stays_refused_is_that_files_error(status: int, kind: type[Exception]) -> None:
    async def scenario(session: Session, _: Service) -> None:
        answering = Answering(session, lambda url: (status, REFUSED[:0]) if url == answering.asked[0] else None)
        task = await session.submit(urls(3))
        results = await task
        assert Counter(result.ok for result in results) == {True: 2, False: 1}
        (failed,) = [result for result in results if not result.ok]
        assert isinstance(failed.error, kind)
        assert failed.error.token == failed.token == task.token
        assert failed.transcript is None
        assert answering.asked.count(answering.asked[0]) == REFUSALS

    play(scenario, QUICK)


def test_links_that_are_new_each_time_and_never_hold_end_too() -> None:
    async def scenario(session: Session, _: Service) -> None:
        answering = Answering(session, lambda url: (403, REFUSED))
        assert isinstance((await alone(session)).error, AccessDeniedError)
        assert len(answering.asked) == REFUSALS

    play(scenario, EmulatorSettings(queue_seconds=(0.0, 0.0), resign_links=True))


def test_a_link_of_yesterday_is_believed_to_have_expired() -> None:
    async def scenario(session: Session, service: Service) -> None:
        def age(kind: Kind, body: bytes) -> bytes:
            document = json.loads(body) if kind is Kind.QUERY else {}
            if "end_time" not in document.get("output", {}):
                return body
            document["output"]["end_time"] = "2026-09-01 09:00:00.000"
            return json.dumps(document).encode()

        Rewriting(session, age)
        assert isinstance((await alone(session)).error, AccessDeniedError)
        assert service.ledger.requests["result"] == 1

    play(scenario, QUICK, faults=FaultPlan().always("result", Fault.expired()))


def test_queries_that_fail_only_take_longer() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(2))
        await until_ended(task)
        service.faults = (FaultPlan().on("query", Fault.error(500), [1]).on("query", Fault.throttled(), [2])).on(
            "result", Fault.expired(), range(1, 4)
        )
        assert all(result.ok for result in await task)

    play(scenario, QUICK, latency=0.3)


def test_a_task_that_is_forgotten_meanwhile_is_no_answer() -> None:
    async def scenario(session: Session, service: Service) -> None:
        def forget(kind: Kind, body: bytes) -> bytes:
            if kind is not Kind.QUERY or not service.ledger.requests["result"]:
                return body
            document = json.loads(body)
            output = {"task_id": document["output"]["task_id"], "task_status": "UNKNOWN"}
            return json.dumps({"output": output}).encode()

        Rewriting(session, forget)
        task = await session.submit(urls(1))
        assert (await task)[0].ok
        assert task.status == "SUCCEEDED"

    play(scenario, QUICK, faults=FaultPlan().on("result", Fault.expired(), [1, 2]))


def test_an_attached_tasks_files_keep_their_places_when_links_are_renewed() -> None:
    async def scenario(session: Session, _: Service) -> None:
        submitted = await session.submit(urls(5))
        expected = [result.text for result in await submitted]
        attached = await session.attach(submitted.token)
        assert [result.text for result in await attached] == expected

    settings = EmulatorSettings(queue_seconds=(0.0, 1.0), results_order="shuffled", resign_links=True)
    play(scenario, settings, faults=FaultPlan().on("result", Fault.expired(), range(1, 13, 2)))


OF_ANOTHER = json.dumps({"file_url": "https://media.example/other.wav", "transcripts": [{"text": "other"}]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"file_url": "https://media.ex',
        b"\x00\xff\xfe",
        b"<!DOCTYPE html><html></html>",
        b'{"code": "InternalError", "message": "try again"}',
        b"[]",
        b'{"transcripts": [' + b"[" * 100_000,
        b'{"transcripts": [' + b"{}," * 100_000 + b"{}]}",
        OF_ANOTHER,
    ],
    ids=["empty", "cut", "binary", "web page", "refusal", "array", "deep", "very many objects", "of another file"],
)
def test_a_document_that_is_none_is_fetched_again_and_is_then_that_files_error(body: bytes) -> None:
    async def scenario(session: Session, _: Service) -> None:
        answering = Answering(session, lambda url: (200, body) if len(answering.asked) < TRIES else None)
        assert (await alone(session)).ok

        answering = Answering(session, lambda url: (200, body) if url == answering.asked[0] else None)
        task = await session.submit(urls(3, "second"))
        results = await task
        (failed,) = [result for result in results if not result.ok]
        assert isinstance(failed.error, InvalidReplyError)
        assert failed.error.token == task.token
        assert failed.error.path.startswith("$")
        assert answering.asked.count(answering.asked[0]) == TRIES

    play(scenario, QUICK)


def test_a_document_may_name_its_file_otherwise_escaped() -> None:
    async def scenario(session: Session, _: Service) -> None:
        def unescape(kind: Kind, body: bytes) -> bytes:
            return body.replace(b"%20", b" ") if kind is Kind.DOWNLOAD else body

        Rewriting(session, unescape)
        (result,) = await (await session.submit(["https://h/a%20b-5s.wav"]))
        assert result.ok

    play(scenario, QUICK)


def test_very_many_that_wait_for_another_try_hold_up_nobody_in_their_batch() -> None:
    """More than have room in the batch at once."""

    async def scenario(session: Session, _: Service) -> None:
        broken: dict[str, Any] = {}

        def answer(url: str) -> tuple[int, bytes] | None:
            if len(broken) < 20:
                broken.setdefault(url)
            return (200, b"cut") if url in broken else None

        Answering(session, answer)
        ended = [anyio.current_time() async for result in session.transcribe(urls(60)) if result.ok]
        assert len(ended) == 40
        assert ended[-1] < anyio.current_time() - 15

    play(scenario, EmulatorSettings.instant(), limits=Limits(downloads=4))


def test_a_batch_that_is_left_names_what_waits_for_another_try() -> None:
    async def scenario(session: Session, _: Service) -> None:
        async with session.transcribe(urls(3), files_per_task=1) as batch:
            with anyio.move_on_after(8):
                await anext(batch)
        assert len(batch.unfinished) == 3
        await anyio.sleep(100)
        assert session.statistics().downloads_waiting == 0
        assert session.statistics().downloads_in_flight == 0

    play(scenario, EmulatorSettings.instant(), faults=FaultPlan().always("result", Fault.truncated()))


def test_a_fault_in_the_asking_is_that_files() -> None:
    async def scenario(session: Session, _: Service) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError

        session._engine.collector._links.renew = fail  # type: ignore[assignment,method-assign]
        assert (await alone(session)).ok

    play(scenario, QUICK, faults=FaultPlan().on("result", Fault.expired(), [1]))
