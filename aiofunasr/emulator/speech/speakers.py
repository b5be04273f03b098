"""Tell who speaks when: cut speech where the speaker changes, and put the turns of one speaker together.

Within 10 s a model hears where one voice stops and another starts, but not who they are; over the whole track the
voices of the turns between are compared. The first comes segment by segment, the second at the end, so a track
is gone through once for this and once more to be recognized.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from aiofunasr.emulator.speech.activity import Region, SpeechSegment
from aiofunasr.emulator.speech.clustering import group_voices, nearest_speakers
from aiofunasr.emulator.speech.decode import SAMPLE_RATE, Samples
from aiofunasr.emulator.speech.features import HOP, WINDOW
from aiofunasr.emulator.speech.speaker_models import CHUNK_SAMPLES, SpeakerModels, Voice

_MIN_TURN: Final = SAMPLE_RATE // 4
"""Samples; a shorter one is a slip of the model, or nothing that could be recognized."""
_MIN_VOICE_SECONDS: Final = 1.0
"""Of less speech a voice cannot be told well: such a turn gets the likeliest of the speakers found without it."""
_MIN_ALONE: Final = 50
"""Frames of 10 ms with one voice alone that make it needless to go by those where two speak at once."""
_PAUSE_MS: Final = 200
"""A pause after which somebody else may speak, though the model noticed nothing: two voices it takes for one."""
_SAMPLES_A_MS: Final = SAMPLE_RATE // 1000


@frozen
class SpeakerChanges:
    """Who speaks from when on: `speakers[n]` from `begins_ms[n]` to the next."""

    begins_ms: tuple[int, ...]
    speakers: tuple[int, ...]

    def split(self, segment: SpeechSegment) -> Iterator[tuple[SpeechSegment, int | None]]:
        """Cut a segment where the speaker changes within it; each part with its speaker, who is None in silence."""
        end_ms = segment.begin_ms + len(segment.samples) // _SAMPLES_A_MS
        first, last = bisect_right(self.begins_ms, segment.begin_ms), bisect_right(self.begins_ms, end_ms - 1)
        bounds = [segment.begin_ms, *self.begins_ms[first:last], end_ms]
        for number, (begin, end) in enumerate(pairwise(bounds), start=first - 1):
            part = cut_out(segment, begin, end)
            if part.regions:
                yield part, self.speakers[number] if number >= 0 else None


def cut_out(segment: SpeechSegment, begin_ms: int, end_ms: int) -> SpeechSegment:
    """Return the part of a segment between two times of the track."""
    first = (begin_ms - segment.begin_ms) * _SAMPLES_A_MS
    last = (end_ms - segment.begin_ms) * _SAMPLES_A_MS
    # What is left over of a millisecond goes with the last part.
    if len(segment.samples) - last < _SAMPLES_A_MS:
        last = len(segment.samples)
    clipped = (Region(max(region.begin_ms, begin_ms), min(region.end_ms, end_ms)) for region in segment.regions)
    regions = tuple(region for region in clipped if region.length_ms > 0)
    return SpeechSegment(begin_ms, segment.samples[first:last], regions)


@frozen
class _Turn:
    begin_ms: int
    seconds: float
    voice: Voice


class SpeakerFinder:
    """Take a track's segments one after the other, then say who speaks when.

    What is kept is a kilobyte for each turn.
    """

    def __init__(self, models: SpeakerModels) -> None:
        self._models = models
        self._turns: list[_Turn] = []

    def add(self, segment: SpeechSegment) -> None:
        """Take the next segment."""
        changes, together = self._listen(segment.samples)
        places = (segment.begin_ms + place // _SAMPLES_A_MS for place in [0, *changes, len(segment.samples)])
        for begin_ms, end_ms in pairwise(places):
            for part in _cut_at_pauses(cut_out(segment, begin_ms, end_ms)):
                if part.regions and len(part.samples) >= WINDOW:
                    first = (part.begin_ms - segment.begin_ms) // 10
                    self._turns.append(self._turn(part, together[first : first + len(part.samples) // HOP]))

    def finish(self, speaker_count: int | None = None) -> SpeakerChanges:
        """Return who speaks when in all that was taken; the speakers' numbers are in no order."""
        if not self._turns:
            return SpeakerChanges((), ())
        voices = np.stack([turn.voice for turn in self._turns])
        seconds = np.array([turn.seconds for turn in self._turns])
        clear = seconds >= min(_MIN_VOICE_SECONDS, float(seconds.max()))
        known = group_voices(voices[clear], seconds[clear], speaker_count)
        labels = np.empty(len(voices), np.intp)
        labels[clear] = known
        if not clear.all():
            labels[~clear] = nearest_speakers(voices[~clear], voices[clear], seconds[clear], known)
        # Turns of one speaker in a row are one: the engine hears better with what was said before.
        firsts = [0, *(number for number in range(1, len(labels)) if labels[number] != labels[number - 1])]
        return SpeakerChanges(
            tuple(self._turns[number].begin_ms for number in firsts), tuple(int(labels[number]) for number in firsts)
        )

    def _turn(self, part: SpeechSegment, together: NDArray[np.bool_]) -> _Turn:
        frames = 1 + (len(part.samples) - WINDOW) // HOP
        speech = np.zeros(frames, np.bool_)
        for region in part.regions:
            speech[(region.begin_ms - part.begin_ms) // 10 : (region.end_ms - part.begin_ms) // 10] = True
        alone = speech.copy()
        alone[: len(together)] &= ~together[:frames]
        keep = alone if np.count_nonzero(alone) >= _MIN_ALONE else speech
        # A model that gets next to nothing says next to nothing: quarter of a second at least.
        samples = np.pad(part.samples, (0, max(0, _MIN_TURN - len(part.samples))))
        return _Turn(part.begin_ms, float(np.count_nonzero(keep)) / 100, self._models.voice(samples, keep))

    def _listen(self, samples: Samples) -> tuple[list[int], NDArray[np.bool_]]:
        """Return the samples at which the speaker changes, and for each 10 ms whether two speak at once.

        The model looks at 10 s at once, moved on by 5 s, and the middle of each counts.
        """
        together = np.zeros(len(samples) // HOP + 1, np.bool_)
        changes: list[int] = []
        half = CHUNK_SAMPLES // 2
        starts = range(0, max(len(samples) - half, 1), half)
        for start in starts:
            chunk = samples[start : start + CHUNK_SAMPLES]
            spoken = self._models.who_speaks(np.pad(chunk, (0, CHUNK_SAMPLES - len(chunk))))
            low = 0 if start == starts[0] else half // 2
            high = CHUNK_SAMPLES if start == starts[-1] else half + half // 2
            places = start + (np.arange(len(spoken)) * CHUNK_SAMPLES) // len(spoken)
            counts = spoken.sum(axis=1)
            crowded = places[counts > 1] // HOP
            together[crowded[crowded < len(together)]] = True
            changes += [place for place in _changes(spoken, counts, places) if low <= place - start < high]
        return _far_enough(changes, len(samples)), together


def _cut_at_pauses(part: SpeechSegment) -> Iterator[SpeechSegment]:
    """Cut a part at its pauses, as long as there is speech enough on both sides to tell the voices."""
    enough_ms = round(_MIN_VOICE_SECONDS * 1000)
    begin_ms, said, left = part.begin_ms, 0, part.speech_ms
    for before, after in pairwise(part.regions):
        said, left = said + before.length_ms, left - before.length_ms
        if after.begin_ms - before.end_ms >= _PAUSE_MS and said >= enough_ms and left >= enough_ms:
            middle = (before.end_ms + after.begin_ms) // 2
            yield cut_out(part, begin_ms, middle)
            begin_ms, said = middle, 0
    yield cut_out(part, begin_ms, part.begin_ms + len(part.samples) // _SAMPLES_A_MS)


def _changes(spoken: NDArray[np.bool_], counts: NDArray[np.intp], places: NDArray[np.intp]) -> Iterator[int]:
    """Return the places halfway between the end of a voice heard alone and the start of another one."""
    alone = np.flatnonzero(counts == 1)
    who = spoken[alone].argmax(axis=1)
    for number in np.flatnonzero(np.diff(who)):
        yield int(places[alone[number]] + places[alone[number + 1]]) // 2


def _far_enough(changes: Sequence[int], end: int) -> list[int]:
    """Leave out the changes that would make too short a turn: where that parts nobody, the voices will say so."""
    kept: list[int] = []
    for change in sorted(changes):
        if change - (kept[-1] if kept else 0) >= _MIN_TURN and end - change >= _MIN_TURN:
            kept.append(change)
    return kept
