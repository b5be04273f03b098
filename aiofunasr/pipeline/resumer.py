"""Goes on with what an earlier process submitted, from its journal.

A submit whose task is known is followed like any attached one. One of which the journal says only that it was about to
leave may have made a task or not: the process was killed in between. Its task is searched for like that of any lost
submit, with the other tasks in the journal as witnesses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiofunasr.errors import AmbiguousSubmissionError, ConfigurationError
from aiofunasr.journal.entries import Attempt, AttemptState
from aiofunasr.pipeline.ledgers import AttemptLedger, token_of
from aiofunasr.pipeline.outlet import Outlet
from aiofunasr.pipeline.poller import Poller
from aiofunasr.pipeline.reconciler import Reconciler, Search
from aiofunasr.pipeline.record import Origin, TaskRecord
from aiofunasr.pipeline.submitter import OnUnknownSubmit
from aiofunasr.reconcile.matching import Absent, Adopt, Decision, Undecidable
from aiofunasr.settings import Account

_LONGEST_SUBMIT = 90.0
"""Seconds that an earlier process, of whatever settings, may have waited for the reply to a submit."""

_RECALLED = 6 * 3600.0
"""Seconds before a lost submit in which other tasks of the journal are recalled as witnesses."""


class Resumer:
    """The submits of earlier processes.

    Args:
        account: Where this session's requests go.
        poller: What asks about tasks.
        reconciler: What searches for lost submits.
        ledger: The submits in the journal.
        clock: The time of day in seconds since the epoch.
        on_unknown: What is done about a submit of unknown outcome.
    """

    def __init__(
        self,
        account: Account,
        poller: Poller,
        reconciler: Reconciler,
        *,
        ledger: AttemptLedger,
        clock: Callable[[], float],
        on_unknown: OnUnknownSubmit,
    ) -> None:
        self._account = account
        self._poller = poller
        self._reconciler = reconciler
        self._ledger = ledger
        self._clock = clock
        self._on_unknown = on_unknown
        # The searches that are under way, by the submit.
        self._searches: dict[int, Search] = {}

    def follow(self, attempt: Attempt, task_id: str, outlet: Outlet) -> None:
        """Wait for the task of an earlier submit.

        Raises:
            ConfigurationError: It was made in another region.
        """
        region = self._account.region
        if attempt.region is not None and region is not None and attempt.region != region:
            raise ConfigurationError(
                f"the journal has tasks that were submitted in {attempt.region} and this session is for {region}: "
                f"go on with Session(region={attempt.region!r})"
            )
        record = self._poller.find(task_id)
        if record is not None:
            record.outlets += () if outlet in record.outlets else (outlet,)
            return
        self._reconciler.own(task_id, attempt.sent_at, attempt.ended_at or attempt.sent_at)
        record = TaskRecord(
            task_id=task_id,
            outlets=(outlet,),
            origin=Origin(attempt.model, attempt.region, attempt.workspace),
            attached=token_of(attempt, task_id),
            keys=tuple(file.key for file in attempt.files),
            submitted_at=attempt.sent_at,
        )
        self._poller.watch(record)

    async def ended_here(self, attempt: Attempt) -> bool:
        """Wait for the outcome of a submit that is this session's own; False when it is not."""
        return await self._ledger.ended(attempt.id)

    async def search(self, attempt: Attempt, outlet: Outlet) -> bool:
        """Find out what became of a submit whose process did not live to see it answered.

        Cancelled, the search goes on, and what it finds is entered into the journal.

        Returns:
            True when it made a task, which is followed from now on; False when the journal says what is to be done.

        Raises:
            AmbiguousSubmissionError: That cannot be found out.
        """
        if self._on_unknown == "resend":
            await self._ledger.settle(attempt.id, AttemptState.REFUSED, error="given up, to be sent again")
            return False
        if self._on_unknown == "raise":
            raise _ambiguous(attempt, "its process ended before the reply came")
        if (other := self._searches.get(attempt.id)) is not None:
            # Another batch searches for it already; two searches would take its task for two.
            await other.over.wait()
            if isinstance(other.decision, Adopt | Absent):
                return False
            raise _ambiguous(attempt, *_why(other))
        for task_id, sent_at, answered_at in await self._ledger.recall(attempt.sent_at - _RECALLED):
            self._reconciler.own(task_id, sent_at, answered_at)

        if attempt.id in self._searches:
            return await self.search(attempt, outlet)

        async def conclude(decision: Decision) -> None:
            try:
                await self._conclude(attempt, outlet, decision)
            finally:
                del self._searches[attempt.id]

        self._searches[attempt.id] = search = self._reconciler.lost_before(
            attempt.model,
            [file.digest for file in attempt.files],
            attempt.options,
            sent_at=attempt.sent_at,
            # It may have been killed at any time while it waited for the reply.
            ended_at=attempt.ended_at or min(self._clock(), attempt.sent_at + _LONGEST_SUBMIT),
            request_id=attempt.request_id,
            conclude=conclude,
        )
        await search.over.wait()
        match search.decision:
            case Adopt() | Absent() as decision:
                return isinstance(decision, Adopt)
        raise _ambiguous(attempt, *_why(search))

    async def _conclude(self, attempt: Attempt, outlet: Outlet, decision: Decision) -> None:
        if isinstance(decision, Adopt):
            await self._ledger.settle(attempt.id, AttemptState.ACCEPTED, task_id=decision.task_id)
            if not outlet.abandoned:
                self.follow(attempt, decision.task_id, outlet)
        elif isinstance(decision, Absent):
            await self._ledger.settle(attempt.id, AttemptState.REFUSED, error="it made no task")


def _why(search: Search) -> tuple[str, Sequence[str]]:
    match search.decision:
        case Undecidable(_, candidates, why):
            return why, candidates
    return "the search failed", ()


def _ambiguous(attempt: Attempt, why: str, candidates: Sequence[str] = ()) -> AmbiguousSubmissionError:
    return AmbiguousSubmissionError(
        "an earlier run sent this file and its outcome is not known, so it is not sent again "
        f"(the task may exist and be billed): {why}",
        file_urls=[file.source for file in attempt.files],
        model=attempt.model,
        sent_at=attempt.sent_at,
        candidates=candidates,
        request_id=attempt.request_id,
    )
