"""Searches for the tasks of submits whose reply was lost.

One loop serves all of them, and rests while there are none. Round by round it goes through the task list, asks about
the tasks that may be the ones, and lets `aiofunasr.reconcile` decide. List pages and questions come out of the same
budgets as the poller's. Whoever waits for a search may be cancelled: it goes on all the same, because what it finds is
paid for; only the end of the session cuts it off.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count

import anyio
from attrs import define, evolve, field, frozen

from aiofunasr.errors import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    FunASRError,
    NotFoundError,
    ThrottledError,
)
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.listing import every_row
from aiofunasr.reconcile.clock import ServiceClock
from aiofunasr.reconcile.coverage import Coverage
from aiofunasr.reconcile.matching import Decision, Intent, Pending, Sight, Suspect, Undecidable, decide
from aiofunasr.settings import Reconciliation
from aiofunasr.snapshots import TERMINAL, ListedTask, TaskPage
from aiofunasr.wire.messages import Kind, Reply
from aiofunasr.wire.replies import read_snapshot, read_task_page
from aiofunasr.wire.requests import list_tasks, query

logger = logging.getLogger("aiofunasr")

PAGE_SIZE = 100

_SHORTEST_REST = 3.0
_LONGEST_REST = 60.0
_REST_SHARE = 8
"""The older the youngest of the lost submits, the longer the loop rests between two rounds: an eighth of that age."""

_FIRST_LOOK_AGAIN = 10.0
_LONGEST_LOOK_AGAIN = 60.0
_LOOKS_A_ROUND = 50
_LOOKS_AT_ONCE = 4

_OLDEST_START = 20 * 3600.0
"""A list that is asked from a time on shows 24 hours from there; further back it is asked without one (4.2)."""

_PRUNE_EVERY = 1000

_NOT_LISTED = (BadRequestError, NotFoundError, AccessDeniedError, AuthenticationError)


@define(eq=False)
class Search:
    """The search for one lost submit.

    Attributes:
        intent: What was sent, and when.
        conclude: What is done with the decision, whether or not somebody waits for it.
        over: Set when the decision was made and taken in.
    """

    intent: Intent
    conclude: Callable[[Decision], Awaitable[None]]
    over: anyio.Event = field(factory=anyio.Event)
    decision: Decision | None = None


@frozen
class _Look:
    """What was last heard of a suspect, and when to ask again."""

    sight: Sight
    again_at: float
    interval: float


@frozen(kw_only=True)
class ReconciliationStatistics:
    """The searches for submits whose reply was lost.

    Attributes:
        searching: Submits that are searched for now.
        lost: Submits that ever were.
        found: How many of them were found to have made a task.
        absent: How many are known to have made none.
        undecided: How many could not be told.
        longest_lag: The longest time in seconds that the task list was seen to lag behind.
    """

    searching: int
    lost: int
    found: int
    absent: int
    undecided: int
    longest_lag: float


class Reconciler:
    """The searches of a session.

    Args:
        gateway: The way to the service.
        clock: The time of day in seconds since the epoch.
        settings: How long to search.
        is_watched: Whether a task is in flight here.
    """

    def __init__(
        self,
        gateway: Gateway,
        clock: Callable[[], float],
        settings: Reconciliation,
        is_watched: Callable[[str], bool],
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._settings = settings
        self._is_watched = is_watched
        self._service_clock = ServiceClock()
        self._coverage = Coverage(lag=settings.lag)
        self._ids = count(1)
        self._under_way: dict[int, Intent] = {}
        self._searches: dict[int, Search] = {}
        self._others: set[str] = set()
        self._rows: dict[str, ListedTask] = {}
        self._looks: dict[str, _Look] = {}
        self._wake = anyio.Event()
        # Whether the list may be asked for a time and a model; given up where it then hides our own tasks.
        self._filters = True
        self._accepted = 0
        self._counts = {"found": 0, "absent": 0, "undecided": 0}
        self._lost = 0

    def statistics(self) -> ReconciliationStatistics:
        """Return what was searched for and found."""
        return ReconciliationStatistics(
            searching=len(self._searches),
            lost=self._lost,
            longest_lag=self._coverage.longest_lag,
            **self._counts,
        )

    # --- the side of the submitter ---

    def leaves(self, model: str, digests: Iterable[str], label: str) -> Intent:
        """Note a submit that leaves now."""
        intent = Intent(
            id=next(self._ids),
            model=model,
            digests=frozenset(digests),
            label=label,
            sent_at=self._clock(),
            ended_at=None,
        )
        self._under_way[intent.id] = intent
        return intent

    def heard(self, date: str, intent: Intent) -> None:
        """Learn the service's time from the `Date` of the reply to a submit."""
        self._learn_time(date, intent.sent_at)

    def accepted(self, intent: Intent, task_id: str) -> None:
        """Note that a submit was answered with a task id."""
        self._under_way.pop(intent.id, None)
        self.own(task_id, intent.sent_at, self._clock())
        self._accepted += 1
        if self._accepted % _PRUNE_EVERY == 0:
            self._coverage.forget(self._clock(), self._first_lost())

    def dismiss(self, intent: Intent) -> None:
        """Forget a submit: it certainly made no task, or nobody wants to know."""
        self._under_way.pop(intent.id, None)
        self._wake.set()

    def own(self, task_id: str, sent_at: float, answered_at: float) -> None:
        """Note a task that is ours: it came of no lost submit, and the list has to show it."""
        self._coverage.accepted(task_id, sent_at, answered_at)
        self._wake.set()

    def own_unseen(self, task_ids: Iterable[str]) -> None:
        """Note tasks that are ours, of which it is not known exactly when they were made."""
        self._others.update(task_ids)

    def lost(self, intent: Intent, request_id: str | None, conclude: Callable[[Decision], Awaitable[None]]) -> Search:
        """Begin to search for the task of a submit that had no usable reply."""
        self._under_way.pop(intent.id, None)
        return self._search(evolve(intent, ended_at=self._clock(), request_id=request_id), conclude)

    def lost_before(
        self,
        model: str,
        digests: Iterable[str],
        label: str,
        *,
        sent_at: float,
        ended_at: float,
        request_id: str | None,
        conclude: Callable[[Decision], Awaitable[None]],
    ) -> Search:
        """Begin to search for the task of a submit of another process, which did not live to see its reply."""
        intent = Intent(
            id=next(self._ids),
            model=model,
            digests=frozenset(digests),
            label=label,
            sent_at=sent_at,
            ended_at=ended_at,
            request_id=request_id,
        )
        return self._search(intent, conclude)

    def _search(self, intent: Intent, conclude: Callable[[Decision], Awaitable[None]]) -> Search:
        search = Search(intent, conclude)
        self._searches[intent.id] = search
        self._lost += 1
        self._wake.set()
        return search

    # --- the loop ---

    async def run(self) -> None:
        """Search, until told to stop."""
        while True:
            while not self._searches:
                self._rows.clear()
                self._looks.clear()
                self._wake = anyio.Event()
                await self._wake.wait()
            await self._rest()
            try:
                await self._round()
            except _NOT_LISTED as error:
                await self._give_up(f"the task list cannot be had ({error})")
            except FunASRError as error:
                logger.info("searching for lost submits goes on after: %s", error)
            except Exception as error:
                logger.exception("searching for lost submits failed")
                await self._give_up(f"the search failed: {type(error).__name__}")

    async def _rest(self) -> None:
        """Wait for the next round, which a new search brings nearer."""
        begun_at = anyio.current_time()
        while (left := begun_at + self._interval() - anyio.current_time()) > 0:
            self._wake = anyio.Event()
            with anyio.move_on_after(left):
                await self._wake.wait()

    def _interval(self) -> float:
        now = self._clock()
        youngest = min((now - (search.intent.ended_at or now) for search in self._searches.values()), default=0.0)
        return min(max(youngest / _REST_SHARE, _SHORTEST_REST), _LONGEST_REST)

    async def _round(self) -> None:
        await self._pass_through_list()
        decisions = await self._decide()
        suspects = dict.fromkeys(
            task_id for decision in decisions if isinstance(decision, Pending) for task_id in decision.candidates
        )
        if await self._look_at(suspects):
            decisions = await self._decide()
        for decision in decisions:
            # A suspect is followed to its end; but where there is none, more waiting shows nothing more.
            ended_at = decision.intent.ended_at or 0.0
            if (
                isinstance(decision, Pending)
                and not decision.candidates
                and self._clock() - ended_at > self._settings.patience
            ):
                await self._end(
                    Undecidable(decision.intent, (), "the task list has not shown enough to tell that there is no task")
                )
        self._coverage.forget(self._clock(), self._first_lost())

    async def _decide(self) -> list[Decision]:
        """Make the decisions that can be made now, and return those that are left open."""
        suspects = {
            task_id: Suspect(row, self._looks[task_id].sight if task_id in self._looks else None)
            for task_id, row in self._rows.items()
            if not self._owns(task_id)
        }
        intents = [*self._under_way.values(), *(search.intent for search in self._searches.values())]
        late = self._settings.late
        decisions = decide(
            intents,
            suspects,
            self._service_clock,
            lambda intent: self._coverage.covers(intent, late=late),
            late=late,
        )
        for decision in decisions:
            if not isinstance(decision, Pending):
                await self._end(decision)
        return [decision for decision in decisions if isinstance(decision, Pending)]

    async def _end(self, decision: Decision) -> None:
        search = self._searches.pop(decision.intent.id, None)
        if search is None:
            return
        kind = {"Adopt": "found", "Absent": "absent"}.get(type(decision).__name__, "undecided")
        self._counts[kind] += 1
        logger.info("a submit without a reply: %s after %.0f s", kind, self._clock() - search.intent.sent_at)
        search.decision = decision
        try:
            await search.conclude(decision)
        finally:
            search.over.set()

    async def _give_up(self, why: str) -> None:
        for search in tuple(self._searches.values()):
            await self._end(Undecidable(search.intent, (), why))

    def _owns(self, task_id: str) -> bool:
        return task_id in self._coverage or task_id in self._others or self._is_watched(task_id)

    def _first_lost(self) -> float | None:
        return min((search.intent.sent_at for search in self._searches.values()), default=None)

    # --- the task list ---

    async def _pass_through_list(self) -> None:
        first_lost = self._first_lost()
        if first_lost is None:
            return
        begun_at, since = self._clock(), self._coverage.since(first_lost)
        start = self._service_clock.window(since, since)[0]
        filtered = self._filters and begun_at - start < _OLDEST_START
        if not filtered:
            since = max(since, begun_at - _OLDEST_START)
        models = {search.intent.model for search in self._searches.values()}
        model = models.pop() if filtered and len(models) == 1 else None
        oldest = self._service_clock.window(first_lost, first_lost)[0]
        shown: set[str] = set()

        async def ask(page_no: int) -> TaskPage:
            # The service does not say whether pages are counted with queries, so they count as both.
            await self._gateway.lanes[Kind.QUERY].turn()
            sent_at = self._clock()

            def read(reply: Reply) -> TaskPage:
                self._learn_time(reply.headers.get("date", ""), sent_at)
                return read_task_page(reply)

            return await self._gateway.ask(
                Kind.LIST,
                lambda caller: list_tasks(
                    caller,
                    page_no=page_no,
                    page_size=PAGE_SIZE,
                    start_time=datetime.fromtimestamp(start, UTC) if filtered else None,
                    model_name=model,
                ),
                read,
            )

        async for row in every_row(ask):
            shown.add(row.task_id)
            made_at = row.gmt_create or row.start_time
            span = self._coverage.span_of(row.task_id)
            if span is not None and row.gmt_create is not None:
                self._service_clock.created(row.gmt_create.timestamp(), *span)
            elif span is None and (made_at is None or made_at.timestamp() >= oldest):
                self._rows[row.task_id] = row
        if not self._coverage.passed(shown, since, begun_at) and filtered:
            # Our own tasks are not in it: its times may be of another zone, its models go by other names.
            logger.info("the task list, asked for a time and a model, hides our own tasks; asking for all of it")
            self._filters = False
            self._coverage.forget_passes()

    def _learn_time(self, date: str, sent_at: float) -> None:
        try:
            replied_at = parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        self._service_clock.replied(replied_at, sent_at, self._clock())

    # --- the suspects ---

    async def _look_at(self, suspects: Iterable[str]) -> bool:
        """Ask about the suspects that are due, and say whether anything was heard."""
        now = anyio.current_time()
        due = [task_id for task_id in suspects if self._is_due(task_id, now)][:_LOOKS_A_ROUND]
        places = anyio.Semaphore(_LOOKS_AT_ONCE)
        async with anyio.create_task_group() as group:
            for task_id in due:
                await places.acquire()
                group.start_soon(self._look, task_id, places)
        return bool(due)

    def _is_due(self, task_id: str, now: float) -> bool:
        look = self._looks.get(task_id)
        if look is None:
            return True
        ended_since = self._rows[task_id].status in TERMINAL and look.interval == _FIRST_LOOK_AGAIN
        return not look.sight.ended and (look.again_at <= now or ended_since)

    async def _look(self, task_id: str, places: anyio.Semaphore) -> None:
        try:
            snapshot = await self._gateway.ask(
                Kind.QUERY, lambda caller: query(caller, task_id), lambda reply: read_snapshot(reply, task_id)
            )
        except ThrottledError as error:
            logger.info("asking about a suspect was throttled: %s", error)
        except FunASRError as error:
            logger.info("asking about a suspect failed: %s", error)
        else:
            before = self._looks.get(task_id)
            interval = _FIRST_LOOK_AGAIN if before is None else min(before.interval * 1.5, _LONGEST_LOOK_AGAIN)
            self._looks[task_id] = _Look(Sight.of(snapshot), anyio.current_time() + interval, interval)
        finally:
            places.release()
