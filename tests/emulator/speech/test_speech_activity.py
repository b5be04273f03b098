from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speech.speech_media import MARRIED, read, shared_audio

from aiofunasr.emulator.speech.activity import MAX_SEGMENT_MS, DetectorSource, SpeechFinder, SpeechSegment
from aiofunasr.emulator.speech.decode import Samples

FRAME = 512
FRAME_MS = 32


class LoudIsSpeech:
    """A detector for logic tests: the probability of speech is the frame's first sample."""

    def process_array(self, audio_array: Samples) -> float:
        return abs(float(audio_array[0]))


@pytest.fixture(scope="module")
def detectors() -> DetectorSource:
    return DetectorSource()


def find(samples: Samples, finder: SpeechFinder, block: int = 4000) -> list[SpeechSegment]:
    found: list[SpeechSegment] = []
    for start in range(0, len(samples), block):
        found.extend(finder.feed(samples[start : start + block]))
    return [*found, *finder.finish()]


def track(*stretches: tuple[float, float]) -> Samples:
    """Make a track of (probability, seconds) stretches, in whole frames."""
    return np.concatenate([np.full(round(s * 1000 / FRAME_MS) * FRAME, p, np.float32) for p, s in stretches])


def spans(segments: Sequence[SpeechSegment]) -> list[list[tuple[int, int]]]:
    return [[(region.begin_ms, region.end_ms) for region in segment.regions] for segment in segments]


def test_speech_is_found_where_it_is(detectors: DetectorSource) -> None:
    speech = read(MARRIED)
    samples = np.concatenate((np.zeros(32000, np.float32), speech, np.zeros(48000, np.float32), speech))
    first, second = find(samples, SpeechFinder(detectors.detector()))
    assert first.regions[0].begin_ms == pytest.approx(2000 + 300, abs=150)
    assert second.regions[0].begin_ms == pytest.approx(2000 + 6050 + 3000 + 300, abs=150)
    assert first.speech_ms == pytest.approx(5500, abs=300)
    assert len(first.samples) == pytest.approx(16 * 6100, abs=16 * 300)
    begin = first.begin_ms * 16
    assert np.array_equal(first.samples, samples[begin : begin + len(first.samples)])


def test_detectors_of_one_source_know_nothing_of_each_other(detectors: DetectorSource) -> None:
    speech = read(MARRIED)
    alone = spans(find(speech, SpeechFinder(detectors.detector())))
    one, other = SpeechFinder(detectors.detector()), SpeechFinder(detectors.detector())
    found: list[SpeechSegment] = []
    noise = np.random.default_rng(0).normal(0, 0.2, len(speech)).astype(np.float32)
    for start in range(0, len(speech), 4000):
        found.extend(one.feed(speech[start : start + 4000]))
        list(other.feed(noise[start : start + 4000]))
    found.extend(one.finish())
    assert spans(found) == alone


def silence(count: int) -> Samples:
    return np.zeros(count, np.float32)


def white_noise(count: int) -> Samples:
    return np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)


def hum(count: int) -> Samples:
    return np.sin(np.arange(count) / 16000 * 2 * np.pi * 220).astype(np.float32)


def clicks(count: int) -> Samples:
    samples = np.zeros(count, np.float32)
    samples[::8000] = 1
    return samples


@pytest.mark.parametrize("make", [silence, white_noise, hum, clicks])
def test_what_is_not_speech_gives_no_segment(detectors: DetectorSource, make: Callable[[int], Samples]) -> None:
    assert not find(make(16000 * 10), SpeechFinder(detectors.detector()))


@pytest.mark.parametrize("name", ["silence", "tone", "white"])
def test_recordings_without_speech_give_no_segment(detectors: DetectorSource, name: str) -> None:
    assert not find(read(shared_audio(f"noise/{name}.wav")), SpeechFinder(detectors.detector()))


def test_the_noise_threshold_moves_what_is_taken_for_speech() -> None:
    samples = track((0, 1), (0.3, 2), (0, 3), (0.6, 2), (0, 3), (0.95, 2))
    counts = {
        threshold: len(find(samples, SpeechFinder(LoudIsSpeech(), threshold)))
        for threshold in (-1.0, -0.6, 0.0, None, 0.6, 1.0)
    }
    assert counts == {-1.0: 3, -0.6: 3, 0.0: 2, None: 2, 0.6: 1, 1.0: 1}


def noisy(speech: Samples, decibels: float) -> Samples:
    """Mix white noise into speech, which stays so many decibels above it."""
    noise = np.random.default_rng(0).normal(0, 1, len(speech)).astype(np.float32)
    level = np.float32(np.std(speech) * 10 ** (-decibels / 20))
    mixed: Samples = speech + level * noise
    return mixed


@pytest.mark.parametrize("decibels", [20, 10, 5, 0, -5])
def test_the_noise_threshold_decides_how_much_noisy_speech_is_kept(detectors: DetectorSource, decibels: int) -> None:
    samples = noisy(np.pad(read(MARRIED), 16000), decibels)
    found = [
        sum(segment.speech_ms for segment in find(samples, SpeechFinder(detectors.detector(), threshold)))
        for threshold in (-1.0, -0.5, 0.0, 0.5, 1.0)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[2] > found[4] > 0


@pytest.mark.parametrize("threshold", [-1.0, 1.0])
@pytest.mark.parametrize("name", ["silence", "tone", "white"])
def test_noise_alone_is_no_speech_at_any_threshold(detectors: DetectorSource, name: str, threshold: float) -> None:
    assert not find(read(shared_audio(f"noise/{name}.wav")), SpeechFinder(detectors.detector(), threshold))


def test_a_short_pause_splits_regions_and_a_long_one_segments() -> None:
    samples = track((0, 0.96), (1, 0.96), (0, 0.64), (1, 0.96), (0, 3.2), (1, 0.96), (0, 0.96))
    # The detector is taken to be late by a frame.
    assert spans(find(samples, SpeechFinder(LoudIsSpeech()))) == [[(928, 1888), (2528, 3488)], [(6688, 7648)]]


def test_clicks_beside_speech_are_no_region() -> None:
    samples = track((0, 0.96), (1, 0.064), (0, 0.32), (1, 0.96), (0, 0.64), (1, 0.032), (0, 0.64))
    assert spans(find(samples, SpeechFinder(LoudIsSpeech()))) == [[(1312, 2272)]]


def test_a_segment_without_a_long_enough_region_is_dropped() -> None:
    assert not find(track((0, 1), *[(1, 0.16), (0, 0.32)] * 10), SpeechFinder(LoudIsSpeech()))


def test_a_full_segment_is_cut_at_its_longest_pause() -> None:
    samples = track((1, 6.4), (0, 0.64), (1, 6.4), (0, 1.28), (1, 6.4), (0, 0.32), (1, 9.6))
    first, second = find(samples, SpeechFinder(LoudIsSpeech()))
    assert spans([first, second]) == [
        [(0, 6368), (7008, 13408)],
        [(14688, 21088), (21408, 31008)],
    ]
    # Each keeps its padding, and they do not overlap.
    assert first.begin_ms + len(first.samples) // 16 <= second.begin_ms


def test_speech_without_a_pause_is_cut_at_the_quietest_place() -> None:
    samples = track((0.9, 18.24), (0.6, 0.128), (0.9, 11.2))
    first, second = find(samples, SpeechFinder(LoudIsSpeech()))
    assert 18_240 <= second.begin_ms <= 18_240 + 128
    assert first.begin_ms + len(first.samples) // 16 == second.begin_ms
    assert first.regions[-1].end_ms <= second.regions[0].begin_ms


def test_a_short_word_after_a_cut_is_kept() -> None:
    samples = track((1, 12.0), (0, 0.64), (1, 11.2), (0, 0.96), (1, 0.192), (0, 2))
    assert spans(find(samples, SpeechFinder(LoudIsSpeech())))[1] == [(24_768, 24_960)]


def test_speech_up_to_the_end_of_a_track_ends_with_it() -> None:
    samples = track((0, 0.96), (1, 0.96))[:-100]
    (segment,) = find(samples, SpeechFinder(LoudIsSpeech()))
    assert segment.begin_ms * 16 + len(segment.samples) == len(samples)
    assert segment.regions[-1].end_ms <= len(samples) // 16


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), st.floats(0.03, 20)), min_size=1, max_size=20),
    st.integers(100, 30000),
)
def test_segments_are_in_order_and_hold_their_regions(stretches: list[tuple[float, float]], block: int) -> None:
    samples = track(*stretches)
    segments = find(samples, SpeechFinder(LoudIsSpeech()), block)
    for segment in segments:
        end_ms = segment.begin_ms + len(segment.samples) / 16
        assert len(segment.samples) <= MAX_SEGMENT_MS * 16
        times = [segment.begin_ms, *(time for r in segment.regions for time in (r.begin_ms, r.end_ms)), end_ms]
        assert times == sorted(times)
        assert all(region.length_ms > 0 for region in segment.regions)
        start = segment.begin_ms * 16
        assert np.array_equal(segment.samples, samples[start : start + len(segment.samples)])
    assert all(a.begin_ms + len(a.samples) / 16 <= b.begin_ms for a, b in pairwise(segments))


def test_memory_is_one_segment_however_long_the_track() -> None:
    finder = SpeechFinder(LoudIsSpeech())
    kept = []
    for _ in range(30):
        for _segment in finder.feed(track((1, 7.0), (0, 0.5), (1, 13.0), (0, 2.0))):
            pass
        list(finder.feed(track((0, 20.0))))
        kept.append(len(finder._kept))
    assert max(kept) * FRAME_MS <= MAX_SEGMENT_MS
