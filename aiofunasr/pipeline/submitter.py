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
from collections.abc import Callable, Sequence

import anyio

from aiofunasr.errors import (
    AmbiguousSubmissionError,
    FunASRError,
    InvalidReplyError,
    ServiceUnavailableError,
    ThrottledError,
    TransportError,
)
from aiofunasr.options import TranscriptionOptions
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.outlet import Outlet
from aiofunasr.pipeline.poller import Poller
from aiofunasr.pipeline.record import InputFile, TaskRecord
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import Accepted, read_accepted
from aiofunasr.wire.requests import submit

logger = logging.getLogger("aiofunasr")


class Submitter:
    """The submits of a session."""

    def __init__(self, gateway: Gateway, poller: Poller, clock: Callable[[], float]) -> None:
        self._gateway = gateway
        self._poller = poller
        self._clock = clock
        self._under_way: set[anyio.CancelScope] = set()
        self._none_under_way = anyio.Event()
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
        attempt = 0
        while True:
            attempt += 1
            await self._gateway.lanes[Kind.SUBMIT].turn()
            submitted_at = self._clock()
            try:
                accepted = await self._send(file_urls, options)
            except ThrottledError as error:
                await self._gateway.pause_before_retry(attempt, error)
            except (TransportError, ServiceUnavailableError, InvalidReplyError) as error:
                if not isinstance(error, TransportError) or error.sent:
                    raise _ambiguous(file_urls, options, submitted_at, error) from error
                await self._gateway.pause_before_retry(attempt, error)
            else:
                break
        # No await from here on: an accepted task is watched, whatever happens to its caller.
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
        self._poller.watch(record)
        return record

    async def _send(self, file_urls: Sequence[str], options: TranscriptionOptions) -> Accepted:
        shield = anyio.CancelScope(shield=True)
        self._under_way.add(shield)
        try:
            return await self._gateway.send(
                Kind.SUBMIT, lambda caller: submit(caller, file_urls, options), read_accepted, shield=shield
            )
        finally:
            self._under_way.discard(shield)
            if not self._under_way:
                self._none_under_way.set()

    async def settle(self, grace: float) -> None:
        """Wait up to `grace` seconds for the replies to what was sent, then cut off what is left."""
        if self._under_way:
            self._none_under_way = anyio.Event()
            with anyio.move_on_after(grace):
                await self._none_under_way.wait()
        for shield in tuple(self._under_way):
            logger.warning("a submit was cut off when the session was closed; its outcome is not known")
            shield.cancel()


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
