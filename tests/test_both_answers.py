"""Where the protocol notes leave a question open (sections 14 and 15), the client works with either answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from answers import OF_A_BATCH, OF_THEIR_OWN, SECTION_15, SETTLED, cases

import aiofunasr
from aiofunasr import (
    FileDownloadError,
    FileError,
    Limits,
    Session,
    SubtaskResult,
    TaskCanceledError,
    TaskStatus,
)
from aiofunasr.emulator import EmulatorSettings, Service, switches
from benchmarks.faults.workload import expected
from support import play, urls

FILES = [*urls(9, "plain"), "https://media.example.com/silence.wav", "https://media.example.com/404.wav"]


@pytest.mark.parametrize("answer", cases(OF_A_BATCH, OF_A_BATCH))
def test_the_client_works_with_either_answer(answer: dict[str, Any], tmp_path: Path) -> None:
    local = tmp_path / "upload.wav"
    local.write_bytes(b"RIFF" * 100)

    async def scenario(session: Session, service: Service) -> None:
        options: dict[str, Any] = {
            "language_hints": ["en"],
            "speech_noise_threshold": 0.1,
            "extra_parameters": {"new": 1},
        }
        batch = session.transcribe([*FILES, local], special_word_filter="{}", **options)
        results = sorted([result async for result in batch], key=lambda result: result.index)
        check(results)

        lost = await session.submit(["https://lost.example.com/404.wav"])
        (failed,) = await lost
        assert isinstance(failed.error, FileDownloadError)

        task = await session.submit(urls(1, "cancelled"))
        await task.cancel()
        (cancelled,) = await task
        assert isinstance(cancelled.error, TaskCanceledError)
        assert task.status == TaskStatus.CANCELED

        if service.settings.list_enabled:
            listed = {row.task_id: row async for row in session.list_tasks()}
            if service.settings.list_order != "shuffled" and not service.settings.list_lag:
                assert {submission.task_id for submission in service.ledger.submissions} <= listed.keys()
            assert all(row.gmt_create is not None and row.gmt_create.tzinfo is not None for row in listed.values())
        assert not service.ledger.duplicates()
        most = max(len(submission.file_urls) for submission in service.ledger.submissions)
        assert most <= service.settings.max_files_per_task
        assert most > 1 or service.settings.max_files_per_task < 5

    # Tasks stay PENDING for a while, or there is nothing to cancel; submits are so few that files share a task.
    play(scenario, EmulatorSettings(queue_seconds=(5.0, 30.0), **answer), limits=Limits(submit=0.3))


def check(results: list[SubtaskResult]) -> None:
    """Make sure that each file has its own result."""
    assert [result.index for result in results] == list(range(len(FILES) + 1))
    *plain, silent, missing, uploaded = results
    assert [result.text for result in plain] == [expected(url).text for url in FILES[: len(plain)]]
    assert silent.ok
    assert silent.no_speech
    assert isinstance(missing.error, FileError)
    assert isinstance(missing.error, FileDownloadError)
    assert uploaded.ok
    assert (uploaded.file_url or "").startswith("oss://")


def test_every_switch_is_an_answer_to_a_question_or_is_said_to_be_none() -> None:
    """A switch that is new or renamed must not leave its question without both answers."""
    questions = [*OF_A_BATCH.values(), *OF_THEIR_OWN.values()]
    assert min(len(answers) for answers in questions) > 1
    answering = {name for answers in questions for answer in answers for name in answer}
    assert answering | SETTLED == switches().keys()
    assert not answering & SETTLED


def test_every_open_question_of_the_notes_has_its_answers() -> None:
    known = OF_A_BATCH.keys() | OF_THEIR_OWN.keys()
    without = {row for row, questions in SECTION_15.items() if not known & set(questions)}
    assert without == {"idempotency"}
    assert {question for questions in SECTION_15.values() for question in questions} <= known


@pytest.mark.parametrize("name", sorted(switches().keys() - SETTLED))
def test_a_switch_is_set_to_more_than_one_answer(name: str) -> None:
    default = getattr(EmulatorSettings(), name)
    answers = [answer for questions in (OF_A_BATCH, OF_THEIR_OWN) for group in questions.values() for answer in group]
    given = {repr(getattr(EmulatorSettings(**answer), name)) for answer in answers}
    assert given - {repr(default)}, "only the default is ever given"


def test_a_workspace_host_gets_its_parameters() -> None:
    """The trap of section 1.2: without `parameters` the task is accepted, and fails."""

    async def scenario(session: Session, service: Service) -> None:
        (result,) = await aiofunasr.transcribe(urls(1), session=session)
        assert result.ok
        assert service.ledger.submissions

    play(scenario, EmulatorSettings.instant(missing_parameters_fail="always"))
