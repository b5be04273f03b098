"""The official SDK as a witness: it and ours ask the same emulator, which keeps what each of them sent."""

from __future__ import annotations

import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest
from anyio import to_thread
from attrs import define, field

from aiofunasr import Session
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, FaultPlan
from aiofunasr.emulator.messages import HttpRequest, HttpResponse

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import dashscope

REQUIRED = ("authorization", "x-dashscope-async", "x-dashscope-ossresourceresolve", "x-dashscope-workspace")
"""The headers that mean something to the service (protocol notes, section 1.3), beside the type of the body."""


@define
class Stage:
    """An emulator that both can reach, and the requests it received."""

    server: EmulatorServer
    session: Session
    received: list[HttpRequest] = field(factory=list)

    async def theirs(self, call: Callable[[], Any]) -> Any:
        """Have the official SDK do something, in a thread, because it blocks."""
        return await to_thread.run_sync(call)

    async def both(
        self, ours: Awaitable[object], theirs: Callable[[], Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Have each of the two do its part, and return the requests of ours and those of theirs."""
        self.take()
        await ours
        from_us = self.take()
        await self.theirs(theirs)
        return from_us, self.take()

    def take(self) -> list[dict[str, Any]]:
        """Return what was received since the last time, each request as what of it means something."""
        taken, self.received = self.received, []
        return [meaning(request) for request in taken]


def meaning(request: HttpRequest) -> dict[str, Any]:
    """Return what of a request means something to the service."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    kind = headers.get("content-type", "").partition(";")[0]
    body: Any = request.body
    if kind == "application/json" and request.body:
        body = json.loads(request.body)
    return {
        "method": request.method,
        "path": request.path,
        "query": dict(parse_qsl(request.query, keep_blank_values=True)),
        "headers": {name: headers[name] for name in REQUIRED if name in headers},
        # A request without a body may or may not say of what type it is not.
        "type": kind if request.body or request.upload is not None else "",
        "body": body,
        "form": dict(request.upload.fields) if request.upload is not None else {},
    }


@asynccontextmanager
async def stage(
    monkeypatch: pytest.MonkeyPatch,
    settings: EmulatorSettings | None = None,
    faults: FaultPlan | None = None,
    workspace: str | None = None,
) -> AsyncIterator[Stage]:
    """Set up an emulator, and make the official SDK and a session of ours ask it."""
    async with EmulatorServer(settings=settings or EmulatorSettings.instant(), faults=faults) as server:
        monkeypatch.setattr(dashscope, "base_http_api_url", server.base_url)
        monkeypatch.setattr(dashscope, "api_key", server.api_key)
        async with Session(server.api_key, base_url=server.base_url, workspace=workspace) as session:
            found = Stage(server, session)
            handle = server.service.handle

            def keep(request: HttpRequest, now: float) -> HttpResponse:
                found.received.append(request)
                return handle(request, now)

            monkeypatch.setattr(server.service, "handle", keep)
            yield found


@contextmanager
def client_2(here: Stage) -> Iterator[Any]:
    """Open the 2.x interface of the official SDK."""
    with warnings.catch_warnings():
        # It is a preview, and says so when it is first used.
        warnings.simplefilter("ignore", FutureWarning)
        client = dashscope.Client(api_key=here.server.api_key, base_url=here.server.base_url)
        try:
            yield client
        finally:
            client.close()


def plain(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer without what differs each time: the id of the request, and the headers of its reply.

    The official SDK has no code after a query, and an empty one after a submit.
    """
    kept = ("status_code", "code", "message", "output", "usage")
    return {name: response[name] or None for name in kept}
