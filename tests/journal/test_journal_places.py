"""Where a journal cannot be kept: said when it is opened, in words, before anything is submitted."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from journal.journals import attempt, document, look, names_in, run_writer, writer

from aiofunasr import JournalError, JournalLockedError, SqliteJournal
from aiofunasr.journal import FileState, StoredResult
from aiofunasr.journal.database import open_for_writing
from aiofunasr.journal.reader import viewing
from aiofunasr.journal.schema import APPLICATION_ID, STEPS, Step


async def refusal(path: Path, kind: type[JournalError] = JournalError) -> str:
    """Try to open a journal, and return why that is refused; the object can be used again, and is not locked."""
    journal = SqliteJournal(path)
    for _ in range(2):
        with pytest.raises(kind) as caught:
            await journal.open()
    assert type(caught.value) is kind
    assert str(path) in str(caught.value)
    return str(caught.value)


def make(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


# --- The place --------------------------------------------------------------------------------------------------


async def test_a_directory(tmp_path: Path) -> None:
    assert "is a directory" in await refusal(tmp_path)
    assert not list(tmp_path.parent.glob("*-lock"))


async def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    assert "no directory" in await refusal(tmp_path / "missing" / "batch.db")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
async def test_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in await refusal(tmp_path / "pipe")


async def test_names_that_mean_something_elsewhere(tmp_path: Path) -> None:
    for name in ("a?mode=ro", "b#c", "%41", "d e", ":memory:", "caf\u00e9", "\u5f55\u97f3"):
        async with SqliteJournal(tmp_path / name) as journal:
            await journal.begin(attempt("a"))
        assert (await look(tmp_path / name)).files[FileState.UNKNOWN] == 1
        assert (tmp_path / name).stat().st_size > 0


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that everyone can look into."""
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    directory.chmod(0o755)
    shutil.rmtree(directory)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="rights are another matter here")
@pytest.mark.parametrize("there", [False, True])
def test_a_directory_that_may_not_be_written(shared: Path, there: bool) -> None:
    path = shared / "batch.db"
    (shared / "mine.db").touch()
    run_writer(path.with_name("mine.db"), "touch")
    if there:
        run_writer(path, "touch")
        path.with_name("batch.db-lock").unlink()
        path.chmod(0o444)
    shared.chmod(0o555)
    (line,) = run_writer(path, "visit")
    assert re.match(f"refused .*{path}.*(rights|may not be written)", line)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="rights are another matter here")
def test_a_file_that_may_not_be_written(shared: Path) -> None:
    path = shared / "batch.db"
    run_writer(path, "touch")
    path.chmod(0o444)
    shared.chmod(0o777)
    path.with_name("batch.db-lock").chmod(0o666)
    (line,) = run_writer(path, "visit")
    assert re.match(f"refused .*{path}: .*may not be written", line)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="rights are another matter here")
def test_looking_where_nothing_may_be_written(shared: Path) -> None:
    path = shared / "batch.db"
    run_writer(path, "touch")
    path.chmod(0o444)
    shared.chmod(0o555)
    assert run_writer(path, "peek") == ["attempts 0"]
    assert names_in(shared) == {"batch.db", "batch.db-lock"}


# --- What is there already --------------------------------------------------------------------------------------


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Not a database at all, but a text of some length.\n" * 100)
    before = path.read_bytes()
    assert "no SQLite database" in await refusal(path)
    assert path.read_bytes() == before
    assert names_in(tmp_path) == {"notes.txt"}


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE theirs (x)", "PRAGMA application_id = 7", "PRAGMA user_version = 3"]
)
async def test_another_programs_database(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "theirs.db"
    make(path, statement)
    before = path.read_bytes()
    assert "another program" in await refusal(path)
    assert path.read_bytes() == before
    assert names_in(tmp_path) == {"theirs.db"}


async def test_a_damaged_journal(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    async with SqliteJournal(path) as journal:
        await journal.complete(StoredResult(key="a", document=document(20_000)))
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * 4000 + whole[4100:])
    assert "damaged" in await refusal(path)
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in await refusal(path)


async def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    path.touch()
    async with SqliteJournal(path) as journal:
        assert await journal.begin(attempt("a")) == 1


# --- Versions ---------------------------------------------------------------------------------------------------

NEXT: list[Step] = [*STEPS, ("ALTER TABLE files ADD COLUMN remark TEXT", "UPDATE files SET remark = 'old'")]


async def test_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    make(path, f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {len(STEPS) + 1}")
    message = await refusal(path)
    assert f"version {len(STEPS) + 1}" in message
    assert f"up to {len(STEPS)}" in message
    assert "newer aiofunasr" in message
    with pytest.raises(JournalError, match="newer aiofunasr"):
        await look(path)


def migrate(path: Path, more: Step = ()) -> list[Any]:
    questions = ("PRAGMA user_version", "SELECT key, remark FROM files")
    with closing(open_for_writing(path, [*NEXT, more] if more else NEXT)) as connection:
        return [connection.execute(question).fetchall() for question in questions]


async def test_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    async with SqliteJournal(path) as journal:
        await journal.begin(attempt("a", "b"))
    for _ in range(2):
        version, files = await anyio.to_thread.run_sync(migrate, path)
        assert version == [(len(NEXT),)]
        assert files == [("a", "old"), ("b", "old")]
    assert f"version {len(NEXT)}" in await refusal(path)


async def test_a_step_that_fails_leaves_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    async with SqliteJournal(path) as journal:
        await journal.begin(attempt("a"))
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        await anyio.to_thread.run_sync(migrate, path, ("DROP TABLE nowhere",))
    async with SqliteJournal(path) as journal:
        assert journal._connection is not None
        assert "remark" not in str(journal._connection.execute("SELECT sql FROM sqlite_master").fetchall())
        assert await journal.begin(attempt("b")) == 2


async def test_a_version_too_old_to_look_at(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    make(path, "PRAGMA journal_mode = WAL")
    with pytest.raises(JournalError, match="empty; a run"):
        await look(path)


# --- One at a time ----------------------------------------------------------------------------------------------


def relative(path: Path) -> Path:
    return Path(os.path.relpath(path))


async def test_two_sessions_of_one_process(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    (tmp_path / "link.db").symlink_to(path)
    async with SqliteJournal(path) as first:
        with pytest.raises(JournalLockedError, match="open already"):
            await first.open()
        for same in (path, tmp_path / "link.db", relative(path), tmp_path / ".." / tmp_path.name / path.name):
            with pytest.raises(JournalLockedError, match="another session of this process, since 2"):
                await SqliteJournal(same).open()
        assert await first.begin(attempt("a")) == 1
    async with SqliteJournal(tmp_path / "link.db") as second:
        assert await second.begin(attempt("a")) == 2


async def test_two_processes(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    with writer(path, "hold") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "began 1\n"
        message = await refusal(path, JournalLockedError)
        assert f"process {process.pid}, since 2" in message
        assert (await look(path)).files[FileState.UNKNOWN] == 1
        process.kill()
        process.wait()
        # Of a process that was killed nothing is left that would keep others away.
        assert (await look(path)).files[FileState.UNKNOWN] == 1
        async with SqliteJournal(path) as journal:
            assert [one.id for one in await journal.open_attempts()] == [1]


# --- Room -------------------------------------------------------------------------------------------------------


async def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path / "batch.db") as journal:
        assert journal._connection is not None
        (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
        await journal.begin(attempt("a"))
        journal._connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        with pytest.raises(JournalError, match=r"batch\.db: the disk.* full; make room"):
            await journal.complete(StoredResult(key="a", document=os.urandom(100_000)))
        entry = await journal.file("a")
        assert entry is not None
        assert entry.state is FileState.UNKNOWN
        await journal.complete(StoredResult(key="a", document=b"{}"))
        journal._connection.execute("PRAGMA max_page_count = 100000")
        await journal.complete(StoredResult(key="b", document=os.urandom(100_000)))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files")
def test_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    *began, refused, again = run_writer(path, "fill", 300_000)
    assert len(began) > 5
    assert re.match(rf"refused {len(began)} the journal {path}: the disk.* full", refused)
    assert again == "again"
    with viewing(path) as view:
        assert view.summary().files[FileState.UNKNOWN] == len(began) * 20 + 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files")
@pytest.mark.parametrize("room", [0, 4096, 20_000])
def test_a_disk_that_is_full_from_the_start(tmp_path: Path, room: int) -> None:
    path = tmp_path / "batch.db"
    (line,) = run_writer(path, "cramped", room)
    assert re.match(f"refused the journal {path}: the disk", line)
