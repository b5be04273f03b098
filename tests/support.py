"""What several test modules use: runs in virtual time, and a recorder of what reaches the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any

from aiofunasr import Session
from aiofunasr.emulator import EmulatorSettings, FaultPlan, Service
from aiofunasr.testing import local_session, run_in_virtual_time
from aiofunasr.transport import OpenReply
from aiofunasr.wire.messages import Kind, Request

Scenario = Callable[[Session, Service], Awaitable[Any]]


def play(
    scenario: Scenario,
    settings: EmulatorSettings | None = None,
    *,
    faults: FaultPlan | None = None,
    **arguments: Any,
) -> Any:
    """Run a scenario with a session on an emulated service, in virtual time."""

    async def run() -> Any:
        async with clean(), local_session(settings, faults=faults, **arguments) as (session, service):
            return await scenario(session, service)

    return run_in_virtual_time(run)


@asynccontextmanager
async def clean() -> AsyncIterator[None]:
    """Make sure that no asyncio task is left behind."""
    before = asyncio.all_tasks()
    yield
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert not left, f"tasks left behind: {left}"


class CancelledAfter(Coroutine[Any, Any, None]):
    """A coroutine that cancels the task it runs in when it has been suspended for the n-th time.

    `cancel` does it in another way.
    """

    def __init__(
        self, inner: Coroutine[Any, Any, None], steps: int, cancel: Callable[[], object] | None = None
    ) -> None:
        self._inner = inner
        self._left = steps
        self._cancel = cancel

    @property
    def was_cancelled(self) -> bool:
        return self._left <= 0

    def send(self, value: Any) -> Any:
        suspended = self._inner.send(value)
        self._left -= 1
        if self._left == 0:
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(self._cancel or task.cancel)
        return suspended

    def throw(self, *args: Any) -> Any:
        return self._inner.throw(*args)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, None]:
        raise NotImplementedError


def urls(count: int, host: str = "media") -> list[str]:
    """Return distinct URLs that the scripted recognizer has something to say about."""
    return [f"https://{host}.example/call-{number}-10s.wav" for number in range(count)]


class Rewriting:
    """A transport that lets a test change replies on their way, between a session and the one it has."""

    def __init__(self, session: Session, rewrite: Callable[[Kind, bytes], bytes]) -> None:
        self._inner = session._engine.gateway.transport
        self._rewrite = rewrite
        session._engine.gateway.transport = self
        session._engine.collector._transport = self

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[OpenReply]:
        async with self._inner.open(request) as reply:
            body = b"".join([chunk async for chunk in reply.chunks()])
            yield _Rewritten(reply.status, reply.headers, self._rewrite(request.kind, body))

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Rewritten:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._body = body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._body
