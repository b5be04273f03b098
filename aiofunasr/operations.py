"""What a session does besides transcribing: tasks by their id, and uploads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial

from aiofunasr.audio import UploadedFile
from aiofunasr.errors import ConfigurationError, InvalidArgumentError
from aiofunasr.options import DEFAULT_MODEL
from aiofunasr.pipeline.engine import Engine
from aiofunasr.pipeline.listing import every_row, windows
from aiofunasr.pipeline.spooling import Uploadable, spooled
from aiofunasr.pipeline.uploads import Meter
from aiofunasr.snapshots import ListedTask, TaskPage, TaskSnapshot
from aiofunasr.task import cancel_task
from aiofunasr.token import TaskToken
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import read_snapshot, read_task_page
from aiofunasr.wire.requests import list_tasks, query


class Operations:
    """The part of a session that works on what lies at the service already, or will be used there later."""

    _engine: Engine

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
        task_id = self._find(task).task_id
        return await self._engine.background.run(
            self._engine.gateway.ask,
            Kind.QUERY,
            lambda caller: query(caller, task_id),
            lambda reply: read_snapshot(reply, task_id),
        )

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
        await self._engine.background.run(cancel_task, self._engine, self._find(task).task_id)

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
            "task_id": None if task_id is None else self._find(task_id).task_id,
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

    def _find(self, task: str) -> TaskToken:
        """Read a token, or a task id, and make sure that this session can reach its task."""
        found = TaskToken.decode(task)
        region = self._engine.account.region
        if found.region is not None and region is not None and found.region != region:
            raise ConfigurationError(
                f"the task was submitted in {found.region} and this session is for {region}: "
                f"reach it with Session(region={found.region!r})"
            )
        return found

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
