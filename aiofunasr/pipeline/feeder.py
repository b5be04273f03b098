"""Feeds the files of one `transcribe` to the service, as far ahead of the consumer as its window allows.

Files go through two stages with a bounded hand-over: the intake reads the input and uploads what is local, the
feeder packs what is ready into tasks and submits those.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from math import ceil

import anyio
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream

from aiofunasr.errors import BadRequestError, FunASRError
from aiofunasr.options import TranscriptionOptions
from aiofunasr.pipeline.crew import Crew
from aiofunasr.pipeline.intake import ENDS_THE_RUN, Intake, unexpected
from aiofunasr.pipeline.outlet import Outlet
from aiofunasr.pipeline.record import InputFile
from aiofunasr.pipeline.submitter import Submitter
from aiofunasr.results import SubtaskResult
from aiofunasr.schedule.packing import MOST_FILES, pack_size

logger = logging.getLogger("aiofunasr")

_FIRST_SUBMITS = 16
"""How many tasks are sent at once until one was accepted: what is wrong with one is often wrong with all."""

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
        intake: The first stage.
        options: What is asked for.
        width: How many files go into a task.
        outlet: Where the results go.
        submitter: What submits tasks.
        submits: How many may be submitted at once.
    """

    def __init__(
        self,
        intake: Intake,
        options: TranscriptionOptions,
        *,
        width: TaskWidth,
        outlet: Outlet,
        submitter: Submitter,
        submits: int,
    ) -> None:
        self.intake = intake
        self._options = options
        self._width = width
        self._outlet = outlet
        self._submitter = submitter
        self._submits = submits
        self._splits = True
        self.ended = anyio.Event()
        self.handed_out = 0
        self.finished = False

    def taken(self) -> None:
        """Note that a result has reached the consumer, which lets another file in."""
        self.handed_out += 1
        self.intake.let_in()

    @property
    def is_exhausted(self) -> bool:
        """Whether every file was read and its result taken."""
        return self.finished and self.handed_out == self.intake.read

    def tasks_of(self, files: int) -> int:
        """Return how many tasks so many files will make."""
        return ceil(files / self._width.of(self.intake.total or self.intake.read or 1))

    def stop(self) -> None:
        """Feed no more, and let other batches have what the journal gave to this one."""
        self.intake.scope.cancel()
        if self.intake.book is not None:
            self.intake.book.close()

    async def run(self) -> None:
        """Feed all files; runs in the background, until it is done or stopped."""
        try:
            with self.intake.scope:
                ready_in, ready_out = anyio.create_memory_object_stream[InputFile](MOST_FILES)
                async with ready_out, anyio.create_task_group() as group:
                    self._crew = Crew(
                        min(_FIRST_SUBMITS, self._submits), partial(self._next_pack, ready_out), self._submit_whole
                    )
                    group.start_soon(self._crew.run)
                    await self.intake.run(ready_in)
            self.finished = True
            self._outlet.changed()
        finally:
            self.ended.set()

    async def _next_pack(self, ready: MemoryObjectReceiveStream[InputFile]) -> list[InputFile] | None:
        """Wait for the files of one task; None when there are no more."""
        pack: list[InputFile] = []
        with suppress(anyio.EndOfStream):
            pack.append(await _take_over(ready))
            size = self._width.of(self.intake.total or self.intake.read)
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
            if await self._submit_one(pack):
                self._crew.allow(self._submits)
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

    async def _submit_one(self, pack: list[InputFile]) -> bool:
        """Submit one task, tell whether it was accepted, and report whatever else becomes of it but a bad request."""
        if self._outlet.error is not None:
            # Nobody will take the results: what is not sent yet is better not sent.
            self.intake.scope.cancel()
            await anyio.lowlevel.checkpoint()
        try:
            await self._submitter.submit(pack, self._options, self._outlet, self._crew.away)
            if self.intake.book is not None:
                self.intake.book.share(file.key for file in pack if file.key is not None)
        except BadRequestError:
            raise
        except ENDS_THE_RUN as error:
            self.intake.end(error)
        except FunASRError as error:
            self._report(pack, error)
        except Exception as error:
            logger.exception("submitting a task failed")
            self._report(pack, unexpected(error))
        else:
            return True
        return False

    def _report(self, pack: list[InputFile], error: FunASRError) -> None:
        for file in pack:
            result = SubtaskResult(
                source=file.source, file_url=file.file_url, index=file.index, error=error.for_task(None, None)
            )
            self._outlet.answer(file.key, result)


async def _take_over(ready: MemoryObjectReceiveStream[InputFile]) -> InputFile:
    # The stream's own `receive` lets others run at each file, which costs more than the file.
    try:
        return ready.receive_nowait()
    except anyio.WouldBlock:
        return await ready.receive()
