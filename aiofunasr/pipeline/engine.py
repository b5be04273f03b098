"""The parts of a session, put together: what a task's handle and a batch need of it, without the front door."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from itertools import count, takewhile
from random import Random
from weakref import WeakSet

import anyio
from anyio.lowlevel import checkpoint

from aiofunasr.errors import JournalError, SessionClosedError
from aiofunasr.journal.protocol import Journal
from aiofunasr.pipeline.advice import Adviser
from aiofunasr.pipeline.background import Background
from aiofunasr.pipeline.book import Claims
from aiofunasr.pipeline.certificates import Certificates
from aiofunasr.pipeline.collector import Collector
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.ledgers import AttemptLedger, ResultLedger
from aiofunasr.pipeline.mistakes import Mistakes
from aiofunasr.pipeline.outlet import BatchOutlet, Notice, Outlet
from aiofunasr.pipeline.poller import Poller
from aiofunasr.pipeline.reconciler import Reconciler
from aiofunasr.pipeline.record import TaskRecord
from aiofunasr.pipeline.resumer import Resumer
from aiofunasr.pipeline.submitter import OnUnknownSubmit, Submitter
from aiofunasr.pipeline.uploads import Uploader
from aiofunasr.settings import Account, Limits, Reconciliation, Timeouts
from aiofunasr.transport import Transport

logger = logging.getLogger("aiofunasr")

_SLICE = 100
"""How many tasks are released before others may run: some three milliseconds' worth."""

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
        on_unknown_submit: What is done about a submit whose outcome is not known.
        reconciliation: How long such a submit is searched for.
        journal: What survives the process, or None.
        expects_events: Whether something else tells of the ends of tasks, so that asking is for when it does not.
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
        on_unknown_submit: OnUnknownSubmit,
        reconciliation: Reconciliation,
        journal: Journal | None,
        expects_events: bool = False,
    ) -> None:
        self.transport = transport
        self.account = account
        self.limits = limits
        self.clock = clock
        self.background = Background(limits.requests)
        self.adviser = Adviser(account.region, limits.submit)
        self.gateway = Gateway(transport, account, limits, timeouts, random)
        self.collector = Collector(
            self.gateway,
            self.background,
            limits=limits,
            timeouts=timeouts,
            random=random,
            clock=clock,
            ledger=ResultLedger(journal),
        )
        self.poller = Poller(self.gateway, random, clock, expects_events=expects_events)
        self.reconciler = Reconciler(
            self.gateway, clock, reconciliation, lambda task_id: self.poller.find(task_id) is not None
        )
        ledger = AttemptLedger(journal, account, clock)
        self.submitter = Submitter(
            self.gateway, self.poller, self.reconciler, ledger=ledger, clock=clock, on_unknown=on_unknown_submit
        )
        self.mistakes = Mistakes(self.poller, self.reconciler, clock)
        self.resumer = Resumer(
            account, self.poller, self.reconciler, ledger=ledger, clock=clock, on_unknown=on_unknown_submit
        )
        self.journal = journal
        self.claims = Claims()
        self.certificates = Certificates(transport, self.background, timeouts)
        self.uploader = Uploader(self.gateway, self.background, limits, timeouts, random=random, clock=clock)
        # All but those that only wait for a task in flight: there may be very many, and its record leads to them.
        self._outlets: WeakSet[Outlet] = WeakSet()
        self.poller.on_forgotten = self._keep_outlets
        # Bound once: there may be very many outlets.
        self._on_work = self.collector.serve
        self._closing = False
        # The tokens of what was in flight, or not taken, at the end; a dict keeps their order.
        self._unfinished: dict[str, None] = {}

    def outlet(self) -> Outlet:
        """Make a place for the results of a task to come out; `keep` it if it waits for anything but a new task."""
        return Outlet(self._on_work)

    def notice(self) -> Notice:
        """Make a place to hear that a task is done, whose results nobody collects here; the same goes for it."""
        return Notice(self._on_work)

    def keep(self, outlet: Outlet) -> None:
        """Have an outlet hear of the session's end, whatever becomes of its task."""
        self._outlets.add(outlet)

    def _keep_outlets(self, record: TaskRecord) -> None:
        for outlet in record.outlets:
            # A batch's is kept from the beginning.
            if not outlet.has_many:
                self._outlets.add(outlet)

    def batch_outlet(self, room: int) -> BatchOutlet:
        """Make a place for the results of many tasks to come out."""
        outlet = BatchOutlet(room, self._on_work)
        self._outlets.add(outlet)
        return outlet

    async def start(self) -> None:
        """Open the journal and start the background work.

        Raises:
            JournalError: The journal cannot be opened.
        """
        if self.journal is not None:
            await self.journal.open()
        try:
            await self.background.start(self._crashed)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._close_journal()
            raise
        self.background.spawn(self.poller.run)
        self.background.spawn(self.reconciler.run)

    async def stop(self) -> tuple[str, ...]:
        """End the background work within about a second and return the tokens of what it leaves unfinished.

        Whoever waits for one of those tasks gets a `SessionClosedError` with its token.
        """
        self._closing = True
        await self.submitter.settle(CLOSING)
        for record in self.mistakes.open_searches:
            # What its submit made is not known, so its token would lead to another task.
            self.submitter.leave_unanswered(record, (file.file_url for file in record.files))
        self.poller.stop()
        releasing = self._release(SessionClosedError("the session was closed while its tasks were in flight"))
        try:
            for _ in releasing:
                await checkpoint()
        finally:
            # Cancelled on the way, it is finished at once.
            deque(releasing, maxlen=0)
        unfinished = tuple(self._unfinished)
        self.background.close(SessionClosedError("the session is closed").for_tasks(unfinished))
        await self.background.stop()
        await self._close_journal()
        try:
            await self.transport.aclose()
        except Exception:
            # Somebody's own transport; the tokens matter more than its farewell.
            logger.exception("closing the transport failed")
        return unfinished

    async def _close_journal(self) -> None:
        if self.journal is not None:
            try:
                await self.journal.aclose()
            except JournalError:
                # What is in it is durable already; the tokens matter more than a clean end.
                logger.exception("closing the journal failed")

    def forget(self, outlet: Outlet) -> tuple[str, ...]:
        """Stop waiting for what would come out of an outlet, and return the tokens of what goes on without it."""
        tokens = [*outlet.abandon()]
        for record in self.poller.records_of(outlet):
            record.outlets = tuple(other for other in record.outlets if other is not outlet)
            tokens.append(record.token)
            if not record.outlets:
                self.poller.forget(record)
        if self._closing:
            # Whoever is told of the end first may leave before the others are told.
            self._unfinished |= dict.fromkeys(tokens)
        return tuple(dict.fromkeys(tokens))

    def _release(self, closed: SessionClosedError) -> Iterator[None]:
        """Tell everyone who waits why it is over, and keep the tokens of what goes on, or was not taken.

        It pauses after every slice, because there may be very many, and ends when there is nobody left.
        """
        while len(self.poller) or self._outlets:
            left: dict[Outlet, list[str]] = defaultdict(list)
            for number, record in enumerate(self.poller.records, 1):
                # Unless it was done meanwhile.
                if self.poller.find(record.task_id) is record:
                    self.poller.forget(record)
                    record.error = closed
                    self._unfinished[record.token] = None
                    for outlet in record.outlets:
                        left[outlet].append(record.token)
                if number % _SLICE == 0:
                    yield
            for number in takewhile(lambda _: self._outlets, count(1)):
                left[self._outlets.pop()] += ()
                if number % _SLICE == 0:
                    yield
            # Taken out one by one: to let go of all at once takes long, too.
            for number in takewhile(lambda _: left, count(1)):  # noqa: B023  (used up before the next round)
                outlet, in_flight = left.popitem()
                not_taken = outlet.abandon()
                self._unfinished |= dict.fromkeys(not_taken)
                outlet.fail(closed.for_tasks((*in_flight, *not_taken)))
                if number % _SLICE == 0:
                    yield
        self._unfinished |= dict.fromkeys(self.submitter.orphans)

    def _crashed(self, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        logger.error("the session's background work failed", exc_info=error)
        closed = SessionClosedError(f"the session's background work failed: {type(error).__name__}: {error}")
        closed.__cause__ = error
        try:
            deque(self._release(closed), maxlen=0)
        finally:
            self.background.close(closed.for_tasks(tuple(self._unfinished)))
