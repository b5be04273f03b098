"""The emulated service behind a session's transport, without a socket between them."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from random import Random
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel

from aiofunasr.emulator import DEFAULT_API_KEY, EmulatorSettings, FaultPlan, HttpRequest, HttpResponse, Service
from aiofunasr.emulator.scripted import ScriptedRecognizer
from aiofunasr.errors import TransportError
from aiofunasr.session import Session
from aiofunasr.transport import OpenReply
from aiofunasr.wire.messages import FileBody, Request

EPOCH = 1_790_000_000.0
"""The time of day at which a local service's clock starts: it counts on with the loop's own."""

_CHUNK = 64 * 1024


class LocalTransport:
    """A transport that hands requests to a `Service` and does what its replies say, faults included.

    Args:
        service: The emulated service.
        clock: Its time of day.
        latency: Seconds that a request takes to arrive, and again its reply; both may be cut off meanwhile.
    """

    def __init__(self, service: Service, clock: Callable[[], float], *, latency: float = 0.02) -> None:
        self._service = service
        self._clock = clock
        self._latency = latency
        self.open_requests = 0
        self.closed = False

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[OpenReply]:
        """Send a request and enter with the head of its reply."""
        if self.closed:
            raise TransportError("the transport is closed", sent=False)
        self.open_requests += 1
        try:
            await anyio.sleep(self._latency)
            response = self._service.handle(await _as_http(request), self._clock())
            if response.drop == "silence":
                await anyio.sleep_forever()
            await anyio.sleep(self._latency + response.delay)
            if response.drop in {"before", "after"}:
                raise TransportError(f"the {request.kind} request failed: the connection was dropped", sent=True)
            yield _LocalReply(response, self._clock())
        finally:
            self.open_requests -= 1

    async def aclose(self) -> None:
        """Take no more requests."""
        self.closed = True


class _LocalReply:
    def __init__(self, response: HttpResponse, now: float) -> None:
        self._response = response
        self.status = response.status
        # Every HTTP server says what time it is.
        date = {"date": format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)}
        self.headers = date | {name.lower(): value for name, value in response.headers.items()}

    async def chunks(self) -> AsyncIterator[bytes]:
        body = self._response.body
        if self._response.stream is not None:
            async for piece in self._pieces(self._response.stream):
                yield piece
            return
        cut = self._response.drop == "truncate"
        whole = body[: len(body) // 2] if cut else body
        for begin in range(0, len(whole), _CHUNK):
            yield whole[begin : begin + _CHUNK]
        if cut:
            raise TransportError("the reply broke off", sent=True)

    async def _pieces(self, stream: Iterable[bytes]) -> AsyncIterator[bytes]:
        """Give a body that is too large to be held piece by piece, decompressed as an HTTP library does it."""
        inflater = zlib.decompressobj(wbits=31) if "content-encoding" in self.headers else None
        for piece in stream:
            # Where there is a wire, there is a pause for each piece, too.
            await anyio.lowlevel.checkpoint()
            yield piece if inflater is None else inflater.decompress(piece)


async def _as_http(request: Request) -> HttpRequest:
    parts = urlsplit(request.url)
    body = request.body or b""
    if isinstance(body, FileBody):
        body = body.head + await anyio.Path(body.path).read_bytes() + body.tail
    return HttpRequest(
        method=request.method,
        path=parts.path,
        query=parts.query,
        headers={"Host": parts.netloc, **request.headers},
        body=body,
    )


@asynccontextmanager
async def local_session(
    settings: EmulatorSettings | None = None,
    *,
    recognizer: ScriptedRecognizer | None = None,
    faults: FaultPlan | None = None,
    latency: float = 0.02,
    seed: int = 0,
    **session_arguments: Any,
) -> AsyncIterator[tuple[Session, Service]]:
    """Enter a session on an emulated service in this process; its clock follows the loop's.

    Args:
        settings: How the service behaves.
        recognizer: What it answers; by default something made up from each URL.
        faults: What goes wrong.
        latency: Seconds on the way, in each direction.
        seed: For the session's jitter, so that a run in virtual time can be repeated.
        **session_arguments: For `Session`.
    """

    def clock() -> float:
        return EPOCH + anyio.current_time()

    service = Service(settings or EmulatorSettings(), recognizer or ScriptedRecognizer(), faults or FaultPlan())
    transport = LocalTransport(service, clock, latency=latency)
    arguments: dict[str, Any] = {"api_key": DEFAULT_API_KEY, "base_url": service.base_url} | session_arguments
    async with Session(transport=transport, clock=clock, random=Random(seed), **arguments) as session:  # noqa: S311
        yield session, service
