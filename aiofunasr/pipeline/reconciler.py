"""Searches for the tasks of submits whose reply was lost.

One loop serves all of them, and rests while there are none. Round by round it goes through the task list, asks about
the tasks that may be the ones, and lets `aiofunasr.reconcile` decide. List pages and questions come out of the same
budgets as the poller's. Whoever waits for a search may be cancelled: it goes on all the same, because what it finds is
paid for; only the end of the session cuts it off.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

import anyio
from attrs import define, evolve, field, frozen

from aiofunasr.errors import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    FunASRError,
    NotFoundError,
)
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.passes import Passes
from aiofunasr.pipeline.suspects import Suspects
from aiofunasr.reconcile.coverage import Coverage
from aiofunasr.reconcile.intents import Adopt, Decision, Intent, Pending, Undecidable
from aiofunasr.reconcile.matching import decide
from aiofunasr.settings import Reconciliation
from aiofunasr.wire.messages import Kind

logger = logging.getLogger("aiofunasr")

_SHORTEST_REST = 3.0
_LONGEST_REST = 60.0
_REST_SHARE = 8
"""The longer the youngest of the searches takes, the longer the loop rests between two rounds: an eighth of that."""

_BUDGET_SHARE = 4
"""At most a quarter of the queries goes into the pages of the list, however long it is."""

_PRUNE_EVERY = 1000

_NOT_LISTED = (BadRequestError, NotFoundError, AccessDeniedError, AuthenticationError)


@define(eq=False)
class Search:
    """The search for one lost submit.

    Attributes:
        intent: What was sent, and when.
        conclude: What is done with the decision, whether or not somebody waits for it.
        begun_at: When the search began, by the loop's clock.
        sought_since: The same by the clock of the intent.
        is_covered: Whether the list has shown every task that may have come of it.
        over: Set when the decision was made and taken in.
    """

    intent: Intent
    conclude: Callable[[Decision], Awaitable[None]]
    begun_at: float
    sought_since: float
    over: anyio.Event = field(factory=anyio.Event)
    is_covered: bool = False
    decision: Decision | None = None


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
        self._coverage = Coverage(lag=settings.lag)
        self._suspects = Suspects(gateway)
        self._passes = Passes(gateway, clock, self._coverage, self._suspects)
        self._last_id = 0
        self._under_way: dict[int, Intent] = {}
        self._searches: dict[int, Search] = {}
        # Submits that could not be told from others: while those are searched for, they still may be.
        self._given_up: dict[int, Intent] = {}
        self._others: set[str] = set()
        # The first submit that left after a clock was set.
        self._first_after: int | None = None
        self._pages = 0
        self._wake = anyio.Event()
        self._accepted = 0
        self._counts = {"found": 0, "absent": 0, "undecided": 0}
        self._lost = 0
        # What is done about a task of which the list says that another request made it.
        self.on_mistake: Callable[[str], None] = self.disown

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
        intent = self._intent(model, digests, label, sent_at=self._clock())
        self._under_way[intent.id] = intent
        return intent

    def heard(self, date: str, intent: Intent) -> None:
        """Learn the service's time from the `Date` of the reply to a submit."""
        self._passes.learn_time(date, intent.sent_at)

    def accepted(self, intent: Intent, task_id: str, request_id: str | None = None) -> None:
        """Note that a submit was answered with a task id; `request_id` is what the reply calls the submit."""
        self._under_way.pop(intent.id, None)
        self._coverage.accepted(task_id, intent.sent_at, self._clock(), intent.model, request_id)
        if self._searches:
            self._wake.set()
        self._accepted += 1
        if self._accepted % _PRUNE_EVERY == 0:
            self._prune()

    def dismiss(self, intent: Intent) -> None:
        """Forget a submit: it certainly made no task, or nobody wants to know."""
        self._under_way.pop(intent.id, None)

    def own(self, task_id: str, sent_at: float, answered_at: float, model: str | None = None) -> None:
        """Note a task that is ours: it came of no lost submit, and the list has to show it."""
        self._coverage.accepted(task_id, sent_at, answered_at, model)

    def owns(self, task_id: str) -> bool:
        """Return whether a task is known to have come of another submit, as far back as that is remembered."""
        return task_id in self._coverage or task_id in self._others

    def disown(self, task_id: str) -> None:
        """Note that a task is not ours after all, or another submit's."""
        self._coverage.disown(task_id)
        self._others.discard(task_id)

    async def is_anothers(self, task_id: str) -> bool | None:
        """Ask the list whether a task of ours was made by another submit than the one that was answered with it.

        It is not asked where nothing speaks for that: only while a submit is without its reply that left before this
        one's reply came. None says that it is in doubt and the list does not tell yet.
        """
        witness = self._coverage.witness(task_id)
        unanswered = (*self._under_way.values(), *(search.intent for search in self._searches.values()))
        if witness is None or not any(intent.sent_at <= witness.answered_at for intent in unanswered):
            return False
        try:
            return await self._passes.is_anothers(task_id, witness)
        except _NOT_LISTED:
            return False
        except FunASRError as error:
            logger.info("the task list did not tell whose task %s is: %s", task_id, error)
            return None

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
        intent = self._intent(model, digests, label, sent_at=sent_at)
        return self._search(evolve(intent, ended_at=ended_at, request_id=request_id), conclude)

    def _intent(self, model: str, digests: Iterable[str], label: str, *, sent_at: float) -> Intent:
        each = tuple(digests)
        self._last_id += 1
        return Intent(
            id=self._last_id,
            model=model,
            digests=frozenset(each),
            count=len(each),
            label=label,
            sent_at=sent_at,
            ended_at=None,
        )

    def _search(self, intent: Intent, conclude: Callable[[Decision], Awaitable[None]]) -> Search:
        search = Search(intent, conclude, anyio.current_time(), self._clock())
        self._searches[intent.id] = search
        self._lost += 1
        self._wake.set()
        return search

    # --- the loop ---

    async def run(self) -> None:
        """Search, until told to stop."""
        while True:
            while not self._searches:
                self._prune()
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
        now = anyio.current_time()
        youngest = min((now - search.begun_at for search in self._searches.values()), default=0.0)
        rest = min(max(youngest / _REST_SHARE, _SHORTEST_REST), _LONGEST_REST)
        return max(rest, self._pages * _BUDGET_SHARE / self._gateway.lanes[Kind.QUERY].budget.ceiling)

    async def _round(self) -> None:
        try:
            await self._pass_through_list()
        except _NOT_LISTED:
            raise
        except FunASRError as error:
            # What is known already may be enough, and the patience may be at its end.
            logger.info("searching for lost submits goes on after: %s", error)
        open_ones = await self._decide()
        if await self._suspects.look_at(dict.fromkeys(task_id for each in open_ones for task_id in each.to_look_at)):
            open_ones = await self._decide()
        for each in open_ones:
            search = self._searches.get(each.intent.id)
            # A suspect is followed to its end; but where there is none, more waiting shows nothing more.
            if (
                search is not None
                and anyio.current_time() - search.begun_at > self._settings.patience
                and not self._suspects.in_progress(each.to_look_at, self._settings.patience)
            ):
                why = "the task list has not shown enough to tell that there is no task"
                if each.candidates:
                    why = "nothing was shown that tells whether a task of that time is its"
                await self._end(Undecidable(each.intent, each.candidates, why))
        self._prune()

    async def _decide(self) -> list[Pending]:
        """Make the decisions that can be made now, and return those that are left open."""
        self._heed_clock()
        late = self._settings.late
        for search in self._searches.values():
            search.is_covered |= self._coverage.covers(search.intent, late=late, sought_since=search.sought_since)
        decisions = decide(
            [*self._under_way.values(), *(search.intent for search in self._searches.values())],
            {task_id: suspect for task_id, suspect in self._suspects if not self.owns(task_id)},
            self._passes.service_clock,
            lambda intent: intent.id in self._searches and self._searches[intent.id].is_covered,
            given_up=self._given_up.values(),
            late=late,
        )
        for decision in decisions:
            if isinstance(decision, Adopt) and self._is_watched(decision.task_id):
                why = "the task that shows its files was attached to meanwhile"
                await self._end(Undecidable(decision.intent, (decision.task_id,), why))
            elif not isinstance(decision, Pending):
                await self._end(decision)
        return [decision for decision in decisions if isinstance(decision, Pending)]

    async def _end(self, decision: Decision) -> None:
        search = self._searches.pop(decision.intent.id, None)
        if search is None:
            return
        kind = {"Adopt": "found", "Absent": "absent"}.get(type(decision).__name__, "undecided")
        self._counts[kind] += 1
        if kind == "undecided":
            self._given_up[search.intent.id] = search.intent
        elif isinstance(decision, Adopt):
            # Whether or not it can be taken in: it is nobody else's.
            self.own_unseen([decision.task_id])
        logger.info("a submit without a reply: %s after %.0f s", kind, self._clock() - search.intent.sent_at)
        try:
            await search.conclude(decision)
            # Not before: what was not taken in must not be acted on.
            search.decision = decision
        except Exception:
            # It is this search's and nobody else's; whoever waits for it sees that there is no decision.
            logger.exception("taking in what a search found failed")
        finally:
            search.over.set()

    async def _give_up(self, why: str) -> None:
        for search in tuple(self._searches.values()):
            await self._end(Undecidable(search.intent, (), why))

    async def _pass_through_list(self) -> None:
        """Look for more in the list, unless it has shown all that is searched for."""
        self._pages = 0
        wanted = [search.intent for search in self._searches.values() if not search.is_covered]
        if not wanted:
            return
        models = {intent.model for intent in wanted}
        before = self._passes.pages
        try:
            await self._passes.go(min(intent.sent_at for intent in wanted), models.pop() if len(models) == 1 else None)
        finally:
            self._pages = self._passes.pages - before
        for task_id in self._passes.doubted():
            self.disown(task_id)
            self.on_mistake(task_id)

    def _heed_clock(self) -> None:
        """Begin anew where a clock was set: what was taken for a task of another time may not be."""
        if self._passes.clock_was_set:
            self._passes.clock_was_set = False
            self._first_after = self._last_id + 1
            for search in self._searches.values():
                search.is_covered = False

    def _prune(self) -> None:
        """Forget what no search needs any more, nor any that may yet begin."""
        now, late, clock = self._clock(), self._settings.late, self._passes.service_clock
        open_ones = [*self._under_way.values(), *(search.intent for search in self._searches.values())]
        first = min((intent.sent_at for intent in open_ones), default=None)
        width = clock.most - clock.least
        self._given_up = {
            intent.id: intent
            for intent in self._given_up.values()
            if first is not None and (intent.ended_at or now) + late + width >= first
        }
        oldest = min((intent.id for intent in (*open_ones, *self._given_up.values())), default=self._last_id + 1)
        if self._first_after is not None and oldest >= self._first_after:
            self._first_after = None
            clock.settle()
        searched = [
            (search.intent.sent_at, (search.intent.ended_at or now) + late) for search in self._searches.values()
        ]
        under_way = min((intent.sent_at for intent in self._under_way.values()), default=now)
        self._coverage.forget(under_way, (min(searched)[0], max(end for _, end in searched)) if searched else None)
        self._suspects.keep(_merged(clock.window(*span) for span in searched))


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return spans as few that do not overlap."""
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return merged
