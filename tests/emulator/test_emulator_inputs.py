"""Fetching a task's input: within its size, its length and the patience of the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import inf
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web
from speech.speech_media import DISPOSED, wav_header

from aiofunasr.emulator import EmulatorSettings
from aiofunasr.emulator.inputs import fetch_input, fetching_session
from aiofunasr.emulator.recognizer import FileProblemError
from aiofunasr.emulator.speech import default_recognizer

MEGABYTE = 2**20


class Origin:
    """A web server that says how much it will send, and counts how much it gets rid of."""

    def __init__(self) -> None:
        self.beginning = b""
        self.length = 0
        self.breaks_off_after: int | None = None
        self.says_its_length = True
        self.silent_after = inf
        self.over = anyio.Event()
        self.sent = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(self.length)} if self.says_its_length else {})
        await response.prepare(request)
        end = self.length if self.breaks_off_after is None else self.breaks_off_after
        block = self.beginning + bytes(MEGABYTE // 4 - len(self.beginning))
        while self.sent < end:
            if self.sent >= self.silent_after:
                await self.over.wait()
                break
            piece = block[: end - self.sent]
            await response.write(piece)
            self.sent += len(piece)
            block = bytes(MEGABYTE // 4)
        if self.breaks_off_after is not None:
            assert request.transport is not None
            request.transport.close()
        return response


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    made = Origin()
    application = web.Application()
    application.router.add_get("/a.wav", made.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/a.wav"
    yield made
    made.over.set()
    await runner.cleanup()


async def fetched(origin: Origin, target: Path, **changes: Any) -> str | None:
    """Fetch what the origin has, as a server with a recognizer does; return the code it failed with."""
    recognizer = default_recognizer()
    settings = EmulatorSettings(**changes)
    try:
        async with fetching_session(settings) as session:
            await fetch_input(session, origin.url, target, settings, recognizer)
    except FileProblemError as error:
        return error.code
    finally:
        await recognizer.aclose()
    return None


async def test_a_file_over_two_gigabytes_is_refused_by_its_content_length(origin: Origin, tmp_path: Path) -> None:
    origin.length = 2 * 2**30 + 1
    assert await fetched(origin, tmp_path / "a.wav") == "FILE_TOO_LARGE"
    assert origin.sent < 32 * MEGABYTE


async def test_a_file_of_two_gigabytes_is_not(origin: Origin, tmp_path: Path) -> None:
    """That it broke off is what is wrong with it, and its size is not."""
    origin.length, origin.breaks_off_after = 2 * 2**30, 3 * MEGABYTE
    assert await fetched(origin, tmp_path / "a.wav") == "CONTENT_LENGTH_CHECK_FAILED"


async def test_a_file_over_12_hours_is_not_fetched_to_its_end(origin: Origin, tmp_path: Path) -> None:
    origin.beginning, origin.length = wav_header(12 * 3600 + 1)
    assert await fetched(origin, tmp_path / "a.wav") == "AUDIO_DURATION_TOO_LONG"
    assert origin.length > 1_300 * MEGABYTE
    assert origin.sent < 32 * MEGABYTE


async def test_a_file_under_12_hours_is_fetched_whole(origin: Origin, tmp_path: Path) -> None:
    origin.beginning, origin.length = wav_header(100)
    target = tmp_path / "a.wav"
    assert await fetched(origin, target) is None
    content = origin.beginning + bytes(origin.length - len(origin.beginning))
    assert origin.sent == origin.length
    assert await anyio.Path(target).read_bytes() == content


async def test_a_small_file_is_fetched_as_it_is(origin: Origin, tmp_path: Path) -> None:
    origin.beginning = await anyio.Path(DISPOSED).read_bytes()
    origin.length = len(origin.beginning)
    target = tmp_path / "a.wav"
    assert await fetched(origin, target) is None
    assert await anyio.Path(target).read_bytes() == origin.beginning


@pytest.mark.parametrize(("required", "code"), [(True, "CONTENT_LENGTH_CHECK_FAILED"), (False, None)])
async def test_an_origin_may_have_to_say_how_much_it_sends(
    origin: Origin, tmp_path: Path, required: bool, code: str | None
) -> None:
    origin.beginning, origin.length = wav_header(1)
    origin.says_its_length = False
    target = tmp_path / "a.wav"
    assert await fetched(origin, target, require_content_length=required) == code
    assert await anyio.Path(target).exists() is (not required)


async def test_an_origin_without_a_length_sends_no_more_than_the_largest_file(origin: Origin, tmp_path: Path) -> None:
    origin.beginning, origin.length = wav_header(100)
    origin.says_its_length = False
    changes: dict[str, Any] = {"require_content_length": False, "max_input_bytes": MEGABYTE}
    assert await fetched(origin, tmp_path / "a.wav", **changes) == "FILE_TOO_LARGE"


@pytest.mark.parametrize("sent_before", [0, MEGABYTE])
async def test_an_origin_that_falls_silent_is_given_up(origin: Origin, tmp_path: Path, sent_before: int) -> None:
    origin.beginning, origin.length = wav_header(100)
    origin.silent_after = sent_before
    with anyio.fail_after(30):
        assert await fetched(origin, tmp_path / "a.wav", fetch_timeout=0.1) == "InvalidFile.DownloadFailed"
    assert origin.sent == sent_before
