"""Reads the input of one `transcribe`, and gives each file a URL the service can read.

A file enters the window before it is looked at and leaves it when its result is taken, so neither the length of the
input nor a slow consumer makes the memory grow. With a journal each file is looked up first, and only what the journal
does not know is sent on. What one file does wrong is that file's result; what is wrong with the key, the account or the
journal ends the run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sized
from contextlib import aclosing, contextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream

from aiofunasr.audio import GivenFile
from aiofunasr.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    FunASRError,
    JournalError,
    KeyProviderError,
    NotFoundError,
    QuotaExceededError,
    UnexpectedError,
    UsageError,
)
from aiofunasr.journal.entries import AttemptState
from aiofunasr.pipeline.book import Book, Next, Waiter
from aiofunasr.pipeline.inputs import check_upload, inspect, is_local, iterate, seconds_of, source_of
from aiofunasr.pipeline.outlet import Outlet
from aiofunasr.pipeline.record import InputFile
from aiofunasr.pipeline.resumer import Resumer
from aiofunasr.pipeline.uploads import Meter, Uploader
from aiofunasr.results import SubtaskResult

logger = logging.getLogger("aiofunasr")

# Wrong for one file, wrong for all: going on would only repeat the refusal for each file of the input.
ENDS_THE_RUN = (
    AuthenticationError,
    AccessDeniedError,
    ConfigurationError,
    JournalError,
    KeyProviderError,
    NotFoundError,
    QuotaExceededError,
    UsageError,
)

Ready = MemoryObjectSendStream[InputFile]


class Intake:
    """The first stage of one `transcribe`.

    Args:
        sources: The files.
        model: What they are uploaded for.
        window: How many files may be under way, from being read to having their results taken.
        uploads: How many may be uploaded at once.
        outlet: Where the results of those go that do not get as far as a task.
        uploader: What uploads local files.
        resumer: What goes on with earlier submits.
        book: What the journal knows, where there is one.
        clock: The time of day in seconds since the epoch.
    """

    def __init__(
        self,
        sources: Iterable[GivenFile] | AsyncIterable[GivenFile],
        model: str,
        *,
        window: int,
        uploads: int,
        outlet: Outlet,
        uploader: Uploader,
        resumer: Resumer,
        book: Book | None,
        clock: Callable[[], float],
    ) -> None:
        self._sources = sources
        self._model = model
        # Each file passes through it, so without a pause where there is room.
        self._window = anyio.Semaphore(window, fast_acquire=True)
        self._uploading = anyio.Semaphore(uploads)
        self._outlet = outlet
        self._uploader = uploader
        self._resumer = resumer
        self.book = book
        self._clock = clock
        # Submits of earlier runs that are searched for: None while that goes on, and the error it ended in.
        self._searches: dict[int, FunASRError | None] = {}
        # The files that wait for those, and for nothing else.
        self._parked: dict[int, list[str]] = {}
        self.meter = Meter()
        self.total = len(sources) if isinstance(sources, Sized) else None
        self.read = 0
        self.error: Exception | None = None
        # Of the whole feeding side.
        self.scope = anyio.CancelScope()

    def end(self, error: FunASRError) -> None:
        """Stop feeding; the consumer gets what is there, then the error."""
        self._outlet.fail(error)
        self.scope.cancel()

    def let_in(self) -> None:
        """Make room in the window: a result was taken."""
        self._window.release()

    async def run(self, ready: Ready) -> None:
        """Read all files, and send on what is to be submitted."""
        async with ready, anyio.create_task_group() as group:
            try:
                await self._read(ready, group)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Something the iterable awaits was cancelled, not we.
                self.error = UsageError("the iterable of files was cancelled from elsewhere")
                self.error.__cause__ = error
            except Exception as error:  # noqa: BLE001  (the caller's iterable failed; it is raised to the caller at the end)
                self.error = error

    async def _read(self, ready: Ready, group: TaskGroup) -> None:
        async with aclosing(iterate(self._sources)) as sources:
            async for given in sources:
                if self._window.value:
                    self._window.acquire_nowait()
                else:
                    await self._window.acquire()
                index, self.read = self.read, self.read + 1
                if is_local(source_of(given)):
                    await self._uploading.acquire()
                    group.start_soon(self._take_in_local, index, given, ready, group)
                else:
                    await self._take_in(index, given, ready, group)

    async def _take_in_local(self, index: int, given: GivenFile, ready: Ready, group: TaskGroup) -> None:
        try:
            await self._take_in(index, given, ready, group)
        finally:
            self._uploading.release()

    async def _take_in(self, index: int, given: GivenFile, ready: Ready, group: TaskGroup) -> None:
        waiter, key = Waiter(index, given, ""), None
        with self._reporting(waiter, None):
            check_upload(given, self._model, self._clock())
            waiter = Waiter(index, given, await inspect(source_of(given)))
            if self.book is None:
                await _hand_over(await self._as_input(waiter, None), ready)
                return
            key = await self.book.key_of(given, waiter.place)
        if self.book is not None and key is not None:
            with self._reporting(waiter, key):
                step = await self.book.look_up(key, waiter, self._clock())
                await self._go_on(key, step, ready, group)
        # A long row of files that all fail must not hold the loop.
        await anyio.lowlevel.checkpoint()

    async def _as_input(self, waiter: Waiter, key: str | None) -> InputFile:
        """Give a file a URL; a local one is uploaded."""
        place, given = waiter.place, waiter.given
        if isinstance(place, Path):
            place = (await self._uploader.upload(place, self._model, meter=self.meter)).url
        return InputFile(waiter.index, source_of(given), place, seconds_of(given), key)

    @contextmanager
    def _reporting(self, waiter: Waiter, key: str | None) -> Iterator[None]:
        """Make what goes wrong with one file that file's result."""
        try:
            yield
        except ENDS_THE_RUN as error:
            self.end(error)
        except FunASRError as error:
            self._fail(waiter, key, error)
        except Exception as error:
            logger.exception("preparing a file failed")
            self._fail(waiter, key, unexpected(error))

    def _fail(self, waiter: Waiter, key: str | None, error: FunASRError) -> None:
        self._outlet.answer(key, SubtaskResult(source=source_of(waiter.given), index=waiter.index, error=error))

    # --- with a journal ---

    async def _go_on(self, key: str, step: Next, ready: Ready, group: TaskGroup) -> None:
        """Do for a file what the journal says is to be done."""
        book = self.book
        waiter = None if book is None else book.first_waiter(key)
        if book is None or waiter is None:
            return
        match step:
            case Next.SUBMIT:
                await _hand_over(await self._as_input(waiter, key), ready)
            case Next.RESTORE:
                self._outlet.answer(key, await book.stored(key))
            case Next.FOLLOW:
                attempt = await book.attempt_of(key)
                self._resumer.follow(attempt, attempt.task_id or "", self._outlet)
                book.expect(attempt)
            case Next.SEARCH:
                group.start_soon(self._search, key, waiter, book, ready, group)

    async def _search(self, key: str, waiter: Waiter, book: Book, ready: Ready, group: TaskGroup) -> None:
        """Find out whether a file that was sent is part of a task, together with the others of its submit."""
        with self._reporting(waiter, key):
            attempt = await book.attempt_of(key)
            if attempt.state in {AttemptState.ACCEPTED, AttemptState.REFUSED}:
                # It ended while this file was looked up.
                await self._go_on(key, await book.next_for(key, self._clock()), ready, group)
                return
            self._parked.setdefault(attempt.id, []).append(key)
            if attempt.id in self._searches:
                # The search that is under way serves all files of the submit.
                if (error := self._searches[attempt.id]) is not None:
                    raise error.for_task(None, None)
                return
            self._searches[attempt.id] = None
            try:
                found = not await self._resumer.ended_here(attempt)
                found = found and await self._resumer.search(attempt, self._outlet)
            except FunASRError as error:
                self._searches[attempt.id] = error
                for each, other in book.waiting_for(attempt):
                    self._fail(other, each, error.for_task(None, None))
                raise
            if found:
                book.expect(attempt)
                return
            del self._searches[attempt.id]
            for each in self._parked.pop(attempt.id):
                parked = book.first_waiter(each)
                if parked is None:
                    continue
                with self._reporting(parked, each):
                    step = await book.next_for(each, self._clock())
                    await self._go_on(each, step, ready, group)


async def _hand_over(file: InputFile, ready: Ready) -> None:
    # The stream's own `send` lets others run at each file, which costs more than the file.
    try:
        ready.send_nowait(file)
    except anyio.WouldBlock:
        await ready.send(file)


def unexpected(error: Exception) -> UnexpectedError:
    """Make one file's error of something that never should have happened."""
    found = UnexpectedError(f"handling the file failed: {type(error).__name__}")
    found.__cause__ = error
    return found
