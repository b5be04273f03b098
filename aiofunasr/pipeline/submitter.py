"""Sends each task once.

A submit has no idempotency key, so what became of it decides what is done (the protocol notes, sections 2.8 and 13):

- a reply with a task id: accepted;
- a 4xx that was understood: refused, nothing is in flight, an error;
- 429: refused; it waits for the budget and is sent again;
- nothing was sent, because there was no connection: it is sent again within the retry budget;
- sent, and then a time-out, a break, a 5xx or an unreadable reply: not known. It is not sent again.

A caller may be cancelled at any await. Until the request leaves, that cancels the submit. Once it has left, the
request is shielded, because a task may exist from then on: its reply is awaited and the task is kept: its
token is among `Session.tokens`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence

import anyio

from aiofunasr.errors import (
    AmbiguousSubmissionError,
    AuthenticationError,
    FunASRError,
    InvalidReplyError,
    KeyProviderError,
    ServiceUnavailableError,
    SessionClosedError,
    ThrottledError,
    TransportError,
)
from aiofunasr.options import TranscriptionOptions
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.outlet import Outlet
from aiofunasr.pipeline.poller import Poller
from aiofunasr.pipeline.record import InputFile, TaskRecord
from aiofunasr.wire.messages import Kind, Request
from aiofunasr.wire.replies import Accepted, read_accepted
from aiofunasr.wire.requests import Caller, submit

logger = logging.getLogger("aiofunasr")


class Submitter:
    """The submits of a session."""

    def __init__(self, gateway: Gateway, poller: Poller, clock: Callable[[], float]) -> None:
        self._gateway = gateway
        self._poller = poller
        self._clock = clock
        self._under_way: dict[anyio.CancelScope, tuple[str, ...]] = {}
        self._none_under_way = anyio.Event()
        self._closing = False
        # Tokens of tasks that came to be after their caller had gone; the newest of them, in a long life.
        self.orphans: deque[str] = deque(maxlen=10_000)
        # The file URLs of submits that had no reply when the session was closed.
        self.unanswered: tuple[tuple[str, ...], ...] = ()
        self.files = self.tasks = 0

    async def submit(self, files: Sequence[InputFile], options: TranscriptionOptions, outlet: Outlet) -> TaskRecord:
        """Submit one task and begin to watch it.

        A URL that stands several times among the files is sent once: the service's results are told apart by URL
        only, and each listing would be billed.

        Raises:
            AmbiguousSubmissionError: The outcome is not known.
            FunASRError: The submit was refused, or could not be sent.
        """
        file_urls = tuple(dict.fromkeys(file.file_url for file in files))
        sent_at = self._clock()

        def build(caller: Caller) -> Request:
            nonlocal sent_at
            if self._closing:
                raise SessionClosedError("the session was closed before this was submitted; nothing was sent")
            sent_at = self._clock()
            return submit(caller, file_urls, options)

        attempt = 0
        while True:
            attempt += 1
            try:
                accepted = await self._send(build, file_urls)
                # No await from here on: an accepted task is watched, whatever happens to its caller.
                return self._watch(accepted, files, options, outlet, sent_at)
            except AuthenticationError:
                # A refusal for certain; a provided key may have expired on its way here.
                if attempt > 1 or not self._gateway.account.renews_key:
                    raise
            except FunASRError as error:
                if not _is_certainly_refused(error):
                    raise _ambiguous(file_urls, options, sent_at, error) from error
                if not isinstance(error, ThrottledError | KeyProviderError | TransportError):
                    raise
                await self._gateway.pause_before_retry(attempt, error)

    def _watch(
        self,
        accepted: Accepted,
        files: Sequence[InputFile],
        options: TranscriptionOptions,
        outlet: Outlet,
        submitted_at: float,
    ) -> TaskRecord:
        if self._poller.find(accepted.task_id) is not None:
            raise InvalidReplyError("the reply is about another task", path="$.output.task_id")
        record = TaskRecord(
            task_id=accepted.task_id,
            outlets=(outlet,),
            model=options.model,
            region=self._gateway.account.region,
            workspace=self._gateway.account.workspace,
            files=tuple(files),
            submitted_at=submitted_at,
            status=accepted.task_status,
        )
        self.files += len(files)
        self.tasks += 1
        if outlet.abandoned:
            self._orphan(record, outlet)
        else:
            self._poller.watch(record)
        return record

    def _orphan(self, record: TaskRecord, outlet: Outlet) -> None:
        """Keep the token of a task whose caller left while its submit was on the way."""
        outlet.orphans += (record.token,)
        self.orphans.append(record.token)
        logger.warning("a task was accepted after its caller had left; it goes on, its token: %s", record.token)

    async def _send(self, build: Callable[[Caller], Request], file_urls: tuple[str, ...]) -> Accepted:
        shield = anyio.CancelScope(shield=True)

        def leave(caller: Caller) -> Request:
            request = build(caller)
            # Not before: what still waits for its turn is no submit of unknown outcome.
            self._under_way[shield] = file_urls
            return request

        try:
            return await self._gateway.send(Kind.SUBMIT, leave, read_accepted, shield=shield)
        finally:
            self._under_way.pop(shield, None)
            if not self._under_way:
                self._none_under_way.set()

    async def settle(self, grace: float) -> None:
        """Send nothing more, wait up to `grace` seconds for the replies to what was sent, cut off what is left."""
        self._closing = True
        if self._under_way:
            self._none_under_way = anyio.Event()
            with anyio.move_on_after(grace):
                await self._none_under_way.wait()
        self.unanswered = tuple(self._under_way.values())
        for shield in tuple(self._under_way):
            logger.warning("a submit was cut off when the session was closed; its outcome is not known")
            shield.cancel()


def _is_certainly_refused(error: FunASRError) -> bool:
    """Tell whether a submit that ended in this error cannot have made a task."""
    if isinstance(error, TransportError):
        return not error.sent
    return not isinstance(error, ServiceUnavailableError | InvalidReplyError)


def _ambiguous(
    file_urls: Sequence[str], options: TranscriptionOptions, sent_at: float, error: FunASRError
) -> AmbiguousSubmissionError:
    count = "1 file" if len(file_urls) == 1 else f"{len(file_urls)} files"
    return AmbiguousSubmissionError(
        f"a submit of {count} was sent and its outcome is not known, so it is not sent again "
        f"(the task may exist and be billed): {error}",
        file_urls=file_urls,
        model=options.model,
        sent_at=sent_at,
    )
