"""One file's, one reply's or one caller's trouble stays its own."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import aiofunasr
from aiofunasr import (
    AmbiguousSubmissionError,
    AuthenticationError,
    FunASRError,
    InvalidArgumentError,
    KeyProviderError,
    NotFoundError,
    Session,
    SessionClosedError,
    TaskToken,
    UnexpectedError,
    UsageError,
)
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, Fault, FaultPlan, RateLimit, Service
from aiofunasr.pipeline import collector, poller
from aiofunasr.redaction import redact
from aiofunasr.wire import verdicts
from aiofunasr.wire.messages import Kind
from support import Rewriting, play, urls

SLOW = EmulatorSettings(queue_seconds=(500.0, 500.0))


def changing(kind: Kind, change: Callable[[dict[str, Any]], Any]) -> Callable[[Kind, bytes], bytes]:
    """Return a rewriter that changes the JSON replies of one kind."""

    def rewrite(seen: Kind, body: bytes) -> bytes:
        if seen is not kind:
            return body
        document = json.loads(body)
        change(document)
        return json.dumps(document).encode()

    return rewrite


# --- attached tasks -------------------------------------------------------------------------------------------------


def test_an_attached_task_hears_of_a_closed_session() -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await session.attach((await session.submit(urls(1))).task_id)
        await session.aclose()
        with pytest.raises(SessionClosedError) as caught:
            await task
        assert caught.value.task_id == task.task_id
        with pytest.raises(SessionClosedError):
            async for _result in task:
                pass

    play(scenario, SLOW)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Fault.error(401, "InvalidApiKey"), AuthenticationError), (Fault.error(404, "NotFound"), NotFoundError)],
)
def test_an_attached_task_hears_of_what_ends_its_wait(fault: Fault, kind: type[FunASRError]) -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await session.attach("some-task")
        with pytest.raises(kind) as caught:
            await task
        assert caught.value.token == task.token

    play(scenario, faults=FaultPlan().always("query", fault))


def test_an_attached_task_finds_its_places_by_an_echo_that_is_escaped_otherwise() -> None:
    given = [f"https://h/a%20{number}.wav" for number in range(5)]

    def unescape(document: dict[str, Any]) -> None:
        for result in document["output"].get("results", []):
            result["file_url"] = result["file_url"].replace("%20", " ")
        document["output"].get("results", []).reverse()

    async def attached(session: Session, _: Service) -> None:
        Rewriting(session, changing(Kind.QUERY, unescape))
        submitted = await session.submit(given)
        expected = [result.text for result in await submitted]
        results = await (await session.attach(submitted.token))
        assert [result.text for result in results] == expected

    play(attached)


def test_a_token_tells_more_than_the_bare_id_it_follows() -> None:
    async def scenario(session: Session, _: Service) -> None:
        token = (await session.submit(urls(4))).token
        bare = await session.attach(TaskToken.decode(token).task_id)
        full = await session.attach(token)
        assert [result.index for result in await full] == [0, 1, 2, 3]
        assert len(await bare) == 4

    play(scenario, SLOW)


# --- what others cancel ---------------------------------------------------------------------------------------------


async def cancelled_elsewhere() -> str:
    raise asyncio.CancelledError


def test_a_key_callable_that_is_cancelled_elsewhere_stops_nobody() -> None:
    cancels: list[str] = []

    async def provide() -> str:
        if cancels:
            cancels.pop()
            await cancelled_elsewhere()
        return "sk-emulator"

    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(1))
        cancels.extend("abc")
        assert (await task)[0].ok

    play(scenario, api_key=provide)


def test_a_key_callable_that_always_fails_is_the_callers_error() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(KeyProviderError):
            await session.submit(urls(1))
        assert not service.ledger.requests

    play(scenario, api_key=cancelled_elsewhere)


def test_an_iterable_that_is_cancelled_elsewhere_ends_its_batch_with_an_error() -> None:
    async def files() -> AsyncIterator[str]:
        yield urls(1)[0]
        await cancelled_elsewhere()

    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(1, "other"))
        with pytest.raises(UsageError, match="cancelled from elsewhere"):
            async for result in session.transcribe(files()):
                assert result.ok
        assert (await task)[0].ok

    play(scenario)


def test_background_work_that_is_cancelled_is_heard_of() -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(1))
        background = session._engine.background._task
        assert background is not None
        background.cancel()
        with pytest.raises(SessionClosedError) as caught:
            await task
        assert caught.value.token == task.token
        with pytest.raises(SessionClosedError):
            await session.submit(urls(1))

    play(scenario, SLOW)


# --- odd replies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://[bad",
        "http://h:99999/x",
        "http://a..b/",
        "",
        "/x.json?Signature=SECRET",
        "file:///etc/passwd",
        "ftp://h/x",
    ],
)
async def test_an_odd_place_of_a_result_is_that_files_error(
    server: EmulatorServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "TRIES", 1)
    async with Session(server.api_key, base_url=server.base_url) as session:
        other = await session.submit(urls(1, "other"))
        await other

        def change(document: dict[str, Any]) -> None:
            document["output"]["results"][0]["transcription_url"] = url

        Rewriting(session, changing(Kind.QUERY, change))
        task = await session.submit(urls(1))
        with anyio.move_on_after(60):
            (result,) = await task
        assert isinstance(result.error, FunASRError)
        assert "SECRET" not in str(result.error)
        assert session.statistics().tasks_submitted == 2
        assert (await other)[0].ok


def test_the_same_task_id_twice_is_no_answer_to_the_second_submit() -> None:
    async def scenario(session: Session, service: Service) -> None:
        first = await session.submit(urls(1))

        def change(document: dict[str, Any]) -> None:
            document["output"]["task_id"] = first.task_id

        Rewriting(session, changing(Kind.SUBMIT, change))
        with pytest.raises(AmbiguousSubmissionError):
            await session.submit(urls(1, "second"))
        assert (await first)[0].ok
        assert len(service.ledger.submissions) == 2

    play(scenario, on_unknown_submit="raise")


@pytest.mark.parametrize(
    "data",
    [{"upload_host": "http://["}, {"upload_host": "ftp://h"}, {"upload_dir": "\ud800"}, {"expire_in_seconds": 10**400}],
)
async def test_an_odd_upload_policy_is_our_error_or_no_matter(
    server: EmulatorServer, tmp_path: Path, data: dict[str, Any]
) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    async with Session(server.api_key, base_url=server.base_url) as session:
        Rewriting(session, changing(Kind.UPLOAD_POLICY, lambda document: document["data"].update(data)))
        (result,) = await aiofunasr.transcribe([tmp_path / "a.wav"], session=session)
        assert result.ok or isinstance(result.error, FunASRError)
        assert result.error is None or "policy" not in str(result.error).lower() or "eyJ" not in str(result.error)
        assert (await (await session.submit(urls(1))))[0].ok


def test_a_fault_in_one_task_is_that_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(session: Session, _: Service) -> None:
        good, bad = await session.submit(urls(1)), await session.submit(urls(1, "bad"))

        def faulty(file_urls: list[str], snapshot: Any) -> Any:
            if snapshot.task_id == bad.task_id:
                raise ZeroDivisionError
            return verdicts.judge(file_urls, snapshot)

        monkeypatch.setattr(poller, "judge", faulty)
        assert (await good)[0].ok
        (result,) = await bad
        assert isinstance(result.error, UnexpectedError)
        assert isinstance(result.error.__cause__, ZeroDivisionError)
        assert result.error.token == bad.token

    play(scenario)


def test_what_cannot_be_sent_is_said_before() -> None:
    async def scenario(session: Session, service: Service) -> None:
        for options in (
            {"extra_parameters": {"x": {1, 2}}},
            {"extra_parameters": [1]},
            {"extra_parameters": {"x": float("nan")}},
            {"model": "\ud800"},
            {"vocabulary_id": "\ud800"},
        ):
            with pytest.raises(InvalidArgumentError):
                session.transcribe(urls(1), **options)
        assert not service.ledger.requests

    play(scenario)


# --- keys, limits, cancels, lists -----------------------------------------------------------------------------------


def test_a_key_that_is_rolled_with_many_queries_on_their_way_ends_nothing() -> None:
    key = "sk-old"

    async def provide() -> str:
        return key

    async def scenario(session: Session, service: Service) -> None:
        nonlocal key
        results = []
        async for result in session.transcribe(urls(60), files_per_task=1):
            results.append(result)
            if len(results) == 10:
                key = "sk-new"
                keys = {"sk-new": "emulator"}
                object.__setattr__(service.settings, "api_keys", keys)
        assert all(result.ok for result in results)

    settings = EmulatorSettings(api_keys={"sk-old": "emulator", "sk-new": "emulator"})
    play(scenario, settings, api_key=provide, latency=0.3)


def test_callers_that_wait_for_a_place_do_not_come_all_at_once() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with anyio.create_task_group() as group:
            for url in urls(150):
                group.start_soon(session.submit, [url])
        assert service.ledger.throttled["submit"] == 0

    faults = FaultPlan().on("submit", Fault.delayed(10), range(1, 33))
    play(scenario, EmulatorSettings(submit_limit=RateLimit(10)), faults=faults)


def test_a_cancel_whose_reply_is_lost_is_a_cancel() -> None:
    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(1))
        await task.cancel()
        (result,) = await task
        assert type(result.error).__name__ == "TaskCanceledError"

    play(scenario, SLOW, faults=FaultPlan().on("cancel", Fault.drop_after(), [1]))


def test_a_list_that_is_pushed_back_by_new_tasks_is_read_to_its_end() -> None:
    async def scenario(session: Session, _: Service) -> None:
        old = [(await session.submit([url])).task_id for url in urls(10)]
        seen = []
        async for row in session.list_tasks(page_size=2):
            seen.append(row.task_id)
            if len(seen) == 2:
                for url in urls(2, "new"):
                    await session.submit([url])
        assert set(old) <= set(seen)
        assert max(Counter(seen).values()) == 1

    play(scenario, SLOW)


# --- secrets --------------------------------------------------------------------------------------------------------


async def test_no_traceback_shows_a_signed_url(server: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "TRIES", 1)
    marked = server.base_url.replace("/api/v1", "/results/x.json?Signature=MARKED")

    def change(document: dict[str, Any]) -> None:
        for result in document["output"].get("results", []):
            result["transcription_url"] = marked

    async with Session(server.api_key, base_url=server.base_url) as session:
        server.service.faults = FaultPlan().always("result", Fault.drop_before())
        Rewriting(session, changing(Kind.QUERY, change))
        with anyio.move_on_after(50):
            (result,) = await (await session.submit(urls(1)))
    assert result.error is not None
    shown = "".join(traceback.format_exception(result.error))
    assert "MARKED" not in shown
    assert "sk-emulator" not in shown


def test_redacting_a_long_text_takes_no_longer_than_reading_it() -> None:
    # Quadratic, this would take minutes.
    assert redact("a." * 200_000)
    with pytest.raises(InvalidArgumentError, match="bytes"):
        raise InvalidArgumentError("files", b"x" * 50_000_000, "no")
    assert len(str(FunASRError("y" * 10_000_000))) <= 2000


def test_an_unexpected_error_is_ours() -> None:
    assert issubclass(UnexpectedError, FunASRError)


@pytest.mark.parametrize("wrong", [{"base_url": 5}, {"region": 5}, {"limits": 5}, {"timeouts": 5}, {"workspace": 5}])
def test_arguments_of_another_type_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(FunASRError, match=next(iter(wrong))):
        Session("sk-x", **wrong)


def test_a_generator_that_is_left_is_not_held() -> None:
    async def scenario(session: Session, _: Service) -> None:
        read = 0

        def files() -> Iterator[str]:
            nonlocal read
            for url in urls(1000):
                read += 1
                yield url

        async with session.transcribe(files()) as batch:
            await anext(batch)
        before = read
        await anyio.sleep(100)
        assert read == before

    play(scenario)
