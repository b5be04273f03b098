"""Asks about every task of the session until each is done.

One loop serves all tasks. It waits until the schedule has something to ask and the account's budget has a query to
spare, and only then lets the schedule decide what that is: one task, or a page of the task list, which costs a query
of the same budget, because the service does not say whether it counts the two apart. Not being done is no failure,
and a failed question says nothing about the task: 429, 5xx, time-outs and broken connections put it back in the
schedule, without limit. What ends a wait is the service's word about that very task, a refused key, or a day without
any word.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import islice
from random import Random

import anyio
import anyio.lowlevel

from aiofunasr.errors import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    FunASRError,
    NotFoundError,
    TaskExpiredError,
    ThrottledError,
    UnexpectedError,
    UsageError,
)
from aiofunasr.pipeline.clock import loop_time
from aiofunasr.pipeline.crew import Alarm, Crew
from aiofunasr.pipeline.delays import Delays
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.outlet import FinishedFile, Outlet
from aiofunasr.pipeline.record import TaskRecord
from aiofunasr.schedule.completion import Estimate
from aiofunasr.schedule.scheduler import CHEAPEST, Action, Ask, Scheduler
from aiofunasr.schedule.service_times import ServiceTimes
from aiofunasr.schedule.sweeps import PAGE_SIZE, Page, SweepStatistics
from aiofunasr.snapshots import TERMINAL, TaskPage, TaskSnapshot, TaskStatus
from aiofunasr.token import RETENTION, digests
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import read_snapshot, read_task_page
from aiofunasr.wire.requests import list_tasks, query
from aiofunasr.wire.verdicts import Verdict, is_of_other_files, judge

logger = logging.getLogger("aiofunasr")

YOUNG = 30.0
"""Seconds after a submit in which UNKNOWN may only mean that the service has not heard of it everywhere yet."""

REFUSALS = 5
"""How many 400 or 404 in a row to a query are believed."""

_COUNTED = 64
"""Up to so many tasks, each is looked at to tell when all are done; they are sought among the oldest."""

_LOOKED_AT = 1000

_EVENT_MAY_BE_LATE = 30.0
"""Where events tell of ends: seconds by which an event is expected to be late before the task is asked about."""

_ENDS_ALL = (AuthenticationError, AccessDeniedError, ConfigurationError, UsageError)


class Poller:
    """The one poller of a session."""

    def __init__(
        self, gateway: Gateway, random: Random, clock: Callable[[], float], *, expects_events: bool = False
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._lane = gateway.lanes[Kind.QUERY]
        self._pages = gateway.lanes[Kind.LIST]
        self._schedule = Scheduler(random, cheapest=_EVENT_MAY_BE_LATE if expects_events else CHEAPEST)
        self._times = ServiceTimes()
        self._records: dict[str, TaskRecord] = {}
        self._alarm = Alarm()
        self._asking: anyio.CancelScope | None = None
        self._refused_keys = 0
        self._refused_at = float("-inf")
        self.delays = Delays()
        self.completed = 0
        # Who hears of each task that is not asked about any more.
        self.on_forgotten: Callable[[TaskRecord], None] = lambda _: None
        # What is done about a task that has ended and shows other files than its own.
        self.on_mistake: Callable[[TaskRecord], None] = self.forget
        # Who finds out whether a task that shows no files is another submit's; None says that it is not known yet.
        self.is_anothers: Callable[[str], Awaitable[bool | None]] | None = None

    @property
    def records(self) -> tuple[TaskRecord, ...]:
        """The tasks in flight, oldest first."""
        return tuple(self._records.values())

    def records_of(self, outlet: Outlet) -> list[TaskRecord]:
        """Return the tasks in flight whose results come out of an outlet, oldest first."""
        found = []
        # There may be very many of others. One that is left early was mostly submitted just now, or not at all.
        for record in reversed(self._records.values()) if outlet.has_tasks else ():
            if outlet in record.outlets:
                found.append(record)
                if not outlet.has_many:
                    break
        return found[::-1]

    def __len__(self) -> int:
        """Return how many tasks are in flight."""
        return len(self._records)

    @property
    def suspected(self) -> int:
        """How many tasks seem to be done and wait for the query that confirms it."""
        return self._schedule.suspects

    def sweeps(self) -> SweepStatistics:
        """Return what was done with the task list."""
        return self._schedule.sweep_statistics(loop_time())

    def time_left(self, record: TaskRecord) -> Estimate | None:
        """Return how much longer a task takes, or None while nothing is known of that."""
        return self._schedule.time_left(record.task_id, loop_time())

    def all_left(self, outlet: Outlet, live: int, coming: int, submits: float) -> Estimate | None:
        """Return how much longer it takes until the live tasks of an outlet are done, and as many as are still coming.

        `submits` is how many of those are submitted each second.
        """
        first = (record.task_id for record in islice(self._records.values(), _LOOKED_AT) if outlet in record.outlets)
        now, some = loop_time(), tuple(islice(first, _COUNTED))
        return self._schedule.all_left(now, some, live=live, coming=coming, rate=submits)

    def watch(self, record: TaskRecord) -> None:
        """Begin to ask about a task."""
        now = loop_time()
        age = 0.0 if record.submitted_at is None else max(self._clock() - record.submitted_at, 0.0)
        self._records[record.task_id] = record
        due = self._schedule.add(record.task_id, now, age=age, length=record.seconds)
        if record.attached is not None:
            # What became of it since it was submitted is the first thing to know.
            self._schedule.hint(record.task_id)
            due = now
        # Most of many new tasks come up later than others, and then need wake nobody.
        self._alarm.ring_before(due)

    def find(self, task_id: str) -> TaskRecord | None:
        """Return the record of a task that is in flight, or None."""
        return self._records.get(task_id)

    def forget(self, record: TaskRecord) -> None:
        """Stop asking about a task; the task itself goes on."""
        self._records.pop(record.task_id, None)
        self._schedule.remove(record.task_id)
        self.on_forgotten(record)

    def hint(self, task_id: str) -> bool:
        """Ask about a task now, because something says that it is done; False if it is not in flight here."""
        self._schedule.hint(task_id)
        self._alarm.ring()
        return task_id in self._records

    def fail_all(self, error: FunASRError) -> None:
        """End every wait with an error that carries the tokens."""
        records = self.records
        by_outlet: dict[Outlet, list[TaskRecord]] = {}
        for record in records:
            record.error = error.for_task(record.task_id, record.token)
            self.forget(record)
            for outlet in record.outlets:
                by_outlet.setdefault(outlet, []).append(record)
        for outlet, group in by_outlet.items():
            alone = group[0].error if len(group) == 1 else None
            outlet.fail(alone or error.for_tasks([record.token for record in group]))

    def stop(self) -> None:
        """Ask nothing more; what is waited for stays known."""
        if self._asking is not None:
            self._asking.cancel()

    async def run(self) -> None:
        """Ask, until told to stop."""
        with anyio.CancelScope() as self._asking:
            await Crew[Action](self._lane.at_once, self._next_action, self._do).run()

    async def _next_action(self) -> Action:
        """Wait until there is something to ask, and take a turn for it."""
        while True:
            # First a free place and the budget, then the decision, so that it is made on the newest knowledge.
            await self._lane.free()
            await self._lane.ready()
            action = self._next()
            if action is not None:
                self._lane.take()
                if isinstance(action, Page):
                    self._pages.take()
                return action
            while (due := self._next_at()) is None or due > loop_time():
                await self._alarm.sleep_until(float("inf") if due is None else due)
            # What is due may turn out not to be; while that goes on, others must run, too.
            await anyio.lowlevel.checkpoint()

    async def _do(self, action: Action) -> None:
        match action:
            case Ask(task_id):
                # Whoever waited for it may have left since this was decided.
                if (record := self._records.get(task_id)) is not None:
                    await self._ask(record)
            case Page() as page:
                await self._list(page)

    def _next_at(self) -> float | None:
        now = loop_time()
        return self._schedule.next_at(now, self._pages.budget.ready_at(now))

    def _next(self) -> Action | None:
        now = loop_time()
        return self._schedule.next(now, self._lane.budget.ceiling, self._pages.budget.ready_at(now))

    async def _ask(self, record: TaskRecord) -> None:
        task_id, asked_at = record.task_id, loop_time()
        try:
            snapshot = await self._gateway.send(
                Kind.QUERY,
                lambda caller: query(caller, task_id),
                lambda reply: read_snapshot(reply, task_id),
                paced=True,
            )
            record.told_of = asked_at
            if not await self._is_mistaken(record, snapshot):
                self._answered(record, snapshot)
            self._refused_keys = 0
        except _ENDS_ALL as error:
            self._key_refused(record, error, asked_at)
        except FunASRError as error:
            self._unanswered(record, error)
        except Exception as error:
            # Whatever it was, it is this task's and nobody else's.
            logger.exception("asking about task %s failed", task_id)
            unexpected = UnexpectedError(f"asking about the task failed: {type(error).__name__}")
            unexpected.__cause__ = error
            self._give_up(record, unexpected)
        # Something else may be due earlier now than what the loop sleeps for.
        self._alarm.ring()

    async def _list(self, page: Page) -> None:
        sent_at = loop_time()
        since = None if page.since is None else datetime.fromtimestamp(self._clock() - (sent_at - page.since), UTC)
        try:
            reply = await self._gateway.send(
                Kind.LIST,
                lambda caller: list_tasks(
                    caller, page_no=page.number, page_size=PAGE_SIZE, status=page.status, start_time=since
                ),
                read_task_page,
                paced=True,
            )
            self._schedule.listed(page, reply, sent_at, loop_time())
            self._show(reply)
            while self._schedule.judge():
                await anyio.lowlevel.checkpoint()
        except ThrottledError as error:
            self._schedule.page_failed(page, loop_time(), throttled=error.retryable, refused=not error.retryable)
        except (BadRequestError, NotFoundError, AccessDeniedError) as error:
            logger.info("the task list cannot be had (%s); asking about each task by itself", error.code)
            self._schedule.page_failed(page, loop_time(), refused=True)
        except FunASRError as error:
            # A key that is refused, too: the queries will find that out.
            logger.info("a page of the task list could not be had: %s", error)
            self._schedule.page_failed(page, loop_time())
        except Exception:
            logger.exception("reading the task list failed")
            self._schedule.page_failed(page, loop_time(), refused=True)
        self._alarm.ring()

    def _show(self, page: TaskPage) -> None:
        """Let the handles of tasks show what the list says, as far as that is news."""
        for row in page.data:
            record = self._records.get(row.task_id)
            # The list may lag behind, and a task never goes back; its end is for a query to tell.
            news = row.status not in TERMINAL and row.status != TaskStatus.PENDING
            if record is not None and news and record.status == TaskStatus.PENDING:
                record.status = row.status
                for outlet in record.outlets:
                    outlet.changed()

    async def _is_mistaken(self, record: TaskRecord, snapshot: TaskSnapshot) -> bool:
        """Deal with an end that shows no files, where the task may be another submit's; False leaves it to be told.

        Cancelled on the way, nothing was told and the task is still in flight.
        """
        shows_files = any(subtask.file_url for subtask in snapshot.results)
        if not snapshot.is_terminal or shows_files or record.attached is not None or self.is_anothers is None:
            return False
        is_anothers = await self.is_anothers(record.task_id)
        if self._records.get(record.task_id) is not record:
            return True
        if is_anothers:
            self.on_mistake(record)
        elif is_anothers is None and self._is_young(record):
            self._schedule.alive(record.task_id, loop_time(), running=False)
        else:
            return False
        return True

    def _answered(self, record: TaskRecord, snapshot: TaskSnapshot) -> None:
        now = loop_time()
        if self._records.get(record.task_id) is not record:
            return
        if snapshot.task_status == TaskStatus.UNKNOWN and self._is_young(record):
            self._schedule.alive(record.task_id, now, running=False)
            for outlet in record.outlets:
                outlet.changed()
            return
        if self._is_another(record, snapshot):
            self.on_mistake(record)
            return
        self._times.learn(snapshot, record.snapshot, record.submitted_at)
        began_at = self._on_loop(self._times.began_at(snapshot))
        record.settle(snapshot)
        if snapshot.is_terminal:
            ended_at = self._on_loop(self._times.ended_at(snapshot))
            self._schedule.done(record.task_id, now, ended_at=ended_at, began_at=began_at)
            if ended_at is not None and record.attached is None:
                self.delays.note(now - ended_at)
            self.forget(record)
            self.completed += 1
            finish(record, snapshot)
        else:
            running = snapshot.task_status != TaskStatus.PENDING
            self._schedule.alive(record.task_id, now, running=running, began_at=began_at)
            for outlet in record.outlets:
                outlet.changed()

    def _on_loop(self, moment: float | None) -> float | None:
        """Turn a time of day into one of the loop's clock."""
        return None if moment is None else loop_time() - (self._clock() - moment)

    def _unanswered(self, record: TaskRecord, error: FunASRError) -> None:
        now = loop_time()
        throttled = isinstance(error, ThrottledError)
        failures = self._schedule.failed(record.task_id, now, throttled=throttled)
        if failures == 0 and not throttled:
            return
        if failures % 5 == 0 and not throttled:
            logger.warning(
                "%d queries of task %s in a row failed; the task goes on: %s", failures, record.task_id, error
            )
        if isinstance(error, BadRequestError | NotFoundError) and failures >= REFUSALS:
            self._give_up(record, error)
        elif self._schedule.silent_for(record.task_id, now) > RETENTION.total_seconds():
            self._give_up(
                record,
                TaskExpiredError(f"nothing was heard of the task for 24 hours; the last query said: {error}"),
            )

    def _give_up(self, record: TaskRecord, error: FunASRError) -> None:
        self.forget(record)
        record.error = error.for_task(record.task_id, record.token)
        record.list_files()
        if not record.files:
            # Attached, and its files never became known: there is nobody to have a result.
            for outlet in record.outlets:
                outlet.fail(record.error)
            return
        finish(record, TaskSnapshot(task_id=record.task_id, task_status=TaskStatus.UNKNOWN), record.error)

    def _key_refused(self, record: TaskRecord, error: FunASRError, asked_at: float) -> None:
        """End all waits when the key is refused; a provided key that expired under way gets two more chances.

        Refusals of queries that were sent before the last one was heard tell nothing new.
        """
        now = loop_time()
        if isinstance(error, AuthenticationError) and self._gateway.account.renews_key:
            if asked_at >= self._refused_at:
                self._refused_keys += 1
                self._refused_at = now
            if self._refused_keys < 3:
                self._schedule.failed(record.task_id, now)
                return
        self._refused_keys = 0
        self.fail_all(error)

    def _is_another(self, record: TaskRecord, snapshot: TaskSnapshot) -> bool:
        """Tell whether the task that a submit was answered with cannot be the one it made."""
        if record.attached is not None:
            shown = digests([subtask.file_url for subtask in snapshot.results if subtask.file_url])
            return bool(shown and record.attached.file_digests) and not {*shown} & {*record.attached.file_digests}
        if snapshot.task_status == TaskStatus.UNKNOWN:
            # It was accepted not long ago, so the service would know it.
            sent_at = record.submitted_at
            return sent_at is not None and self._clock() - sent_at < RETENTION.total_seconds()
        return is_of_other_files([file.file_url for file in record.files], snapshot)

    def _is_young(self, record: TaskRecord) -> bool:
        return record.submitted_at is not None and self._clock() - record.submitted_at < YOUNG


def finish(record: TaskRecord, snapshot: TaskSnapshot, error: FunASRError | None = None) -> None:
    """Hand the files of a finished task to its outlet; `error` stands for a verdict that will never come."""
    urls = [file.file_url for file in record.files]
    verdicts = judge(urls, snapshot) if error is None else (Verdict(error=error),) * len(urls)
    finished = [FinishedFile(record, file, verdict) for file, verdict in zip(record.files, verdicts, strict=True)]
    for outlet in record.outlets:
        outlet.offer(finished)
