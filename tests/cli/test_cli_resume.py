"""Runs with a journal: interrupted, killed, and gone on with."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio import to_thread
from cli.processes import PATIENCE, HeldPlace, Variables, held_emulator, interrupt, run, started, tasks_of

import aiofunasr
from aiofunasr.cli.place import Place
from aiofunasr.cli.resume import ResumeJob, resume
from aiofunasr.cli.transcribe import TranscribeJob
from aiofunasr.emulator import EmulatorServer, EmulatorSettings

NAMES = [f"https://h/call-{number}-8s.wav" for number in range(6)]


@pytest.fixture
def slow_place() -> Iterator[HeldPlace]:
    """An emulator whose tasks stay pending until they are let go."""
    with held_emulator() as place:
        yield place


def wait_for_tasks(place: Variables, number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(tasks_of(place)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def counts(journal: Path) -> dict[str, int]:
    shown = run("journal", "show", journal, "--json")
    assert shown.returncode == 0, shown.stderr
    return {state: count for state, count in json.loads(shown.stdout)["files"].items() if count}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_was_ended_is_gone_on_with(slow_place: HeldPlace, tmp_path: Path, number: int) -> None:
    (tmp_path / "list.txt").write_text("\n".join(NAMES), encoding="utf-8")
    formats = ("--format", "srt", "--format", "tsv", "--rows", "words")
    command = ("transcribe", "--manifest", "list.txt", "--journal", "batch.db", "--output", "out", *formats)
    with started(*command, env=slow_place, cwd=tmp_path) as process:
        wait_for_tasks(slow_place, 3)
        _, stderr = interrupt(process, number)
    assert "Traceback" not in stderr
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert "aiofunasr resume batch.db" in stderr
        assert "fasr1." not in stderr

    slow_place.let_go()
    # From another directory, by what the journal says alone.
    resumed = run("resume", tmp_path / "batch.db", env=slow_place, cwd="/")
    assert resumed.returncode == 0, resumed.stderr
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == [f"call-{n}-8s.{kind}" for n in range(6) for kind in ("srt", "tsv")]
    assert all("punctuation" in path.read_text(encoding="utf-8") for path in (tmp_path / "out").glob("*.tsv"))
    assert "in flight from before" in resumed.stderr
    assert len(tasks_of(slow_place)) == 6
    assert counts(tmp_path / "batch.db") == {"done": 6}

    again = run(*command, env=slow_place, cwd=tmp_path)
    assert again.returncode == 0
    assert "6 done before" in again.stderr
    assert len(tasks_of(slow_place)) == 6


def test_what_failed_is_tried_again_when_asked(slow_place: HeldPlace, tmp_path: Path) -> None:
    slow_place.let_go()
    files = ("https://h/404.wav", "https://h/a-3s.wav")
    journal = tmp_path / "batch.db"
    assert run("transcribe", *files, "--journal", journal, env=slow_place).returncode == 1
    assert run("resume", journal, env=slow_place).returncode == 1
    assert len(tasks_of(slow_place)) == 2
    assert run("resume", journal, "--retry-failed", env=slow_place).returncode == 1
    assert len(tasks_of(slow_place)) == 3
    assert counts(journal) == {"done": 1, "failed": 1}


def test_what_is_not_stored_has_to_be_given_again(slow_place: HeldPlace, tmp_path: Path) -> None:
    slow_place.let_go()
    signed = "https://h/a-3s.wav?Expires=1&OSSAccessKeyId=k&Signature=VERYSECRET"
    first, second = tmp_path / "signed.db", tmp_path / "stdin.db"
    assert run("transcribe", signed, "--journal", first, env=slow_place).returncode == 0
    assert b"VERYSECRET" not in first.read_bytes()
    refused = run("resume", first, env=slow_place)
    assert refused.returncode == 2
    assert "signed" in refused.stderr
    assert run("transcribe", signed.replace("VERY", "OTHER"), "--journal", first, env=slow_place).returncode == 0
    assert len(tasks_of(slow_place)) == 1
    given = run("transcribe", "--manifest", "-", "--journal", second, env=slow_place, input=f"{NAMES[0]}\n")
    assert given.returncode == 0
    refused = run("resume", second, env=slow_place)
    assert refused.returncode == 2
    assert "standard input" in refused.stderr


async def test_the_journal_of_a_program_is_gone_on_with(tmp_path: Path) -> None:
    async with EmulatorServer(settings=EmulatorSettings(queue_seconds=(1, 2))) as server:
        place = {"DASHSCOPE_API_KEY": server.api_key, "DASHSCOPE_BASE_URL": server.base_url}
        journal = tmp_path / "batch.db"
        async with aiofunasr.Session(server.api_key, base_url=server.base_url, journal=journal) as session:
            await session.submit(NAMES[:2], language_hints=["en"])
            await session.submit(NAMES[2:3])
        resumed = await to_thread.run_sync(lambda: run("resume", journal, env=place))
        assert resumed.returncode == 0, resumed.stderr
        assert not server.service.ledger.duplicates()
        assert len(server.service.ledger.submissions) == 2
        nothing = await to_thread.run_sync(lambda: run("resume", journal, env=place))
    assert nothing.returncode == 0
    assert "nothing left to do" in nothing.stderr


async def test_a_program_is_gone_on_with_where_it_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, signed = tmp_path / "batch.db", "https://h/signed-8s.wav?Signature=abc"
    jobs: list[TranscribeJob] = []

    async def keep(job: TranscribeJob) -> int:
        jobs.append(job)
        return 0

    async with EmulatorServer(settings=EmulatorSettings(queue_seconds=(60, 60))) as server:
        for region, urls in (("cn-beijing", [NAMES[0]]), ("ap-southeast-1", [NAMES[1], signed])):
            session = aiofunasr.Session(server.api_key, base_url=server.base_url, region=region, journal=journal)
            async with session:
                await session.submit(urls)
    monkeypatch.setattr("aiofunasr.cli.resume.transcribe", keep)
    for place in (Place(), Place(base_url="https://example.com/api/v1")):
        jobs.clear()
        assert await resume(ResumeJob(path=journal, place=place, retry_failed=True)) == 0
        regions = ["cn-beijing", "ap-southeast-1", "ap-southeast-1"] if place == Place() else [None] * 3
        assert [job.place.region for job in jobs] == regions
        # Without its signature the last can only be waited for.
        assert [(job.sources, job.journal.retry_failed) for job in jobs if job.journal is not None] == [
            ([NAMES[0]], True),
            ([NAMES[1]], True),
            (["https://h/signed-8s.wav"], False),
        ]


def test_mistakes_are_told_before_anything_is_sent(slow_place: HeldPlace, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    for arguments, words in {
        ("transcribe", NAMES[0], "--journal", garbage): "garbage.db",
        ("transcribe", NAMES[0], "--journal", tmp_path): str(tmp_path),
        ("transcribe", NAMES[0], "--journal", tmp_path / "none" / "batch.db"): "none",
        ("transcribe", NAMES[0], "--retry-failed"): "--journal",
        ("transcribe", "--local", "--journal", tmp_path / "local.db"): "--local",
        ("resume", garbage): "garbage.db",
        ("resume", tmp_path / "not-there.db"): "not-there.db",
    }.items():
        refused = run(*arguments, env=slow_place)
        assert refused.returncode in {1, 2}, arguments
        assert words in refused.stderr.replace("\n", ""), refused.stderr
        assert "Traceback" not in refused.stderr
    assert not tasks_of(slow_place)


def test_a_journal_that_is_in_use_is_told(slow_place: HeldPlace, tmp_path: Path) -> None:
    journal = tmp_path / "batch.db"
    with started("transcribe", *NAMES, "--journal", journal, env=slow_place) as process:
        wait_for_tasks(slow_place, 1)
        assert counts(journal)
        second = run("resume", journal, env=slow_place)
        assert second.returncode != 0
        assert str(process.pid) in second.stderr
        interrupt(process)
