"""However large, compressed or deep a reply is, memory stays bounded and the others get theirs."""

from __future__ import annotations

import asyncio
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import anyio
import pytest

from aiofunasr import InvalidReplyError, Limits, ReplyTooLargeError, Session, Timeouts, TransportError
from aiofunasr.emulator import EmulatorServer, EmulatorSettings
from aiofunasr.time_limit import TimeLimit
from aiofunasr.transport import HttpTransport, fetch
from aiofunasr.wire.compression import PIECE
from aiofunasr.wire.documents import read_transcript
from aiofunasr.wire.messages import Kind, Reply, Request
from aiofunasr.wire.replies import read_refusal, read_snapshot
from support import Rewriting, urls

LIMIT = 2 * 1024 * 1024


def _zeros(count: int) -> tuple[bytes, bytes]:
    """Return the beginning of a gzip stream, and a block of it that stands for so many zeros however often it comes."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    beginning = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    return beginning, packer.compress(bytes(count)) + packer.flush(zlib.Z_FULL_FLUSH)


BOMB_BEGINNING, BOMB_BLOCK = _zeros(16 * 1024 * 1024)


@asynccontextmanager
async def answering(head: str, first: bytes, then: bytes = b"", times: int = 0) -> AsyncIterator[str]:
    """Serve one reply to whoever comes: a head, a beginning, and a part that comes again and again."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n".encode() + first)
            for _ in range(times):
                writer.write(then)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def get(url: str, http: aiohttp.ClientSession | None = None) -> Reply:
    transport = HttpTransport(Timeouts(), http=http)
    try:
        request = Request(kind=Kind.DOWNLOAD, method="GET", url=url)
        return await fetch(transport, request, within=TimeLimit(30), limit=LIMIT)
    finally:
        await transport.aclose()


@pytest.mark.parametrize("own", [True, False], ids=["our session", "the caller's"])
@pytest.mark.parametrize(
    ("head", "first", "then"),
    [
        ("Content-Length: 1073741824\r\n", b"", b"x" * 65536),
        ("", b"[", b"1," * 32768),
        ("Content-Encoding: gzip\r\n", BOMB_BEGINNING, BOMB_BLOCK),
        ("Content-Encoding: gzip\r\nContent-Length: 1048576\r\n", BOMB_BEGINNING, BOMB_BLOCK),
    ],
    ids=["a gigabyte that is announced", "an endless one", "an endless bomb", "a bomb of a megabyte"],
)
async def test_a_reply_that_is_too_large_takes_no_more_room_than_allowed(
    head: str, first: bytes, then: bytes, own: bool
) -> None:
    async with answering(head, first, then, 64) as url, aiohttp.ClientSession() as http:
        tracemalloc.start()
        try:
            with pytest.raises(ReplyTooLargeError):
                await get(url, None if own else http)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 3 * LIMIT + 4 * 1024 * 1024


async def test_a_bomb_is_unpacked_in_small_pieces() -> None:
    async with answering("Content-Encoding: gzip\r\n", BOMB_BEGINNING, BOMB_BLOCK, 1) as url:
        transport = HttpTransport(Timeouts())
        largest = 0
        with pytest.raises(TransportError, match="broke off"):
            async with transport.open(Request(kind=Kind.DOWNLOAD, method="GET", url=url)) as reply:
                async for piece in reply.chunks():
                    largest = max(largest, len(piece))
        await transport.aclose()
    assert largest == PIECE


@pytest.mark.parametrize(
    ("head", "body", "message"),
    [
        ("Content-Encoding: br\r\n", b"x", "not asked for"),
        ("Content-Encoding: gzip\r\n", b"<html>", "damaged"),
        ("Content-Encoding: gzip\r\n", BOMB_BEGINNING, "broke off"),
        ("Content-Length: 10\r\n", b"[", "failed"),
        ("Transfer-Encoding: chunked\r\n", b"ffffffffffffffffff\r\nx", "failed"),
        ("Transfer-Encoding: chunked\r\n", b"2\r\n[]\r\n", "failed"),
        (f"X: {'x' * 70_000}\r\n", b"", "failed"),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_transport_error(head: str, body: bytes, message: str) -> None:
    async with answering(head, body) as url:
        with pytest.raises(TransportError, match=message) as caught:
            await get(url)
    assert caught.value.sent
    assert len(str(caught.value)) < 1000


async def test_a_hostile_result_host_holds_up_no_other_file() -> None:
    """The links of one file lead to an endless bomb; the second file's document comes from the emulator."""
    limits = Limits(result_bytes=LIMIT, downloads=1)
    async with (
        answering("Content-Encoding: gzip\r\n", BOMB_BEGINNING, BOMB_BLOCK, 1000) as bomb,
        EmulatorServer(settings=EmulatorSettings.instant()) as server,
        Session(server.api_key, base_url=server.base_url, limits=limits) as session,
    ):

        def mislead(kind: Kind, body: bytes) -> bytes:
            if kind is not Kind.QUERY or b"bad" not in body:
                return body
            return body.replace(f"{server.service.public_url}/".encode(), bomb.encode())

        plain = session._engine.collector._transport
        Rewriting(session, mislead)
        # It reads whole replies, which is what must not be done to this one.
        session._engine.collector._transport = plain
        bad = await session.submit(["https://h/bad-5s.wav"])
        with anyio.fail_after(30):
            (good,) = await (await session.submit(urls(1)))
            (result,) = await bad
    assert good.ok
    assert isinstance(result.error, ReplyTooLargeError)
    assert result.error.token == bad.token


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"output":{"results":['])
@pytest.mark.parametrize("depth", [900, 3000, 100_000])
def test_a_document_of_any_depth_is_our_error_or_none(opening: bytes, depth: int) -> None:
    deep = opening * depth
    for body in (deep, b'{"output": {"task_id": "t", "task_status": ' + deep, b'{"message": ' + deep):
        with pytest.raises(InvalidReplyError):
            read_snapshot(Reply(status=200, body=body), "t")
        with pytest.raises(InvalidReplyError):
            read_transcript(body)
        assert read_refusal(Reply(status=400, body=body)).status == 400
