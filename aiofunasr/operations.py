"""What a session does besides transcribing: tasks by their id, events, tokens, uploads and vocabularies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiofunasr.audio import UploadedFile
from aiofunasr.errors import InvalidArgumentError
from aiofunasr.events import TaskEvent, certificate_url, parse_event, verify_signature
from aiofunasr.options import DEFAULT_MODEL
from aiofunasr.pipeline.engine import Engine
from aiofunasr.pipeline.listing import every_row, windows
from aiofunasr.pipeline.single import cancel_task, find_task, look_at_task
from aiofunasr.pipeline.spooling import Uploadable, spooled
from aiofunasr.pipeline.uploads import Meter
from aiofunasr.snapshots import ListedTask, TaskPage, TaskSnapshot
from aiofunasr.temporary_token import TemporaryToken, check_life
from aiofunasr.vocabularies import Vocabularies
from aiofunasr.vocabulary import GivenWords, Vocabulary
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import read_task_page, read_token
from aiofunasr.wire.requests import create_token, list_tasks


class Operations:
    """The part of a session that works on what lies at the service already, or will be used there later."""

    _engine: Engine
    _vocabularies: Vocabularies

    # --- tasks ---

    async def fetch(self, task: str) -> TaskSnapshot:
        """Ask once what the service says of a task, whoever submitted it; nothing is waited for.

        Args:
            task: A task's token, or the service's bare task id.

        Returns:
            What it says; `task_status` is `UNKNOWN` for a task that it does not know, or no longer.

        Raises:
            InvalidArgumentError: It is no token.
            ConfigurationError: The task belongs to another region.
            FunASRError: The request was refused or failed.
        """
        self._engine.background.check()
        task_id = find_task(self._engine, task).task_id
        return await self._engine.background.run(look_at_task, self._engine, task_id)

    async def cancel(self, task: str) -> None:
        """Ask the service to cancel a task, which it does while the task is PENDING only.

        Args:
            task: A task's token, or the service's bare task id.

        Raises:
            BadRequestError: The task is not pending, or does not exist.
            InvalidArgumentError: It is no token.
            ConfigurationError: The task belongs to another region.
            FunASRError: The request failed.
        """
        self._engine.background.check()
        await self._engine.background.run(cancel_task, self._engine, find_task(self._engine, task).task_id)

    async def list_tasks(
        self,
        *,
        model_name: str | None = None,
        status: str | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        task_id: str | None = None,
        api_key_id: str | None = None,
        region: str | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[ListedTask]:
        """Go through the account's tasks, other programs' too, newest first (the protocol notes, section 4.2).

        Args:
            model_name: Only tasks of this model.
            status: Only tasks in this state, such as `PENDING`.
            start_time: An aware datetime; by default 24 hours before `end_time`.
            end_time: An aware datetime; by default now. The service lists 24 hours at a time, so a longer span takes
                several lists; it forgets a task 24 hours after its end.
            task_id: Only the task of this id, or token.
            api_key_id: Only tasks submitted with this key; its id, not the key.
            region: Only tasks of this region, such as `cn-beijing`.
            page_size: How many to ask for at once; the service may give fewer.

        Raises:
            InvalidArgumentError: A time is naive, the span is none, or `page_size` is below 1.
            FunASRError: Listing was refused or failed.
        """
        for name, moment in {"start_time": start_time, "end_time": end_time}.items():
            if moment is not None and (not isinstance(moment, datetime) or moment.tzinfo is None):
                raise InvalidArgumentError(name, moment, "an aware datetime is needed: give it a time zone")
        if start_time is not None and end_time is not None and start_time >= end_time:
            raise InvalidArgumentError("start_time", start_time, "a time before end_time is needed")
        if isinstance(page_size, bool) or not isinstance(page_size, int) or page_size < 1:
            raise InvalidArgumentError("page_size", page_size, "at least 1 is needed")
        filters = {
            "model_name": model_name,
            "status": status,
            "task_id": None if task_id is None else find_task(self._engine, task_id).task_id,
            "api_key_id": api_key_id,
            "region": region,
        }
        now = datetime.fromtimestamp(self._engine.clock(), UTC)
        seen: set[str] = set()
        for start, end in windows(start_time, end_time, now):

            async def ask(page_no: int, start: datetime | None = start, end: datetime | None = end) -> TaskPage:
                return await self._engine.background.run(
                    self._engine.gateway.ask,
                    Kind.LIST,
                    lambda caller: list_tasks(
                        caller, page_no=page_no, page_size=page_size, start_time=start, end_time=end, **filters
                    ),
                    read_task_page,
                )

            async for row in every_row(ask, seen):
                yield row

    # --- completion events ---

    def notify(self, event: TaskEvent | bytes | str | Mapping[str, Any]) -> bool:
        """Take in the news that a task has ended, so that it is asked about at once (the protocol notes, section 10).

        The event is a hint and no more: what became of the task is asked of the service, so that a forged or a mixed-up
        event costs a query and decides nothing. It may come before, during or after other ways of finding out, and any
        number of times. `Session(expects_events=True)` then leaves the asking to the events.

        Args:
            event: What `parse_event` or `verify_event` gave, or what `parse_event` takes.

        Returns:
            Whether the task is in flight in this session; of another one, nothing is done.

        Raises:
            InvalidEventError: It is no event about a task.
        """
        self._engine.background.check()
        found = event if isinstance(event, TaskEvent) else parse_event(event)
        return self._engine.poller.hint(found.task_id)

    async def verify_event(
        self,
        headers: Mapping[str, str],
        body: bytes,
        *,
        url: str,
        token: str | None = None,
        trusted: Collection[str] = (),
        legacy: bool = False,
    ) -> TaskEvent:
        """Make sure that an event was signed by EventBridge, and read it; its certificate is fetched once an hour.

        Args:
            headers: Those of the request, by any spelling of their names.
            body: The body as it came, byte for byte.
            url: The target's URL as it is set in the rule, with its query.
            token: The token that is set in the rule; without one, anybody's rule may have pushed the event.
            trusted: Origins other than EventBridge's own whose certificates are believed, such as an emulator's.
            legacy: Accept signatures of version 1; see `aiofunasr.events.verify_signature`.

        Raises:
            EventSignatureError: It was not, or that cannot be told.
            InvalidEventError: It was, and is no event about a task.
            FunASRError: The certificate could not be had; the same event may be fine when it comes again.
        """
        self._engine.background.check()
        place = certificate_url(headers, trusted)
        certificate = await self._engine.background.run(self._engine.certificates.get, place)
        now = self._engine.clock()
        verify_signature(headers, body, url=url, certificate=certificate, now=now, token=token, legacy=legacy)
        return parse_event(body)

    # --- temporary tokens ---

    async def create_token(self, *, expires_in: int = 60) -> TemporaryToken:
        """Make a temporary token, to be used in place of the key (the protocol notes, section 8).

        `TokenProvider` renews them by itself.

        Args:
            expires_in: Whole seconds it lives, 1 to 1800.

        Raises:
            InvalidArgumentError: It cannot live so long; nothing was sent.
            FunASRError: It was refused, or could not be had.
        """
        check_life("expires_in", expires_in)
        self._engine.background.check()
        return await self._engine.background.run(
            self._engine.gateway.ask,
            Kind.TOKEN,
            lambda caller: create_token(caller, expires_in),
            lambda reply: read_token(reply, expires_in, self._engine.clock()),
        )

    # --- vocabularies ---

    @property
    def vocabularies(self) -> Vocabularies:
        """The account's lists of hot words, to be made, listed, changed and deleted."""
        return self._vocabularies

    def vocabulary(
        self,
        words: GivenWords,
        *,
        model: str = DEFAULT_MODEL,
        prefix: str | None = None,
        timeout: float = 60.0,
    ) -> AbstractAsyncContextManager[Vocabulary]:
        """Make a vocabulary for a while: it can be used when the context is entered, and is deleted at its end.

            async with session.vocabulary(["Stanislavski", "Goncharov"]) as vocabulary:
                results = await aiofunasr.transcribe(urls, session=session, vocabulary_id=vocabulary)

        It is deleted whatever happens, being cancelled included, for which ten seconds are taken at most. An error of
        the deletion is raised only where there is no other.

        Args:
            words: At most 500 hot words: `HotWord`s, strings, or a mapping of texts to weights.
            model: The only model it will have an effect on.
            prefix: What its name begins with: 1 to 9 digits and lower-case letters. By default a random one, with which
                it is found again for certain if a reply is lost.
            timeout: Seconds until it must be usable.

        Raises:
            InvalidArgumentError: An argument cannot be used; nothing was sent.
            QuotaExceededError: The account has as many vocabularies as it may.
            VocabularyTimeoutError: It was not usable in time.
            FunASRError: It could not be made.
        """
        return self._vocabularies.temporary(words, model=model, prefix=prefix, timeout=timeout)

    # --- uploads ---

    async def upload(
        self,
        file: Uploadable,
        *,
        model: str = DEFAULT_MODEL,
        name: str | None = None,
        on_progress: Callable[[int, int], object] | None = None,
    ) -> UploadedFile:
        """Put a file into the service's temporary store, for 48 hours and for one model (the protocol notes, 7).

        `transcribe` and `submit` upload local files by themselves; this is for a file that is used more than once, or
        is no file on disk. What it returns can be given to them in place of a path.

        Args:
            file: A path, which is streamed; bytes; a binary file that is open, or an async iterable of bytes, which are
                first written to a temporary file.
            model: The model it is for; the service refuses it to any other.
            name: What its name is made from; its ending may matter. Default: that of the path.
            on_progress: Called on the event loop with how many bytes have left, and how many there are.

        Raises:
            InvalidArgumentError: An argument cannot be used; nothing was sent.
            InvalidFileError: The file cannot be read, or is larger than the service takes.
            RequestTimeoutError: It took longer than `Timeouts.upload`, or nothing moved for `Timeouts.idle` seconds.
            FunASRError: The upload was refused, or failed several times.
        """
        if not isinstance(model, str) or not model.strip():
            raise InvalidArgumentError("model", model, "a non-empty string is needed")
        if on_progress is not None and not callable(on_progress):
            raise InvalidArgumentError("on_progress", on_progress, "a callable is needed")
        self._engine.background.check()
        async with spooled(file, name) as (content, path):
            upload = partial(self._engine.uploader.upload, content, model, name=path, meter=Meter(on_progress))
            return await self._engine.background.run(upload)
