"""Speech in, transcript out: the whole road, with the engine that really recognizes."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from speech.speech_media import (
    CARDS,
    DISPOSED,
    FORMATS,
    MARRIED,
    MARRIED_TEXT,
    encode,
    mono,
    read,
    shared_audio,
    sparse_wav,
)

import aiofunasr
from aiofunasr import FileDownloadError, FileFormatError, FunASRError, Session
from aiofunasr.emulator import EmulatorServer, EmulatorSettings
from aiofunasr.emulator.samples import SAMPLE_TEXT, sample_path
from aiofunasr.emulator.speech import default_recognizer


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    """A session to an emulator that recognizes, and does not queue."""
    async with (
        EmulatorServer(settings=EmulatorSettings(queue_seconds=(0, 0)), recognizer=default_recognizer()) as server,
        Session(server.api_key, base_url=server.base_url) as running,
    ):
        yield running


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[str]:
    """A web server with the files of a directory: somebody's own storage."""
    application = web.Application()
    application.router.add_static("/", tmp_path)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


async def test_the_sample_comes_out_as_it_is_read(session: Session) -> None:
    (result,) = await aiofunasr.transcribe([sample_path()], session=session)
    transcript = result.unwrap()
    assert transcript.text == SAMPLE_TEXT
    assert transcript.duration == pytest.approx(7100, abs=10)
    assert transcript.properties.audio_format == "pcm_s16le"
    assert transcript.sentences[0].text == SAMPLE_TEXT
    times = [time for word in transcript.words for time in (word.begin_time, word.end_time)]
    assert times == sorted(times)
    rebuilt = "".join(word.text + word.punctuation for word in transcript.words)
    assert words(rebuilt) == words(SAMPLE_TEXT)


# What holds a picture beside the sound.
PICTURES = {"avi", "mkv", "mov", "mp4", "mpeg", "wmv"}


@pytest.fixture
def containers(tmp_path: Path) -> list[Path]:
    """The same speech in every container that the service takes."""
    speech = mono(read(MARRIED))
    return [
        encode(tmp_path / f"married.{extension}", [speech], *FORMATS[extension], video=extension in PICTURES)
        for extension in FORMATS
    ]


async def test_every_container_says_the_same_words_by_url_and_uploaded(
    session: Session, origin: str, containers: list[Path]
) -> None:
    assert len(containers) == 17
    inputs: list[str | Path] = [*containers, *(f"{origin}/{path.name}" for path in containers)]
    results = await aiofunasr.transcribe(inputs, session=session)
    assert [result.source for result in results] == inputs
    assert {str(result.source): words(result.unwrap().text) for result in results} == dict.fromkeys(
        map(str, inputs), MARRIED_TEXT
    )


@pytest.fixture
def telephone(tmp_path: Path) -> list[Path]:
    """The same speech as a telephone has it: 8000 samples a second, linear, in both companding laws, and coded."""
    speech = mono(read(MARRIED))
    coded = [("wav", "pcm_s16le"), ("wav", "pcm_mulaw"), ("wav", "pcm_alaw"), ("amr", "libopencore_amrnb")]
    return [
        encode(tmp_path / f"{codec}.{container}", [speech], container, codec, rate=8000) for container, codec in coded
    ]


async def test_telephone_audio_is_recognized(session: Session, telephone: list[Path]) -> None:
    results = await aiofunasr.transcribe(telephone, session=session, model="paraformer-8k-v2")
    transcripts = [result.unwrap() for result in results]
    assert {words(transcript.text) for transcript in transcripts} == {MARRIED_TEXT}
    assert {transcript.properties.original_sampling_rate for transcript in transcripts} == {8000}
    formats = [transcript.properties.audio_format for transcript in transcripts]
    assert formats == ["pcm_s16le", "pcm_mulaw", "pcm_alaw", "amr_nb"]


@pytest.fixture
def long_recordings(tmp_path: Path) -> list[Path]:
    """One recording over 12 hours, and one over 2 GB, both of silence."""
    return [sparse_wav(tmp_path / "long.wav", 12 * 3600 + 1, rate=8000), sparse_wav(tmp_path / "large.wav", 70_000)]


@pytest.fixture
def sample_copy(tmp_path: Path) -> Path:
    return Path(shutil.copy(sample_path(), tmp_path))


async def test_what_is_too_long_or_too_large_fails_alone(
    session: Session, origin: str, long_recordings: list[Path], sample_copy: Path
) -> None:
    task = await session.submit([f"{origin}/{path.name}" for path in [*long_recordings, sample_copy]])
    long, large, good = await task
    assert words(good.unwrap().text) == words(SAMPLE_TEXT)
    assert isinstance(long.error, FileFormatError)
    assert long.error.code == "AUDIO_DURATION_TOO_LONG"
    assert isinstance(large.error, FileFormatError)
    assert large.error.code == "FILE_TOO_LARGE"


async def test_each_bad_file_of_a_task_has_its_own_outcome_and_the_good_ones_succeed(
    session: Session, tmp_path: Path, origin: str
) -> None:
    (tmp_path / "good one.wav").write_bytes(MARRIED.read_bytes())
    (tmp_path / "text.wav").write_text("this is no audio")
    (tmp_path / "empty.wav").touch()
    encode(tmp_path / "silent.wav", [mono(np.zeros(16000 * 3, dtype=np.float32))])
    names = ["text.wav", "good one.wav", "missing.wav", "silent.wav", "empty.wav"]
    task = await session.submit([*(f"{origin}/{name}" for name in names), "http://127.0.0.1:9/dead.wav"])
    text, good, missing, silent, empty, dead = await task
    assert words(good.unwrap().text) == MARRIED_TEXT
    assert good.source == f"{origin}/good one.wav"
    assert isinstance(text.error, FileFormatError)
    assert (isinstance(missing.error, FileDownloadError), missing.error.code) == (True, "FILE_404_NOT_FOUND")  # type: ignore[union-attr]
    assert isinstance(dead.error, FileDownloadError)
    assert dead.error.code == "InvalidFile.DownloadFailed"
    assert silent.ok
    assert silent.no_speech
    assert isinstance(empty.error, FileFormatError)
    assert empty.error.code == "NO_VALID_AUDIO_ERROR"
    assert {result.error.token for result in (text, missing, dead, empty) if result.error} == {task.token}


async def test_two_tracks_give_two_transcripts(session: Session) -> None:
    path = shared_audio("en/stereo_diarization.wav")
    (result,) = await aiofunasr.transcribe([path], session=session, channel_id=[0, 1])
    left, right = result.unwrap().channels
    assert (left.channel_id, right.channel_id) == (0, 1)
    assert "complaint against the wizard" in words(left.text)
    assert words(right.text) == "the horizon seems extremely distant"


@pytest.fixture
def two_tracks(tmp_path: Path) -> Path:
    """One reading on the left, another on the right."""
    left, right = read(MARRIED), read(DISPOSED)
    return encode(tmp_path / "two.wav", [np.stack([left, np.pad(right, (0, len(left) - len(right)))])])


@pytest.mark.parametrize("channels", [[0], [1], [0, 1], [1, 0]])
async def test_the_tracks_asked_for_are_recognized(session: Session, two_tracks: Path, channels: list[int]) -> None:
    (result,) = await aiofunasr.transcribe([two_tracks], session=session, channel_id=channels)
    transcript = result.unwrap()
    said = {channel.channel_id: words(channel.text) for channel in transcript.channels}
    assert list(said) == channels
    assert said.get(0, MARRIED_TEXT) == MARRIED_TEXT
    assert said.get(1, "young man").endswith("young man")
    assert transcript.properties.channels == (0, 1)


@pytest.mark.parametrize("channels", [[2], [0, 2]])
async def test_a_track_the_file_does_not_have_fails_the_file(
    session: Session, two_tracks: Path, channels: list[int]
) -> None:
    (result,) = await aiofunasr.transcribe([two_tracks], session=session, channel_id=channels)
    assert isinstance(result.error, FileFormatError)
    assert result.error.code == "NO_VALID_AUDIO_ERROR"
    assert "channel_id 2" in str(result.error)


@pytest.fixture
def dialogue(tmp_path: Path) -> Path:
    """A reader, somebody who names cards, and the reader again."""
    pause = np.zeros(6000, np.float32)
    turns = [read(MARRIED), pause, read(CARDS), pause, read(DISPOSED)]
    return encode(tmp_path / "dialogue.mp3", [mono(np.concatenate(turns))], "mp3", "mp3")


async def test_speakers_are_told_apart(session: Session, dialogue: Path) -> None:
    (result,) = await aiofunasr.transcribe([dialogue], session=session, diarization_enabled=True, speaker_count=2)
    said = {0: "", 1: ""}
    for sentence in result.unwrap().sentences:
        assert sentence.speaker_id is not None
        said[sentence.speaker_id] += f" {words(sentence.text)}"
    assert said[0].strip().startswith(MARRIED_TEXT)
    assert said[0].endswith("young man")
    assert "clubs" in said[1]


async def test_a_language_the_engine_does_not_know_is_a_failure_with_advice(session: Session) -> None:
    (result,) = await aiofunasr.transcribe([MARRIED], session=session, language_hints=["zh"])
    assert isinstance(result.error, FunASRError)
    assert "whisper" in str(result.error)
