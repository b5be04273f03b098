"""A transport that puts one body in place of the first so many replies of one kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import frozen

from aiofunasr.transport import OpenReply, Transport
from aiofunasr.wire.messages import Kind, Request


class Replacing:
    """Stands between a session and its transport.

    Args:
        inner: What answers otherwise.
        kind: Whose replies are replaced.
        body: By what.
        times: How many of them.
    """

    def __init__(self, inner: Transport, kind: Kind, body: bytes, times: int) -> None:
        self._inner = inner
        self._kind = kind
        self._body = body
        self.left = times

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[OpenReply]:
        """Send a request and enter with the head of its reply."""
        async with self._inner.open(request) as reply:
            if request.kind is self._kind and self.left > 0:
                self.left -= 1
                yield _Replaced(reply.status, {}, self._body)
            else:
                yield reply

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


@frozen
class _Replaced:
    status: int
    headers: dict[str, str]
    body: bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body
