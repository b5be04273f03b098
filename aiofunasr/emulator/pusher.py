"""Push completion events to the URL of the settings, signed (protocol notes, section 10)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import aiohttp
import anyio
from anyio import to_thread
from yarl import URL

from aiofunasr.emulator.events import EventDelivery
from aiofunasr.emulator.service import Service
from aiofunasr.emulator.signing import CERTIFICATE_PATH, EventSigner, MissingCryptographyError

_logger: Final = logging.getLogger(__name__)
_AT_ONCE: Final = 8
# A timer may fire a little early; without a floor a worker would spin until its event is due.
_SHORTEST_WAIT: Final = 0.001
_CONTENT_TYPE: Final = "application/json;charset=utf-8"


class EventPusher:
    """Deliver what the service has to tell, until cancelled; `clock` returns seconds since the epoch."""

    def __init__(self, service: Service, *, clock: Callable[[], float]) -> None:
        self._service = service
        self._clock = clock
        self._news = anyio.Event()
        self._signer: EventSigner | None = None
        self._making = anyio.Lock()

    def notify(self) -> None:
        """Look again: a task may have ended, or be going to."""
        news, self._news = self._news, anyio.Event()
        news.set()

    async def prepare(self) -> None:
        """Make what is needed to sign, if events are to be signed.

        Raises:
            MissingCryptographyError: the library for it is not installed.
        """
        settings = self._service.settings
        if settings.events_url is not None and settings.event_signature != "none":
            await self._the_signer()

    async def run(self) -> None:
        """Push until cancelled."""
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            anyio.create_task_group() as group,
        ):
            for _ in range(_AT_ONCE):
                group.start_soon(self._work, session)

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            delivery = self._service.take_event(self._clock())
            if delivery is None:
                await self._wait(self._service.next_event())
            else:
                status = await self._push(session, delivery)
                self._service.settle_event(delivery, status, self._clock())

    async def _wait(self, due_at: float | None) -> None:
        seconds = None if due_at is None else max(_SHORTEST_WAIT, due_at - self._clock())
        with anyio.move_on_after(seconds):
            await self._news.wait()

    async def _push(self, session: aiohttp.ClientSession, delivery: EventDelivery) -> int | None:
        """Send a delivery, and return the status of the answer, None if there was none."""
        settings = self._service.settings
        url = settings.events_url
        if url is None:
            return None
        now = self._clock()
        body = self._service.event_body(delivery, now)
        headers = {"Content-Type": _CONTENT_TYPE}
        if settings.event_signature != "none":
            certificate_url = settings.event_certificate_url or self._service.public_url + CERTIFICATE_PATH
            try:
                signer = await self._the_signer()
            except MissingCryptographyError:
                # Somebody wants events only now.
                _logger.exception("events cannot be signed")
                return None
            headers |= signer.headers(url, body, now, certificate_url, settings)
        timeout = aiohttp.ClientTimeout(total=settings.event_timeout)
        try:
            # As it was signed, byte for byte.
            target = URL(url, encoded=True)
            async with session.post(
                target, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            _logger.info("an event was not taken: %s", type(error).__name__)
            return None

    async def _the_signer(self) -> EventSigner:
        async with self._making:
            if self._signer is None:
                self._signer = await to_thread.run_sync(EventSigner.create)
                self._service.event_certificate = self._signer.certificate
        return self._signer
