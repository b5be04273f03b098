from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speech.speech_media import CARDS, DISPOSED, MARRIED, encode, mono, read, shared_audio

from aiofunasr.emulator.recognizer import Recognition, RecognitionRequest
from aiofunasr.emulator.speech import SpeechRecognizer, default_recognizer
from aiofunasr.emulator.speech.activity import DetectorSource, Region, SpeechFinder, SpeechSegment
from aiofunasr.emulator.speech.decode import Samples
from aiofunasr.emulator.speech.speaker_models import CHUNK_SAMPLES, SpeakerModels, find_library
from aiofunasr.emulator.speech.speakers import SpeakerChanges, SpeakerFinder


@pytest.fixture(scope="module")
def models() -> SpeakerModels:
    return SpeakerModels()


@pytest.fixture(scope="module")
def shared() -> Iterator[SpeechRecognizer]:
    recognizer = default_recognizer()
    yield recognizer
    asyncio.run(recognizer.aclose())


def pause(seconds: float) -> Samples:
    return np.zeros(int(seconds * 16000), np.float32)


@pytest.fixture(scope="module")
def dialogue() -> Samples:
    """A reader and somebody who names cards, in turns: reader, cards, reader, cards."""
    turns = [read(MARRIED), read(CARDS), read(DISPOSED), read(CARDS)]
    return np.concatenate([piece for turn in turns for piece in (turn, pause(0.3))])


@pytest.fixture(scope="module")
def monologue() -> Samples:
    return np.concatenate((read(MARRIED), pause(0.5), read(DISPOSED)))


def ask(**options: object) -> RecognitionRequest:
    return RecognitionRequest("https://media.example.com/a.wav", diarization_enabled=True, **options)  # type: ignore[arg-type]


def speakers(recognition: Recognition) -> list[int | None]:
    """Return who speaks, once for each stretch of sentences in a row."""
    ids = [sentence.speaker_id for sentence in recognition.tracks[0].sentences]
    return ids[:1] + [after for before, after in pairwise(ids) if after != before]


async def test_sentences_say_who_speaks(shared: SpeechRecognizer, tmp_path: Path, dialogue: Samples) -> None:
    path = encode(tmp_path / "a.wav", [mono(dialogue)])
    recognition = await shared.recognize(ask(), path)
    assert speakers(recognition) == [0, 1, 0, 1]
    (sentences,) = [track.sentences for track in recognition.tracks]
    words = {speaker: " ".join(s.text.lower() for s in sentences if s.speaker_id == speaker) for speaker in (0, 1)}
    assert "amiable" in words[0]
    assert "young man" in words[0]
    assert words[1].count("spade") == 2
    assert "spade" not in words[0]
    assert all(before.end_ms <= after.begin_ms for before, after in pairwise(sentences))


@pytest.mark.parametrize("speaker_count", [None, 2, 100])
async def test_one_voice_stays_one_speaker(
    shared: SpeechRecognizer, tmp_path: Path, monologue: Samples, speaker_count: int | None
) -> None:
    path = encode(tmp_path / "a.wav", [mono(monologue)])
    recognition = await shared.recognize(ask(speaker_count=speaker_count), path)
    assert speakers(recognition) == [0]
    assert len(recognition.tracks[0].sentences) == 2


async def test_whether_speakers_are_told_apart_changes_no_words(shared: SpeechRecognizer) -> None:
    plain = await shared.recognize(RecognitionRequest("https://media.example.com/a.wav"), MARRIED)
    told = await shared.recognize(ask(), MARRIED)
    assert [s.text for s in told.tracks[0].sentences] == [s.text for s in plain.tracks[0].sentences]
    assert told.tracks[0].speech_ms == plain.tracks[0].speech_ms
    assert speakers(plain) == [None]


async def test_with_several_tracks_diarization_is_ignored(
    shared: SpeechRecognizer, tmp_path: Path, dialogue: Samples
) -> None:
    path = encode(tmp_path / "a.wav", [np.stack([dialogue, dialogue])])
    both = await shared.recognize(ask(channel_ids=(0, 1)), path)
    assert {s.speaker_id for track in both.tracks for s in track.sentences} == {None}
    assert speakers(await shared.recognize(ask(channel_ids=(1,)), path)) == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("name", "hint", "turns"),
    [
        ("two_readers", None, [0, 1] * 5 + [0]),
        ("two_readers", 2, [0, 1] * 5 + [0]),
        ("four_readers", None, [0, 1, 2, 1, 0, 1, 2, 3, 0, 2, 3, 2, 3, 2, 3]),
        ("four_readers", 4, [0, 1, 2, 1, 0, 1, 2, 3, 0, 2, 3, 2, 3, 2, 3]),
    ],
)
async def test_readers_are_told_apart(shared: SpeechRecognizer, name: str, hint: int | None, turns: list[int]) -> None:
    assert speakers(await shared.recognize(ask(speaker_count=hint), shared_audio(f"diar/{name}.wav"))) == turns


async def test_a_telephone_call_is_a_dialogue(shared: SpeechRecognizer) -> None:
    recognition = await shared.recognize(ask(speaker_count=2), shared_audio("diar/sample.wav"))
    said = {0: "", 1: ""}
    for sentence in recognition.tracks[0].sentences:
        assert sentence.speaker_id is not None
        said[sentence.speaker_id] += " " + sentence.text
    assert "diane" in said[0].lower()
    assert "sheila" in said[1].lower()


def segments(samples: Samples) -> list[SpeechSegment]:
    finder = SpeechFinder(DetectorSource().detector())
    return [*finder.feed(samples), *finder.finish()]


def test_a_change_without_a_pause_is_found(models: SpeakerModels) -> None:
    reader, cards = segments(read(MARRIED))[0].samples, segments(read(CARDS))[0].samples
    finder = SpeakerFinder(models)
    for segment in segments(np.concatenate((reader, cards, reader))):
        finder.add(segment)
    changes = finder.finish()
    assert changes.speakers[0] == changes.speakers[2] != changes.speakers[1]
    assert len(changes.speakers) == 3
    expected = [len(reader) / 16, (len(reader) + len(cards)) / 16]
    assert changes.begins_ms[1:] == pytest.approx(expected, abs=350)


def test_nothing_said_has_no_speakers(models: SpeakerModels) -> None:
    assert SpeakerFinder(models).finish(2) == SpeakerChanges((), ())


def test_who_speaks_is_told_for_every_frame_of_a_chunk(models: SpeakerModels) -> None:
    speech = np.pad(read(MARRIED), (0, CHUNK_SAMPLES))[:CHUNK_SAMPLES]
    spoken = models.who_speaks(speech)
    assert spoken.shape[1] == 3
    assert spoken[: len(spoken) // 2].any(axis=1).mean() > 0.8
    assert not spoken[len(spoken) * 7 // 10 :].any()


def test_a_voice_is_like_itself_and_unlike_another(models: SpeakerModels) -> None:
    everything = np.ones(10_000, np.bool_)
    one, same, other = (models.voice(read(path), everything) for path in (MARRIED, DISPOSED, CARDS))
    assert float(one @ same) > 0.55
    assert float(one @ other) < 0.3


def test_only_the_frames_to_keep_say_whose_voice_it_is(models: SpeakerModels) -> None:
    reader, cards = read(MARRIED), read(CARDS)
    both = np.concatenate((reader, cards))
    first = np.arange(len(both) // 160) < len(reader) // 160
    assert float(models.voice(both, first) @ models.voice(reader, first)) > 0.8
    assert float(models.voice(both, ~first) @ models.voice(reader, first)) < 0.35


def test_a_library_without_models_is_named(tmp_path: Path) -> None:
    library = tmp_path / "libmoonshine.so"
    library.write_bytes(b"nothing of the kind")
    with pytest.raises(FileNotFoundError, match=r"libmoonshine\.so holds no speaker models.*0\.1\.0"):
        SpeakerModels(library)
    assert find_library().is_file()


@given(
    st.lists(st.tuples(st.integers(1, 9000), st.integers(0, 3)), max_size=8),
    st.integers(0, 4000),
    st.integers(1, 20000),
    st.lists(st.integers(1, 3000), min_size=2, max_size=8),
)
def test_a_segment_is_cut_at_the_changes_and_nothing_of_its_speech_is_lost(
    steps: list[tuple[int, int]], begin_ms: int, length_ms: int, edges: list[int]
) -> None:
    begins = np.cumsum([step for step, _ in steps]).tolist()
    changes = SpeakerChanges(tuple(begins), tuple(speaker for _, speaker in steps))
    times = [min(begin_ms + int(edge), begin_ms + length_ms) for edge in np.cumsum(edges)]
    regions = tuple(Region(a, b) for a, b in zip(times[::2], times[1::2], strict=False) if a < b)
    samples = np.arange(length_ms * 16 + 5, dtype=np.float32)
    segment = SpeechSegment(begin_ms, samples, regions)
    parts = list(changes.split(segment))
    assert sum(part.speech_ms for part, _ in parts) == segment.speech_ms
    for part, speaker in parts:
        start = (part.begin_ms - begin_ms) * 16
        assert np.array_equal(part.samples, samples[start : start + len(part.samples)])
        known = [who for begin, who in zip(begins, changes.speakers, strict=True) if begin <= part.begin_ms]
        assert speaker == (known[-1] if known else None)
        inside = range(part.begin_ms + 1, part.begin_ms + len(part.samples) // 16)
        assert not any(begin in inside for begin in begins)
    if parts and not begins:
        assert np.array_equal(parts[0][0].samples, samples)
