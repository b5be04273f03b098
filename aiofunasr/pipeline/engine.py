"""The parts of a session, put together: what a task's handle and a batch need of it, without the front door."""

from __future__ import annotations

import logging
from collections.abc import Callable
from random import Random
from weakref import WeakSet

from aiofunasr.errors import SessionClosedError
from aiofunasr.pipeline.background import Background
from aiofunasr.pipeline.collector import Collector
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.outlet import Outlet
from aiofunasr.pipeline.poller import Poller
from aiofunasr.pipeline.submitter import Submitter
from aiofunasr.pipeline.uploads import Uploader
from aiofunasr.settings import Account, Limits, Timeouts
from aiofunasr.transport import Transport

logger = logging.getLogger("aiofunasr")

CLOSING = 1.0
"""Seconds that leaving a session may take, for the replies to submits that are on their way."""


class Engine:
    """A session's machinery.

    Args:
        transport: What speaks to the network.
        account: Who asks, and where.
        limits: The account's rate limits and the session's own bounds.
        timeouts: For single requests.
        random: For jitter.
        clock: The time of day in seconds since the epoch; waiting goes by the loop's own clock.
    """

    def __init__(
        self,
        transport: Transport,
        account: Account,
        *,
        limits: Limits,
        timeouts: Timeouts,
        random: Random,
        clock: Callable[[], float],
    ) -> None:
        self.transport = transport
        self.account = account
        self.limits = limits
        self.clock = clock
        self.background = Background()
        self.gateway = Gateway(transport, account, limits, timeouts, random)
        self.collector = Collector(transport, self.background, limits, timeouts, random)
        self.poller = Poller(self.gateway, random, clock)
        self.submitter = Submitter(self.gateway, self.poller, clock)
        self.uploader = Uploader(self.gateway, limits, timeouts, random)
        self._outlets: WeakSet[Outlet] = WeakSet()

    def outlet(self, room: int) -> Outlet:
        """Make a place for results to come out."""
        outlet = Outlet(room, self.collector.serve)
        self._outlets.add(outlet)
        return outlet

    async def start(self) -> None:
        """Start the background work."""
        await self.background.start(self._crashed)
        self.background.spawn(self.poller.run)

    async def stop(self) -> tuple[str, ...]:
        """End the background work within about a second and return the tokens of what it leaves unfinished.

        Whoever waits for one of those tasks gets a `SessionClosedError` with its token.
        """
        await self.submitter.settle(CLOSING)
        tokens = self._release(SessionClosedError("the session was closed while its tasks were in flight"))
        self.background.close(SessionClosedError("the session is closed").for_tasks(tokens))
        await self.background.stop()
        try:
            await self.transport.aclose()
        except Exception:
            # Somebody's own transport; the tokens matter more than its farewell.
            logger.exception("closing the transport failed")
        return tokens

    def forget(self, outlet: Outlet) -> tuple[str, ...]:
        """Stop waiting for what would come out of an outlet, and return the tokens of what goes on without it."""
        tokens = [*outlet.abandon()]
        for record in self.poller.records:
            if outlet in record.outlets:
                record.outlets = tuple(other for other in record.outlets if other is not outlet)
                tokens.append(record.token)
                if not record.outlets:
                    self.poller.forget(record)
        return tuple(dict.fromkeys(tokens))

    def _release(self, closed: SessionClosedError) -> tuple[str, ...]:
        """Tell everyone who waits why it is over, and return the tokens of what goes on, or was not taken."""
        in_flight = [record.token for record in self.poller.records]
        self.poller.fail_all(closed)
        not_taken: list[str] = []
        for outlet in tuple(self._outlets):
            tokens = outlet.abandon()
            not_taken += tokens
            outlet.fail(closed.for_tasks(tokens))
        return tuple(dict.fromkeys((*in_flight, *not_taken, *self.submitter.orphans)))

    def _crashed(self, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        logger.error("the session's background work failed", exc_info=error)
        closed = SessionClosedError(f"the session's background work failed: {type(error).__name__}: {error}")
        closed.__cause__ = error
        tokens: tuple[str, ...] = ()
        try:
            tokens = self._release(closed)
        finally:
            self.background.close(closed.for_tasks(tokens))
