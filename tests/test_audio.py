"""`AudioFile`: a URL or a path, and how long it is, which the schedule and the estimates make use of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs.exceptions import FrozenInstanceError

import aiofunasr
from aiofunasr import AudioFile, InvalidArgumentError, InvalidFileError, Session
from aiofunasr.emulator import EmulatorSettings, ScriptedRecognizer, Service
from support import play, urls

SECRET = "https://me:pass@h.example/talk.wav?OSSAccessKeyId=sk-12345678&Signature=tellnobody"


# --- the value ---


def test_it_is_a_value() -> None:
    file = AudioFile("https://h/a.wav", seconds=90)
    assert (file.source, file.seconds) == ("https://h/a.wav", 90)
    assert file == AudioFile("https://h/a.wav", seconds=90.0)
    assert file != AudioFile("https://h/a.wav")
    assert len({file, AudioFile("https://h/a.wav", seconds=90)}) == 1
    assert AudioFile(Path("a.wav")).seconds is None
    with pytest.raises(FrozenInstanceError):
        file.seconds = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        AudioFile("https://h/a.wav", 90)  # type: ignore[call-arg]


@pytest.mark.parametrize("seconds", [0, -1, -0.0, float("nan"), float("inf"), "90", True, b"1", [90]])
def test_a_length_is_a_number_above_zero(seconds: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^seconds=") as caught:
        AudioFile("https://h/a.wav", seconds=seconds)
    assert caught.value.argument == "seconds"
    assert caught.value.value is seconds
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("source", [None, 17, b"https://h/a.wav", ["https://h/a.wav"], AudioFile("https://h/a.wav")])
def test_a_source_is_a_url_or_a_path(source: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^source=") as caught:
        AudioFile(source, seconds=3)
    assert caught.value.argument == "source"


def test_secrets_are_not_shown() -> None:
    shown = repr(AudioFile(SECRET, seconds=3))
    for secret in ("tellnobody", "pass", "12345678"):
        assert secret not in shown
    assert "h.example/talk.wav" in shown
    assert "seconds=3" in shown
    with pytest.raises(InvalidArgumentError) as caught:
        AudioFile([SECRET])  # type: ignore[arg-type]
    assert "tellnobody" not in str(caught.value)


# --- in the place of a URL or a path ---


def test_it_stands_for_its_source_in_a_task(tmp_path: Path) -> None:
    local = tmp_path / "local.wav"
    local.write_bytes(b"RIFF")

    async def scenario(session: Session, service: Service) -> None:
        first, second, third = urls(3)
        given: list[str | Path | AudioFile] = [AudioFile(first, seconds=10), second, AudioFile(local)]
        given += [AudioFile(third), str(local), local]
        results = await (await session.submit(given))
        assert [result.source for result in results] == [first, second, local, third, str(local), local]
        assert all(result.ok for result in results)
        assert type(results[2].source) is type(local)
        assert [result.file_url for result in results[:2]] == [first, second]
        assert session.statistics().files_uploaded == 3
        (alone,) = await (await session.submit(AudioFile(first, seconds=10)))
        assert alone.source == first
        assert service.ledger.submissions[-1].file_urls == (first,)

    play(scenario, EmulatorSettings.instant())


def test_it_stands_for_its_source_in_a_batch(tmp_path: Path) -> None:
    local = tmp_path / "local.wav"
    local.write_bytes(b"RIFF")

    async def scenario(session: Session, _: Service) -> None:
        mixed = [AudioFile(url, seconds=10) if number % 2 else url for number, url in enumerate(urls(20))]

        async def asynchronously() -> AsyncIterator[str | AudioFile]:
            for file in mixed:
                yield file

        for files in (mixed, iter(mixed), asynchronously()):
            results = await aiofunasr.transcribe(files, session=session)
            assert [result.source for result in results] == urls(20)
            assert all(result.ok for result in results)
        (alone,) = await aiofunasr.transcribe(AudioFile(local, seconds=10), session=session)
        assert alone.ok
        assert alone.source is local
        batch = session.transcribe(AudioFile(urls(1)[0]))
        assert batch.progress.total == 1
        assert [result.source async for result in batch] == urls(1)

    play(scenario, EmulatorSettings.instant())


def test_what_is_wrong_with_its_source_is_said_as_ever(tmp_path: Path) -> None:
    async def scenario(session: Session, service: Service) -> None:
        missing = tmp_path / "missing.wav"
        bad = [AudioFile("ftp://h/a.wav", seconds=3), AudioFile(missing, seconds=3), AudioFile("", seconds=3)]
        results = await aiofunasr.transcribe([*bad, *urls(1)], session=session)
        assert [result.ok for result in results] == [False, False, False, True]
        assert [result.source for result in results[:3]] == ["ftp://h/a.wav", missing, ""]
        assert all(isinstance(result.error, InvalidArgumentError) for result in results[:3])
        submitted = len(service.ledger.submissions)
        for file in bad:
            with pytest.raises(InvalidArgumentError):
                await session.submit([*urls(1), file])
        with pytest.raises(InvalidFileError):
            await session.submit(AudioFile(missing))
        assert len(service.ledger.submissions) == submitted

    play(scenario, EmulatorSettings.instant())


# --- what it is for ---


def test_a_long_one_is_asked_about_later() -> None:
    asked: dict[str, list[float]] = defaultdict(list)

    async def first_question(session: Session, *files: str | AudioFile) -> float:
        """Return after how long a task of these files is asked about."""
        task = await session.submit(files)
        with anyio.move_on_after(100):
            await task
        first = asked[task.task_id][0]
        await task
        return first

    async def scenario(session: Session, service: Service) -> None:
        handle = service._operations.handlers["query"]

        def query(call: Any) -> dict[str, Any]:
            planned = service._board.find(call.argument, "emulator")
            assert planned is not None
            asked[call.argument].append(call.now - planned.submitted_at)
            return handle(call)

        service._operations.handlers["query"] = query
        url = urls(1)[0]
        short = await first_question(session, AudioFile(url, seconds=10))
        unknown = await first_question(session, url)
        long = await first_question(session, AudioFile(url, seconds=1000))
        assert short < 2 < unknown < long
        # Of several files the lengths add up, where all are known.
        assert await first_question(session, AudioFile(url, seconds=1000), AudioFile(url, seconds=4000)) > 2 * long
        assert await first_question(session, AudioFile(url, seconds=4000), url) < long

    # Nothing ever ends within the time that is looked at, so that each finds the schedule knowing nothing.
    recognizer = ScriptedRecognizer(processing_seconds=lambda _, chance: 2000.0)
    play(scenario, EmulatorSettings(list_enabled=False, queue_seconds=(0.0, 0.0)), recognizer=recognizer)


def test_with_lengths_estimates_are_closer() -> None:
    def scenario_with(*, lengths: bool) -> float:
        """Return by what factor the estimates are off, on average."""
        off: list[float] = []

        async def scenario(session: Session, service: Service) -> None:
            lasting = [30, 300, 3000]

            def files(number: int) -> list[str | AudioFile]:
                names = [f"https://h/{lasting[at % 3]}/{at}-10s.wav" for at in range(number)]
                known: list[str | AudioFile] = [
                    AudioFile(name, seconds=lasting[at % 3]) for at, name in enumerate(names)
                ]
                return known if lengths else [*names]

            async for result in session.transcribe(files(120), files_per_task=1):
                assert result.ok
            for file in files(3):
                task = await session.submit(file)
                left = task.progress.time_left
                planned = service._board.find(task.task_id, "emulator")
                assert left is not None
                assert planned is not None
                assert planned.ends_at is not None
                truth = planned.ends_at - planned.submitted_at
                off.append(max(truth / left.median, left.median / truth))
                await task

        # What the URL says of a length is for the emulator's transcripts, which are better short here.
        recognizer = ScriptedRecognizer(processing_seconds=lambda url, _: float(url.split("/")[3]) / 50)
        play(scenario, EmulatorSettings(queue_seconds=(0.0, 0.1)), recognizer=recognizer)
        return sum(off) / len(off)

    known, unknown = scenario_with(lengths=True), scenario_with(lengths=False)
    assert known < 2.5
    assert known < unknown / 1.5


def test_a_length_that_cannot_be_true_loses_nothing() -> None:
    async def scenario(session: Session, _: Service) -> None:
        lengths = (1e-309, 1e300)
        files = [AudioFile(url, seconds=seconds) for url, seconds in zip(urls(2), lengths, strict=True)]
        assert [result.ok for result in await aiofunasr.transcribe(files, session=session)] == [True, True]

    slow = ScriptedRecognizer(processing_seconds=lambda url, chance: 30.0)
    play(scenario, EmulatorSettings(list_enabled=False), recognizer=slow)
