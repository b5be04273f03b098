"""Sends each task once.

A submit has no idempotency key, so what became of it decides what is done (the protocol notes, sections 2.8 and 13):

- a reply with a task id: accepted;
- a 4xx that was understood: refused, nothing is in flight, an error;
- 429: refused; it waits for the budget and is sent again;
- nothing was sent, because there was no connection: it is sent again within the retry budget;
- sent, and then a time-out, a break, a 5xx or an unreadable reply: not known. By default its task is searched for
  (`aiofunasr.pipeline.reconciler`), and only where there certainly is none it is sent again.

A caller may be cancelled at any await. Until the request leaves, that cancels the submit. Once it has left, the
request is shielded, because a task may exist from then on: its reply is awaited, or its task searched for, and the task
is kept: its token is among `Session.tokens`. With a journal, each submit is entered before it leaves and settled after.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Literal

import anyio
from attrs import define, field

from aiofunasr.errors import (
    AmbiguousSubmissionError,
    AuthenticationError,
    FunASRError,
    InvalidReplyError,
    JournalError,
    KeyProviderError,
    ServiceUnavailableError,
    SessionClosedError,
    ThrottledError,
    TransportError,
    UnexpectedError,
)
from aiofunasr.journal.entries import AttemptState
from aiofunasr.options import TranscriptionOptions
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.ledgers import AttemptLedger
from aiofunasr.pipeline.outlet import Outlet
from aiofunasr.pipeline.poller import Poller
from aiofunasr.pipeline.reconciler import Reconciler, Search
from aiofunasr.pipeline.record import InputFile, Origin, TaskRecord
from aiofunasr.reconcile.matching import Absent, Adopt, Decision, Intent, Undecidable
from aiofunasr.snapshots import TaskStatus
from aiofunasr.token import digests
from aiofunasr.wire.messages import Kind, Reply, Request
from aiofunasr.wire.replies import Accepted, read_accepted
from aiofunasr.wire.requests import Caller, submit

logger = logging.getLogger("aiofunasr")

OnUnknownSubmit = Literal["reconcile", "raise", "resend"]
"""What is done about a submit whose outcome is not known."""


Away = Callable[[], AbstractContextManager[None]]


@define(eq=False, kw_only=True)
class Parcel:
    """One task to be submitted, and how far that is.

    Attributes:
        files: Its files.
        options: What is asked for.
        outlet: Where its results go.
        label: What is asked for of its files, in a form that can be compared.
        file_urls: The URLs, each once.
        intent: The submit that is under way, or was last.
        attempt_id: What the journal knows that submit by, where there is one.
        date: When its reply says it was written; empty without one.
        record: The task, once it is known.
        error: Why it cannot be known whether there is one.
    """

    files: tuple[InputFile, ...]
    options: TranscriptionOptions
    outlet: Outlet
    label: str
    # Perhaps signed.
    file_urls: tuple[str, ...] = field(init=False, repr=lambda urls: f"<{len(urls)} URLs>")
    intent: Intent | None = None
    attempt_id: int | None = None
    date: str = ""
    record: TaskRecord | None = None
    error: FunASRError | None = None

    def __attrs_post_init__(self) -> None:
        self.file_urls = tuple(dict.fromkeys(file.file_url for file in self.files))

    def unpack(self) -> None:
        """Forget the last submit: another is to be made."""
        self.intent = self.attempt_id = None
        self.date = ""

    def read(self, reply: Reply) -> Accepted:
        """Read the reply to the submit."""
        self.date = reply.headers.get("date", "")
        return read_accepted(reply)


class Submitter:
    """The submits of a session."""

    def __init__(
        self,
        gateway: Gateway,
        poller: Poller,
        reconciler: Reconciler,
        *,
        ledger: AttemptLedger,
        clock: Callable[[], float],
        on_unknown: OnUnknownSubmit,
    ) -> None:
        self._gateway = gateway
        self._poller = poller
        self._reconciler = reconciler
        self._clock = clock
        self._on_unknown = on_unknown
        self._ledger = ledger
        self._under_way: dict[anyio.CancelScope, Parcel] = {}
        self._searched: dict[Search, Parcel] = {}
        self._none_under_way = anyio.Event()
        self._closing = False
        self._labelled: tuple[TranscriptionOptions, str] | None = None
        self._origin = self._origin_of(None)
        # Tokens of tasks that came to be after their caller had gone; the newest of them, in a long life.
        self.orphans: deque[str] = deque(maxlen=10_000)
        # What was submitted, and of which nothing was known when the session was closed, with its file URLs.
        self._unanswered: dict[object, tuple[str, ...]] = {}
        self.files = self.tasks = 0

    async def submit(
        self,
        files: Sequence[InputFile],
        options: TranscriptionOptions,
        outlet: Outlet,
        away: Away = nullcontext,
    ) -> TaskRecord:
        """Submit one task and begin to watch it.

        A URL that stands several times among the files is sent once: the service's results are told apart by URL
        only, and each listing would be billed.

        `away` is entered while nothing is done but to wait for a search: others may be submitted meanwhile.

        Raises:
            AmbiguousSubmissionError: The outcome is not known, and cannot be learned.
            FunASRError: The submit was refused, or could not be sent.
        """
        parcel = Parcel(files=tuple(files), options=options, outlet=outlet, label=self._label_of(options))
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._send(parcel)
            except AuthenticationError:
                # A refusal for certain; a provided key may have expired on its way here.
                if attempt > 1 or not self._gateway.account.renews_key:
                    raise
            except FunASRError as error:
                if not _is_certainly_refused(error):
                    record = await self._learn_outcome(parcel, error, away)
                    if record is not None:
                        return record
                elif not isinstance(error, ThrottledError | KeyProviderError | TransportError):
                    raise
                # Files are not to fail only because others failed, too.
                await self._gateway.pause_before_retry(attempt, error, patient=True)

    def _label_of(self, options: TranscriptionOptions) -> str:
        # Mostly those of the last submit, because all tasks of a batch have the same.
        if self._labelled is None or self._labelled[0] is not options:
            self._labelled = options, json.dumps(options.asked(), sort_keys=True, default=str)
        return self._labelled[1]

    def _origin_of(self, model: str | None) -> Origin:
        return Origin(model, self._gateway.account.region, self._gateway.account.workspace)

    async def _send(self, parcel: Parcel) -> TaskRecord:
        """Send a parcel, with what the journal has to know of it before and after."""
        parcel.unpack()
        try:
            record = await self._send_unentered(parcel)
        except FunASRError as error:
            unknown = parcel.intent is not None and not _is_certainly_refused(error)
            state = AttemptState.UNKNOWN if unknown else AttemptState.REFUSED
            try:
                await self._ledger.settle(parcel.attempt_id, state, request_id=_request_id(error), error=str(error))
            except JournalError:
                if parcel.intent is not None:
                    self._reconciler.dismiss(parcel.intent)
                raise
            raise
        except anyio.get_cancelled_exc_class():
            # What has left is shielded, but not from a loop that is shut down.
            state = AttemptState.REFUSED if parcel.intent is None else AttemptState.UNKNOWN
            with suppress(JournalError):
                await self._ledger.settle(parcel.attempt_id, state, error="it was cancelled")
            raise
        try:
            await self._ledger.settle(parcel.attempt_id, AttemptState.ACCEPTED, task_id=record.task_id)
        except JournalError as error:
            raise error.for_task(record.task_id, record.token) from error
        return record

    async def _send_unentered(self, parcel: Parcel) -> TaskRecord:
        shield = anyio.CancelScope(shield=True)

        async def enter() -> None:
            parcel.attempt_id = await self._ledger.begin(parcel.files, parcel.options.model, parcel.label)

        def leave(caller: Caller) -> Request:
            if self._closing:
                raise SessionClosedError("the session was closed before this was submitted; nothing was sent")
            parcel.intent = self._reconciler.leaves(parcel.options.model, digests(parcel.file_urls), parcel.label)
            # Not before: what still waits for its turn is no submit of unknown outcome.
            self._under_way[shield] = parcel
            return submit(caller, parcel.file_urls, parcel.options)

        try:
            accepted = await self._gateway.send(Kind.SUBMIT, leave, parcel.read, before=enter, shield=shield)
            self._check_new(accepted.task_id)
            # No await from here on: an accepted task is watched, whatever happens to its caller.
            return self._accept(parcel, accepted.task_id, accepted.task_status, accepted.request_id)
        except FunASRError as error:
            if parcel.intent is not None and _is_certainly_refused(error):
                self._reconciler.dismiss(parcel.intent)
            raise
        except Exception as error:
            if shield not in self._under_way:
                raise
            # It had left, so this is no reason to believe that there is no task.
            raise UnexpectedError(f"sending a submit failed: {type(error).__name__}") from error
        finally:
            self._under_way.pop(shield, None)
            if not self._under_way:
                self._none_under_way.set()

    def _check_new(self, task_id: str) -> None:
        if self._reconciler.owns(task_id) or self._poller.find(task_id) is not None:
            raise InvalidReplyError("the reply is about another task", path="$.output.task_id")

    def _accept(self, parcel: Parcel, task_id: str, status: str, request_id: str | None = None) -> TaskRecord:
        if parcel.intent is not None:
            self._reconciler.heard(parcel.date, parcel.intent)
            self._reconciler.accepted(parcel.intent, task_id, request_id)
        outlet = parcel.outlet
        if self._origin.model != parcel.options.model:
            self._origin = self._origin_of(parcel.options.model)
        record = TaskRecord(
            task_id=task_id,
            outlets=(outlet,),
            origin=self._origin,
            files=parcel.files,
            submitted_at=self._clock() if parcel.intent is None else parcel.intent.sent_at,
            status=status,
        )
        parcel.record = record
        outlet.accepted(request_id)
        self.files += len(parcel.files)
        self.tasks += 1
        if outlet.abandoned:
            self._orphan(record, outlet)
        else:
            self._poller.watch(record)
        return record

    def _orphan(self, record: TaskRecord, outlet: Outlet) -> None:
        """Keep the token of a task whose caller left while its submit was on the way."""
        outlet.orphan(record.token)
        self.orphans.append(record.token)
        logger.warning("a task was accepted after its caller had left; it goes on, its token: %s", record.token)

    # --- submits of unknown outcome ---

    async def _learn_outcome(self, parcel: Parcel, error: FunASRError, away: Away) -> TaskRecord | None:
        """Find out what became of a submit: return its task, or None where it may be sent again.

        Raises:
            AmbiguousSubmissionError: That cannot be found out.
        """
        request_id, intent = _request_id(error), parcel.intent
        if self._on_unknown != "reconcile" or self._closing or intent is None:
            self._ledger.release(parcel.attempt_id)
            if intent is not None:
                self._reconciler.dismiss(intent)
            if self._on_unknown == "resend" and not self._closing:
                return None
            if self._closing:
                self.leave_unanswered(parcel, parcel.file_urls)
            raise _ambiguous(parcel, str(error), request_id) from error
        logger.warning("a submit had no usable reply; searching for its task: %s", error)

        async def conclude(decision: Decision) -> None:
            await self._conclude(parcel, decision, error, request_id)

        search = self._reconciler.lost(intent, request_id, conclude)
        self._searched[search] = parcel
        with away():
            await search.over.wait()
        if parcel.error is not None or (parcel.record is None and not isinstance(search.decision, Absent)):
            raise parcel.error or _ambiguous(parcel, str(error), request_id) from error
        return parcel.record

    async def _conclude(self, parcel: Parcel, decision: Decision, error: FunASRError, request_id: str | None) -> None:
        """Take in what a search found, whether or not somebody waits for it."""
        self._searched = {search: other for search, other in self._searched.items() if other is not parcel}
        try:
            match decision:
                case Adopt(_, task_id):
                    self._accept(parcel, task_id, TaskStatus.PENDING)
                    # It was seen to be done.
                    self._poller.hint(task_id)
                    await self._ledger.settle(parcel.attempt_id, AttemptState.ACCEPTED, task_id=task_id)
                case Undecidable(_, candidates, why):
                    parcel.error = _ambiguous(parcel, f"{error}; {why}", request_id, candidates)
                    self._ledger.release(parcel.attempt_id)
                case Absent():
                    await self._ledger.settle(parcel.attempt_id, AttemptState.REFUSED, error="it made no task")
        except JournalError as failure:
            record = parcel.record
            parcel.error = failure if record is None else failure.for_task(record.task_id, record.token)

    async def settle(self, grace: float) -> None:
        """Send nothing more, wait up to `grace` seconds for the replies to what was sent, cut off what is left."""
        self._closing = True
        if self._under_way:
            self._none_under_way = anyio.Event()
            with anyio.move_on_after(grace):
                await self._none_under_way.wait()
        for parcel in (*self._searched.values(), *self._under_way.values()):
            self.leave_unanswered(parcel, parcel.file_urls)
        for shield in tuple(self._under_way):
            logger.warning("a submit was cut off when the session was closed; its outcome is not known")
            shield.cancel()

    def leave_unanswered(self, whose: object, file_urls: Iterable[str]) -> None:
        """Note that nothing will be known of a submit here any more."""
        self._unanswered[whose] = tuple(dict.fromkeys(file_urls))

    @property
    def unanswered(self) -> tuple[tuple[str, ...], ...]:
        """The file URLs of each submit of which nothing was known when the session was closed."""
        return tuple(self._unanswered.values())


def _is_certainly_refused(error: FunASRError) -> bool:
    """Tell whether a submit that ended in this error cannot have made a task."""
    if isinstance(error, TransportError):
        return not error.sent
    return not isinstance(error, ServiceUnavailableError | InvalidReplyError | UnexpectedError)


def _request_id(error: FunASRError) -> str | None:
    return error.request_id if isinstance(error, ServiceUnavailableError) else None


def _ambiguous(
    parcel: Parcel, why: str, request_id: str | None, candidates: Sequence[str] = ()
) -> AmbiguousSubmissionError:
    count = "1 file" if len(parcel.file_urls) == 1 else f"{len(parcel.file_urls)} files"
    return AmbiguousSubmissionError(
        f"a submit of {count} was sent and its outcome is not known, so it is not sent again "
        f"(the task may exist and be billed): {why}",
        file_urls=parcel.file_urls,
        model=parcel.options.model,
        sent_at=0.0 if parcel.intent is None else parcel.intent.sent_at,
        candidates=candidates,
        request_id=request_id,
    )
