"""Put the parts together: one file in, one `Recognition` out, in the thread that calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from attrs import evolve

from aiofunasr.emulator.fillers import without_fillers
from aiofunasr.emulator.hot_words import with_hot_words
from aiofunasr.emulator.recognizer import (
    FileProblemError,
    Recognition,
    RecognitionRequest,
    RecognizedSentence,
    RecognizedTrack,
)
from aiofunasr.emulator.speech.activity import SpeechFinder, SpeechSegment
from aiofunasr.emulator.speech.decode import SAMPLE_RATE, AudioBlock, MediaFile
from aiofunasr.emulator.speech.engine import Engine
from aiofunasr.emulator.speech.models import Models
from aiofunasr.emulator.speech.sentences import SentenceBuilder
from aiofunasr.emulator.speech.speakers import SpeakerChanges, SpeakerFinder
from aiofunasr.emulator.speech.words import TimedWord, estimate_times, split_words, words_from_pieces


class StopSign(Protocol):
    """The part of `threading.Event` that says whether to go on."""

    def is_set(self) -> bool:
        """Return whether the work is to stop."""
        ...


class StoppedError(RuntimeError):
    """The recognition was stopped before its end."""


def recognize_file(media: Path, request: RecognitionRequest, models: Models, stop: StopSign) -> Recognition:
    """Recognize the requested tracks of a file in one pass over it, or in two if speakers are told apart.

    Memory holds a segment of each track and the sentences so far, whatever the file's length. The stop sign is
    looked at after each decoded block, so at most one segment's recognition after it was set.

    A track asked for twice is recognized once. A track without speech has no sentences, as long as another one
    has some. Speakers are told apart on one track only (the protocol notes, section 2.3): with several, diarization
    is ignored.

    Raises:
        FileProblemError: the file has no result: what `MediaFile` raises, `SUCCESS_WITH_NO_VALID_FRAGMENT` for
            no speech, `ASR_RESPONSE_HAVE_NO_WORDS` for speech without words (the protocol notes, section 6.3),
            and `InvalidParameter` for languages none of which the engine knows.
        StoppedError: `stop` was set.
    """
    languages = _languages(request, models.engine)
    ear = _Ear(models.engine, languages)
    channel_ids = tuple(dict.fromkeys(request.channel_ids))
    changes = None
    if request.diarization_enabled and len(channel_ids) == 1:
        changes = _find_speakers(media, channel_ids[0], request, models, stop)
    with MediaFile(media) as file:
        tracks = {channel_id: _Track(channel_id, ear, _finder(request, models), changes) for channel_id in channel_ids}
        for block in _blocks(file, channel_ids, stop):
            tracks[block.channel_id].feed(block)
        results = tuple(track.finish() for track in tracks.values())
        properties, duration_ms = file.properties, file.duration_ms
    recognition = Recognition(
        audio_format=properties.audio_format,
        channels=properties.channels,
        sampling_rate=properties.sampling_rate,
        duration_ms=duration_ms,
        tracks=results,
    )
    recognition = with_hot_words(recognition, request.hot_words, languages)
    if request.disfluency_removal_enabled:
        recognition = without_fillers(recognition)
    if not any(track.speech_ms for track in recognition.tracks):
        raise FileProblemError("SUCCESS_WITH_NO_VALID_FRAGMENT")
    if not any(track.sentences for track in recognition.tracks):
        raise FileProblemError("ASR_RESPONSE_HAVE_NO_WORDS")
    return recognition


def _languages(request: RecognitionRequest, engine: Engine) -> tuple[str, ...]:
    """Return the languages hinted at that the engine knows; those of a hint it does not know are left out.

    How many hints count is the model's affair (the protocol notes, section 2.3).
    """
    hints = [hint.lower().replace("_", "-").partition("-")[0] for hint in request.language_hints]
    languages = tuple(dict.fromkeys(hint for hint in hints if hint in engine.languages))
    if languages or not hints:
        return languages
    asked, known = (", ".join(map(repr, codes)) for codes in (request.language_hints, sorted(engine.languages)))
    raise FileProblemError(
        "InvalidParameter",
        f"language_hints asks for {asked}, and the emulator's {engine.name} engine knows {known}. For other"
        " languages start the emulator with a multilingual Whisper model:"
        ' pip install "aiofunasr[whisper]", then `aiofunasr emulator --engine whisper --model DIR`,'
        " or `aiofunasr transcribe --local --engine whisper --engine-model DIR`.",
    )


def _finder(request: RecognitionRequest, models: Models) -> SpeechFinder:
    return SpeechFinder(models.detectors.detector(), request.speech_noise_threshold)


def _blocks(file: MediaFile, channel_ids: Sequence[int], stop: StopSign) -> Iterator[AudioBlock]:
    for block in file.blocks(channel_ids):
        if stop.is_set():
            raise StoppedError("the recognition was stopped")
        yield block


def _find_speakers(
    media: Path, channel_id: int, request: RecognitionRequest, models: Models, stop: StopSign
) -> SpeakerChanges:
    """Go through a track for its speakers; the segments are the same as when it is gone through for its words."""
    finder, speakers = _finder(request, models), SpeakerFinder(models.speakers)
    with MediaFile(media) as file:
        for block in _blocks(file, [channel_id], stop):
            for segment in finder.feed(block.samples):
                speakers.add(segment)
        for segment in finder.finish():
            speakers.add(segment)
    return speakers.finish(request.speaker_count)


class _Ear:
    """What turns a segment into words: the engine, and the languages that it may expect."""

    def __init__(self, engine: Engine, languages: Sequence[str]) -> None:
        self._engine = engine
        self._languages = languages

    def hear(self, segment: SpeechSegment) -> list[TimedWord]:
        heard = self._engine.recognize_segment(segment.samples, self._languages)
        if heard.pieces:
            end_ms = segment.begin_ms + len(segment.samples) * 1000 // SAMPLE_RATE
            return words_from_pieces(heard.pieces, segment.begin_ms, end_ms)
        return estimate_times(split_words(heard.text), segment.regions)


class _Track:
    """One track on its way from blocks of samples to sentences."""

    def __init__(self, channel_id: int, ear: _Ear, finder: SpeechFinder, changes: SpeakerChanges | None) -> None:
        self._channel_id = channel_id
        self._ear = ear
        self._finder = finder
        self._changes = changes
        self._builder = SentenceBuilder()
        self._speaker: int | None = None
        # The service numbers the speakers in the order in which they are first heard.
        self._speaker_ids: dict[int | None, int | None] = {None: None}
        self._sentences: list[RecognizedSentence] = []
        self._speech_ms = 0

    def feed(self, block: AudioBlock) -> None:
        self._take(self._finder.feed(block.samples))

    def finish(self) -> RecognizedTrack:
        self._take(self._finder.finish())
        self._say(self._builder.finish())
        return RecognizedTrack(self._channel_id, self._speech_ms, tuple(self._sentences))

    def _take(self, segments: Iterator[SpeechSegment]) -> None:
        for segment in segments:
            self._speech_ms += segment.speech_ms
            parts = [(segment, None)] if self._changes is None else self._changes.split(segment)
            for part, speaker in parts:
                words = self._ear.hear(part)
                if words and speaker != self._speaker:
                    self._say(self._builder.finish())
                    self._speaker = speaker
                self._say(self._builder.add(words))

    def _say(self, sentences: Iterable[RecognizedSentence]) -> None:
        for sentence in sentences:
            speaker_id = self._speaker_ids.setdefault(self._speaker, len(self._speaker_ids) - 1)
            self._sentences.append(evolve(sentence, speaker_id=speaker_id))
