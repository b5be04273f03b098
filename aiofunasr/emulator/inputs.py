"""Fetch a task's input the way the service does, and name what goes wrong as it does.

The origin must answer 200 with a correct `Content-Length` and no more than 2 GB (protocol notes, sections 2.2
and 6.3).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aiohttp
import anyio
from yarl import URL

from aiofunasr.emulator.recognizer import FileProblemError, HeadInspector
from aiofunasr.emulator.settings import EmulatorSettings

_BLOCK_BYTES: Final = 2**20


def fetching_session(settings: EmulatorSettings) -> aiohttp.ClientSession:
    """Return an HTTP session for inputs: no cookies, no environment, bodies as the origin stores them."""
    return aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=settings.fetch_timeout, sock_read=settings.fetch_timeout
        ),
    )


async def fetch_input(
    session: aiohttp.ClientSession,
    file_url: str,
    target: Path,
    settings: EmulatorSettings,
    inspector: HeadInspector | None = None,
) -> None:
    """Download an `http(s)` input to a file, and no more of it than its first megabyte if `inspector` refuses that.

    Raises:
        FileProblemError: with the download code of the file.
    """
    try:
        url = URL(file_url, encoded=True)
        if not settings.allow_private_hosts and await _is_private(url):
            raise _download_failed()
        async with session.get(url) as response:
            _check_status(response.status)
            _check_length(response.content_length, settings)
            chunks = _bounded(response.content.iter_any(), settings.max_input_bytes)
            await write_blocks(target, chunks, response.content_length, inspector)
    except aiohttp.ClientPayloadError:
        raise FileProblemError("CONTENT_LENGTH_CHECK_FAILED") from None
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        raise _download_failed() from None


async def write_blocks(
    target: Path, chunks: AsyncIterator[bytes], length: int | None = None, inspector: HeadInspector | None = None
) -> None:
    """Write what arrives to a file, a megabyte at a time and away from the event loop.

    Where its `length` is known and it has more than a megabyte, `inspector` may look at the first.
    """
    async with await anyio.open_file(target, "wb") as file:
        block = bytearray()
        async for chunk in chunks:
            block += chunk
            if len(block) < _BLOCK_BYTES:
                continue
            await file.write(bytes(block))
            block.clear()
            if inspector is not None and length is not None:
                # Many containers have their length from that of the file; the rest is a hole until it is written.
                await file.truncate(length)
                await inspector.inspect(target)
                inspector = None
        await file.write(bytes(block))


def _check_status(status: int) -> None:
    if status == 200:
        return
    if status >= 500:
        raise FileProblemError("FILE_SERVER_ERROR")
    code = {403: "FILE_403_FORBIDDEN", 404: "FILE_404_NOT_FOUND"}.get(status)
    raise _download_failed() if code is None else FileProblemError(code)


def _check_length(length: int | None, settings: EmulatorSettings) -> None:
    if length is None and settings.require_content_length:
        raise FileProblemError("CONTENT_LENGTH_CHECK_FAILED")
    if length is not None and length > settings.max_input_bytes:
        raise FileProblemError("FILE_TOO_LARGE")


async def _bounded(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise FileProblemError("FILE_TOO_LARGE")
        yield chunk


async def _is_private(url: URL) -> bool:
    """Tell whether only this machine or network can reach a host; redirects are not looked at."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except OSError:
        raise _download_failed() from None
    return any(not ipaddress.ip_address(address[0]).is_global for *_, address in found)


def _download_failed() -> FileProblemError:
    return FileProblemError("InvalidFile.DownloadFailed", "The audio file cannot be downloaded.")
