"""Completion events from the emulated service into a session: verified, taken as hints, and worth many queries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from aiohttp import web
from attrs import evolve
from pushed import HOOK, SETTINGS, next_delivery, now, request, signer

import aiofunasr
from aiofunasr import EventFilter, EventSignatureError, InvalidEventError, Session, TaskEvent
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, Service
from support import play, urls


async def deliver(session: Session, service: Service) -> list[bool]:
    """Deliver the service's events for ever, as a receiver would take them."""
    seen, known = EventFilter(), list[bool]()
    while True:
        delivery = await next_delivery(service)
        body = service.event_body(delivery, now())
        event = await session.verify_event(
            request(service, body), body, url=HOOK, token="a-token", trusted=[service.public_url]
        )
        if seen.is_new(event):
            known.append(session.notify(event))
        service.settle_event(delivery, 200, now())


def queries(count: int, settings: EmulatorSettings = SETTINGS, *, pushed: bool, **arguments: Any) -> tuple[int, float]:
    """Transcribe files, and return how many queries and lists that took, and how long."""

    async def scenario(session: Session, service: Service) -> tuple[int, float]:
        async with anyio.create_task_group() as group:
            if pushed:
                group.start_soon(deliver, session, service)
            results = await aiofunasr.transcribe(urls(count), session=session)
            group.cancel_scope.cancel()
        assert all(result.ok for result in results)
        assert len(service.ledger.submissions) == count
        sent = service.ledger.requests
        return sent["query"] + sent["list"], anyio.current_time()

    found: tuple[int, float] = play(scenario, settings, files_per_task=1, **arguments)
    return found


@pytest.mark.parametrize("with_result", [True, False])
@pytest.mark.parametrize("count", [1, 20, 200])
def test_a_session_that_is_notified_asks_about_once_for_each_task(count: int, with_result: bool) -> None:
    settings = evolve(SETTINGS, events_contain_result=with_result)
    notified, took = queries(count, settings, pushed=True, expects_events=True)
    asking, alone = queries(count, settings, pushed=False)
    assert count <= notified <= count * 1.3 + 1
    # The one query that each task takes anyway is not saved.
    assert notified - count < (asking - count) * 0.4
    # Events are up to five seconds late.
    assert took <= alone + 8


def test_where_no_event_comes_tasks_are_asked_about_all_the_same() -> None:
    asked, took = queries(20, pushed=False, expects_events=True)
    assert asked <= 20 * 4
    assert took < 120


def test_an_event_is_as_fast_as_can_be() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        delivery = await next_delivery(service)
        asked = service.ledger.requests["query"]
        assert session.notify(service.event_body(delivery, now()))
        begun = anyio.current_time()
        assert (await task)[0].ok
        assert anyio.current_time() - begun < 0.5
        assert service.ledger.requests["query"] == asked + 1

    play(scenario, evolve(SETTINGS, event_delay_seconds=(0.0, 0.0)), expects_events=True)


def test_an_event_decides_nothing() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        output = {"task_id": task.task_id, "task_status": "FAILED", "code": "SERVER_ERROR"}
        forged = {"data": {**output, "contain_result": True, "output_result": {"output": output}}}
        for _ in range(3):
            assert session.notify(forged)
            await anyio.sleep(1)
        assert not task.done
        assert (await task)[0].ok

    play(scenario)


def test_an_event_about_another_task_is_ignored() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        before = service.ledger.requests["query"]
        assert not session.notify(TaskEvent(task_id="another", task_status="SUCCEEDED"))
        await anyio.sleep(0.1)
        assert service.ledger.requests["query"] == before
        await task
        # Of one that is done, too, however often it comes.
        assert not session.notify(TaskEvent(task_id=task.task_id, task_status="SUCCEEDED"))
        with pytest.raises(InvalidEventError):
            session.notify(b"{}")

    play(scenario)


def test_a_closed_session_is_not_notified() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.aclose()
        with pytest.raises(aiofunasr.SessionClosedError):
            session.notify(TaskEvent(task_id="x", task_status="SUCCEEDED"))

    play(scenario)


# --- the certificate ---


@pytest.mark.parametrize("form", ["v1", "v2", "both"])
@pytest.mark.parametrize("newline", [True, False])
def test_what_the_service_signs_is_verified_in_every_form(form: Any, newline: bool) -> None:
    async def scenario(session: Session, service: Service) -> None:
        body = b'{"task_id": "x", "task_status": "SUCCEEDED"}'
        arguments: dict[str, Any] = {"url": HOOK, "token": "a-token", "trusted": [service.public_url]}
        arguments["legacy"] = form == "v1"
        assert (await session.verify_event(request(service, body), body, **arguments)).task_id == "x"
        wrong: list[dict[str, Any]] = [{"url": HOOK + "x"}, {"token": "other"}, {"trusted": []}]
        for changes in wrong:
            with pytest.raises(EventSignatureError):
                await session.verify_event(request(service, body), body, **{**arguments, **changes})
        with pytest.raises(EventSignatureError):
            await session.verify_event(request(service, body), body + b" ", **arguments)

    play(scenario, evolve(SETTINGS, event_signature=form, event_final_newline=newline))


def test_a_certificate_is_fetched_once_an_hour_however_many_events_come() -> None:
    async def scenario(session: Session, service: Service) -> None:
        body = b'{"task_id": "x", "task_status": "SUCCEEDED"}'

        async def verify() -> None:
            await session.verify_event(request(service, body), body, url=HOOK, trusted=[service.public_url])

        async def verify_many() -> int:
            before = service.ledger.requests["certificate"] + service.ledger.requests["other"]
            async with anyio.create_task_group() as group:
                for _ in range(30):
                    group.start_soon(verify)
            return service.ledger.requests["certificate"] + service.ledger.requests["other"] - before

        assert await verify_many() == 1
        assert await verify_many() == 0
        await anyio.sleep(3700)
        assert await verify_many() == 1

    play(scenario, SETTINGS)


def test_what_is_no_certificate_is_told_and_not_kept() -> None:
    async def scenario(session: Session, service: Service) -> None:
        body = b'{"task_id": "x", "task_status": "SUCCEEDED"}'
        headers = request(service, body)
        service.event_certificate = b"<html>"
        with pytest.raises(aiofunasr.InvalidReplyError, match="no certificate"):
            await session.verify_event(headers, body, url=HOOK, trusted=[service.public_url])
        service.event_certificate = signer().certificate
        assert await session.verify_event(headers, body, url=HOOK, trusted=[service.public_url])

    play(scenario, SETTINGS)


# --- over the wire ---


@asynccontextmanager
async def receiver(hook: Any) -> AsyncIterator[str]:
    """Serve a webhook on this machine, and give its URL."""
    application = web.Application()
    application.router.add_post("/asr", hook)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/asr"
    finally:
        await runner.cleanup()


async def test_a_webhook_takes_what_the_emulator_pushes_and_the_session_finishes() -> None:
    sessions: list[Session] = []
    places: list[str] = []
    taken: list[bool] = []

    async def hook(incoming: web.Request) -> web.Response:
        (session,), (url, trusted) = sessions, places
        try:
            event = await session.verify_event(
                incoming.headers, await incoming.read(), url=url, token="a-token", trusted=[trusted]
            )
        except EventSignatureError:
            return web.Response(status=401)
        taken.append(session.notify(event))
        return web.Response()

    async with receiver(hook) as url:
        settings = EmulatorSettings.instant(
            events_url=url, event_delay_seconds=(0.0, 0.1), event_token="a-token", queue_seconds=(0.2, 0.4)
        )
        async with (
            EmulatorServer(settings=settings) as server,
            Session(server.api_key, base_url=server.base_url, expects_events=True) as session,
        ):
            sessions.append(session)
            places.extend([url, server.base_url.removesuffix("/api/v1")])
            results = await aiofunasr.transcribe(urls(10), session=session)
            assert all(result.ok for result in results)
            assert taken.count(True) >= 8
            assert server.service.ledger.requests["query"] <= 15
