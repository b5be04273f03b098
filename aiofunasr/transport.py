"""The only door to the network.

A session takes any object with the small interface `Transport`; `HttpTransport` is the one that speaks HTTP. It turns
every failure of the HTTP library into a `TransportError` that says whether the request may have reached the service,
which is all that decides whether a submit may be sent again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp
import anyio
import anyio.lowlevel
from yarl import URL

from aiofunasr.errors import FunASRError, ReplyTooLargeError, RequestTimeoutError, TransportError, UsageError
from aiofunasr.redaction import redact
from aiofunasr.settings import Timeouts
from aiofunasr.time_limit import TimeLimit
from aiofunasr.wire.compression import ACCEPTED, PIECE, Unpacker
from aiofunasr.wire.messages import FileBody, Kind, Reply, Request

_UPLOAD_CHUNK = 256 * 1024

# Raised before a byte of the request has left: name look-up, TCP, TLS, a proxy that refuses.
_NOTHING_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientProxyConnectionError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)

# The last two come of a URL or a session the library cannot work with.
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError, RuntimeError)


class OpenReply(Protocol):
    """A reply whose body is still to be read; its headers are found by their names in lower case."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Read the body piece by piece, decompressed.

        Raises:
            TransportError: It broke off.
        """
        ...


class Transport(Protocol):
    """What a session needs of the network."""

    def open(self, request: Request) -> AbstractAsyncContextManager[OpenReply]:
        """Send a request and enter with the head of its reply.

        Raises:
            TransportError: There is no reply; `sent` says whether the service may have seen the request.
        """
        ...

    async def aclose(self) -> None:
        """Close what the transport opened itself."""
        ...


Taker = Callable[[bytes], Awaitable[None]]
"""Takes the pieces of a body as they come."""


async def fetch(
    transport: Transport,
    request: Request,
    *,
    within: TimeLimit,
    limit: int,
    taker: Taker | None = None,
) -> Reply:
    """Send a request and read its whole reply, of at most `limit` bytes, `within` a time.

    With a `taker` the body of a reply with status 200 goes to it, piece by piece, and that of the reply is empty. No
    more is received while it works.

    Cancelled in the middle, the connection is closed; whether the service acts on the request is then not known.

    Raises:
        TransportError: There is no whole reply.
        ReplyTooLargeError: The reply is larger than `limit`.
    """
    try:
        with within.begin():
            async with transport.open(request) as reply:
                return Reply(status=reply.status, headers=reply.headers, body=await _read(reply, limit, taker))
    except TransportError as error:
        # Below it hangs the HTTP library's own error, which shows URL and headers to whoever prints a traceback.
        error.__context__ = None
        raise
    except TimeoutError:
        # Ours, or one of somebody's own transport.
        pass
    bound = "in time" if within.seconds is None else f"within {within.seconds:g} s"
    raise RequestTimeoutError(f"the {request.kind} request had no whole reply {bound}", sent=True)


async def _read(reply: OpenReply, limit: int, taker: Taker | None) -> bytes:
    # Said beforehand, it need not be waited for; compressed, a body is seldom longer than it will be.
    said = reply.headers.get("content-length", "")
    if said.isdecimal() and len(said) < 20 and int(said) > limit:
        raise _too_large(reply, limit)
    if taker is not None and reply.status == 200:
        length = 0
        async for chunk in reply.chunks():
            length += len(chunk)
            if length > limit:
                raise _too_large(reply, limit)
            await taker(chunk)
        return b""
    # Not a list of pieces: of a body that comes byte by byte, that would take fifty times the room.
    body = bytearray()
    async for chunk in reply.chunks():
        body += chunk
        if len(body) > limit:
            raise _too_large(reply, limit)
    return bytes(body)


def _too_large(reply: OpenReply, limit: int) -> ReplyTooLargeError:
    return ReplyTooLargeError(f"the reply is larger than {limit} bytes", status=reply.status)


class HttpTransport:
    """The transport over aiohttp.

    Args:
        timeouts: Connect and idle time-outs; the whole of a request is bounded by `fetch`.
        http: The caller's own client session, which is used and never closed; by default one is made when it is first
            needed.
        trust_env: Use the proxies of the environment.
    """

    def __init__(
        self, timeouts: Timeouts, *, http: aiohttp.ClientSession | None = None, trust_env: bool = False
    ) -> None:
        self._http = http
        self._owned: aiohttp.ClientSession | None = None
        self._trust_env = trust_env
        # `connect` takes in the name look-up, and the wait for a place in the caller's own pool.
        whole = aiohttp.ClientTimeout(total=None, connect=timeouts.connect)
        watched = aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_read=timeouts.idle)
        bounds = {Kind.SUBMIT: timeouts.submit, Kind.DOWNLOAD: timeouts.download}
        # What may take no longer in all than it may be idle needs no second clock. While an upload is sent nothing
        # comes back, however long that takes.
        self._timeouts = {
            kind: watched if kind is not Kind.UPLOAD and bounds.get(kind, timeouts.request) > timeouts.idle else whole
            for kind in Kind
        }

    def open(self, request: Request) -> AbstractAsyncContextManager[OpenReply]:
        """Send a request and enter with the head of its reply."""
        return _Exchange(self, request)

    def start(self, request: Request) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Hand a request to the HTTP library."""
        return self._session().request(
            request.method,
            # Encoded already and perhaps signed: any rewriting would break it.
            URL(request.url, encoded=True),
            headers={"Accept-Encoding": ACCEPTED, **request.headers},
            # Unpacked here, in bounded pieces, whatever release of the HTTP library and whose session it is.
            auto_decompress=False,
            data=_stream(request.body) if isinstance(request.body, FileBody) else request.body,
            timeout=self._timeouts[request.kind],
            # A redirect of an API request would carry the key to a stranger.
            allow_redirects=request.kind is Kind.DOWNLOAD,
            raise_for_status=False,
        )

    async def aclose(self) -> None:
        """Close the client session, unless it is the caller's."""
        if self._owned is not None:
            await self._owned.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is not None:
            if self._http.closed:
                raise UsageError("the aiohttp.ClientSession given as http= is closed")
            return self._http
        if self._owned is None:
            self._owned = aiohttp.ClientSession(
                # The session's own limits bound the requests in flight; a pool limit would only hide waiting.
                # A connection the server just closed makes the outcome of a submit unknown, so idle ones are given up
                # well before a server does.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=10),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=self._trust_env,
            )
        return self._owned


class _Exchange:
    """One request and its reply, with the HTTP library's errors made ours; written out because each request has one."""

    __slots__ = ("_exchange", "_request", "_transport")

    def __init__(self, transport: HttpTransport, request: Request) -> None:
        self._transport = transport
        self._request = request

    async def __aenter__(self) -> OpenReply:
        try:
            self._exchange = self._transport.start(self._request)
            return _HttpReply(await self._exchange.__aenter__())
        except _FAILURES as error:
            raise self._failure(error) from None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._exchange.__aexit__(kind, error, traceback)
        except _FAILURES as failure:
            raise self._failure(failure) from None
        if isinstance(error, _FAILURES) and not isinstance(error, FunASRError):
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> Exception:
        return error if isinstance(error, FunASRError) else _transport_error(self._request, error)


class _HttpReply:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        # A mapping that does not care about case.
        self.headers = response.headers

    def chunks(self) -> AsyncIterator[bytes]:
        received = _Received(self._response.content)
        encoding = self.headers.get("content-encoding", "identity")
        return received if encoding.lower() in {"identity", ""} else _Unpacked(received, Unpacker(encoding))


class _Received:
    """The pieces of a body as they come; of a short one, the first is often the last, and known to be."""

    __slots__ = ("_content",)

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        # Reading raises what went wrong, if anything did.
        ended = self._content.at_eof() and self._content.exception() is None
        piece = b"" if ended else await self._content.readany()
        if not piece:
            raise StopAsyncIteration
        return piece


class _Unpacked:
    """The pieces of a compressed body; no generator, which would have to be closed where it is left."""

    def __init__(self, received: AsyncIterator[bytes], unpacker: Unpacker) -> None:
        self._received = received
        self._unpacker = unpacker
        self._pieces: Iterator[bytes] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while (piece := next(self._pieces, None)) is None:
            try:
                self._pieces = self._unpacker.feed(await anext(self._received))
            except StopAsyncIteration:
                self._unpacker.close()
                raise
        if len(piece) == PIECE:
            # There may be very many in what was received, and others want to run.
            await anyio.lowlevel.checkpoint()
        return piece


async def _stream(body: FileBody) -> AsyncIterator[bytes]:
    """Give the body piece by piece, a file read off the loop; its length was promised, so a changed one is an error.

    The next piece is asked for when the one before has left.
    """
    yield body.head
    if isinstance(body.content, bytes):
        view = memoryview(body.content)
        for begin in range(0, len(view), _UPLOAD_CHUNK):
            piece = bytes(view[begin : begin + _UPLOAD_CHUNK])
            yield piece
            body.count(len(piece))
    else:
        left = body.file_size
        async with await anyio.open_file(body.content, "rb") as file:
            while left:
                chunk = await file.read(min(_UPLOAD_CHUNK, left))
                if not chunk:
                    raise OSError(f"{body.content} became shorter while it was uploaded")
                left -= len(chunk)
                yield chunk
                body.count(len(chunk))
    yield body.tail


def _transport_error(request: Request, error: Exception) -> TransportError:
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if "?" in request.url:
        what = what.replace(request.url.partition("?")[2], "***")
    message = redact(f"the {request.kind} request failed: {what}")
    sent = not isinstance(error, _NOTHING_SENT)
    kind: Any = RequestTimeoutError if isinstance(error, TimeoutError) else TransportError
    return kind(message, sent=sent)  # type: ignore[no-any-return]
