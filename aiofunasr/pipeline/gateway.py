"""Every request to the service goes through here: paced, bounded, timed, counted, and its errors understood.

For each kind of request there is one `Lane`: the budget that says when the next may go, and a limiter that bounds how
many are under way. A reply that says "too fast" slows its lane down, whoever sent the request.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from random import Random
from typing import TypeVar

import anyio
import anyio.lowlevel
from attrs import frozen

from aiofunasr.errors import (
    AuthenticationError,
    FunASRError,
    InvalidReplyError,
    KeyProviderError,
    QuotaExceededError,
    ServiceUnavailableError,
    ThrottledError,
    TransportError,
)
from aiofunasr.pacing.budget import Budget
from aiofunasr.pacing.retries import TRIES, RetryBudget, wait_before
from aiofunasr.pipeline.clock import loop_time
from aiofunasr.settings import Account, Limits, Timeouts
from aiofunasr.time_limit import TimeLimit
from aiofunasr.transport import Transport, fetch
from aiofunasr.wire.messages import Kind, Reply, Request
from aiofunasr.wire.requests import Caller

T = TypeVar("T")

logger = logging.getLogger("aiofunasr")

API_REPLY_BYTES = 4 * 1024 * 1024
"""The largest reply of the API read; a task of 100 files answers with some 50 kB, with very long URLs a megabyte."""

QUOTA_TRIES = 8
"""How often a request refused for want of quota is tried; most quotas come back within a minute (6.2)."""


@frozen(kw_only=True)
class LaneStatistics:
    """What one kind of request did so far, and may do now.

    Attributes:
        sent: Requests sent.
        throttled: How many of them were refused with 429.
        failed: How many had no reply, or a 5xx.
        in_flight: Requests under way.
        waiting: Callers that wait for their turn.
        rate: The requests a second allowed at the moment.
        ceiling: The most that is ever allowed.
    """

    sent: int
    throttled: int
    failed: int
    in_flight: int
    waiting: int
    rate: float
    ceiling: float


class Lane:
    """One kind of request: its budget, its limiter and its counts."""

    def __init__(self, budget: Budget, at_once: int) -> None:
        self.budget = budget
        # Both without a pause where there is no need to wait: each request passes through them.
        self._places = anyio.Semaphore(at_once, max_value=at_once, fast_acquire=True)
        self._queue = anyio.Lock(fast_acquire=True)
        self.at_once = at_once
        self.sent = self.throttled = self.failed = 0

    async def enter(self) -> None:
        """Wait until another request may be under way, and be it; `leave` ends that."""
        # Without looking at who was cancelled where there is no need to wait: whoever sends finds out.
        if self._places.value:
            self._places.acquire_nowait()
        else:
            await self._places.acquire()

    def leave(self) -> None:
        """End what `enter` began."""
        self._places.release()

    async def free(self) -> None:
        """Wait until another request may be under way."""
        if not self._places.value:
            async with self._places:
                pass

    async def ready(self) -> None:
        """Wait until the budget allows a request; take it with `take` before anything else is awaited."""
        # The budget may move while it is waited for: a reply may slow it down meanwhile.
        while (wait := self.budget.ready_at(now := loop_time()) - now) > 0:  # noqa: ASYNC110
            await anyio.sleep(wait)

    def take(self) -> None:
        """Count a request that goes now."""
        self.budget.take(loop_time())

    async def turn(self) -> None:
        """Wait in line for the budget, and take a request from it."""
        now = loop_time()
        if not self._queue.locked() and self.budget.ready_at(now) <= now:
            self.budget.take(now)
            return
        # The lock makes the line first come, first served; it is held while waiting, never over a request.
        async with self._queue:
            await self.ready()
            self.take()

    def statistics(self) -> LaneStatistics:
        """Return the counts and the rate of this moment."""
        return LaneStatistics(
            sent=self.sent,
            throttled=self.throttled,
            failed=self.failed,
            in_flight=self.at_once - self._places.value,
            waiting=self._queue.statistics().tasks_waiting,
            rate=self.budget.rate(loop_time()),
            ceiling=self.budget.ceiling,
        )


class Gateway:
    """The service, as the pipeline sees it."""

    def __init__(
        self, transport: Transport, account: Account, limits: Limits, timeouts: Timeouts, random: Random
    ) -> None:
        self.transport = transport
        self.account = account
        self._submit_time, self._request_time = TimeLimit(timeouts.submit), TimeLimit(timeouts.request)
        self._random = random
        self._retries = RetryBudget()
        # One for as long as the key stays the same: each request needs one.
        self._last_caller: Caller | None = None
        rates = {
            Kind.SUBMIT: limits.submit,
            Kind.QUERY: limits.query,
            Kind.LIST: limits.list,
            Kind.CANCEL: limits.cancel,
            Kind.UPLOAD_POLICY: limits.upload_policy,
            Kind.TOKEN: limits.token,
            Kind.VOCABULARY: limits.vocabulary,
        }
        self.lanes: Mapping[Kind, Lane] = {
            kind: Lane(Budget(rate, random=random), limits.requests) for kind, rate in rates.items()
        }

    async def send(
        self,
        kind: Kind,
        build: Callable[[Caller], Request],
        read: Callable[[Reply], T],
        *,
        paced: bool = False,
        before: Callable[[], Awaitable[None]] | None = None,
        shield: anyio.CancelScope | None = None,
    ) -> T:
        """Send one request when its turn has come, and read its reply.

        `paced` says that its turn was taken already. `before` is awaited when it has come. `shield` is entered once
        nothing but the request itself is left to do; a scope that was cancelled cuts it off.

        Raises:
            FunASRError: Whatever `read` raises, and `TransportError` where there is no reply.
        """
        lane = self.lanes[kind]
        await lane.enter()
        try:
            # The place first, then the turn: turns taken earlier would be used all at once when places come free.
            if not paced:
                await lane.turn()
            caller = await self._caller()
            if before is not None:
                await before()
            if shield is not None:
                # The last chance to be cancelled; without a shield it comes with the request.
                await anyio.lowlevel.checkpoint_if_cancelled()
            sent_at = loop_time()
            lane.sent += 1
            try:
                with shield or nullcontext():
                    return read(
                        await fetch(
                            self.transport,
                            build(caller),
                            within=self._submit_time if kind is Kind.SUBMIT else self._request_time,
                            limit=API_REPLY_BYTES,
                        )
                    )
                raise TransportError(f"the {kind} request was cut off", sent=True)  # noqa: TRY301
            except ThrottledError as error:
                lane.throttled += 1
                lane.budget.throttled(
                    loop_time(),
                    sent_at=sent_at,
                    quota=isinstance(error, QuotaExceededError),
                    retry_after=error.retry_after,
                )
                logger.info("%s requests were throttled (%s); slowing down", kind, error.code)
                raise
            except AuthenticationError:
                self.account.refused(caller.api_key)
                raise
            except (TransportError, ServiceUnavailableError, InvalidReplyError):
                lane.failed += 1
                raise
        finally:
            lane.leave()

    async def ask(self, kind: Kind, build: Callable[[Caller], Request], read: Callable[[Reply], T]) -> T:
        """Send a request that is safe to repeat, again and again within reason until it is answered.

        Raises:
            FunASRError: The answer is no, or there was none after several tries.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self.send(kind, build, read)
            except (
                TransportError,
                ServiceUnavailableError,
                ThrottledError,
                InvalidReplyError,
                KeyProviderError,
            ) as error:
                await self.pause_before_retry(attempt, error)
            except AuthenticationError:
                if attempt > 1 or not self.account.renews_key:
                    raise

    async def pause_before_retry(self, attempt: int, error: FunASRError, *, patient: bool = False) -> None:
        """Wait until a request that failed for the `attempt`th time may be tried again, or raise its error.

        A throttled request was refused without harm: it only waits for its budget, until that looks hopeless. All
        others draw on the retry budget; where that is used up, the `patient` wait for it.
        """
        now = loop_time()
        if isinstance(error, ThrottledError):
            if not error.retryable or (isinstance(error, QuotaExceededError) and attempt >= QUOTA_TRIES):
                raise error
            return
        if attempt == 1:
            self._retries.request(now)
        if attempt >= TRIES:
            raise error
        # The budget fills with time alone, so there is no event to wait for.
        while not self._retries.allow(anyio.current_time()):
            if not patient:
                raise error
            await anyio.sleep(1.0)
        logger.info("trying again after: %s", error)
        await anyio.sleep(wait_before(attempt + 1, self._random))

    async def _caller(self) -> Caller:
        key = await self.account.api_key()
        if self._last_caller is None or self._last_caller.api_key != key:
            self._last_caller = Caller(self.account.base_url, key, self.account.workspace)
        return self._last_caller
