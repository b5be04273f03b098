"""Temporary tokens, and the provider that renews them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

import aiofunasr
from aiofunasr import InvalidArgumentError, KeyProviderError, Session, SessionClosedError, TemporaryToken, TokenProvider
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.errors import ServiceUnavailableError
from aiofunasr.testing.local import EPOCH
from aiofunasr.wire.messages import Reply
from aiofunasr.wire.replies import read_token
from support import play, urls


def other(session: Session, key: Any, **more: Any) -> Session:
    """Make a session to the same service, with another key."""
    engine = session._engine
    return Session(key, base_url=engine.account.base_url, transport=Shared(session), clock=engine.clock, **more)


class Shared:
    """Another session's transport, which stays open."""

    def __init__(self, session: Session) -> None:
        self._inner = session._engine.gateway.transport

    def open(self, request: Any) -> Any:
        return self._inner.open(request)

    async def aclose(self) -> None:
        pass


# --- one token ---


def test_a_token_stands_in_for_the_key_until_it_expires() -> None:
    async def scenario(session: Session, service: Service) -> None:
        token = await session.create_token(expires_in=120)
        now = datetime.fromtimestamp(EPOCH + anyio.current_time(), UTC)
        assert timedelta(seconds=115) < token.expires_at - now <= timedelta(seconds=121)
        assert token.expires_at.tzinfo is not None
        assert token.value not in repr(token)
        async with other(session, token.value) as bearer:
            assert (await aiofunasr.transcribe(urls(1), session=bearer))[0].ok
            await anyio.sleep(130)
            with pytest.raises(aiofunasr.AuthenticationError) as caught:
                await bearer.submit(urls(1))
            assert token.value not in str(caught.value)

    play(scenario)


@pytest.mark.parametrize("seconds", [0, 1801, -1, 1.5, True, "60", None])
def test_a_life_out_of_range_is_refused_before_anything_is_sent(seconds: Any) -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(InvalidArgumentError, match=r"expires_in.*1 to 1800"):
            await session.create_token(expires_in=seconds)
        with pytest.raises(InvalidArgumentError, match="expires_in"):
            TokenProvider(session, expires_in=seconds)
        assert not service.ledger.requests

    play(scenario)


def test_a_token_whose_reply_is_lost_is_asked_for_again() -> None:
    async def scenario(session: Session, service: Service) -> None:
        assert (await session.create_token()).value
        assert service.ledger.requests["token"] == 2

    play(scenario, faults=FaultPlan().on("token", Fault.drop_after(), [1]))


DATE = "Thu, 01 Oct 2026 01:00:00 GMT"
SAID_AT = datetime(2026, 10, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("body", "headers", "ends_at", "lifetime"),
    [
        ({"expires_at": SAID_AT + 50}, {"date": DATE}, SAID_AT + 50, 50),
        # A clock that is wrong somewhere: what was asked for is what counts.
        ({"expires_at": SAID_AT + 5000}, {"date": DATE}, SAID_AT + 5000, 60),
        ({"expires_at": SAID_AT - 5000}, {"date": DATE}, SAID_AT - 5000, 60),
        ({"expires_at": SAID_AT + 50}, {}, SAID_AT + 50, 60),
        ({}, {"date": DATE}, SAID_AT + 60, 60),
        ({"expires_at": "soon"}, {"date": "no date"}, 1060, 60),
        ({"expires_at": 10**300}, {}, 1060, 60),
    ],
)
def test_its_end_goes_by_the_clock_of_the_service(
    body: dict[str, Any], headers: dict[str, str], ends_at: float, lifetime: float
) -> None:
    text = str({"token": "st-x", **body}).replace("'", '"').encode()
    token = read_token(Reply(status=200, headers=headers, body=text), 60, 1000.0)
    assert token == TemporaryToken(
        value="st-x", expires_at=datetime.fromtimestamp(ends_at, UTC), lifetime=float(lifetime)
    )


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"token": ""}', b'{"token": "st-a b"}', b'{"token": 7}', b"st-abc"])
def test_a_reply_without_a_token_is_told_and_not_shown(body: bytes) -> None:
    with pytest.raises(aiofunasr.InvalidReplyError) as caught:
        read_token(Reply(status=200, body=body), 60, 0.0)
    assert "st-a" not in str(caught.value)


# --- the provider ---


def test_a_provider_is_a_key_that_never_expires() -> None:
    async def scenario(session: Session, service: Service) -> None:
        provider = TokenProvider(session, expires_in=60)
        async with other(session, provider) as bearer:
            for _ in range(20):
                await bearer.submit(urls(1))
                await anyio.sleep(25)
        # Each lasted nearly as long as it lived.
        assert 8 <= service.ledger.requests["token"] <= 11
        assert "st-" not in repr(provider)

    play(scenario)


def test_however_many_ask_one_token_is_made() -> None:
    async def scenario(session: Session, service: Service) -> None:
        provider = TokenProvider(session)
        found: list[str] = []

        async def ask() -> None:
            found.append(await provider())

        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(ask)
        assert len(found) == 50
        assert len(set(found)) == service.ledger.requests["token"] == 1

    play(scenario)


def test_nobody_waits_for_a_renewal_while_the_old_token_lives() -> None:
    async def scenario(session: Session, service: Service) -> None:
        provider = TokenProvider(session, expires_in=100)
        old = await provider.token()
        await anyio.sleep(80)
        service.faults = FaultPlan().on("token", Fault.delayed(5.0), [1])
        at = anyio.current_time()
        assert await provider.token() == await provider.token() == old
        assert anyio.current_time() == at
        await anyio.sleep(10)
        assert await provider.token() != old
        assert service.ledger.requests["token"] == 2

    play(scenario)


def test_a_service_that_makes_no_token_is_no_harm_while_the_old_one_lives() -> None:
    async def scenario(session: Session, service: Service) -> None:
        provider = TokenProvider(session, expires_in=100)
        old = await provider.token()
        service.faults = FaultPlan().on("token", Fault.error(500, "Mishap"), range(1, 1000))
        for _ in range(90):
            assert await provider.token() == old
            await anyio.sleep(1)
        await anyio.sleep(10)
        with pytest.raises(ServiceUnavailableError):
            await provider.token()
        service.faults = FaultPlan()
        assert await provider.token() != old

    play(scenario)


def test_tries_to_renew_are_not_made_in_a_row() -> None:
    async def scenario(session: Session, service: Service) -> None:
        provider = TokenProvider(session, expires_in=1000)
        await provider.token()
        await anyio.sleep(760)
        service.faults = FaultPlan().on("token", Fault.error(403, "AccessDenied"), range(1, 1000))
        for _ in range(1800):
            await provider.token()
            await anyio.sleep(0.1)
        assert service.ledger.requests["token"] < 16

    play(scenario)


def test_a_token_to_be_handed_on_has_some_life_left() -> None:
    async def scenario(session: Session, service: Service) -> None:
        provider = TokenProvider(session, expires_in=100)
        first = await provider.token(at_least=90)
        await anyio.sleep(20)
        assert await provider.token() == first
        assert await provider.token(at_least=90) != first
        for bad in (100, -1, "x", True):
            with pytest.raises(InvalidArgumentError, match="at_least"):
                await provider.token(at_least=bad)  # type: ignore[arg-type]

    play(scenario)


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_a_wrong_clock_here_does_not_matter(ahead: float) -> None:
    async def scenario(session: Session, service: Service) -> None:
        right = session._engine.clock
        session._engine.clock = lambda: right() + ahead
        provider = TokenProvider(session, expires_in=60)
        async with other(session, provider) as bearer:
            for _ in range(6):
                await bearer.submit(urls(1))
                await anyio.sleep(30)
        assert service.ledger.requests["token"] <= 4

    play(scenario)


def test_a_token_that_is_refused_is_replaced_at_once() -> None:
    async def scenario(session: Session, service: Service) -> None:
        provider = TokenProvider(session)
        async with other(session, provider) as bearer:
            token = await provider.token()
            # As after a night in which the machine slept, and its monotonic clock with it.
            service._operations._tokens._tokens.clear()
            assert [row async for row in bearer.list_tasks()] == []
            assert await provider.token() != token

    play(scenario)


def test_whoever_asks_first_may_leave() -> None:
    async def scenario(session: Session, service: Service) -> None:
        provider = TokenProvider(session)
        with anyio.move_on_after(0.01) as scope:
            await provider()
        assert scope.cancelled_caught
        await anyio.sleep(1)
        assert await provider()
        assert service.ledger.requests["token"] == 1

    play(scenario)


def test_a_provider_ends_with_its_session() -> None:
    async def scenario(session: Session, service: Service) -> None:
        provider = TokenProvider(session, expires_in=60)
        token = await provider.token()
        async with other(session, provider) as bearer:
            await session.aclose()
            assert await provider.token() == token
            await anyio.sleep(60)
            with pytest.raises(SessionClosedError):
                await provider.token()
            with pytest.raises(KeyProviderError, match="closed"):
                await bearer.submit(urls(1))

    play(scenario)


def test_a_session_is_needed() -> None:
    with pytest.raises(InvalidArgumentError, match="session"):
        TokenProvider("sk-x")  # type: ignore[arg-type]


def test_tokens_are_counted() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.create_token()
        assert session.statistics().requests["token"].sent == 1

    play(scenario, EmulatorSettings())
