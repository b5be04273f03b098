"""A model that takes one file a task and answers in its own way, used like any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aiofunasr import (
    AmbiguousSubmissionError,
    FileDownloadError,
    InvalidArgumentError,
    Session,
    SubtaskResult,
    TaskToken,
    Transcription,
)
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from support import play, urls

MODEL = "qwen3-asr-flash-filetrans"
INSTANT = EmulatorSettings.instant()


async def everything(session: Session, files: Sequence[str | Path], **asked: Any) -> list[SubtaskResult]:
    async with session.transcribe(files, model=MODEL, **asked) as batch:
        return sorted([result async for result in batch], key=lambda result: result.index)


def test_many_files_are_as_many_tasks_with_the_usual_results() -> None:
    async def scenario(session: Session, service: Service) -> None:
        results = await everything(session, urls(12), language_hints=["en"], enable_words=True)
        assert [result.source for result in results] == urls(12)
        for result in results:
            transcript = result.unwrap()
            assert transcript.text
            assert transcript.properties.audio_format == "pcm_s16le"
            assert transcript.properties.original_sampling_rate == 16000
            assert transcript.words
            first = transcript.sentences[0]
            assert (first.sentence_id, first.language, first.emotion) == (0, "en", "neutral")
        assert [len(submission.file_urls) for submission in service.ledger.submissions] == [1] * 12
        assert not service.ledger.duplicates()

    # However wide tasks are otherwise.
    play(scenario, INSTANT.replace(limits_enabled=False), files_per_task=100)


def test_words_are_absent_unless_asked_for() -> None:
    async def scenario(session: Session, service: Service) -> None:
        (result,) = await (await session.submit(urls(1), model=MODEL))
        assert result.text
        assert result.unwrap().words == ()

    play(scenario, INSTANT)


def test_several_files_in_one_task_are_refused_before_anything_is_sent() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(InvalidArgumentError, match="takes one file a task"):
            await session.submit(urls(2), model=MODEL)
        with pytest.raises(InvalidArgumentError, match="takes one file a task"):
            session.transcribe(urls(2), model=MODEL, files_per_task=2)
        with pytest.raises(InvalidArgumentError, match="takes one file a task"):
            await Transcription.async_call(MODEL, urls(2), session=session)
        assert not service.ledger.requests

    play(scenario, INSTANT)


def test_its_seconds_are_those_of_any_task() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1), model=MODEL)
        await task
        assert task.snapshot is not None
        assert task.snapshot.usage_duration == service.ledger.billed_seconds > 0

    play(scenario, INSTANT)


def test_a_task_is_attached_to_by_token_and_by_id() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1), model=MODEL)
        (result,) = await task
        for token in (task.token, TaskToken.decode(task.token).task_id):
            (again,) = await (await session.attach(token))
            assert again.text == result.text

    play(scenario, INSTANT)


def test_a_file_that_failed_says_why() -> None:
    async def scenario(session: Session, service: Service) -> None:
        good, bad, silent = await everything(
            session, [*urls(1), "https://media.example/403.wav", "https://media.example/silence.wav"]
        )
        assert good.ok
        assert isinstance(bad.error, FileDownloadError)
        assert bad.error.code == "FILE_403_FORBIDDEN"
        assert (silent.ok, silent.no_speech) == (True, True)

    play(scenario, INSTANT)


def test_a_local_file_is_uploaded(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")

    async def scenario(session: Session, service: Service) -> None:
        (result,) = await everything(session, [path])
        assert result.ok
        assert result.file_url is not None
        assert result.file_url.startswith("oss://")

    play(scenario, INSTANT)


def test_a_journal_answers_it_again(tmp_path: Path) -> None:
    first: list[str] = []

    async def scenario(session: Session, service: Service) -> None:
        first.extend(result.text for result in await everything(session, urls(2), corpus="turbine"))
        assert len(service.ledger.submissions) == 2

    async def again(session: Session, service: Service) -> None:
        results = await everything(session, urls(2), corpus="turbine")
        assert [result.text for result in results] == first
        assert results[0].unwrap().properties.original_sampling_rate == 16000
        assert not service.ledger.submissions

    play(scenario, INSTANT, journal=tmp_path / "journal.db")
    play(again, INSTANT, journal=tmp_path / "journal.db")


def test_a_lost_submit_is_told_of_with_what_it_may_have_made_and_never_repeated() -> None:
    async def scenario(session: Session, service: Service) -> None:
        # A finished task of such a model does not say which file it was, so nobody can tell whose it is.
        with pytest.raises(AmbiguousSubmissionError) as caught:
            await session.submit(urls(1), model=MODEL)
        (submission,) = service.ledger.submissions
        assert caught.value.candidates == (submission.task_id,)

    play(scenario, faults=FaultPlan().on("submit", Fault.drop_after(), 1))
