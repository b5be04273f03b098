"""`aiofunasr journal show`."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest
from cli.processes import run, run_all, script
from journal.journals import attempt, writer

from aiofunasr import FileDownloadError, SqliteJournal, TaskToken
from aiofunasr.journal import Attempt, AttemptState, JournaledFile, StoredResult

MANY = 3000


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with a file in every state."""
    path = tmp_path_factory.mktemp("journal") / "batch.db"

    async def fill() -> None:
        async with SqliteJournal(path) as journal:
            done = await journal.begin(attempt("done", "failed"))
            await journal.settle(done, AttemptState.ACCEPTED, ended_at=1.0, task_id="task-1")
            await journal.complete(StoredResult(key="done", task_id="task-1", document=b"{}"))
            error = FileDownloadError("The file cannot be downloaded.", code="FILE_404_NOT_FOUND")
            await journal.complete(StoredResult(key="failed", task_id="task-1", error=error))
            flying = await journal.begin(attempt("one", "two", region="singapore"))
            await journal.settle(flying, AttemptState.ACCEPTED, ended_at=1.0, task_id="task-2")
            lost = await journal.begin(attempt("lost"))
            await journal.settle(lost, AttemptState.UNKNOWN, ended_at=1.0, error="reset by peer")
            refused = await journal.begin(attempt("refused"))
            await journal.settle(refused, AttemptState.REFUSED, ended_at=1.0, error="no")
            odd = JournaledFile(key="odd", source="/media/caf\udce9\x1b[31m.wav")
            await journal.begin(Attempt(files=(odd,), model="fun-asr", sent_at=1000.0))

    anyio.run(fill)
    return path


def test_for_people(journal: Path) -> None:
    done, listed = run_all(("journal", "show", journal), ("journal", "show", "--files", journal))
    assert (done.returncode, done.stderr) == (0, "")
    token = TaskToken(
        task_id="task-2",
        region="singapore",
        model="fun-asr",
        submitted_at=1000,
        file_digests=("digest-one", "digest-two"),
        indexes=(0, 1),
    ).encode()
    assert done.stdout.splitlines() == [
        f"{journal}: 7 files, 5 submits",
        "  1  done      its result is here",
        "  1  failed    the service could not transcribe it",
        "  2  accepted  in a task, its result is not here yet",
        "  2  unknown   submitted without an outcome: it may be in a task",
        "  1  new       not submitted, or refused",
        "submits without an outcome:",
        "  number 3, 1 file, fun-asr, 1970-01-01 00:16:40 UTC: reset by peer",
        "  number 5, 1 file, fun-asr, 1970-01-01 00:16:40 UTC",
        "tasks in flight, for aiofunasr attach:",
        f"  {token}  2 files, fun-asr, 1970-01-01 00:16:40 UTC",
        "failed:",
        "  https://h/failed.wav: FILE_404_NOT_FOUND: The file cannot be downloaded.",
    ]
    assert listed.stdout.startswith(done.stdout)
    rows = [line.split("\t") for line in listed.stdout[len(done.stdout) :].splitlines()[1:]]
    assert rows[0] == ["done", "1", "task-1", "https://h/done.wav"]
    assert [row[0] for row in rows] == ["done", "failed", "accepted", "accepted", "unknown", "new", "unknown"]
    assert rows[-1][-1] == "/media/caf\\udce9?[31m.wav"


def test_for_programs(journal: Path) -> None:
    done, listed = run_all(("journal", "show", "--json", journal), ("journal", "show", "--json", "--files", journal))
    summary = json.loads(done.stdout)
    assert summary["journal"] == str(journal)
    assert summary["files"] == {"new": 1, "unknown": 2, "accepted": 2, "done": 1, "failed": 1}
    assert summary["attempts"] == {"sent": 1, "unknown": 1, "accepted": 2, "refused": 1}
    assert [one["id"] for one in summary["open_attempts"]] == [2, 3, 5]
    flying, lost, _ = summary["open_attempts"]
    assert TaskToken.decode(flying["token"]).task_id == flying["task_id"] == "task-2"
    assert flying["sources"] == ["https://h/one.wav", "https://h/two.wav"]
    assert (lost["state"], lost["token"], lost["error"]) == ("unknown", None, "reset by peer")
    (failed,) = summary["failed"]
    assert failed["error"]["type"] == "FileDownloadError"
    assert failed["error"]["code"] == "FILE_404_NOT_FOUND"
    first, *files = map(json.loads, listed.stdout.splitlines())
    assert first == summary
    assert len(files) == 7
    assert files[1] == failed
    assert files[-1]["source"] == "/media/caf\udce9\x1b[31m.wav"


def test_while_a_run_has_it_open(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"
    with writer(path, "hold") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "began 1\n"
        done = run("journal", "show", path)
        assert (done.returncode, done.stderr) == (0, "")
        assert "1  unknown" in done.stdout
        assert process.poll() is None


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("A text that is no journal. " * 100)
    missing = tmp_path / "missing.db"
    for done, path in zip(
        run_all(("journal", "show", missing), ("journal", "show", text), ("journal", "show", tmp_path)),
        (missing, text, tmp_path),
        strict=True,
    ):
        assert (done.returncode, done.stdout) == (2, "")
        assert str(path) in done.stderr
        assert "Traceback" not in done.stderr
    assert not missing.exists()


def test_a_pipe_that_is_closed_early(tmp_path: Path) -> None:
    path = tmp_path / "batch.db"

    async def fill() -> None:
        async with SqliteJournal(path) as journal:
            await journal.begin(attempt(*(f"file-{number}" for number in range(MANY))))

    anyio.run(fill)
    done = run("-c", f"{script()} journal show --files {path} | head -n 3; echo ${{PIPESTATUS[0]}}", program=["bash"])
    assert done.stdout.splitlines()[0] == f"{path}: {MANY} files, 1 submit"
    assert (done.stdout.splitlines()[-1], done.stderr) == ("141", "")
