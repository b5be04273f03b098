"""Asks about every task of the session until each is done.

One loop serves all tasks. It waits until the schedule has a question due and the account's budget has a query to
spare, and only then decides which task to ask about. Not being done is no failure, and a failed question says nothing
about the task: 429, 5xx, time-outs and broken connections put it back in the schedule, without limit. What ends a wait
is the service's word, a refused key, or a day without any word at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from random import Random

import anyio

from aiofunasr.errors import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    FunASRError,
    NotFoundError,
    TaskExpiredError,
    UnexpectedError,
    UsageError,
)
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.outlet import FinishedFile, Outlet
from aiofunasr.pipeline.record import TaskRecord
from aiofunasr.schedule.by_age import AgeSchedule
from aiofunasr.snapshots import TaskSnapshot, TaskStatus
from aiofunasr.token import RETENTION
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import read_snapshot
from aiofunasr.wire.requests import query
from aiofunasr.wire.verdicts import Verdict, judge

logger = logging.getLogger("aiofunasr")

YOUNG = 30.0
"""Seconds after a submit in which UNKNOWN may only mean that the service has not heard of it everywhere yet."""

REFUSALS = 5
"""How many 400 or 404 in a row to a query are believed."""

_ENDS_ALL = (AuthenticationError, AccessDeniedError, ConfigurationError, UsageError)


class Poller:
    """The one poller of a session."""

    def __init__(self, gateway: Gateway, random: Random, clock: Callable[[], float]) -> None:
        self._gateway = gateway
        self._clock = clock
        self._lane = gateway.lanes[Kind.QUERY]
        self._schedule = AgeSchedule[str](random)
        self._records: dict[str, TaskRecord] = {}
        self._wake = anyio.Event()
        self._refused_keys = 0
        self._refused_at = float("-inf")
        self.completed = 0

    @property
    def records(self) -> tuple[TaskRecord, ...]:
        """The tasks in flight, oldest first."""
        return tuple(self._records.values())

    def __len__(self) -> int:
        """Return how many tasks are in flight."""
        return len(self._records)

    def watch(self, record: TaskRecord) -> None:
        """Begin to ask about a task."""
        now = anyio.current_time()
        age = 0.0 if record.submitted_at is None else max(self._clock() - record.submitted_at, 0.0)
        record.heard_at = now
        self._records[record.task_id] = record
        self._schedule.add(record.task_id, now, age=age)
        self._wake.set()

    def find(self, task_id: str) -> TaskRecord | None:
        """Return the record of a task that is in flight, or None."""
        return self._records.get(task_id)

    def forget(self, record: TaskRecord) -> None:
        """Stop asking about a task; the task itself goes on."""
        self._records.pop(record.task_id, None)
        self._schedule.remove(record.task_id)

    def hint(self, task_id: str) -> None:
        """Ask about a task now: something says that it is done."""
        self._schedule.hint(task_id)
        self._wake.set()

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

    async def run(self) -> None:
        """Ask, for ever."""
        async with anyio.create_task_group() as group:
            while True:
                await self._question_due()
                # First a free place and the budget, then the decision, so that it is made on the newest knowledge.
                await self._place_free()
                await self._lane.ready()
                record = self._next()
                if record is not None:
                    self._lane.take()
                    group.start_soon(self._ask, record)

    async def _question_due(self) -> None:
        """Wait until the schedule has something to ask."""
        while (due := self._schedule.next_at()) is None or due > anyio.current_time():
            self._wake = anyio.Event()
            with anyio.CancelScope(deadline=float("inf") if due is None else due):
                await self._wake.wait()

    async def _place_free(self) -> None:
        """Wait until another query may be in flight."""
        async with self._lane.limiter:
            pass

    def _next(self) -> TaskRecord | None:
        task_id = self._schedule.next(anyio.current_time())
        return None if task_id is None else self._records[task_id]

    async def _ask(self, record: TaskRecord) -> None:
        task_id, asked_at = record.task_id, anyio.current_time()
        try:
            snapshot = await self._gateway.send(
                Kind.QUERY,
                lambda caller: query(caller, task_id),
                lambda reply: read_snapshot(reply, task_id),
                paced=True,
            )
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
        self._wake.set()

    def _answered(self, record: TaskRecord, snapshot: TaskSnapshot) -> None:
        now = anyio.current_time()
        if self._records.get(record.task_id) is not record:
            return
        record.heard_at = now
        if snapshot.task_status == TaskStatus.UNKNOWN and self._is_young(record):
            self._schedule.answered(record.task_id, now)
            return
        record.settle(snapshot)
        if snapshot.is_terminal:
            self.forget(record)
            self.completed += 1
            finish(record, snapshot)
        else:
            self._schedule.answered(record.task_id, now)
            for outlet in record.outlets:
                outlet.changed()

    def _unanswered(self, record: TaskRecord, error: FunASRError) -> None:
        now = anyio.current_time()
        failures = self._schedule.failed(record.task_id, now)
        if failures == 0:
            return
        if failures % 5 == 0:
            logger.warning(
                "%d queries of task %s in a row failed; the task goes on: %s", failures, record.task_id, error
            )
        if isinstance(error, BadRequestError | NotFoundError) and failures >= REFUSALS:
            self._give_up(record, error)
        elif now - record.heard_at > RETENTION.total_seconds():
            self._give_up(
                record,
                TaskExpiredError(f"nothing was heard of the task for 24 hours; the last query said: {error}"),
            )

    def _give_up(self, record: TaskRecord, error: FunASRError) -> None:
        self.forget(record)
        record.error = error.for_task(record.task_id, record.token)
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
        now = anyio.current_time()
        if isinstance(error, AuthenticationError) and self._gateway.account.renews_key:
            if asked_at >= self._refused_at:
                self._refused_keys += 1
                self._refused_at = now
            if self._refused_keys < 3:
                self._schedule.failed(record.task_id, now)
                return
        self._refused_keys = 0
        self.fail_all(error)

    def _is_young(self, record: TaskRecord) -> bool:
        return record.submitted_at is not None and self._clock() - record.submitted_at < YOUNG


def finish(record: TaskRecord, snapshot: TaskSnapshot, error: FunASRError | None = None) -> None:
    """Hand the files of a finished task to its outlet; `error` stands for a verdict that will never come."""
    urls = [file.file_url for file in record.files]
    verdicts = judge(urls, snapshot) if error is None else (Verdict(error=error),) * len(urls)
    finished = [FinishedFile(record, file, verdict) for file, verdict in zip(record.files, verdicts, strict=True)]
    for outlet in record.outlets:
        outlet.offer(finished)
