"""Takes back tasks that are not ours after all.

The reply to a submit names its task. Where something on the way mixes replies up, that is the task of another submit,
perhaps of a stranger's. It comes to light when the task has ended with other files than were sent, or when the task
list says that another request made it; where a task ends without any files, the list is asked for that. Then the submit
is one of unknown outcome like any other, and its own task is searched for; but it is never sent again, because by now
nothing is certain about it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiofunasr.errors import AmbiguousSubmissionError
from aiofunasr.pipeline.poller import Poller, finish
from aiofunasr.pipeline.reconciler import Reconciler
from aiofunasr.pipeline.record import TaskRecord
from aiofunasr.reconcile.intents import Adopt, Decision, Undecidable
from aiofunasr.snapshots import TaskSnapshot, TaskStatus
from aiofunasr.token import TaskToken

logger = logging.getLogger("aiofunasr")

_LONGEST_SUBMIT = 90.0
"""Seconds within which a submit that was answered had reached the service."""


class Mistakes:
    """The tasks of a session that turned out to be another submit's.

    Args:
        poller: What asks about tasks.
        reconciler: What searches for lost submits.
        clock: The time of day in seconds since the epoch.
    """

    def __init__(self, poller: Poller, reconciler: Reconciler, clock: Callable[[], float]) -> None:
        self._poller = poller
        self._reconciler = reconciler
        self._clock = clock
        self._searched: dict[str, TaskRecord] = {}
        poller.on_mistake = self.take_back
        poller.is_anothers = reconciler.is_anothers
        reconciler.on_mistake = self.doubt

    def doubt(self, task_id: str) -> None:
        """Hear that a task was made by another request than the one that was answered with it."""
        record = self._poller.find(task_id)
        if record is not None:
            self.take_back(record)

    def take_back(self, record: TaskRecord) -> None:
        """Search for the task that a submit really made; whoever waits for it goes on waiting."""
        logger.warning("task %s is not what its submit made; searching for that", record.task_id)
        known = self._poller.find(record.task_id)
        if known is None or known is record:
            self._poller.forget(record)
            self._reconciler.disown(record.task_id)
        token = TaskToken.decode(record.token)
        sent_at = self._clock() if record.submitted_at is None else record.submitted_at

        self._searched[record.task_id] = record

        async def conclude(decision: Decision) -> None:
            self._searched.pop(record.task_id, None)
            self._conclude(record, sent_at, decision)

        self._reconciler.lost_before(
            record.origin.model or "",
            dict.fromkeys(token.file_digests),
            "",
            sent_at=sent_at,
            ended_at=min(self._clock(), sent_at + _LONGEST_SUBMIT),
            request_id=None,
            conclude=conclude,
        )

    @property
    def open_searches(self) -> tuple[TaskRecord, ...]:
        """The tasks, by the wrong ids, whose right ones are searched for now."""
        return tuple(self._searched.values())

    def _conclude(self, record: TaskRecord, sent_at: float, decision: Decision) -> None:
        if isinstance(decision, Adopt):
            record.renumber(decision.task_id)
            self._reconciler.own(decision.task_id, sent_at, sent_at, record.origin.model)
            self._poller.watch(record)
            self._poller.hint(record.task_id)
            return
        why = decision.why if isinstance(decision, Undecidable) else "the task list shows no other"
        error = AmbiguousSubmissionError(
            f"a submit was answered with a task of other files, and the one it made was not found: {why}",
            file_urls=list(dict.fromkeys(file.file_url for file in record.files)),
            model=record.origin.model or "",
            sent_at=sent_at,
            candidates=decision.candidates if isinstance(decision, Undecidable) else (),
        )
        record.error = error.for_task(None, record.token)
        record.list_files()
        if not record.files:
            # Attached, and its files never became known: there is nobody to have a result.
            for outlet in record.outlets:
                outlet.fail(record.error)
            return
        finish(record, TaskSnapshot(task_id=record.task_id, task_status=TaskStatus.UNKNOWN), record.error)
