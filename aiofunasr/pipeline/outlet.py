"""Where the results of some tasks come out, and how far ahead of the consumer they may be.

On one side finished files wait to be downloaded, on the other finished results wait to be taken. What is downloaded
and not yet taken is bounded by `room`, so a slow consumer holds back downloads, and through the window of its
`transcribe` the submission too. Everything here is plain and synchronous: it runs between two awaits.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol

from attrs import frozen

from aiofunasr.errors import FunASRError
from aiofunasr.pipeline.record import InputFile, TaskRecord
from aiofunasr.results import SubtaskResult
from aiofunasr.schedule.packing import MOST_FILES
from aiofunasr.wire.verdicts import Verdict


@frozen(eq=False)
class FinishedFile:
    """A file the service is done with, to be downloaded or reported as it is.

    Attributes:
        record, file: The task and the file.
        verdict: What the service says became of it.
        attempt: Which try of its download is next, from 1.
        refusals: How often its link was refused.
    """

    record: TaskRecord
    file: InputFile
    verdict: Verdict
    attempt: int = 1
    refusals: int = 0


class Watcher(Protocol):
    """Something to wake when an outlet changes: an event does."""

    def set(self) -> None:
        """Wake it."""
        ...


class _Work:
    """What an outlet has in hand, from the first finished file on."""

    __slots__ = ("downloading", "finished", "put_off", "ready")

    def __init__(self) -> None:
        self.finished: deque[FinishedFile] = deque()
        self.downloading: set[FinishedFile] = set()
        # What failed and waits for its next try; it holds no room, so that the others go on.
        self.put_off: set[FinishedFile] = set()
        self.ready: deque[SubtaskResult] = deque()


class Outlet:
    """The results of one task.

    Args:
        on_work: Called when there is something to download; the collector's door.
    """

    # There is one for each task a caller submitted, and most of them only wait: so what it needs for its work is not
    # made before there is some.
    __slots__ = ("__weakref__", "_on_work", "_orphans", "_watchers", "_work", "error", "has_tasks")

    has_many: ClassVar[bool] = False
    """Whether the results of more than one task may come out."""

    def __init__(self, on_work: Callable[[Outlet], None]) -> None:
        self._on_work = on_work
        self._work: _Work | None = None
        self._watchers: set[Watcher] | None = None
        # None as long as somebody waits.
        self._orphans: tuple[str, ...] | None = None
        self.error: FunASRError | None = None
        # Whether there ever was a task whose results come out here.
        self.has_tasks = False

    @property
    def room(self) -> int:
        """How many results may be downloaded, or be on their way, and not yet taken."""
        return MOST_FILES

    @property
    def _in_hand(self) -> _Work:
        if self._work is None:
            self._work = _Work()
        return self._work

    # --- the side of the submitter ---

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits any more."""
        return self._orphans is not None

    @property
    def orphans(self) -> tuple[str, ...]:
        """The tokens of tasks that came to be after that."""
        return self._orphans or ()

    def orphan(self, token: str) -> None:
        """Keep the token of a task that came to be after its caller had left."""
        self._orphans = (*self.orphans, token)

    def count(self, status: str, by: int) -> None:  # noqa: ARG002  (a batch needs them)
        """Count a task that comes into a state, or goes out of it; of a single one it matters that there is one."""
        self.has_tasks = True

    def accepted(self, request_id: str | None) -> None:
        """Hear that a task was submitted, and what the service calls that submit; nobody asks that of most."""

    # --- the side of the poller and the collector ---

    def offer(self, files: list[FinishedFile]) -> None:
        """Take in files the service is done with."""
        if self.abandoned:
            return
        self._in_hand.finished.extend(files)
        self._on_work(self)

    @property
    def has_downloads(self) -> bool:
        """Whether a file can be handed out: there is one, and room for its result."""
        work = self._work
        return work is not None and bool(work.finished) and len(work.downloading) + len(work.ready) < self.room

    @property
    def backlog(self) -> int:
        """How many files the service is done with wait here for their download."""
        return 0 if self._work is None else len(self._work.finished)

    def next_download(self) -> FinishedFile | None:
        """Hand out a file to collect, while there is room for its result."""
        if not self.has_downloads:
            return None
        finished = self._in_hand.finished.popleft()
        self._in_hand.downloading.add(finished)
        return finished

    def deliver(self, finished: FinishedFile, result: SubtaskResult) -> None:
        """Take in the result of a file that `next_download` handed out."""
        self._in_hand.downloading.discard(finished)
        self._in_hand.put_off.discard(finished)
        self.answer(finished.file.key, result)
        # It may have had no place in the input, and so left room for another.
        self._ask_for_more()

    def answer(self, key: str | None, result: SubtaskResult) -> None:  # noqa: ARG002  (a batch needs it)
        """Take in the result of a file that the journal knows by `key`."""
        self.report(result)

    def put_off(self, finished: FinishedFile) -> None:
        """Set a file aside that could not be collected now; meanwhile another may have its place."""
        if self.abandoned:
            return
        self._in_hand.downloading.discard(finished)
        self._in_hand.put_off.add(finished)
        self._ask_for_more()

    def put_back(self, finished: FinishedFile, again: FinishedFile) -> None:
        """Let a file that was set aside be handed out again, before the others; `again` is what to collect now."""
        if self.abandoned:
            return
        self._in_hand.put_off.discard(finished)
        self._in_hand.finished.appendleft(again)
        self._on_work(self)

    def report(self, result: SubtaskResult) -> None:
        """Take in a result that needed no download: its file did not get as far as a task."""
        self._in_hand.ready.append(result)
        self.changed()

    def fail(self, error: FunASRError) -> None:
        """End it: whoever waits, or comes later, gets the error once the results that are there are taken.

        Of several errors the first stays, with the tokens of all.
        """
        if self.error is None:
            self.error = error
        else:
            self.error = self.error.for_tasks(tuple(dict.fromkeys((*self.error.tokens, *error.tokens))))
        self.changed()

    def abandon(self) -> tuple[str, ...]:
        """Collect no more, and return the tokens of the tasks whose results were not all taken.

        Results that are there can still be taken.
        """
        self._orphans = self.orphans
        work, left = self._work, list[str]()
        if work is not None:
            not_collected = (*work.finished, *work.downloading, *work.put_off)
            left += [finished.record.token for finished in not_collected]
            left += [result.token for result in work.ready if result.token is not None]
            work.finished.clear()
            work.downloading.clear()
            work.put_off.clear()
        self.changed()
        return tuple(dict.fromkeys(left))

    # --- the side of the consumer ---

    def take(self) -> SubtaskResult | None:
        """Take the next result, or None when none is there; it makes room for another."""
        if not self.waiting:
            return None
        result = self._in_hand.ready.popleft()
        self._ask_for_more()
        return result

    @property
    def waiting(self) -> int:
        """How many results are there to be taken."""
        return 0 if self._work is None else len(self._work.ready)

    @property
    def is_idle(self) -> bool:
        """Whether no result is there or on its way."""
        work = self._work
        return work is None or not (work.ready or work.finished or work.downloading or work.put_off)

    def watch(self, watcher: Watcher) -> None:
        """Wake the watcher at each change from now on."""
        if self._watchers is None:
            self._watchers = set()
        self._watchers.add(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Wake it no more."""
        if self._watchers is not None:
            self._watchers.discard(watcher)

    def changed(self) -> None:
        """Wake everyone who watches."""
        for watcher in tuple(self._watchers or ()):
            watcher.set()

    def _ask_for_more(self) -> None:
        if self.backlog:
            self._on_work(self)


class Notice(Outlet):
    """Where no results come out: it only tells that the service is done with its task.

    Attributes:
        request_id: What the service calls the submit, where it was accepted with this for an outlet.
    """

    __slots__ = ("request_id",)

    def __init__(self, on_work: Callable[[Outlet], None]) -> None:
        super().__init__(on_work)
        self.request_id: str | None = None

    def accepted(self, request_id: str | None) -> None:
        """Hear that the task was submitted."""
        self.request_id = request_id

    def offer(self, files: list[FinishedFile]) -> None:  # noqa: ARG002  (the record has all there is to know)
        """Hear that the task is done."""
        self.changed()


class BatchOutlet(Outlet):
    """The results of one `transcribe`.

    Args:
        room: How many of them may wait to be taken.
        on_work: Called when there is something to download.

    Attributes:
        states: How many tasks in flight are in each state.
        answers: Where a file may have several places in the input, or none: who is given its result.
    """

    __slots__ = ("_room", "answers", "states")

    has_many = True

    def __init__(self, room: int, on_work: Callable[[Outlet], None]) -> None:
        super().__init__(on_work)
        self._room = room
        self.states: Counter[str] = Counter()
        self.answers: Callable[[str, SubtaskResult], Iterable[SubtaskResult]] | None = None

    @property
    def room(self) -> int:
        """How many results may be downloaded, or be on their way, and not yet taken."""
        return self._room

    def count(self, status: str, by: int) -> None:
        """Count a task that comes into a state, or goes out of it."""
        super().count(status, by)
        self.states[status] += by

    def answer(self, key: str | None, result: SubtaskResult) -> None:
        """Take in a result, once for each place of the input that its file has."""
        for each in (result,) if self.answers is None or key is None else self.answers(key, result):
            self.report(each)


async def change(*outlets: Outlet, ready: Callable[[], bool]) -> None:
    """Wait until `ready()`, which is looked at whenever one of the outlets changes; it must not wait, nor fail.

    Cancelled, it leaves nothing behind.
    """
    while not ready():
        waiter = _Waiter(ready)
        for outlet in outlets:
            outlet.watch(waiter)
        try:
            await waiter.woken
        finally:
            for outlet in outlets:
                outlet.unwatch(waiter)


class _Waiter:
    """Wakes one who waits, and only when it is worth it: of a task's files all but the last may change nothing."""

    __slots__ = ("_ready", "woken")

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready = ready
        self.woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def set(self) -> None:
        if not self.woken.done() and self._ready():
            self.woken.set_result(None)
