"""The way to the service, with a latency and without a socket; what arrives is measured for every policy alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import anyio

from aiofunasr.emulator import HttpRequest, Service
from aiofunasr.testing.local import EPOCH
from aiofunasr.transport import OpenReply
from aiofunasr.wire.messages import Kind, Reply, Request

LATENCY: Final = 0.02
"""Seconds on the way, in each direction."""

_TERMINAL: Final = tuple(b'"task_status":"%s"' % status for status in (b"SUCCEEDED", b"FAILED", b"CANCELED"))


def clock() -> float:
    """Return the time of day in the run."""
    return EPOCH + anyio.current_time()


def is_terminal(reply: Reply) -> bool:
    """Say whether a query's reply tells of a task's end."""
    return reply.status == 200 and any(status in reply.body for status in _TERMINAL)


class Wire:
    """A transport, as a `Session` takes it, that notes when the end of each task first becomes known to its client."""

    def __init__(self, service: Service, on_end: Callable[[], None]) -> None:
        self._service = service
        self._on_end = on_end
        self.base_url = service.base_url
        self.seen: dict[str, float] = {}
        """Task id to the moment at which the first reply with a terminal status arrived."""

    async def send(self, request: Request) -> Reply:
        """Carry a request there and its reply back."""
        parts = urlsplit(request.url)
        body = request.body or b""
        assert isinstance(body, bytes)
        await anyio.sleep(LATENCY)
        sent = HttpRequest(request.method, parts.path, parts.query, request.headers, body)
        response = self._service.handle(sent, clock())
        await anyio.sleep(LATENCY)
        reply = Reply(status=response.status, headers=response.headers, body=response.body)
        if request.kind is Kind.QUERY and is_terminal(reply):
            self.seen.setdefault(parts.path.rpartition("/")[2], clock())
            self._on_end()
        return reply

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[OpenReply]:
        """Send a session's request."""
        yield _OpenReply(await self.send(request))

    async def aclose(self) -> None:
        """Have nothing to close."""


class _OpenReply:
    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.headers = dict(reply.headers)
        self._body = reply.body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._body
