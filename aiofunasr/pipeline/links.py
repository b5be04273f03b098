"""Asks for the links of finished files again.

A result stays for 24 hours after its task ended, and so does its link (the protocol notes, sections 3.5 and 3.6). A
link that is refused before that was altered, or expired early, or leads to a place that does not know it yet: a query
of the task says which link holds now, at the price of one query for all files of the task.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import anyio
from attrs import evolve

from aiofunasr.errors import FunASRError, InvalidReplyError, ServiceError, ServiceUnavailableError, ThrottledError
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.outlet import FinishedFile
from aiofunasr.pipeline.record import TaskRecord
from aiofunasr.snapshots import TaskSnapshot
from aiofunasr.token import RETENTION
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import read_snapshot
from aiofunasr.wire.requests import query
from aiofunasr.wire.verdicts import judge

logger = logging.getLogger("aiofunasr")


def is_refused(failure: FunASRError) -> bool:
    """Tell whether a download ended with a refusal of its link, and not with trouble on the way."""
    passing = isinstance(failure, ThrottledError | ServiceUnavailableError)
    return isinstance(failure, ServiceError) and 400 <= failure.status < 500 and not passing


class Links:
    """The links of a session's finished files.

    Args:
        gateway: Where the queries go, in their turn.
        clock: The time of day in seconds since the epoch.
    """

    def __init__(self, gateway: Gateway, clock: Callable[[], float]) -> None:
        self._gateway = gateway
        self._clock = clock
        self._asking: dict[TaskRecord, anyio.Event] = {}

    def may_still_hold(self, record: TaskRecord) -> bool:
        """Tell whether the service should still have the results of a task."""
        ended = record.snapshot.end_time if record.snapshot is not None else None
        since = ended.timestamp() if ended is not None else record.submitted_at
        return since is None or self._clock() - since < RETENTION.total_seconds()

    async def renew(self, finished: FinishedFile, refused_at: float) -> FinishedFile:
        """Return a file with the link that holds now; with the one it had where no other is to be had.

        `refused_at` is when that one was refused, on the loop's clock: what was heard of the task since then will do.
        """
        record, file = finished.record, finished.file
        if record.told_of < refused_at:
            await self._ask(record)
        if record.snapshot is None:
            return finished
        verdicts = judge([each.file_url for each in record.files], record.snapshot)
        verdict = next(found for each, found in zip(record.files, verdicts, strict=True) if each is file)
        # A word other than a link is no answer: the service has said before that the file has one.
        return finished if verdict.transcription_url is None else evolve(finished, verdict=verdict)

    async def _ask(self, record: TaskRecord) -> None:
        """Ask about a task, once for all who want to know at the same time."""
        answered = self._asking.get(record)
        if answered is not None:
            await answered.wait()
            return
        answered = self._asking[record] = anyio.Event()
        try:
            asked_at = anyio.current_time()
            snapshot = await self._gateway.send(
                Kind.QUERY,
                lambda caller: query(caller, record.task_id),
                lambda reply: _with_results(read_snapshot(reply, record.task_id)),
            )
        except FunASRError as error:
            logger.info("the links of a task could not be asked for again: %s", error)
        else:
            # Not `settle`: an attached task has learned its files, and they keep their places.
            record.snapshot, record.told_of = snapshot, asked_at
        finally:
            del self._asking[record]
            answered.set()


def _with_results(snapshot: TaskSnapshot) -> TaskSnapshot:
    """Make sure that a snapshot is one of a task that has ended with results, as this one had."""
    if not snapshot.is_terminal or not snapshot.results:
        raise InvalidReplyError(
            f"a finished task is {snapshot.task_status} and has no results", path="$.output.results"
        )
    return snapshot
