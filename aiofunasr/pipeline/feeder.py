"""Feeds the files of one `transcribe` to the service, as far ahead of the consumer as its window allows.

A file enters the window before it is looked at and leaves it when its result is taken. So
neither the length of the input nor a slow consumer makes the memory grow: the window, and the room of the outlet,
are all there is. Files go through
two stages, each with bounded hand-over: one reads the input and uploads what is local, the other packs what is ready
into tasks. What one file does wrong is that file's result; what is wrong with the key or the account ends the run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Iterable, Sized
from contextlib import aclosing, suppress
from functools import partial
from math import ceil

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from aiofunasr.audio import GivenFile
from aiofunasr.errors import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    FunASRError,
    KeyProviderError,
    NotFoundError,
    QuotaExceededError,
    UnexpectedError,
    UsageError,
)
from aiofunasr.options import TranscriptionOptions
from aiofunasr.pipeline.crew import Crew
from aiofunasr.pipeline.inputs import is_local, iterate, prepare, source_of
from aiofunasr.pipeline.outlet import Outlet
from aiofunasr.pipeline.record import InputFile
from aiofunasr.pipeline.submitter import Submitter
from aiofunasr.pipeline.uploads import Uploader
from aiofunasr.results import SubtaskResult
from aiofunasr.schedule.packing import MOST_FILES, pack_size

logger = logging.getLogger("aiofunasr")

# Wrong for one file, wrong for all: going on would only repeat the refusal for each file of the input.
_ENDS_THE_RUN = (
    AuthenticationError,
    AccessDeniedError,
    ConfigurationError,
    KeyProviderError,
    NotFoundError,
    QuotaExceededError,
    UsageError,
)

_SUBMITS_AT_ONCE = 16

LINGER = 0.1
"""Seconds that a task waits for more files to fill it, when it may have more."""


class TaskWidth:
    """How many files a task of this session may have; learned when the service takes fewer than it says."""

    def __init__(self, files_per_task: int | None, submits_per_second: float) -> None:
        self._fixed = files_per_task
        self._rate = submits_per_second
        self._most = MOST_FILES

    def of(self, files: int) -> int:
        """Return the width of the next task, where `files` is how many are known of."""
        return self._fixed if self._fixed is not None else pack_size(files, self._rate, self._most)

    @property
    def may_split(self) -> bool:
        """Whether a refused task may be tried file by file, because nobody asked for its width."""
        return self._fixed is None

    def one_only(self) -> None:
        """Put one file into each task from now on."""
        self._most = 1


class Feeder:
    """The feeding side of one `transcribe`.

    Args:
        sources: The files.
        options: What is asked for.
        width: How many files go into a task.
        window: How many files may be under way, from being read to having their results taken.
        outlet: Where the results go.
    """

    def __init__(
        self,
        sources: Iterable[GivenFile] | AsyncIterable[GivenFile],
        options: TranscriptionOptions,
        *,
        width: TaskWidth,
        window: int,
        outlet: Outlet,
        submitter: Submitter,
        uploader: Uploader,
        uploads: int,
    ) -> None:
        self._sources = sources
        self._options = options
        self._width = width
        # Each file passes through it, so without a pause where there is room.
        self._window = anyio.Semaphore(window, fast_acquire=True)
        self._outlet = outlet
        self._submitter = submitter
        self._uploader = uploader
        self._uploading = anyio.Semaphore(uploads)
        self._splits = True
        self.ended = anyio.Event()
        self.scope = anyio.CancelScope()
        self.total = len(sources) if isinstance(sources, Sized) else None
        self.read = 0
        self.handed_out = 0
        self.finished = False
        self.source_error: Exception | None = None

    def taken(self) -> None:
        """Note that a result has reached the consumer, which lets another file in."""
        self.handed_out += 1
        self._window.release()

    @property
    def is_exhausted(self) -> bool:
        """Whether every file was read and its result taken."""
        return self.finished and self.handed_out == self.read

    def tasks_of(self, files: int) -> int:
        """Return how many tasks so many files will make."""
        return ceil(files / self._width.of(self.total or self.read or 1))

    async def run(self) -> None:
        """Feed all files; runs in the background, and is cancelled through `scope`."""
        try:
            await self._feed()
        finally:
            self.ended.set()

    async def _feed(self) -> None:
        with self.scope:
            ready_in, ready_out = anyio.create_memory_object_stream[InputFile](MOST_FILES)
            async with anyio.create_task_group() as group:
                group.start_soon(self._pack, ready_out)
                async with ready_in, anyio.create_task_group() as uploading:
                    await self._read(ready_in, uploading)
        self.finished = True
        self._outlet.changed()

    # --- first stage: read the input, give each file a URL ---

    async def _read(self, ready: MemoryObjectSendStream[InputFile], group: TaskGroup) -> None:
        try:
            async with aclosing(iterate(self._sources)) as sources:
                async for given in sources:
                    if self._window.value:
                        self._window.acquire_nowait()
                    else:
                        await self._window.acquire()
                    index, self.read = self.read, self.read + 1
                    if is_local(source_of(given)):
                        await self._uploading.acquire()
                        group.start_soon(self._upload, index, given, ready)
                    else:
                        await self._prepare(index, given, ready)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Something the iterable awaits was cancelled, not we.
            self.source_error = UsageError("the iterable of files was cancelled from elsewhere")
            self.source_error.__cause__ = error
        except Exception as error:  # noqa: BLE001  (the caller's iterable failed; it is raised to the caller at the end)
            self.source_error = error

    async def _upload(self, index: int, given: GivenFile, ready: MemoryObjectSendStream[InputFile]) -> None:
        try:
            await self._prepare(index, given, ready)
        finally:
            self._uploading.release()

    async def _prepare(self, index: int, given: GivenFile, ready: MemoryObjectSendStream[InputFile]) -> None:
        try:
            file = await prepare(index, given, self._uploader, self._options.model)
        except _ENDS_THE_RUN as error:
            self._end(error)
        except FunASRError as error:
            self._outlet.report(SubtaskResult(source=source_of(given), index=index, error=error))
        except Exception as error:
            logger.exception("preparing a file failed")
            self._outlet.report(SubtaskResult(source=source_of(given), index=index, error=_unexpected(error)))
        else:
            await _hand_over(file, ready)
            return
        # A long row of files that all fail must not hold the loop.
        await anyio.lowlevel.checkpoint()

    # --- second stage: pack what is ready, submit it ---

    async def _pack(self, ready: MemoryObjectReceiveStream[InputFile]) -> None:
        async with ready:
            await Crew(_SUBMITS_AT_ONCE, partial(self._next_pack, ready), self._submit_whole).run()

    async def _next_pack(self, ready: MemoryObjectReceiveStream[InputFile]) -> list[InputFile] | None:
        """Wait for the files of one task; None when there are no more."""
        pack: list[InputFile] = []
        with suppress(anyio.EndOfStream):
            pack.append(await _take_over(ready))
            size = self._width.of(self.total or self.read)
            with suppress(anyio.WouldBlock):
                while len(pack) < size:
                    pack.append(ready.receive_nowait())
            if len(pack) < size:
                with anyio.move_on_after(LINGER):
                    while len(pack) < size:
                        pack.append(await _take_over(ready))
        return pack or None

    async def _submit_whole(self, pack: list[InputFile]) -> None:
        try:
            await self._submit_one(pack)
        except BadRequestError as error:
            if len(pack) == 1 or not self._width.may_split or not self._splits:
                self._report(pack, error)
            else:
                await self._submit_singly(pack)

    async def _submit_singly(self, pack: list[InputFile]) -> None:
        """Send the files of a refused task each in its own: either the width was refused, or one of them."""
        refused = 0
        for file in pack:
            try:
                await self._submit_one([file])
            except BadRequestError as error:
                refused += 1
                self._report([file], error)
        if refused == 0:
            self._width.one_only()
        elif refused == len(pack):
            # It is the request that is refused, not its width: to repeat that for each file helps nobody.
            self._splits = False

    async def _submit_one(self, pack: list[InputFile]) -> None:
        """Submit one task, and report whatever becomes of it but a bad request."""
        if self._outlet.error is not None:
            # Nobody will take the results: what is not sent yet is better not sent.
            self.scope.cancel()
            await anyio.lowlevel.checkpoint()
        try:
            await self._submitter.submit(pack, self._options, self._outlet)
        except BadRequestError:
            raise
        except _ENDS_THE_RUN as error:
            self._end(error)
        except FunASRError as error:
            self._report(pack, error)
        except Exception as error:
            logger.exception("submitting a task failed")
            self._report(pack, _unexpected(error))

    def _report(self, pack: list[InputFile], error: FunASRError) -> None:
        for file in pack:
            self._outlet.report(
                SubtaskResult(
                    source=file.source,
                    file_url=file.file_url,
                    index=file.index,
                    error=error.for_task(None, None),
                )
            )

    def _end(self, error: FunASRError) -> None:
        """Stop feeding; the consumer gets what is there, then the error."""
        self._outlet.fail(error)
        self.scope.cancel()


async def _hand_over(file: InputFile, ready: MemoryObjectSendStream[InputFile]) -> None:
    # The stream's own `send` lets others run at each file, which costs more than the file.
    try:
        ready.send_nowait(file)
    except anyio.WouldBlock:
        await ready.send(file)


async def _take_over(ready: MemoryObjectReceiveStream[InputFile]) -> InputFile:
    try:
        return ready.receive_nowait()
    except anyio.WouldBlock:
        return await ready.receive()


def _unexpected(error: Exception) -> UnexpectedError:
    unexpected = UnexpectedError(f"handling the file failed: {type(error).__name__}")
    unexpected.__cause__ = error
    return unexpected
