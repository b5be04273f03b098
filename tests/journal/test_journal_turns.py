"""Writes share commits, and whoever is cancelled takes nobody along."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journal.journals import attempt, document, names_in

from aiofunasr import JournalLockedError, SqliteJournal
from aiofunasr.journal import StoredResult
from aiofunasr.journal import turns as turns_module
from aiofunasr.journal.turns import Turns, run_to_the_end

PATIENCE = 30


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[sqlite3.Connection]:
    made = await anyio.to_thread.run_sync(connect, tmp_path / "rows.db")
    yield made
    await anyio.to_thread.run_sync(made.close)


def connect(path: Path | str) -> sqlite3.Connection:
    made = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    made.execute("CREATE TABLE rows (name TEXT UNIQUE)")
    return made


def insert(name: str) -> Callable[[sqlite3.Connection], str]:
    def work(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO rows VALUES (?)", (name,))
        return name

    return work


def read(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM rows ORDER BY rowid")]


class Gate:
    """Work that stays in its thread until it is let go."""

    def __init__(self, name: str = "gate") -> None:
        self.name = name
        self.entered = anyio.Event()
        self.opened = threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, connection: sqlite3.Connection) -> str:
        self._loop.call_soon_threadsafe(self.entered.set)
        assert self.opened.wait(PATIENCE)
        return insert(self.name)(connection)


# --- Groups -----------------------------------------------------------------------------------------------------


async def test_writes_that_come_together_share_a_commit(tmp_path: Path) -> None:
    commits: list[str] = []
    async with SqliteJournal(tmp_path / "batch.db") as journal:
        assert journal._connection is not None
        journal._connection.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
        async with anyio.create_task_group() as group:
            for number in range(100):
                group.start_soon(journal.begin, attempt(f"a{number}"))
        counted = journal.statistics()
        assert (counted.writes, counted.commits) == (100, len(commits))
        # The first goes alone; the others came while it was under way.
        assert len(commits) <= 3
        assert counted.largest_group >= 50
        assert len(await journal.open_attempts()) == 100


async def test_each_is_told_of_its_own_outcome(connection: sqlite3.Connection) -> None:
    turns = Turns(connection)
    outcomes: dict[int, Any] = {}

    async def write(number: int, name: str) -> None:
        try:
            outcomes[number] = await turns.write(insert(name))
        except sqlite3.IntegrityError:
            outcomes[number] = "refused"

    async with anyio.create_task_group() as group:
        for number, name in enumerate("abbcab"):
            group.start_soon(write, number, name)
    assert outcomes == {0: "a", 1: "b", 2: "refused", 3: "c", 4: "refused", 5: "refused"}
    assert await turns.read(read) == ["a", "b", "c"]
    assert turns.counts.commits < 6


async def test_a_transaction_that_fails_is_tried_one_by_one(connection: sqlite3.Connection) -> None:
    turns = Turns(connection)
    outcomes: dict[str, str] = {}

    def end_the_transaction(connection: sqlite3.Connection) -> str:
        # As SQLite itself does when the disk is full.
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("full")

    async def write(name: str) -> None:
        try:
            outcomes[name] = await turns.write(end_the_transaction if name == "bad" else insert(name))
        except sqlite3.OperationalError as error:
            outcomes[name] = str(error)

    async with anyio.create_task_group() as group:
        for name in ("first", "a", "bad", "b"):
            group.start_soon(write, name)
    assert outcomes == {"first": "first", "a": "a", "bad": "full", "b": "b"}
    assert await turns.read(read) == ["first", "a", "b"]
    assert not connection.in_transaction


async def test_a_group_is_bounded(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "_MOST_CALLS", 7)
    monkeypatch.setattr(turns_module, "_MOST_BYTES", 100)
    turns = Turns(connection)
    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(turns.write, insert(str(number)))
        await anyio.wait_all_tasks_blocked()
    assert turns.counts.largest_group == 7

    async def write_large(name: str) -> None:
        await turns.write(insert(name), size=60)

    commits = turns.counts.commits
    async with anyio.create_task_group() as group:
        for number in range(50, 56):
            group.start_soon(write_large, str(number))
    assert turns.counts.commits == commits + 6


async def test_what_is_read_was_committed(connection: sqlite3.Connection) -> None:
    turns = Turns(connection)
    seen: list[list[str]] = []

    async def look() -> None:
        seen.append(await turns.read(read))

    async with anyio.create_task_group() as group:
        for name in ("a", "b", "c"):
            group.start_soon(turns.write, insert(name))
            group.start_soon(look)
    assert seen[-1] == ["a", "b", "c"]
    assert not connection.in_transaction


# --- Cancelled --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_asyncio", [True, False])
async def test_a_cancelled_leader_ends_its_transaction(connection: sqlite3.Connection, by_asyncio: bool) -> None:
    turns = Turns(connection)
    gate = Gate()
    scope = anyio.CancelScope()
    left: list[str] = []

    async def lead() -> None:
        with scope:
            try:
                await turns.write(gate)
            finally:
                left.append("leader")

    async def follow(name: str) -> None:
        left.append(await turns.write(insert(name)))

    task = asyncio.ensure_future(lead())
    await gate.entered.wait()
    async with anyio.create_task_group() as group:
        group.start_soon(follow, "a")
        group.start_soon(follow, "b")
        await anyio.wait_all_tasks_blocked()
        for _ in range(3):
            task.cancel() if by_asyncio else scope.cancel()
            await anyio.sleep(0.02)
        assert left == []
        gate.opened.set()
    await asyncio.wait([task])
    assert task.cancelled() is by_asyncio
    assert sorted(left) == ["a", "b", "leader"]
    assert await turns.read(read) == ["gate", "a", "b"]


async def test_who_is_cancelled_while_waiting_writes_nothing(connection: sqlite3.Connection) -> None:
    turns = Turns(connection)
    gate = Gate()
    async with anyio.create_task_group() as group:
        group.start_soon(turns.write, gate)
        await gate.entered.wait()
        with anyio.move_on_after(0.05) as scope:
            await turns.write(insert("late"))
        assert scope.cancelled_caught
        gate.opened.set()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await turns.write(insert("later"))
    assert scope.cancelled_caught
    assert await turns.read(read) == ["gate"]


async def test_a_leader_cancelled_before_it_began_hands_on(connection: sqlite3.Connection) -> None:
    """All threads are taken, so the leader waits for one when it is cancelled, others behind it."""
    turns = Turns(connection)
    limiter = anyio.to_thread.current_default_thread_limiter()
    threads = [object() for _ in range(int(limiter.total_tokens))]
    for thread in threads:
        limiter.acquire_on_behalf_of_nowait(thread)
    leader = asyncio.ensure_future(turns.write(insert("leader")))
    await anyio.wait_all_tasks_blocked()
    async with anyio.create_task_group() as group:
        for name in ("a", "b"):
            group.start_soon(turns.write, insert(name))
        await anyio.wait_all_tasks_blocked()
        leader.cancel()
        await asyncio.wait([leader])
        assert leader.cancelled()
        for thread in threads:
            limiter.release_on_behalf_of(thread)
    assert await turns.read(read) == ["a", "b"]


CANCELS = st.lists(st.tuples(st.sampled_from(["none", "scope", "task"]), st.integers(0, 12)), min_size=1, max_size=12)


@given(cancels=CANCELS, starts=st.lists(st.integers(0, 6), min_size=12, max_size=12))
@settings(max_examples=60)
def test_whoever_is_cancelled_nobody_hangs(cancels: list[tuple[str, int]], starts: list[int]) -> None:
    async def scenario() -> None:
        connection = connect(":memory:")
        turns = Turns(connection)
        told: list[str] = []

        async def write(name: str, start: int, scope: anyio.CancelScope) -> None:
            with scope:
                for _ in range(start):
                    await anyio.lowlevel.checkpoint()
                told.append(await turns.write(insert(name)))

        async def cancel(kind: str, ticks: int, task: asyncio.Task[None], scope: anyio.CancelScope) -> None:
            for _ in range(ticks):
                await anyio.lowlevel.checkpoint()
            if kind == "task":
                task.cancel()
            elif kind == "scope":
                scope.cancel()

        tasks = []
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                for number, ((kind, ticks), start) in enumerate(zip(cancels, starts, strict=False)):
                    scope = anyio.CancelScope()
                    tasks.append(asyncio.ensure_future(write(str(number), start, scope)))
                    group.start_soon(cancel, kind, ticks, tasks[-1], scope)
            await asyncio.wait(tasks)
            rows = await turns.read(read)
        spared = {str(number) for number, (kind, _) in enumerate(cancels) if kind == "none"}
        assert spared <= set(told) <= set(rows)
        assert not turns._waiting
        assert not turns._led
        assert not connection.in_transaction
        connection.close()

    anyio.run(scenario)


async def test_an_error_comes_out_of_a_thread() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        await run_to_the_end(fail)


async def test_a_journal_that_is_cancelled_while_it_opens_is_not_left_locked(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    for ticks in range(12):
        journal = SqliteJournal(path)
        task = asyncio.ensure_future(journal.open())
        for _ in range(ticks):
            await anyio.lowlevel.checkpoint()
        for _ in range(4):
            # More than once, because the clean-up must not be cut short, either.
            task.cancel()
            await anyio.lowlevel.checkpoint()
        await asyncio.wait([task])
        if not task.cancelled():
            await journal.aclose()
        async with SqliteJournal(path):
            pass


async def test_a_journal_that_is_cancelled_while_it_closes_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    for ticks in range(12):
        journal = SqliteJournal(path)
        await journal.open()
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(journal.begin, attempt(f"{ticks}-{number}"))
            await anyio.wait_all_tasks_blocked()
            task = asyncio.ensure_future(journal.aclose())
            for _ in range(ticks):
                await anyio.lowlevel.checkpoint()
            task.cancel()
            await asyncio.wait([task])
        # Where it was cancelled before it began, it is still open.
        await journal.aclose()
        assert names_in(tmp_path) == {"batch.db", "batch.db-lock"}


async def test_threads_are_left_while_long_transcripts_are_stored(tmp_path: Path) -> None:
    limiter = anyio.to_thread.current_default_thread_limiter()
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, int(limiter.borrowed_tokens))
            await anyio.sleep(0.001)

    long = document(20_000)
    async with SqliteJournal(tmp_path / "batch.db") as journal:
        async with anyio.create_task_group() as watching:
            watching.start_soon(watch)
            async with anyio.create_task_group() as group:
                for number in range(30):
                    group.start_soon(journal.complete, StoredResult(key=str(number), document=long))
            watching.cancel_scope.cancel()
        found = await journal.result("29")
    assert found is not None
    assert found.document == long
    assert 1 <= most <= 5


async def test_a_journal_belongs_to_who_opened_it(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "batch.db")
    async with journal:
        with pytest.raises(JournalLockedError):
            async with journal:
                pass
        assert await journal.begin(attempt("a")) == 1
