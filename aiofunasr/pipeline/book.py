"""What a journal knows of the files of one `transcribe`, and who waits for them.

A file of the input is looked up before anything is done for it. What is done is answered from the journal. What is in
flight is waited for. Of what was sent and never answered the task is searched for. The rest is submitted, once: a file
that stands in the input several times, or is under way in another batch of the session, is waited for, too. So results
come by key, and each goes to every place of the input that waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

import anyio
import anyio.to_thread
from attrs import evolve, frozen

from aiofunasr.audio import GivenFile
from aiofunasr.errors import InvalidFileError, JournalError
from aiofunasr.journal.entries import Attempt, FileState, StoredResult
from aiofunasr.journal.identity import file_key
from aiofunasr.journal.protocol import Journal
from aiofunasr.options import TranscriptionOptions
from aiofunasr.pipeline.inputs import source_of
from aiofunasr.pipeline.reading import Reading
from aiofunasr.results import SubtaskResult, Transcript
from aiofunasr.token import LONGEST_RUN, RETENTION

FORGOTTEN_AFTER = (RETENTION + LONGEST_RUN).total_seconds()
"""Seconds after its submit when the service has certainly forgotten a task."""


class Next(Enum):
    """What is to be done for a file of the input."""

    SUBMIT = "nothing is known of it"
    WAIT = "its result is on its way"
    RESTORE = "its result is in the journal"
    FOLLOW = "it is part of a task in flight"
    SEARCH = "it was sent, and whether there is a task is not known"


@frozen
class Waiter:
    """A place of the input that waits for a file: its number, what the caller gave, and the URL or path that is."""

    index: int
    given: GivenFile
    place: str | Path


class Claims:
    """Which files are in the hands of which batch of a session: one at a time has each."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[object, anyio.Event]] = {}

    def take_free(self, keys: Iterable[str], owner: object) -> list[str]:
        """Take those of some files that nobody has, and return them."""
        free = [key for key in dict.fromkeys(keys) if key not in self._taken]
        self._taken.update((key, (owner, anyio.Event())) for key in free)
        return free

    async def take(self, key: str, book: Book) -> None:
        """Wait until no other batch has a file, and take it."""
        while (taken := self._taken.get(key)) is not None:
            await taken[1].wait()
        self._taken[key] = (book, anyio.Event())

    def release(self, key: str, book: object) -> None:
        """Let others have it; nothing happens where it is another's."""
        taken = self._taken.get(key)
        if taken is not None and taken[0] is book:
            del self._taken[key]
            taken[1].set()


class Book:
    """One batch's view of a journal.

    Args:
        journal: The journal, open.
        claims: The session's.
        options: What is asked for of all files.
        retry_failed: Whether files that failed before are submitted once more.

    Attributes:
        restored: How many places of the input were answered from the journal.
        resumed: How many files were found to be in tasks of an earlier run.
    """

    def __init__(self, journal: Journal, claims: Claims, options: TranscriptionOptions, *, retry_failed: bool) -> None:
        self._journal = journal
        self._claims = claims
        self._options = options
        self._retry_failed = retry_failed
        self._waiting: dict[str, list[Waiter]] = {}
        # Files whose results come of a task that is followed, with a place in the input or without one yet.
        self._coming: set[str] = set()
        self._began_at: float | None = None
        self._reading = Reading()
        self._closed = False
        self.restored = 0
        self.resumed = 0

    async def key_of(self, given: GivenFile, place: str | Path) -> str:
        """Return what the journal knows a file by; `place` is its URL or path."""
        return await key_of(given, place, self._options)

    async def look_up(self, key: str, waiter: Waiter, now: float) -> Next:
        """Take in a place of the input, and say what is to be done for its file; `now` is the time of day."""
        if key in self._waiting:
            self._waiting[key].append(waiter)
            return Next.WAIT
        self._waiting[key] = [waiter]
        if key not in self._coming:
            await self._claims.take(key, self)
            if self._closed:
                # Left while it was waited for, or just before: nobody would let it go.
                self._claims.release(key, self)
                self._waiting.pop(key, None)
        return await self.next_for(key, now)

    async def next_for(self, key: str, now: float) -> Next:
        """Say what is to be done for a file by what the journal says now."""
        if self._began_at is None:
            self._began_at = now
        entry = await self._journal.file(key)
        state = FileState.NEW if entry is None else entry.state
        if self._retry_failed and await self._is_lost(key, state, now):
            await self._journal.forget(key)
            state = FileState.NEW
        match state:
            case FileState.DONE | FileState.FAILED:
                return Next.RESTORE
            case FileState.ACCEPTED:
                return Next.WAIT if key in self._coming else Next.FOLLOW
            case FileState.UNKNOWN:
                return Next.SEARCH
        return Next.SUBMIT

    async def _is_lost(self, key: str, state: FileState, now: float) -> bool:
        if state is FileState.ACCEPTED:
            return now - (await self.attempt_of(key)).sent_at > FORGOTTEN_AFTER
        if state is not FileState.FAILED:
            return False
        # What failed in this very batch is not tried again for the next place it has in the input.
        entry = await self._journal.file(key)
        began_at = now if self._began_at is None else self._began_at
        return entry is None or entry.attempt is None or (await self.attempt_of(key)).sent_at < began_at

    async def stored(self, key: str) -> SubtaskResult:
        """Return the result of a file that is done.

        Raises:
            JournalError: There is none.
        """
        stored = await self._journal.result(key)
        if stored is None:
            raise JournalError(f"the journal says that a file is done, and has no result of it (key {key})")
        result = await _restored(stored, self._reading)
        self.restored += len(self._waiting.get(key, ()))
        return result

    async def attempt_of(self, key: str) -> Attempt:
        """Return the newest submit of a file that was submitted."""
        entry = await self._journal.file(key)
        return await self._journal.attempt((entry and entry.attempt) or 0)

    def expect(self, attempt: Attempt) -> None:
        """Note that the results of a submit are on their way."""
        # Several of its files may have been looked up at once.
        new = {file.key for file in attempt.files} - self._coming
        self.resumed += len(new)
        self._coming |= new
        self.share(new)

    def share(self, keys: Iterable[str]) -> None:
        """Let other batches have files that are in a task by now: they need not wait until this one's are taken."""
        for key in keys:
            self._claims.release(key, self)

    def first_waiter(self, key: str) -> Waiter | None:
        """Return the first place that waits for a file, if one does by now."""
        waiters = self._waiting.get(key)
        return waiters[0] if waiters else None

    def waiting_for(self, attempt: Attempt) -> list[tuple[str, Waiter]]:
        """Return the files of a submit that have a place in the input by now, each with its first one."""
        return [(file.key, self._waiting[file.key][0]) for file in attempt.files if file.key in self._waiting]

    def answers(self, key: str, result: SubtaskResult) -> Iterator[SubtaskResult]:
        """Give a file's result to every place that waits for it."""
        self._coming.discard(key)
        waiters = self._waiting.pop(key, None)
        if waiters is None:
            return
        self._claims.release(key, self)
        for waiter in waiters:
            yield evolve(result, index=waiter.index, source=source_of(waiter.given))

    def close(self) -> None:
        """Let other batches have what is not done here."""
        self._closed = True
        for key in self._waiting:
            self._claims.release(key, self)
        self._waiting.clear()


async def key_of(given: GivenFile, place: str | Path, options: TranscriptionOptions) -> str:
    """Return what a journal knows a file by; `place` is its URL or path.

    Raises:
        InvalidFileError: It is a local file that is not there any more.
    """
    if isinstance(place, str):
        return file_key(source_of(given), options)
    return await anyio.to_thread.run_sync(_key_of_local, place, options)


def _key_of_local(path: Path, options: TranscriptionOptions) -> str:
    try:
        found = path.stat()
    except OSError as error:
        gone: InvalidFileError = InvalidFileError("file_urls", str(path), f"the file cannot be read: {error}")
        raise gone from error
    return file_key(path, options, size=found.st_size, mtime_ns=found.st_mtime_ns)


async def _restored(stored: StoredResult, reading: Reading) -> SubtaskResult:
    transcript = None
    if stored.document is not None:
        transcript = await reading.read(stored.document)
    elif stored.no_speech:
        transcript = Transcript(file_url=stored.file_url or "")
    return SubtaskResult(
        source=stored.file_url or "",
        file_url=stored.file_url,
        index=0,
        task_id=stored.task_id,
        token=stored.token,
        transcript=transcript,
        error=stored.error,
        no_speech=stored.no_speech,
    )
