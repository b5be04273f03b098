"""The same faults on both ways to the service: over a socket, and in virtual time without one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import anyio
import pytest

from aiofunasr.emulator import (
    DEFAULT_API_KEY,
    EmulatorServer,
    EmulatorSettings,
    Fault,
    FaultPlan,
    ScriptedRecognizer,
    Service,
)
from aiofunasr.errors import ReplyTooLargeError, RequestTimeoutError, TransportError
from aiofunasr.settings import Timeouts
from aiofunasr.testing import LocalTransport
from aiofunasr.time_limit import TimeLimit
from aiofunasr.transport import HttpTransport, Transport, fetch
from aiofunasr.wire.messages import Kind, Reply, Request

START = 1_790_816_400.0
LIMIT = 2**20


@asynccontextmanager
async def over_a_socket(fault: Fault) -> AsyncIterator[tuple[Transport, str]]:
    async with EmulatorServer(settings=EmulatorSettings.instant(), faults=FaultPlan().always("*", fault)) as server:
        transport = HttpTransport(Timeouts())
        try:
            yield transport, server.base_url
        finally:
            await transport.aclose()


@asynccontextmanager
async def without_one(fault: Fault) -> AsyncIterator[tuple[Transport, str]]:
    service = Service(EmulatorSettings.instant(), ScriptedRecognizer(), FaultPlan().always("*", fault))
    yield LocalTransport(service, lambda: START), service.base_url


Way = Callable[[Fault], AbstractAsyncContextManager[tuple[Transport, str]]]
WAYS = pytest.mark.parametrize("way", [over_a_socket, without_one])


async def ask(way: Way, fault: Fault, *, patience: float = 5.0) -> Reply:
    async with way(fault) as (transport, base_url):
        headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
        request = Request(kind=Kind.LIST, method="GET", url=f"{base_url}/tasks", headers=headers)
        return await fetch(transport, request, within=TimeLimit(patience), limit=LIMIT)


@WAYS
@pytest.mark.parametrize("fault", [Fault.drop_before(), Fault.drop_after(), Fault.truncated()])
async def test_a_broken_connection(way: Way, fault: Fault) -> None:
    with pytest.raises(TransportError) as caught:
        await ask(way, fault)
    assert caught.value.sent


@WAYS
@pytest.mark.parametrize("handled", [False, True])
async def test_no_reply(way: Way, handled: bool) -> None:
    with pytest.raises(RequestTimeoutError) as caught:
        await ask(way, Fault.timed_out(handled=handled), patience=0.2)
    assert caught.value.sent


@WAYS
async def test_half_a_document_that_is_well_framed(way: Way) -> None:
    reply = await ask(way, Fault.cut_document())
    assert reply.status == 200
    assert reply.body.startswith(b'{"total":0')
    assert not reply.body.endswith(b"}")


@WAYS
async def test_no_content_type(way: Way) -> None:
    reply = await ask(way, Fault.no_content_type())
    assert "content-type" not in reply.headers
    assert reply.body.endswith(b"}")


@WAYS
async def test_an_odd_content_type(way: Way) -> None:
    assert (await ask(way, Fault.wrong_content_type("image/png"))).headers["content-type"] == "image/png"


@WAYS
@pytest.mark.parametrize("compressed", [False, True])
async def test_a_body_of_a_gigabyte_is_left_early(way: Way, compressed: bool) -> None:
    with pytest.raises(ReplyTooLargeError):
        await ask(way, Fault.huge(2**30, compressed=compressed))


@WAYS
@pytest.mark.parametrize("compressed", [False, True])
async def test_a_large_body_arrives_whole(way: Way, compressed: bool) -> None:
    reply = await ask(way, Fault.huge(LIMIT // 2, compressed=compressed))
    assert reply.body.startswith(b'{"padding":"0')
    assert reply.body.endswith(b'0"}')


@WAYS
async def test_nested_json(way: Way) -> None:
    assert (await ask(way, Fault.nested(1000))).body.count(b"{") == 1001


async def test_a_client_that_waited_in_vain_is_noticed() -> None:
    plan = FaultPlan().on("*", Fault.timed_out(), 1)
    async with EmulatorServer(faults=plan) as server, aiohttp.ClientSession() as http:
        with anyio.move_on_after(0.2):
            await http.get(server.base_url + "/tasks")
        async with http.get(server.base_url + "/tasks") as response:
            assert response.status == 401
    assert server.service.ledger.faults == {"list": 1}
