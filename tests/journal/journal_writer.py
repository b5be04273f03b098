"""A process that has a journal open; each line it prints is said after the write it is about has returned."""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

import anyio
from journal.journals import attempt, document

from aiofunasr import JournalError, SqliteJournal
from aiofunasr.journal import AttemptState, StoredResult
from aiofunasr.journal.reader import viewing


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201


async def hold(path: Path) -> None:
    """Open the journal, enter one submit, and wait to be killed."""
    async with SqliteJournal(path) as journal:
        say("began", await journal.begin(attempt("held")))
        await anyio.sleep_forever()


async def work(path: Path, prefix: str) -> None:
    """Take files through their whole life, several at once, until killed."""

    async def one_after_another(lane: int) -> None:
        for number in count():
            key = f"{prefix}-{lane}-{number}"
            entered = await journal.begin(attempt(key, sent_at=float(number)))
            say("began", key, entered)
            await journal.settle(entered, AttemptState.ACCEPTED, ended_at=1.0, task_id=f"task-{key}")
            say("accepted", key, entered)
            if number % 2:
                await journal.complete(StoredResult(key=key, task_id=f"task-{key}", document=document(number % 400)))
                say("done", key, entered)

    async with SqliteJournal(path) as journal, anyio.create_task_group() as group:
        say("open")
        for lane in range(6):
            group.start_soon(one_after_another, lane)


async def fill(path: Path, room: int) -> None:
    """Write until a limit on the size of files is met, then on without it."""
    import resource  # noqa: PLC0415  (not on Windows)

    key = 0
    async with SqliteJournal(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        try:
            for key in count():
                await journal.begin(attempt(*(f"{key}-{place}" for place in range(20))))
                say("began", key)
        except JournalError as error:
            say("refused", key, error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await journal.begin(attempt("after"))
        say("again")


async def cramped(path: Path, room: int) -> None:
    """Open the journal where files may not grow beyond a size."""
    import resource  # noqa: PLC0415  (not on Windows)

    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        async with SqliteJournal(path):
            say("open")
    except JournalError as error:
        say("refused", error)


async def touch(path: Path) -> None:
    """Make a journal."""
    async with SqliteJournal(path):
        pass


async def visit(path: Path) -> None:
    """Open the journal as somebody without rights."""
    # All that is ever imported, imported now: the packages may be out of sight in a moment.
    async with SqliteJournal(path.with_name("mine.db")) as journal:
        await journal.begin(attempt("mine"))
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        async with SqliteJournal(path):
            say("open")
    except JournalError as error:
        say("refused", error)


def peek(path: Path) -> None:
    """Look into a journal as somebody without rights."""
    if os.geteuid() == 0:
        os.seteuid(65534)
    with viewing(path) as view:
        say("attempts", sum(view.summary().attempts.values()))


if __name__ == "__main__":
    _, name, role, *rest = sys.argv
    match role:
        case "hold":
            anyio.run(hold, Path(name))
        case "work":
            anyio.run(work, Path(name), rest[0])
        case "fill":
            anyio.run(fill, Path(name), int(rest[0]))
        case "cramped":
            anyio.run(cramped, Path(name), int(rest[0]))
        case "touch":
            anyio.run(touch, Path(name))
        case "peek":
            peek(Path(name))
        case "visit":
            anyio.run(visit, Path(name))
