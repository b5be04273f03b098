"""No key, token or signature in anything a person may come to read, whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import hypothesis
import pytest
from hostile import NAMES, hostile
from hypothesis import given
from hypothesis import strategies as st
from marks import KEY, MARK, TEMPORARY, Marks, assert_no_marks, signed

import aiofunasr
from aiofunasr import EventSignatureError, Limits, Session, Timeouts, TokenProvider
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.errors import FunASRError
from aiofunasr.pipeline import collector, gateway, uploads
from aiofunasr.settings import Account
from aiofunasr.wire.messages import Kind
from support import Rewriting, play

SETTINGS = EmulatorSettings(
    queue_seconds=(0.0, 1.0), api_keys={KEY: "emulator", TEMPORARY: "emulator"}, limits_enabled=False
)
INPUTS = [signed(f"https://media.example/call-{number}-5s.wav") for number in range(3)]
BAD = signed("https://media.example/404.wav")

FAULTS = {
    "none": None,
    "dropped before": Fault.drop_before(),
    "dropped after": Fault.drop_after(),
    "truncated": Fault.truncated(),
    "a web page": Fault.html_page(),
    "500": Fault.error(500),
    "503 html": Fault.error(503, html=True),
    "401": Fault.error(401, "InvalidApiKey", f"Invalid API-key provided: {KEY}, {TEMPORARY}."),
    "403": Fault.error(403, "AccessDenied", f"Access denied. {INPUTS[0]} Authorization: Bearer {KEY}"),
    "404": Fault.error(404, "NotFound", f"no {BAD}"),
    "400": Fault.error(400, f"InvalidParameter {KEY}", f'{{"url": "{INPUTS[0]}", "Signature": "{MARK}"}}'),
    "429": Fault.throttled("Throttling.AllocationQuota"),
    "expired": Fault.expired(),
    "slow": Fault.delayed(2000.0),
    "another task": Fault.answer_for_another_task(),
}
KINDS = ["submit", "query", "list", "cancel", "policy", "upload", "result", "token", "vocabulary"]


@pytest.fixture(autouse=True)
def _quickly_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "TRIES", 3)
    for module in (gateway, uploads):
        monkeypatch.setattr(module, "TRIES", 2)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local-5s.wav"
    path.write_bytes(b"RIFF")
    return path


def operations(session: Session, marks: Marks, local: Path) -> list[Callable[[], Any]]:
    """Return all that can be done besides transcribing."""

    async def uploaded() -> None:
        marks.see("upload", await session.upload(local), await session.upload(b"RIFF", name="secret.wav"))

    async def a_token() -> None:
        provider = TokenProvider(session)
        marks.see("token", await provider.token(), provider, await session.create_token())

    async def a_vocabulary() -> None:
        async with session.vocabulary(["word"]) as vocabulary:
            marks.see("vocabulary", vocabulary, session.vocabularies)

    async def an_event() -> None:
        headers = {"X-Eventbridge-Signature-Url": signed("https://cn-beijing-eventbridge.evil.example/x.pem")}
        with pytest.raises(EventSignatureError) as caught:
            await session.verify_event(headers | {"X-Eventbridge-Signature-Token": MARK}, b"{}", url=INPUTS[0])
        marks.see("event", caught.value)

    return [uploaded, a_token, a_vocabulary, an_event]


async def everything(session: Session, marks: Marks, local: Path) -> None:
    """Use all of a session, and show all there is to see."""

    async def see(what: str, act: Callable[[], Any]) -> None:
        try:
            with anyio.move_on_after(3 * 86400):
                await act()
        except FunASRError as error:
            marks.see(what, error)

    async def a_task() -> None:
        task = await session.submit([*INPUTS, BAD])
        marks.see("task", task, task.progress)
        marks.see_token("task", task.token)
        try:
            marks.see("result", *await task.wait(3600))
        finally:
            marks.see("task", task, task.progress, task.snapshot)
        attached = await session.attach(task.token)
        marks.see("result of an attached task", *await attached)

    async def a_batch() -> None:
        async with session.transcribe([*INPUTS, BAD, local]) as batch:
            async for result in batch:
                marks.see("result", result)
                marks.see("batch", batch, batch.progress)

    async def cancelled() -> None:
        task = await session.submit(INPUTS)
        try:
            await task.cancel()
        finally:
            marks.see("task", task)

    async def too_late() -> None:
        await (await session.submit(INPUTS)).wait(0.01)

    async def listed() -> None:
        marks.see("row", *[row async for row in session.list_tasks()])

    for act in (a_task, a_batch, cancelled, too_late, listed, *operations(session, marks, local)):
        await see(act.__name__, act)
    marks.see_session(session)


@asynccontextmanager
async def watched(marks: Marks, caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Collect all there is in the logs, from the first word on."""
    caplog.set_level(logging.DEBUG)
    yield
    marks.see_logs(caplog.records)


@pytest.mark.parametrize("name", list(FAULTS))
@pytest.mark.parametrize("key", [KEY, TEMPORARY])
def test_nothing_shows_whatever_goes_wrong(name: str, key: str, local: Path, caplog: pytest.LogCaptureFixture) -> None:
    fault = FAULTS[name]
    marks = Marks()

    async def provide() -> str:
        return key

    async def scenario(session: Session, service: Service) -> None:
        Rewriting(session, marks.learn)
        for kind in KINDS if fault is not None else ["none"]:
            service.faults = FaultPlan() if fault is None else FaultPlan().on(kind, fault, range(1, 30))
            async with watched(marks, caplog):
                await everything(session, marks, local)
            caplog.clear()
        await session.aclose()
        marks.see_session(session)
        with pytest.raises(FunASRError) as caught:
            await session.submit(INPUTS)
        marks.see("what is closed", caught.value)

    journal = local.parent / "journal" / "batch.db"
    journal.parent.mkdir()
    arguments: dict[str, Any] = {"api_key": provide} if key is TEMPORARY else {"api_key": key, "journal": journal}
    play(scenario, SETTINGS, **arguments)
    assert len(marks.secrets) > 1
    if key is KEY:
        assert assert_no_marks([journal.parent], marks.secrets) >= 1
        stored = list(stored_in(journal))
        assert fault is not None or any('"sentences"' in text for text in stored)
        for text in stored:
            marks.see_text("journal", text)
    marks.assert_none()


def stored_in(journal: Path) -> Iterator[str]:
    """Go through all that a journal holds, transcripts unpacked."""
    with closing(sqlite3.connect(journal)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608
                for value in row:
                    packed = table == "results" and isinstance(value, bytes)
                    yield zlib.decompress(value).decode() if packed else str(value)


@pytest.mark.parametrize("kind", list(NAMES))
@hypothesis.settings(max_examples=8, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_shows_of_hostile_replies(
    kind: Kind, local: Path, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    body = data.draw(hostile(NAMES[kind]))
    echo = json.dumps({"key": KEY, "url": INPUTS[0], "Signature": MARK, "policy": MARK}).encode()
    body = data.draw(st.sampled_from([body, echo + body, body[:-1] + b"," + echo, echo.replace(b"/", b"\\/")]))
    marks = Marks()

    async def scenario(session: Session, _: Service) -> None:
        left = 20

        def rewrite(seen: Kind, real: bytes) -> bytes:
            nonlocal left
            left -= seen is kind
            return body if seen is kind and left > 0 else real

        Rewriting(session, rewrite)
        async with watched(marks, caplog):
            await everything(session, marks, local)

    caplog.clear()
    play(scenario, SETTINGS, api_key=KEY)
    marks.assert_none()


@pytest.mark.parametrize("after", [0.0, 0.01, 0.05, 0.5])
async def test_nothing_shows_over_sockets_nor_when_cancelled(
    after: float, local: Path, caplog: pytest.LogCaptureFixture
) -> None:
    marks = Marks()
    asyncio.get_running_loop().set_debug(True)
    faults = FaultPlan().sometimes("query", Fault.drop_before(), 0.2).sometimes("result", Fault.truncated(), 0.3)
    settings = SETTINGS.replace(queue_seconds=(0.0, 0.2), min_processing_seconds=0.0)
    async with (
        watched(marks, caplog),
        EmulatorServer(settings=settings, faults=faults) as server,
        Session(KEY, base_url=server.base_url, timeouts=Timeouts(request=2.0)) as session,
    ):
        running = asyncio.create_task(everything(session, marks, local))
        await asyncio.sleep(after)
        running.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await running
        marks.see("cancellation", caught.value)
        results = await aiofunasr.transcribe(INPUTS, session=session)
        marks.see("result", *results)
        marks.see_session(session)
    # The emulator's own application log is no concern of a client's.
    marks.assert_none()


async def test_nothing_shows_where_nobody_answers(local: Path, caplog: pytest.LogCaptureFixture) -> None:
    marks = Marks()
    places = ("http://127.0.0.1:9/api/v1", "http://[::1]:9/api/v1")
    async with watched(marks, caplog):
        for place in places:
            async with Session(KEY, base_url=place, timeouts=Timeouts(connect=1.0)) as session:
                for act in (session.submit, session.cancel):
                    with pytest.raises(FunASRError) as caught:
                        await act("some-task" if act == session.cancel else INPUTS[0])
                    marks.see("refused connection", caught.value)
    marks.assert_none()


def test_nothing_shows_of_settings() -> None:
    marks = Marks()

    async def provide() -> str:
        return KEY

    marks.see("settings", Limits(), Timeouts(), Account("https://h/api/v1", None, None, KEY))
    marks.see("session", Session(KEY), Session(provide), Session(TEMPORARY, base_url="https://h/api/v1"))
    for wrong in (
        {"api_key": f"{KEY} "},
        {"api_key": KEY, "base_url": f"https://user:{MARK}@h/api/v1"},
        {"api_key": KEY, "base_url": f"https://h/api/v1?Signature={MARK}"},
        {"api_key": KEY, "region": KEY},
        {"api_key": KEY, "workspace": f"{KEY}/"},
        {"api_key": f"{KEY}\n"},
        {"api_key": ""},
    ):
        with pytest.raises(FunASRError) as caught:
            Session(**wrong)  # type: ignore[arg-type]
        # The arguments themselves are local values of whoever makes a session, and of the session's own maker.
        marks.see_error("wrong settings", caught.value, local_values=False)
    for wrong_token in (KEY, f"fasr1.{KEY}", INPUTS[0], f"{KEY} {KEY}"):
        try:
            aiofunasr.TaskToken.decode(wrong_token)
        except FunASRError as error:
            marks.see("wrong token", error)
    marks.assert_none()


def test_files_can_be_searched(tmp_path: Path) -> None:
    (tmp_path / "clean.db").write_bytes(b"x")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "batch.db-wal").write_bytes(b"\x00" + MARK.encode())
    assert assert_no_marks([tmp_path / "clean.db"]) == 1
    with pytest.raises(AssertionError, match=r"batch\.db-wal"):
        assert_no_marks([tmp_path])
