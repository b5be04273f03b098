from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import anyio
import numpy as np
import pytest
from speech.speech_media import DISPOSED, FORMATS, MARRIED, MARRIED_TEXT, encode, mono, read, shared_audio

from aiofunasr.emulator.recognizer import FileProblemError, HotWord, Recognition, RecognitionRequest
from aiofunasr.emulator.samples import SAMPLE_TEXT, sample_path
from aiofunasr.emulator.speech import Heard, SpeechRecognizer, default_recognizer
from aiofunasr.emulator.speech.decode import Samples


@pytest.fixture(scope="module")
def shared() -> Iterator[SpeechRecognizer]:
    """One recognizer for the module: a loaded model serves all of its tests, on whatever loop each runs."""
    recognizer = default_recognizer()
    yield recognizer
    asyncio.run(recognizer.aclose())


@pytest.fixture(scope="module")
def married() -> Samples:
    return read(MARRIED)


@pytest.fixture(scope="module")
def disposed() -> Samples:
    return read(DISPOSED)


def ask(**options: object) -> RecognitionRequest:
    return RecognitionRequest("https://media.example.com/a.wav", **options)  # type: ignore[arg-type]


def plain(recognition: Recognition, track: int = 0) -> str:
    text = " ".join(sentence.text for sentence in recognition.tracks[track].sentences)
    return " ".join(re.findall(r"[a-z']+", text.lower().replace("-", " ")))


async def problem(
    recognizer: SpeechRecognizer, path: Path, request: RecognitionRequest | None = None
) -> FileProblemError:
    with pytest.raises(FileProblemError) as caught:
        await recognizer.recognize(request or ask(), path)
    return caught.value


async def test_the_sample_says_what_it_says(shared: SpeechRecognizer) -> None:
    recognition = await shared.recognize(ask(), sample_path())
    (track,) = recognition.tracks
    (sentence,) = track.sentences
    assert sentence.text == SAMPLE_TEXT
    assert (recognition.audio_format, recognition.channels, recognition.sampling_rate) == ("pcm_s16le", (0,), 16000)
    assert recognition.duration_ms == 7100
    assert track.speech_ms == pytest.approx(6500, abs=200)
    assert "".join(word.text + word.punctuation for word in sentence.words) == SAMPLE_TEXT
    times = [sentence.begin_ms, *(t for w in sentence.words for t in (w.begin_ms, w.end_ms)), sentence.end_ms]
    assert times == sorted(times)
    assert sentence.begin_ms == pytest.approx(250, abs=60)
    assert sentence.speaker_id is None


# What a listed container holds, with a picture beside the sound where there is one.
PICTURES = {"avi", "mkv", "mov", "mp4", "mpeg", "wmv"}


@pytest.mark.parametrize("extension", FORMATS)
async def test_every_listed_container_says_the_same(
    shared: SpeechRecognizer, tmp_path: Path, married: Samples, extension: str
) -> None:
    container, codec = FORMATS[extension]
    path = encode(tmp_path / f"a.{extension}", [mono(married)], container, codec, video=extension in PICTURES)
    assert plain(await shared.recognize(ask(), path)) == MARRIED_TEXT


async def test_tracks_are_recognized_apart_in_the_order_asked_for(
    shared: SpeechRecognizer, tmp_path: Path, married: Samples, disposed: Samples
) -> None:
    other = np.zeros_like(married)
    other[: len(disposed)] = disposed
    path = encode(tmp_path / "a.flac", [np.stack([married, other])], "flac", "flac")
    both = await shared.recognize(ask(channel_ids=(1, 0, 1)), path)
    assert [track.channel_id for track in both.tracks] == [1, 0]
    assert both.channels == (0, 1)
    assert plain(both, 0).startswith("he was not an ill")
    assert plain(both, 1) == MARRIED_TEXT
    assert both.tracks[0].speech_ms < both.tracks[1].speech_ms
    assert plain(await shared.recognize(ask(), path)) == MARRIED_TEXT


async def test_two_speakers_on_two_tracks(shared: SpeechRecognizer) -> None:
    recognition = await shared.recognize(ask(channel_ids=(0, 1)), shared_audio("en/stereo_diarization.wav"))
    assert plain(recognition, 0).endswith("who had vanished behind the curtain on the left")
    assert plain(recognition, 1) == "the horizon seems extremely distant"


async def test_a_silent_track_is_empty_beside_one_with_speech(
    shared: SpeechRecognizer, tmp_path: Path, married: Samples
) -> None:
    path = encode(tmp_path / "a.wav", [np.stack([np.zeros_like(married), married])])
    recognition = await shared.recognize(ask(channel_ids=(0, 1)), path)
    assert (recognition.tracks[0].sentences, recognition.tracks[0].speech_ms) == ((), 0)
    assert plain(recognition, 1) == MARRIED_TEXT
    assert (await problem(shared, path)).code == "SUCCESS_WITH_NO_VALID_FRAGMENT"


@pytest.mark.parametrize("name", ["silence", "tone", "white"])
async def test_nothing_is_invented_where_nobody_speaks(shared: SpeechRecognizer, name: str) -> None:
    assert (await problem(shared, shared_audio(f"noise/{name}.wav"))).code == "SUCCESS_WITH_NO_VALID_FRAGMENT"


async def test_a_language_that_the_engine_does_not_know_is_refused(shared: SpeechRecognizer) -> None:
    error = await problem(shared, MARRIED, ask(language_hints=("zh", "ja")))
    assert error.code == "InvalidParameter"
    assert "'zh', 'ja'" in error.message
    assert "--engine whisper" in error.message


@pytest.mark.parametrize("hints", [("en",), ("EN-us",), ("en", "zh"), ("zh", "en")])
async def test_a_language_that_the_engine_knows_is_enough(shared: SpeechRecognizer, hints: tuple[str, ...]) -> None:
    assert plain(await shared.recognize(ask(language_hints=hints), MARRIED)) == MARRIED_TEXT


@pytest.fixture(scope="module")
def in_noise(married: Samples) -> Samples:
    """The reading, 5 dB above white noise."""
    noise = np.random.default_rng(0).normal(0, np.std(married) * 10 ** (-5 / 20), len(married) + 32000)
    mixed: Samples = (np.pad(married, 16000) + noise).astype(np.float32)
    return mixed


async def test_speech_in_noise_is_recognized_and_the_threshold_says_how_much_of_it(
    shared: SpeechRecognizer, tmp_path: Path, in_noise: Samples
) -> None:
    path = encode(tmp_path / "a.wav", [mono(in_noise)])
    speech_ms = []
    for threshold in (-1.0, None, 1.0):
        recognition = await shared.recognize(ask(speech_noise_threshold=threshold), path)
        assert "amiable woman" in plain(recognition)
        speech_ms.append(recognition.tracks[0].speech_ms)
    assert speech_ms[0] > speech_ms[1] > speech_ms[2]


async def test_hot_words_change_what_is_recognized(shared: SpeechRecognizer) -> None:
    """The engine hears "Ava Gal" or the like."""
    path = shared_audio("en/ami_ES2011a_h0_40-46.wav")
    assert "Abigail Claflin" not in (await shared.recognize(ask(), path)).tracks[0].sentences[0].text
    recognition = await shared.recognize(ask(hot_words=(HotWord("Abigail Claflin"),)), path)
    sentence = recognition.tracks[0].sentences[0]
    assert "Abigail Claflin" in sentence.text
    assert "".join(word.text + word.punctuation for word in sentence.words) == sentence.text


async def test_hot_words_leave_the_rest_alone(shared: SpeechRecognizer) -> None:
    names = ("Elinor", "Willoughby", "Norland", "Barton", "Ferrars", "Marianne", "Brandon", "Lucy")
    recognition = await shared.recognize(ask(hot_words=tuple(HotWord(name) for name in names)), MARRIED)
    assert plain(recognition) == MARRIED_TEXT


async def test_a_long_recording_keeps_all_of_its_sentences(
    shared: SpeechRecognizer, tmp_path: Path, married: Samples, disposed: Samples
) -> None:
    """Two readings over and over, with too little between them for a segment to end by itself."""
    once = np.concatenate((married, disposed))
    path = encode(tmp_path / "a.wav", [mono(np.tile(once, 12))])
    recognition = await shared.recognize(ask(), path)
    sentences = recognition.tracks[0].sentences
    assert plain(recognition).split().count("woman") == 12
    assert plain(recognition).split().count("young") == 12
    for number, sentence in enumerate(s for s in sentences if "woman" in s.text):
        assert sentence.begin_ms == pytest.approx(number * len(once) / 16 + 300, abs=700)
    assert all(before.end_ms <= after.begin_ms for before, after in pairwise(sentences))


class Engine:
    """Hears what it is told, as slowly as it is told."""

    name = "told"
    languages = frozenset({"en"})

    def __init__(self, hear: Callable[[], str] = lambda: "Yes.") -> None:
        self._hear = hear
        self.closed = False

    def recognize_segment(self, samples: Samples, languages: Sequence[str] = ()) -> Heard:
        return Heard(self._hear())

    def close(self) -> None:
        self.closed = True


@pytest.fixture
async def recognizers() -> AsyncIterator[Callable[..., SpeechRecognizer]]:
    made: list[SpeechRecognizer] = []

    def make(hear: Callable[[], str], workers: int = 1) -> SpeechRecognizer:
        made.append(SpeechRecognizer(lambda: Engine(hear), workers=workers))
        return made[-1]

    yield make
    for recognizer in made:
        await recognizer.aclose()


Make = Callable[..., SpeechRecognizer]


async def test_fillers_are_removed_on_request(recognizers: Make) -> None:
    recognizer = recognizers(lambda: "Um, yes, uh, no.")
    kept = await recognizer.recognize(ask(), MARRIED)
    assert [sentence.text for sentence in kept.tracks[0].sentences] == ["Um, yes, uh, no."]
    removed = await recognizer.recognize(ask(disfluency_removal_enabled=True), MARRIED)
    assert [sentence.text for sentence in removed.tracks[0].sentences] == ["Yes, no."]
    only = recognizers(lambda: "Um, uh.")
    assert (await problem(only, MARRIED, ask(disfluency_removal_enabled=True))).code == "ASR_RESPONSE_HAVE_NO_WORDS"


@pytest.mark.parametrize("text", ["", "...", " "])
async def test_speech_without_words(recognizers: Make, text: str) -> None:
    assert (await problem(recognizers(lambda: text), MARRIED)).code == "ASR_RESPONSE_HAVE_NO_WORDS"


async def test_an_engine_that_fails_is_not_the_files_fault(recognizers: Make) -> None:
    def fail() -> str:
        raise OSError("out of order")

    with pytest.raises(OSError, match="out of order"):
        await recognizers(fail).recognize(ask(), MARRIED)


@pytest.fixture
def four_segments(tmp_path: Path, disposed: Samples) -> Path:
    once = np.concatenate((disposed, np.zeros(16000 * 3, np.float32)))
    return encode(tmp_path / "four.wav", [mono(np.tile(once, 4))])


class Gate:
    """An engine's ear that waits to be let through, segment by segment."""

    def __init__(self) -> None:
        self.heard = 0
        self.entered = threading.Semaphore(0)
        self.open = threading.Semaphore(0)

    def __call__(self) -> str:
        self.heard += 1
        self.entered.release()
        assert self.open.acquire(timeout=10)
        return "Yes."

    async def wait(self) -> None:
        assert await asyncio.to_thread(self.entered.acquire, timeout=10)


async def test_cancelling_leaves_the_file_after_the_segment_at_hand(recognizers: Make, four_segments: Path) -> None:
    gate = Gate()
    recognizer = recognizers(gate)
    task = asyncio.create_task(recognizer.recognize(ask(), four_segments))
    await gate.wait()
    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not task.done()
    gate.open.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gate.heard == 1
    # The worker is free again.
    gate.open.release(4)
    recognition = await recognizer.recognize(ask(), four_segments)
    assert [sentence.text for sentence in recognition.tracks[0].sentences] == ["Yes."] * 4


async def test_a_cancelled_scope_is_left_when_the_thread_is_done(recognizers: Make, four_segments: Path) -> None:
    gate = Gate()
    recognizer = recognizers(gate)
    async with anyio.create_task_group() as group:
        group.start_soon(recognizer.recognize, ask(), four_segments)
        await gate.wait()
        group.cancel_scope.cancel()
        asyncio.get_running_loop().call_later(0.02, gate.open.release)
    assert gate.heard == 1
    assert not recognizer._running


async def test_a_second_cancellation_does_not_wait(recognizers: Make, four_segments: Path) -> None:
    gate = Gate()
    task = asyncio.create_task(recognizers(gate).recognize(ask(), four_segments))
    await gate.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.open.release()


async def test_a_file_that_waits_is_cancelled_at_once(recognizers: Make, four_segments: Path) -> None:
    gate = Gate()
    recognizer = recognizers(gate)
    first = asyncio.create_task(recognizer.recognize(ask(), four_segments))
    await gate.wait()
    second = asyncio.create_task(recognizer.recognize(ask(), four_segments))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.open.release(4)
    await first
    assert gate.heard == 4


async def test_no_more_files_at_once_than_workers(recognizers: Make, four_segments: Path) -> None:
    gate = Gate()
    recognizer = recognizers(gate, workers=2)
    tasks = [asyncio.create_task(recognizer.recognize(ask(), four_segments)) for _ in range(4)]
    await gate.wait()
    await gate.wait()
    assert not await asyncio.to_thread(gate.entered.acquire, timeout=0.05)
    assert "4 files" in repr(recognizer)
    gate.open.release(16)
    await asyncio.gather(*tasks)


async def test_closing_stops_what_is_at_hand_and_what_waits(four_segments: Path) -> None:
    gate = Gate()
    engine = Engine(gate)
    recognizer = SpeechRecognizer(lambda: engine, workers=1)
    tasks = [asyncio.create_task(recognizer.recognize(ask(), four_segments)) for _ in range(2)]
    await gate.wait()
    closing = asyncio.create_task(recognizer.aclose())
    await asyncio.sleep(0)
    gate.open.release(4)
    await closing
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["StoppedError", "StoppedError"]
    assert engine.closed
    with pytest.raises(RuntimeError, match="closed"):
        await recognizer.recognize(ask(), four_segments)
    await recognizer.aclose()


async def test_workers_load_their_models_at_the_same_time() -> None:
    """The engine's package is not ready for that by itself."""
    recognizer = default_recognizer(workers=2)
    try:
        both = await asyncio.gather(*(recognizer.recognize(ask(), MARRIED) for _ in range(2)))
    finally:
        await recognizer.aclose()
    assert [plain(recognition) for recognition in both] == [MARRIED_TEXT] * 2


async def test_media_is_needed(shared: SpeechRecognizer) -> None:
    assert shared.needs_media
    with pytest.raises(ValueError, match="media"):
        await shared.recognize(ask(), None)


def test_workers_are_checked() -> None:
    with pytest.raises(ValueError, match="workers must be at least 1, not 0"):
        default_recognizer(workers=0)
