"""Put the parts together: one file in, one `Recognition` out, in the thread that calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from aiofunasr.emulator.recognizer import (
    FileProblemError,
    Recognition,
    RecognitionRequest,
    RecognizedSentence,
    RecognizedTrack,
)
from aiofunasr.emulator.speech.activity import DetectorSource, SpeechFinder, SpeechSegment
from aiofunasr.emulator.speech.decode import SAMPLE_RATE, AudioBlock, MediaFile
from aiofunasr.emulator.speech.engine import Engine
from aiofunasr.emulator.speech.sentences import SentenceBuilder
from aiofunasr.emulator.speech.words import TimedWord, estimate_times, split_words, words_from_pieces


class StopSign(Protocol):
    """The part of `threading.Event` that says whether to go on."""

    def is_set(self) -> bool:
        """Return whether the work is to stop."""
        ...


class StoppedError(RuntimeError):
    """The recognition was stopped before its end."""


def recognize_file(
    media: Path, request: RecognitionRequest, engine: Engine, detectors: DetectorSource, stop: StopSign
) -> Recognition:
    """Recognize the requested tracks of a file in one pass over it.

    Memory holds a segment of each track and the sentences so far, whatever the file's length. The stop sign is
    looked at after each decoded block, so at most one segment's recognition after it was set.

    A track asked for twice is recognized once. A track without speech has no sentences, as long as another one
    has some.

    Raises:
        FileProblemError: the file has no result: what `MediaFile` raises, `SUCCESS_WITH_NO_VALID_FRAGMENT` for
            no speech, `ASR_RESPONSE_HAVE_NO_WORDS` for speech without words (the protocol notes, section 6.3),
            and `InvalidParameter` for a language that the engine does not know.
        StoppedError: `stop` was set.
    """
    language = _language(request, engine)
    with MediaFile(media) as file:
        tracks = {
            channel_id: _Track(
                channel_id, engine, language, SpeechFinder(detectors.detector(), request.speech_noise_threshold)
            )
            for channel_id in request.channel_ids
        }
        for block in file.blocks(request.channel_ids):
            if stop.is_set():
                raise StoppedError("the recognition was stopped")
            tracks[block.channel_id].feed(block)
        results = tuple(track.finish() for track in tracks.values())
        properties, duration_ms = file.properties, file.duration_ms
    if not any(track.speech_ms for track in results):
        raise FileProblemError("SUCCESS_WITH_NO_VALID_FRAGMENT")
    if not any(track.sentences for track in results):
        raise FileProblemError("ASR_RESPONSE_HAVE_NO_WORDS")
    return Recognition(
        audio_format=properties.audio_format,
        channels=properties.channels,
        sampling_rate=properties.sampling_rate,
        duration_ms=duration_ms,
        tracks=results,
    )


def _language(request: RecognitionRequest, engine: Engine) -> str | None:
    """Return the language to recognize; only the first hint counts (the protocol notes, section 2.3)."""
    if not request.language_hints:
        return None
    hint = request.language_hints[0]
    language = hint.lower().replace("_", "-").partition("-")[0]
    if language in engine.languages:
        return language
    known = ", ".join(sorted(engine.languages))
    raise FileProblemError(
        "InvalidParameter",
        f"language_hints asks for {hint!r}, and the emulator's {engine.name} engine knows {known}. For other"
        " languages start the emulator with a multilingual Whisper model:"
        ' pip install "aiofunasr[whisper]", then `aiofunasr emulator --engine whisper --model DIR`,'
        " or `aiofunasr transcribe --local --engine whisper --engine-model DIR`.",
    )


class _Track:
    """One track on its way from blocks of samples to sentences."""

    def __init__(self, channel_id: int, engine: Engine, language: str | None, finder: SpeechFinder) -> None:
        self._channel_id = channel_id
        self._engine = engine
        self._language = language
        self._finder = finder
        self._builder = SentenceBuilder()
        self._sentences: list[RecognizedSentence] = []
        self._speech_ms = 0

    def feed(self, block: AudioBlock) -> None:
        self._take(self._finder.feed(block.samples))

    def finish(self) -> RecognizedTrack:
        self._take(self._finder.finish())
        self._sentences.extend(self._builder.finish())
        return RecognizedTrack(self._channel_id, self._speech_ms, tuple(self._sentences))

    def _take(self, segments: Iterator[SpeechSegment]) -> None:
        for segment in segments:
            self._speech_ms += segment.speech_ms
            self._sentences.extend(self._builder.add(self._recognize(segment)))

    def _recognize(self, segment: SpeechSegment) -> list[TimedWord]:
        heard = self._engine.recognize_segment(segment.samples, self._language)
        if heard.pieces:
            end_ms = segment.begin_ms + len(segment.samples) * 1000 // SAMPLE_RATE
            return words_from_pieces(heard.pieces, segment.begin_ms, end_ms)
        return estimate_times(split_words(heard.text), segment.regions)
