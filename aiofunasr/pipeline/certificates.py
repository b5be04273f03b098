"""The certificates that sign completion events: fetched when they are needed, and kept for a while."""

from __future__ import annotations

from aiofunasr.errors import InvalidReplyError
from aiofunasr.pipeline.background import Background
from aiofunasr.pipeline.clock import loop_time
from aiofunasr.pipeline.single_flight import SingleFlight
from aiofunasr.settings import Timeouts
from aiofunasr.time_limit import TimeLimit
from aiofunasr.transport import Transport, fetch
from aiofunasr.wire.certificates import read_public_key
from aiofunasr.wire.replies import read_done
from aiofunasr.wire.requests import certificate

_KEPT = 3600.0
"""Seconds for which a certificate is believed to be the one at its URL."""

_MOST = 8
_LARGEST = 64 * 1024


class Certificates:
    """The certificates of a session, by their URLs, which somebody else has found to be trustworthy."""

    def __init__(self, transport: Transport, background: Background, timeouts: Timeouts) -> None:
        self._transport = transport
        self._time = TimeLimit(timeouts.request)
        self._background = background
        self._held: dict[str, tuple[float, bytes]] = {}
        self._requests: dict[str, SingleFlight[bytes]] = {}

    async def get(self, url: str) -> bytes:
        """Return a certificate in PEM.

        Raises:
            FunASRError: It could not be had.
        """
        until, pem = self._held.get(url, (0.0, b""))
        if pem and loop_time() < until:
            return pem
        request = self._requests.setdefault(url, SingleFlight(self._background))
        try:
            return await request.do(lambda: self._fetch(url))
        finally:
            if not request.is_under_way:
                self._requests.pop(url, None)

    async def _fetch(self, url: str) -> bytes:
        reply = await fetch(self._transport, certificate(url), within=self._time, limit=_LARGEST)
        read_done(reply)
        try:
            read_public_key(reply.body)
        except ValueError as error:
            raise InvalidReplyError(f"this is no certificate: {error}", status=reply.status) from None
        self._held.pop(url, None)
        self._held[url] = (loop_time() + _KEPT, reply.body)
        if len(self._held) > _MOST:
            del self._held[next(iter(self._held))]
        return reply.body
