"""Passes through the task list for those that search in it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from attrs import evolve, frozen

from aiofunasr.errors import BadRequestError
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.listing import every_row
from aiofunasr.pipeline.suspects import Suspects
from aiofunasr.reconcile.clock import ServiceClock
from aiofunasr.reconcile.coverage import Coverage, Witness
from aiofunasr.reconcile.intents import made_at, made_by
from aiofunasr.reconcile.matching import may_be_the_same
from aiofunasr.snapshots import ListedTask, TaskPage
from aiofunasr.wire.messages import Kind, Reply
from aiofunasr.wire.replies import read_task_page
from aiofunasr.wire.requests import list_tasks

logger = logging.getLogger("aiofunasr")

PAGE_SIZE = 100

_OLDEST_START = 20 * 3600.0
"""A list that is asked from a time on shows 24 hours from there; further back it is asked without one (4.2)."""


@lru_cache(maxsize=8)
def _moment(date: str) -> float | None:
    """Read a `Date`, which is the same for all replies of a second."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


@frozen(kw_only=True)
class _Question:
    """What the list is asked for: tasks that were made since a time, by our clock, perhaps of one model only."""

    since: float
    filtered: bool
    model: str | None = None


@frozen
class _Seen:
    """What a pass showed, when it began, and whether it showed as many rows as there are."""

    task_ids: frozenset[str]
    begun_at: float
    whole: bool


class Passes:
    """The way through the task list, and what is learned on it of the service's clock and of suspects.

    Args:
        gateway: The way to the service.
        clock: The time of day in seconds since the epoch.
        coverage: What the passes have shown.
        suspects: Where the rows go that are nobody's here.
    """

    def __init__(self, gateway: Gateway, clock: Callable[[], float], coverage: Coverage, suspects: Suspects) -> None:
        self._gateway = gateway
        self._clock = clock
        self._coverage = coverage
        self._suspects = suspects
        self.service_clock = ServiceClock()
        self.clock_was_set = False
        self.pages = 0
        # Whether the list may be asked for a time and a model; given up where that hides our own tasks.
        self._filters = True
        # Whether the list calls models what we call them.
        self._names_tell = True
        # Whether the list names the requests that made tasks, and those it names otherwise than their replies did.
        self._requests_tell = False
        self._doubted: dict[str, ListedTask] = {}

    def learn_time(self, date: str, sent_at: float) -> None:
        """Learn the service's time from the `Date` of a reply."""
        replied_at = _moment(date)
        if replied_at is None:
            return
        self._note_clock(agrees=self.service_clock.replied(replied_at, sent_at, self._clock()))

    def _note_clock(self, *, agrees: bool) -> None:
        if not agrees:
            logger.info("the clock was set, here or at the service: %r", self.service_clock)
            self._coverage.clock_was_set(self._clock())
            self.clock_was_set = True

    def _learn_from(self, row: ListedTask, witness: Witness) -> None:
        at = made_at(row)
        # Where it is not known when the reply came, it may be long after that it was made.
        if at is not None and witness.sent_at < witness.answered_at:
            self._note_clock(agrees=self.service_clock.created(at, witness.sent_at, witness.answered_at))
        if row.request_id and witness.request_id:
            self._requests_tell |= row.request_id == witness.request_id
            if row.request_id != witness.request_id:
                self._doubted[row.task_id] = row
        if row.model_name and witness.model and not may_be_the_same(row.model_name, witness.model):
            self._names_tell = False

    def doubted(self) -> list[str]:
        """Return the tasks taken for ours that other requests have made, and let them be suspects."""
        doubted, self._doubted = self._doubted, {}
        for row in doubted.values() if self._requests_tell else ():
            self._suspects.saw(row)
        return list(doubted) if self._requests_tell else []

    async def is_anothers(self, task_id: str, witness: Witness) -> bool | None:
        """Ask for the row of a task of ours and tell whether another request made it; None where it is not shown.

        Where it is not known whether the list calls requests what their replies call them, another task of ours tells.

        Raises:
            FunASRError: The list cannot be had.
        """
        if not witness.request_id:
            return False
        made_by = await self._request_of(task_id)
        if made_by is None or made_by == witness.request_id:
            return None if made_by is None else False
        if not self._requests_tell:
            known = self._coverage.newest_answered(besides=task_id)
            if known is not None:
                self._requests_tell = await self._request_of(known[0]) == known[1].request_id
        return self._requests_tell

    async def _request_of(self, task_id: str) -> str | None:
        page = await self._gateway.ask(
            Kind.LIST, lambda caller: list_tasks(caller, task_id=task_id, page_size=PAGE_SIZE), read_task_page
        )
        return next((row.request_id for row in page.data if row.task_id == task_id), None)

    async def go(self, first_lost: float, model: str | None) -> None:
        """Go through the list from before the first lost submit on; all of them were for one model, or None."""
        since = self._coverage.since(first_lost)
        start = self.service_clock.window(since, since)[0]
        filtered = _Question(since=since, filtered=True, model=model)
        everything = _Question(since=max(since, self._clock() - _OLDEST_START), filtered=False)
        if not self._filters or self._clock() - start >= _OLDEST_START:
            self._take_in(everything, await self._pass(everything, first_lost))
            return
        try:
            seen = await self._pass(filtered, first_lost)
        except BadRequestError as error:
            logger.info("the task list cannot be asked for a time (%s); asking for all of it", error)
            seen = None
        if seen is not None and self._coverage.vouched(seen.task_ids, since, seen.begun_at, model):
            self._take_in(filtered, seen)
            return
        # Our own tasks are not in it. Either its times are of another zone and its models go by other names, or it
        # lags behind: only all of it can tell.
        whole = await self._pass(everything, first_lost)
        if seen is None or self._coverage.vouched(whole.task_ids, everything.since, seen.begun_at):
            logger.info("the task list, asked for a time and a model, hides our own tasks; asking for all of it")
            self._filters = False
            self._coverage.forget_passes()
        self._take_in(everything, whole)

    def _take_in(self, question: _Question, seen: _Seen) -> None:
        if seen.whole:
            self._coverage.passed(seen.task_ids, question.since, seen.begun_at, question.model)

    async def _pass(self, question: _Question, first_lost: float) -> _Seen:
        begun_at = self._clock()
        start = self.service_clock.window(question.since, question.since)[0]
        totals: list[int] = []
        shown: set[str] = set()

        async def ask(page_no: int) -> TaskPage:
            # The service does not say whether pages are counted with queries, so they count as both.
            await self._gateway.lanes[Kind.QUERY].turn()
            sent_at = self._clock()

            def read(reply: Reply) -> TaskPage:
                self.learn_time(reply.headers.get("date", ""), sent_at)
                return read_task_page(reply)

            page = await self._gateway.ask(
                Kind.LIST,
                lambda caller: list_tasks(
                    caller,
                    page_no=page_no,
                    page_size=PAGE_SIZE,
                    start_time=datetime.fromtimestamp(start, UTC) if question.filtered else None,
                    model_name=question.model,
                ),
                read,
            )
            self.pages += 1
            if page.total is not None:
                totals.append(page.total)
            return page

        async for row in every_row(ask):
            shown.add(row.task_id)
            witness = self._coverage.witness(row.task_id)
            if witness is not None:
                self._learn_from(row, witness)
                continue
            latest = made_by(row)
            if latest is None or latest >= self.service_clock.window(first_lost, first_lost)[0]:
                self._suspects.saw(row if self._names_tell else evolve(row, model_name=None))
        # Rows are pushed back by new ones and seen twice; where others go, some are never seen. A pass that shows
        # fewer rows than there were at its begin, and than there are at its end, has missed some.
        return _Seen(frozenset(shown), begun_at, not totals or len(shown) >= min(totals[0], totals[-1]))
