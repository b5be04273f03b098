"""A service that answers with anything at all: callers get our errors, nobody hangs, and the session stays usable."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import hypothesis
import pytest
from hostile import NAMES, hostile
from hypothesis import given
from hypothesis import strategies as st

import aiofunasr
from aiofunasr import FunASRError, Session
from aiofunasr.emulator import EmulatorSettings, Service
from aiofunasr.wire.messages import Kind
from support import Rewriting, play, urls

DAYS = 3 * 86400.0
"""Of virtual time: longer than anything may wait, which is until the service has forgotten a task."""

QUICK = EmulatorSettings(queue_seconds=(0.0, 1.0), limits_enabled=False)

Act = Callable[[Session, Path], Coroutine[Any, Any, None]]


async def submit_and_wait(session: Session, _: Path) -> None:
    for result in await (await session.submit(urls(2, "task"))):
        assert result.ok or isinstance(result.error, FunASRError)


async def transcribe(session: Session, path: Path) -> None:
    results = await aiofunasr.transcribe([*urls(3, "batch"), path], session=session)
    assert sorted(result.index for result in results) == [0, 1, 2, 3]
    assert all(result.ok or isinstance(result.error, FunASRError) for result in results)
    # Texts are made when they are asked for.
    assert all(isinstance(result.text, str) for result in results)


async def cancel(session: Session, _: Path) -> None:
    task = await session.submit(urls(1, "cancelled"))
    await task.cancel()
    await task


async def list_tasks(session: Session, _: Path) -> None:
    await session.submit(urls(1, "listed"))
    rows = [row async for row in session.list_tasks(page_size=2)]
    assert len(rows) < 1000


async def attach(session: Session, _: Path) -> None:
    task = await session.attach("some-task")
    for result in await task:
        assert result.ok or isinstance(result.error, FunASRError)


ACTS: list[Act] = [submit_and_wait, transcribe, cancel, list_tasks, attach]


class Hostile:
    """Puts bodies in place of the first replies of one kind."""

    def __init__(self, kind: Kind, bodies: list[bytes]) -> None:
        self._kind = kind
        self.left = bodies[::-1]

    def __call__(self, kind: Kind, body: bytes) -> bytes:
        return self.left.pop() if kind is self._kind and self.left else body


@pytest.mark.parametrize("kind", list(NAMES))
@hypothesis.settings(max_examples=40, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_answered_the_session_goes_on(kind: Kind, tmp_path: Path, data: st.DataObject) -> None:
    bodies = data.draw(st.lists(hostile(NAMES[kind]), min_size=1, max_size=6))
    act = data.draw(st.sampled_from(ACTS))
    path = tmp_path / "a-5s.wav"
    path.write_bytes(b"RIFF")

    async def scenario(session: Session, service: Service) -> None:
        Rewriting(session, rewrite := Hostile(kind, bodies))
        with anyio.fail_after(DAYS):
            try:
                await act(session, path)
            except FunASRError as error:
                str(error).encode()
        repr(session.statistics()).encode()
        rewrite.left.clear()
        results = await aiofunasr.transcribe(urls(2, "after"), session=session)
        assert [result.ok for result in results] == [True, True]
        assert not service.ledger.duplicates()
        for token in session.tokens:
            aiofunasr.TaskToken.decode(token)

    play(scenario, QUICK)


@pytest.mark.parametrize("kind", [Kind.SUBMIT, Kind.LIST, Kind.CANCEL, Kind.UPLOAD_POLICY, Kind.UPLOAD, Kind.DOWNLOAD])
@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b"null", b'{"output": {}, "data": []}', b"\xff\xfe{}"])
def test_what_is_always_answered_wrong_ends_with_our_error(kind: Kind, body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a-5s.wav"
    path.write_bytes(b"RIFF")

    async def scenario(session: Session, service: Service) -> None:
        Rewriting(session, lambda seen, real: body if seen is kind else real)
        for act in ACTS:
            with anyio.fail_after(DAYS):
                try:
                    await act(session, path)
                except FunASRError as error:
                    str(error).encode()
        assert not service.ledger.duplicates()

    play(scenario, QUICK)


@pytest.mark.parametrize("body", [b"", b'{"output": {"task_id": "x", "task_status": "RUNNING"}}'])
def test_a_task_whose_queries_never_make_sense_is_given_up_after_a_day(body: bytes) -> None:
    async def scenario(session: Session, _: Service) -> None:
        Rewriting(session, lambda seen, real: body if seen is Kind.QUERY else real)
        task = await session.submit(urls(1))
        with anyio.fail_after(DAYS):
            (result,) = await task
        assert isinstance(result.error, FunASRError)
        assert result.error.token == task.token

    # Listed tasks would be asked about by id again and again all the same.
    play(scenario, EmulatorSettings(list_enabled=False))
