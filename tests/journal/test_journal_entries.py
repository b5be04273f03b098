"""What is entered is there again, and a file's state follows from it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from attrs import evolve
from journal.journals import attempt, document, names_in

from aiofunasr import FileDownloadError, InvalidArgumentError, Journal, JournalError, SqliteJournal, TaskToken
from aiofunasr.journal import Attempt, AttemptState, FileEntry, FileState, JournaledFile, StoredResult
from aiofunasr.journal.reader import token_of, viewing
from aiofunasr.testing import run_in_virtual_time


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    async with SqliteJournal(tmp_path / "batch.db") as running:
        yield running


async def state_of(journal: Journal, key: str) -> FileState | None:
    entry = await journal.file(key)
    return None if entry is None else entry.state


async def test_an_attempt_comes_back_as_it_was_entered(journal: SqliteJournal) -> None:
    entered = Attempt(
        files=(
            JournaledFile(key="a", source="https://h/a.wav", digest="12345678", seconds=1.5),
            JournaledFile(key="b", source="https://h/b.wav", resumable=False),
        ),
        model="fun-asr",
        options='{"language_hints": ["en"]}',
        region="singapore",
        workspace="ws",
        sent_at=1234.5,
        error="why",
        request_id="r",
    )
    number = await journal.begin(entered)
    assert await journal.attempt(number) == evolve(entered, id=number)
    with pytest.raises(JournalError, match="no attempt 99"):
        await journal.attempt(99)


async def test_a_file_goes_through_its_states(journal: SqliteJournal) -> None:
    assert await journal.file("a") is None
    first = await journal.begin(attempt("a", "b"))
    assert await journal.file("a") == FileEntry(
        key="a", state=FileState.UNKNOWN, source="https://h/a.wav", attempt=first
    )
    await journal.settle(first, AttemptState.UNKNOWN, ended_at=2.0, error="reset")
    assert await state_of(journal, "a") is FileState.UNKNOWN
    await journal.settle(first, AttemptState.REFUSED, ended_at=3.0)
    assert await state_of(journal, "a") is FileState.NEW
    second = await journal.begin(attempt("a"))
    await journal.settle(second, AttemptState.ACCEPTED, ended_at=4.0, task_id="t", request_id="r")
    assert await state_of(journal, "a") is FileState.ACCEPTED
    await journal.complete(StoredResult(key="a", task_id="t", error=FileDownloadError("gone", code="E")))
    assert await state_of(journal, "a") is FileState.FAILED
    await journal.complete(StoredResult(key="a", task_id="t", document=b"{}"))
    assert await state_of(journal, "a") is FileState.DONE
    third = await journal.begin(attempt("a"))
    assert await state_of(journal, "a") is FileState.UNKNOWN
    assert await journal.result("a") is None
    await journal.forget("a")
    assert await journal.file("a") == FileEntry(key="a", state=FileState.NEW, source="https://h/a.wav")
    assert (await journal.attempt(first)).error == "reset"
    assert {first, second, third} == {1, 2, 3}


async def test_settling_leaves_what_is_not_given(journal: SqliteJournal) -> None:
    number = await journal.begin(attempt("a"))
    await journal.settle(number, AttemptState.UNKNOWN, ended_at=2.0, request_id="r", error="reset")
    await journal.settle(number, AttemptState.ACCEPTED, ended_at=3.0, task_id="t")
    settled = await journal.attempt(number)
    assert (settled.state, settled.ended_at, settled.task_id) == (AttemptState.ACCEPTED, 3.0, "t")
    assert (settled.request_id, settled.error) == ("r", "reset")
    with pytest.raises(JournalError, match="no attempt 99"):
        await journal.settle(99, AttemptState.ACCEPTED, ended_at=3.0)


async def test_results_come_back(journal: SqliteJournal) -> None:
    token = TaskToken(task_id="t").encode()
    done = StoredResult(key="a", task_id="t", token=token, file_url="https://h/a", document=document(3000))
    silent = StoredResult(key="b", no_speech=True)
    await journal.complete(done)
    await journal.complete(silent)
    assert await journal.result("a") == done
    assert await journal.result("b") == silent
    assert await journal.result("c") is None
    assert await state_of(journal, "b") is FileState.DONE


async def test_what_is_open_is_listed(journal: SqliteJournal) -> None:
    numbers = [await journal.begin(attempt(key, sent_at=float(place))) for place, key in enumerate("abcdefg")]
    accepted = AttemptState.ACCEPTED
    for number, state in zip(numbers, [*[accepted] * 4, AttemptState.REFUSED, AttemptState.UNKNOWN], strict=False):
        task_id = f"task-{number}" if state is accepted else None
        await journal.settle(number, state, ended_at=9.0, task_id=task_id)
    await journal.complete(StoredResult(key="a"))
    await journal.forget("b")
    again = await journal.begin(attempt("c"))
    opened = await journal.open_attempts()
    assert [one.id for one in opened] == [numbers[3], numbers[5], numbers[6], again]
    assert opened == [await journal.attempt(one.id) for one in opened]
    assert await journal.task_ids(1.0) == ["task-3", "task-4"]
    assert await journal.task_ids(-1.0) == ["task-1", "task-2", "task-3", "task-4"]


async def test_notes(journal: SqliteJournal) -> None:
    assert await journal.noted("command") is None
    await journal.note("command", "transcribe --api-key sk-secret a.wav")
    await journal.note("command", "transcribe --api-key sk-secret b.wav")
    assert await journal.noted("command") == "transcribe --api-key sk-*** b.wav"


async def test_names_that_are_not_unicode(journal: SqliteJournal) -> None:
    odd = "/media/caf\udce9.wav"
    number = await journal.begin(Attempt(files=(JournaledFile(key="a", source=odd),), model="m", sent_at=1.0))
    await journal.settle(number, AttemptState.ACCEPTED, ended_at=1.0, task_id="\ud800", error="\ud800")
    found = await journal.attempt(number)
    assert (found.files[0].source, found.files[0].resumable, found.task_id) == (odd, True, "\ud800")
    assert await journal.task_ids(0.0) == ["\ud800"]
    await journal.complete(StoredResult(key="b", file_url=odd, task_id="\ud800"))
    assert await journal.result("b") == StoredResult(key="b", file_url=odd, task_id="\ud800")


async def test_what_was_masked_cannot_be_submitted_again(journal: SqliteJournal) -> None:
    signed = JournaledFile(key="a", source="https://h/a.wav?Signature=x")
    whole = JournaledFile(key="b", source="https://h/b.wav")
    number = await journal.begin(Attempt(files=(signed, whole), model="m", sent_at=1.0))
    assert [file.resumable for file in (await journal.attempt(number)).files] == [False, True]
    secret = '{"extra": ["Bearer st-secret", 1]}'
    number = await journal.begin(Attempt(files=(whole,), model="m", sent_at=1.0, options=secret))
    found = await journal.attempt(number)
    assert (found.options, found.files[0].resumable) == ('{"extra":["Bearer ***",1]}', False)


async def test_no_secret_reaches_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    secret = "sk-MARKED0123456789"
    url = f"https://user:MARKED@h/{secret}/a.wav?Signature=MARKED&key=st-MARKED#MARKED"
    said = f"GET {url} with Bearer MARKED failed, {secret}"
    async with SqliteJournal(path) as journal:
        number = await journal.begin(
            Attempt(
                files=(JournaledFile(key="a", source=url),),
                model=secret,
                options=f'{{"x": "{said}", "{secret}": 1}}',
                region=said,
                workspace=said,
                sent_at=1.0,
                error=said,
                request_id=said,
            )
        )
        await journal.settle(number, AttemptState.UNKNOWN, ended_at=1.0, request_id=said, error=said)
        error = FileDownloadError(said, code=secret).for_task("t", secret)
        content = f'{{"file_url": "{url}", "transcripts": []}}'.encode()
        await journal.complete(StoredResult(key="a", token=secret, file_url=url, document=content, error=error))
        await journal.note("command", said)
        found = await journal.result("a")
        assert found is not None
        assert b"MARKED" not in (found.document or b"MARKED")
        held = [one.read_bytes() for one in beside(path)]
    held += [one.read_bytes() for one in beside(path)]
    assert len(held) == 6, names_in(tmp_path)
    assert not [data for data in held if b"MARKED" in data]
    assert "MARKED" not in repr(journal)


def beside(path: Path) -> list[Path]:
    return list(path.parent.iterdir())


async def test_every_commit_is_synchronized(journal: SqliteJournal) -> None:
    assert journal._connection is not None
    pragmas = [journal._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


async def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "batch.db")
    await journal.aclose()
    with pytest.raises(JournalError, match="not open"):
        await journal.file("a")
    await journal.open()
    await journal.begin(attempt("a"))
    assert repr(journal).endswith("open, 1 writes in 1 commits>")
    await journal.aclose()
    await journal.aclose()
    with pytest.raises(JournalError, match="not open"):
        await journal.complete(StoredResult(key="a", document=b"{}"))
    async with journal:
        assert await state_of(journal, "a") is FileState.UNKNOWN


async def test_what_was_asked_for_is_done_before_it_closes(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "batch.db")
    await journal.open()
    numbers: list[int] = []

    async def begin(key: str) -> None:
        numbers.append(await journal.begin(attempt(key)))

    async with anyio.create_task_group() as group:
        for key in "abcdef":
            group.start_soon(begin, key)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(journal.aclose)
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("path", ["", " ", "a\0b", 3, b"x.db", None])
def test_a_path_is_needed(path: object) -> None:
    with pytest.raises(InvalidArgumentError, match="path"):
        SqliteJournal(path)  # type: ignore[arg-type]


async def test_a_damaged_transcript_is_said_to_be(journal: SqliteJournal) -> None:
    await journal.complete(StoredResult(key="a", document=document(), error=FileDownloadError("x")))
    assert journal._connection is not None
    journal._connection.execute("UPDATE results SET document = x'0102'")
    with pytest.raises(JournalError, match="damaged"):
        await journal.result("a")
    journal._connection.execute("UPDATE results SET error = '{}'")
    with pytest.raises(JournalError, match="damaged"):
        await journal.result("a")


async def test_a_failure_of_sqlite_is_the_journals(journal: SqliteJournal) -> None:
    assert journal._connection is not None
    journal._connection.execute("DROP TABLE notes")
    with pytest.raises(JournalError, match=r"batch\.db: SQLITE_ERROR: no such table") as caught:
        await journal.note("a", "b")
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert await journal.begin(attempt("a")) == 1


async def test_it_can_be_looked_at_meanwhile(journal: SqliteJournal) -> None:
    number = await journal.begin(attempt("a", "b", region="singapore", sent_at=1000.9))
    await journal.settle(number, AttemptState.ACCEPTED, ended_at=4.0, task_id="t")
    await journal.complete(StoredResult(key="a", task_id="t", no_speech=True))

    def look() -> str | None:
        with viewing(journal.path) as view:
            summary = view.summary()
            assert summary.files[FileState.DONE] == summary.files[FileState.ACCEPTED] == 1
            assert summary.attempts[AttemptState.ACCEPTED] == 1
            assert [record.no_speech for record in view.files()] == [True, False]
            (opened,) = summary.open_attempts
            return token_of(opened)

    token = await anyio.to_thread.run_sync(look)
    assert token is not None
    assert TaskToken.decode(token) == TaskToken(
        task_id="t",
        region="singapore",
        model="fun-asr",
        submitted_at=1000,
        file_digests=("digest-a", "digest-b"),
        indexes=(0, 1),
    )


def test_virtual_time_stands_still_meanwhile(tmp_path: Path) -> None:
    seen: list[float] = []

    async def scenario() -> None:
        async with anyio.create_task_group() as group, SqliteJournal(tmp_path / "batch.db") as journal:
            group.start_soon(anyio.sleep, 3600)
            for number in range(20):
                await journal.begin(attempt(f"a{number}"))
            await journal.complete(StoredResult(key="a1", document=document(20_000)))
            seen.append(anyio.current_time())

    run_in_virtual_time(scenario)
    assert seen == [0]
