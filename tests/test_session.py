"""The front door, over a real socket."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import anyio
import pytest

import aiofunasr
from aiofunasr import (
    BadRequestError,
    ConfigurationError,
    FunASRError,
    InvalidArgumentError,
    Session,
    SessionClosedError,
    TaskExpiredError,
    TaskToken,
    TranscriptionOptions,
    UsageError,
)
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, Service
from support import clean, play, urls


def open_session(server: EmulatorServer) -> Session:
    return Session(server.api_key, base_url=server.base_url)


SLOW = EmulatorSettings(queue_seconds=(1000.0, 1000.0))


async def test_a_task_is_awaited_iterated_and_attached(session: Session) -> None:
    task = await session.submit(["https://h/a.wav", "https://h/404.wav", "https://h/silence.wav"])
    results = await task
    assert [result.index for result in results] == [0, 1, 2]
    assert [result.ok for result in results] == [True, False, True]
    assert results[0].text
    assert results[0].transcript is not None
    assert results[0].unwrap() is results[0].transcript
    assert isinstance(results[1].error, FunASRError)
    assert results[1].error.token == task.token
    with pytest.raises(FunASRError, match="FILE_404_NOT_FOUND"):
        results[1].unwrap()
    assert results[2].no_speech
    assert results[2].text == ""
    assert task.done
    assert task.status == "SUCCEEDED"
    assert await task == results
    assert sorted([result.index async for result in task]) == [0, 1, 2]

    again = await (await session.attach(task.token))
    assert [(result.index, result.ok, result.text) for result in again] == [
        (result.index, result.ok, result.text) for result in results
    ]
    by_id = await (await session.attach(task.task_id))
    assert {result.file_url for result in by_id} == {result.file_url for result in results}


async def test_a_task_is_attached_from_another_session_and_in_another_order(server: EmulatorServer) -> None:
    given = [f"https://h/file-{number}.wav" for number in range(20)]
    async with Session(server.api_key, base_url=server.base_url) as session:
        token = (await session.submit(given)).token
    assert session.unfinished == (token,)
    server.service.settings.replace(results_order="shuffled")
    async with Session(server.api_key, base_url=server.base_url) as other:
        assert [result.file_url for result in await (await other.attach(token))] == given


async def test_a_task_in_flight_is_attached_twice_and_asked_about_once() -> None:
    async with (
        EmulatorServer(settings=EmulatorSettings(queue_seconds=(0.5, 0.5))) as server,
        Session(server.api_key, base_url=server.base_url) as session,
    ):
        task = await session.submit(urls(2))
        twin = await session.attach(task.token)
        assert session.statistics().tasks_in_flight == 1
        assert [r.text for r in await task] == [r.text for r in await twin]


async def test_results_of_several_tasks_come_as_they_complete(session: Session) -> None:
    tasks = [await session.submit(urls(3, host)) for host in "abc"]
    seen = [result.file_url async for result in session.as_completed(tasks)]
    assert sorted(filter(None, seen)) == sorted(url for host in "abc" for url in urls(3, host))


async def test_one_call_does_it_all(server: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", server.api_key)
    monkeypatch.setenv("DASHSCOPE_BASE_URL", server.base_url)
    results = await aiofunasr.transcribe(urls(3), language_hints=["en"])
    assert [result.file_url for result in results] == urls(3)
    (alone,) = await aiofunasr.transcribe(urls(1)[0])
    assert alone.ok


async def test_options_are_a_value_or_keywords(server: EmulatorServer, session: Session) -> None:
    options = TranscriptionOptions(model="fun-asr-mtl", language_hints=["ja"])
    await session.submit(urls(1), options)
    await session.submit(urls(1), options, model="paraformer-v2")
    assert [submission.model for submission in server.service.ledger.submissions] == ["fun-asr-mtl", "paraformer-v2"]


async def test_entered_in_one_task_and_left_in_another(server: EmulatorServer) -> None:
    session = Session(server.api_key, base_url=server.base_url)
    async with clean():
        await asyncio.create_task(session.__aenter__())
        assert (await (await session.submit(urls(1))))[0].ok
        await asyncio.create_task(session.aclose())
        await session.aclose()


async def test_a_cancelled_caller_does_not_take_the_session_with_it(session: Session) -> None:
    with anyio.move_on_after(0):
        await session.submit(urls(1))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await aiofunasr.transcribe(urls(3), session=session)
    assert (await (await session.submit(urls(1))))[0].ok


def test_it_serves_the_loop_it_was_entered_on_and_says_so() -> None:
    session = Session("sk-x", base_url="http://127.0.0.1:1/api/v1")
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        first.run_until_complete(session.__aenter__())
        for use in (session.submit(["https://h/a"]), session.attach("t"), session.cancel("t")):
            with pytest.raises(UsageError, match="another event loop"):
                second.run_until_complete(use)
        first.run_until_complete(session.aclose())
    finally:
        first.close()
        second.close()


async def test_before_and_after_its_life_it_says_what_to_do(server: EmulatorServer) -> None:
    session = Session(server.api_key, base_url=server.base_url)
    with pytest.raises(UsageError, match="async with"):
        await session.submit(urls(1))
    with pytest.raises(UsageError, match="async with"):
        session.transcribe(urls(1))
    await session.aclose()
    async with session:
        task = await session.submit(urls(1))
        await task
        with pytest.raises(UsageError, match="once"):
            await session.__aenter__()
    with pytest.raises(SessionClosedError):
        await session.submit(urls(1))
    assert session.statistics().tasks_submitted == 1
    # What was there before is there still.
    assert (await task)[0].ok
    with pytest.raises(UsageError):
        await session.__aenter__()


async def test_leaving_with_tasks_in_flight_is_prompt_and_names_their_tokens() -> None:
    outcomes: list[object] = []

    async def wait(task: aiofunasr.TranscriptionTask) -> None:
        try:
            outcomes.append(await task)
        except SessionClosedError as error:
            outcomes.append(error.token)

    async with clean(), EmulatorServer(settings=SLOW) as server, anyio.create_task_group() as group:
        async with Session(server.api_key, base_url=server.base_url) as session:
            tasks = [await session.submit(urls(1, host)) for host in "abc"]
            for task in tasks:
                group.start_soon(wait, task)
            await anyio.sleep(0.05)
        assert set(session.unfinished) == {task.token for task in tasks}
        await anyio.wait_all_tasks_blocked()
        assert set(outcomes) == {task.token for task in tasks}
        with pytest.raises(SessionClosedError):
            await tasks[0]


async def test_the_callers_own_http_session_is_used_and_left_open(server: EmulatorServer) -> None:
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        async with Session(server.api_key, base_url=server.base_url, http=http) as session:
            assert (await (await session.submit(urls(1))))[0].ok
        assert not http.closed
    async with Session(server.api_key, base_url=server.base_url, http=http) as session:
        with pytest.raises(UsageError, match="http= is closed"):
            await session.submit(urls(1))


async def test_listing_goes_through_all_pages_with_filters(server: EmulatorServer, session: Session) -> None:
    for url in urls(7):
        await session.submit([url])
    await session.submit(urls(1), model="fun-asr-mtl")
    rows = [row async for row in session.list_tasks(page_size=2)]
    assert len({row.task_id for row in rows}) == len(rows) == 8
    assert rows[0].gmt_create is not None
    assert abs(rows[0].gmt_create - datetime.now(UTC)) < timedelta(minutes=1)
    assert [row.model_name async for row in session.list_tasks(model_name="fun-asr-mtl")] == ["fun-asr-mtl"]
    since = datetime.now(UTC) + timedelta(hours=1)
    assert [row async for row in session.list_tasks(start_time=since, end_time=since + timedelta(hours=1))] == []
    with pytest.raises(InvalidArgumentError, match="aware"):
        await anext(session.list_tasks(start_time=datetime(2026, 1, 1)))  # noqa: DTZ001
    with pytest.raises(InvalidArgumentError, match="page_size"):
        await anext(session.list_tasks(page_size=0))


async def test_a_pending_task_is_cancelled_and_a_running_one_is_not() -> None:
    async with (
        EmulatorServer(settings=SLOW) as server,
        Session(server.api_key, base_url=server.base_url) as session,
    ):
        task = await session.submit(urls(2))
        await task.cancel()
        results = await task
        assert [type(result.error).__name__ for result in results] == ["TaskCanceledError"] * 2
        await task.cancel()  # it is, so that is no error
        other = await session.submit(urls(1))
        await session.cancel(other.token)
    async with EmulatorServer(settings=EmulatorSettings.instant()) as server, open_session(server) as session:
        done = await session.submit(urls(1))
        await done
        with pytest.raises(BadRequestError, match="UnsupportedOperation") as caught:
            await done.cancel()
        assert caught.value.token == done.token
        with pytest.raises(BadRequestError):
            await session.cancel("no-such-task")


def test_an_expired_token_is_refused_at_once() -> None:
    async def scenario(session: Session, service: Service) -> None:
        token = TaskToken(task_id="t", submitted_at=1_790_000_000 - 30 * 3600).encode()
        with pytest.raises(TaskExpiredError):
            await session.attach(token)
        assert not service.ledger.requests

    play(scenario)


def test_a_token_of_another_region_is_refused_at_once() -> None:
    async def scenario(session: Session, service: Service) -> None:
        token = TaskToken(task_id="t", region="ap-southeast-1").encode()
        with pytest.raises(ConfigurationError, match="region='ap-southeast-1'"):
            await session.attach(token)
        assert not service.ledger.requests

    play(scenario, base_url=None, region="cn-beijing")


BAD_SUBMITS: list[tuple[object, dict[str, object], str]] = [
    ([], {}, "at least one"),
    (urls(101), {}, "1 to 100"),
    ((url for url in urls(200)), {}, "1 to 100"),
    (iter(()), {}, "at least one"),
    (None, {}, "URLs or paths"),
    (b"https://h/a", {}, "URLs or paths"),
    ([17], {}, "URL or a path"),
    ([""], {}, "URL or a path"),
    (["ftp://h/a.wav"], {}, "no others"),
    (["s3://bucket/a.wav"], {}, "no others"),
    (["/nowhere/missing.wav"], {}, "no such file"),
    (["/"], {}, "directory"),
    (urls(1), {"speaker_count": 1, "diarization_enabled": True}, "2 to 100"),
    (urls(1), {"speaker_count": 2}, "diarization_enabled"),
    (urls(1), {"model": ""}, "model"),
    (urls(1), {"langage_hints": ["en"]}, "no such option"),
    (urls(1), {"options": {"model": "x"}}, "TranscriptionOptions"),
]


@pytest.mark.parametrize(("files", "options", "told"), BAD_SUBMITS)
async def test_bad_input_fails_before_anything_is_sent(
    server: EmulatorServer, session: Session, files: object, options: dict[str, object], told: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=told):
        await session.submit(files, **options)  # type: ignore[arg-type]
    assert not server.service.ledger.requests


@pytest.mark.parametrize("files_per_task", [0, 101, -1, 1.5, "many", True, None])
def test_a_bad_width_is_refused(files_per_task: object) -> None:
    with pytest.raises(InvalidArgumentError, match="files_per_task"):
        Session("sk-x", files_per_task=files_per_task)  # type: ignore[arg-type]


async def test_bad_input_of_a_batch_fails_when_it_is_asked_for(session: Session) -> None:
    with pytest.raises(InvalidArgumentError, match="files_per_task"):
        session.transcribe(urls(1), files_per_task=0)
    with pytest.raises(InvalidArgumentError, match="at least one"):
        session.transcribe([])
    with pytest.raises(InvalidArgumentError, match="speaker_count"):
        session.transcribe(urls(1), speaker_count=1, diarization_enabled=True)
    with pytest.raises(InvalidArgumentError, match="URLs or paths"):
        session.transcribe(17)  # type: ignore[arg-type]


async def test_reprs_and_statistics_show_what_is_going_on(server: EmulatorServer) -> None:
    session = Session(server.api_key, base_url=server.base_url)
    assert "not open" in repr(session)
    async with session:
        task = await session.submit(urls(2))
        assert "1 tasks in flight, 1 submitted" in repr(session)
        assert "PENDING, 0/2 files" in repr(task)
        await task
        assert "SUCCEEDED, 2/2 files" in repr(task)
        numbers = session.statistics()
        assert (numbers.tasks_submitted, numbers.tasks_completed, numbers.tasks_in_flight) == (1, 1, 0)
        assert (numbers.files_submitted, numbers.files_collected) == (2, 2)
        assert numbers.requests["submit"].sent == 1
        assert numbers.requests["query"].ceiling == pytest.approx(18.0)
    assert "closed" in repr(session)


async def test_no_secret_in_logs_and_reprs(server: EmulatorServer, caplog: pytest.LogCaptureFixture) -> None:
    secret = "https://h/a.wav?Signature=MARKED"
    with caplog.at_level(logging.DEBUG):
        async with Session("sk-emulator", base_url=server.base_url) as session:
            task = await session.submit([secret, "https://h/404.wav?Signature=MARKED"])
            results = await task
            seen = [repr(session), repr(task), repr(results), str(results[1].error), repr(session.statistics())]
            seen.append(repr(task.snapshot))
        async with Session("sk-MARKED", base_url=server.base_url) as wrong:
            with pytest.raises(FunASRError) as caught:
                await wrong.submit([secret])
            seen += [repr(wrong), str(caught.value), repr(caught.value)]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("aiofunasr")]
    for text in [*seen, *ours]:
        assert "MARKED" not in text
        assert "Signature=" not in text


async def test_a_fault_of_ours_is_heard_by_everyone(server: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Session(server.api_key, base_url=server.base_url) as session:
        task = await session.submit(urls(1))
        monkeypatch.setattr("aiofunasr.pipeline.poller.finish", None)
        with pytest.raises(SessionClosedError, match="background work failed") as caught:
            await task
        assert caught.value.token == task.token
        with pytest.raises(SessionClosedError):
            await session.submit(urls(1))


async def test_a_path_like_is_a_path(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    (result,) = await (await session.submit(tmp_path / "a.wav"))
    assert result.source == tmp_path / "a.wav"
    assert result.ok
