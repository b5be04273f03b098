"""Results are fetched at once, as they were signed, without the key, and again when that fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
import pytest

from aiofunasr import Limits, ReplyTooLargeError, Session, TransportError
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, Fault, FaultPlan, ScriptedRecognizer, Service
from aiofunasr.transport import OpenReply, Transport
from aiofunasr.wire.messages import Kind, Request
from support import play, urls


@pytest.mark.parametrize(
    "fault",
    [Fault.drop_before(), Fault.truncated(), Fault.error(500), Fault.error(503, html=True), Fault.html_page()],
    ids=["drop", "truncated", "500", "503", "web page"],
)
def test_a_failed_download_is_done_again(fault: Fault) -> None:
    async def scenario(session: Session, service: Service) -> None:
        results = await (await session.submit(urls(3)))
        assert all(result.ok and result.text for result in results)
        assert session.statistics().downloads_retried == 5

    play(scenario, faults=FaultPlan().on("result", fault, range(1, 6)))


def test_a_document_over_the_bound_is_that_files_error() -> None:
    async def scenario(session: Session, _: Service) -> None:
        (result,) = await (await session.submit(urls(1)))
        assert isinstance(result.error, ReplyTooLargeError)
        assert "larger than 100 bytes" in str(result.error)
        assert session.statistics().downloads_retried == 0

    play(scenario, limits=Limits(result_bytes=100))


def test_results_that_fail_again_and_again_hold_up_no_others() -> None:
    class FailingForFirst:
        """Breaks every download of the first so many results."""

        def __init__(self, inner: Transport, count: int) -> None:
            self._inner = inner
            self._left = count
            self._broken: set[str] = set()

        def open(self, request: Request) -> AbstractAsyncContextManager[OpenReply]:
            if len(self._broken) < self._left:
                self._broken.add(request.url)
            if request.url in self._broken:
                raise TransportError("broken", sent=True)
            return self._inner.open(request)

        async def aclose(self) -> None:
            await self._inner.aclose()

    async def scenario(session: Session, _: Service) -> None:
        session._engine.collector._transport = FailingForFirst(session._engine.gateway.transport, 4)
        broken = await session.submit(urls(4, "broken"))
        while not session.statistics().downloads_retried:  # noqa: ASYNC110
            await anyio.sleep(0.5)
        other = await session.submit(urls(2))
        assert all(result.ok for result in await other)
        assert not broken.done
        assert {type(result.error) for result in await broken} == {TransportError}

    play(scenario, EmulatorSettings.instant(), limits=Limits(downloads=2))


def test_no_more_downloads_than_allowed_run_at_once() -> None:
    most = 0

    class Counting:
        def __init__(self, inner: Transport) -> None:
            self._inner = inner
            self.running = 0

        @asynccontextmanager
        async def open(self, request: Request) -> AsyncIterator[OpenReply]:
            nonlocal most
            self.running += request.kind is Kind.DOWNLOAD
            most = max(most, self.running)
            try:
                async with self._inner.open(request) as reply:
                    yield reply
            finally:
                self.running -= request.kind is Kind.DOWNLOAD

        async def aclose(self) -> None:
            await self._inner.aclose()

    async def scenario(session: Session, _: Service) -> None:
        session._engine.collector._transport = Counting(session._engine.gateway.transport)
        results = await (await session.submit(urls(40)))
        assert len(results) == 40
        assert most == 5

    play(scenario, limits=Limits(downloads=5))


async def test_a_download_shows_the_origin_neither_key_nor_another_url(server: EmulatorServer) -> None:
    """The emulator refuses altered links and foreign authorization, as the storage does."""
    async with Session(server.api_key, base_url=server.base_url) as session:
        (result,) = await (await session.submit(["https://h/x.wav"]))
        assert result.ok
        assert result.transcription_url is not None
        assert "%3A" in result.transcription_url


async def test_a_long_document_is_decoded_beside_the_loop() -> None:
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = anyio.current_time()
            await anyio.sleep(0.001)
            longest = max(longest, anyio.current_time() - before)

    recognizer = ScriptedRecognizer(duration_seconds=lambda url: 3600.0)
    async with (
        EmulatorServer(settings=EmulatorSettings.instant(), recognizer=recognizer) as server,
        Session(server.api_key, base_url=server.base_url) as session,
        anyio.create_task_group() as group,
    ):
        group.start_soon(watch)
        (result,) = await (await session.submit(["https://h/long.wav"]))
        group.cancel_scope.cancel()
    assert result.transcript is not None
    assert len(result.transcript.words) > 3000
    assert longest > 0.0
