"""Completion events of a service in virtual time: taken from it, and signed as it pushes them."""

from __future__ import annotations

import functools

import anyio

from aiofunasr.emulator import EmulatorSettings, Service
from aiofunasr.emulator.events import EventDelivery
from aiofunasr.emulator.signing import CERTIFICATE_PATH, EventSigner
from aiofunasr.testing.local import EPOCH

HOOK = "https://hooks.example/asr?tenant=7"

SETTINGS = EmulatorSettings(
    queue_seconds=(5.0, 20.0),
    events_url=HOOK,
    event_delay_seconds=(1.0, 5.0),
    event_duplicate_share=0.3,
    event_token="a-token",
    limits_enabled=False,
)


@functools.cache
def signer() -> EventSigner:
    return EventSigner.create()


def now() -> float:
    return EPOCH + anyio.current_time()


def request(service: Service, body: bytes) -> dict[str, str]:
    """Sign an event as the service pushes it."""
    service.event_certificate = signer().certificate
    return signer().headers(HOOK, body, now(), service.public_url + CERTIFICATE_PATH, service.settings)


async def next_delivery(service: Service) -> EventDelivery:
    """Wait for the next event that is due."""
    for _ in range(100_000):
        delivery = service.take_event(now())
        if delivery is not None:
            return delivery
        await anyio.sleep(0.05)
    raise AssertionError("no event came")
