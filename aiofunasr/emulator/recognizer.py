"""What the emulated service asks of whatever recognizes speech, and what it gets back.

The service downloads a file, hands it to a `Recognizer` and turns the `Recognition` into the transcription
document of the protocol notes, section 5. All times are integer milliseconds from the start of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from attrs import frozen


class HotWord(NamedTuple):
    """A word or phrase to be preferred where it was nearly heard (the protocol notes, sections 2.3 and 9).

    `weight` is 1 to 5, or 50 for a word that almost always wins; `lang` is a code such as `en`, or None for any.
    """

    text: str
    weight: int = 4
    lang: str | None = None


@frozen
class RecognitionRequest:
    """What one file is to be recognized with (the protocol notes, section 2.3).

    `channel_ids` are 0-based track indexes; `speaker_count` is a hint between 2 and 100;
    `speech_noise_threshold` lies between -1.0 (noise taken for speech) and 1.0 (speech taken for noise).
    `hot_words` are those of the task's vocabulary, none if it has no say. `disfluency_removal_enabled`: filler words
    are to be left out. `words_enabled`: words are wanted, and not only sentences.
    """

    file_url: str
    model: str = "fun-asr"
    channel_ids: tuple[int, ...] = (0,)
    language_hints: tuple[str, ...] = ()
    diarization_enabled: bool = False
    speaker_count: int | None = None
    speech_noise_threshold: float | None = None
    hot_words: tuple[HotWord, ...] = ()
    disfluency_removal_enabled: bool = False
    words_enabled: bool = True


@frozen
class RecognizedWord:
    """A word and the mark after it; English words keep a trailing space, Chinese ones have none."""

    begin_ms: int
    end_ms: int
    text: str
    punctuation: str = ""


@frozen
class RecognizedSentence:
    """A sentence with its punctuation; `speaker_id` counts from 0 and is None without diarization."""

    begin_ms: int
    end_ms: int
    text: str
    words: tuple[RecognizedWord, ...] = ()
    speaker_id: int | None = None


@frozen
class RecognizedTrack:
    """One recognized track; `speech_ms` is the speech found in it, which is what the service bills."""

    channel_id: int
    speech_ms: int
    sentences: tuple[RecognizedSentence, ...] = ()


@frozen
class Recognition:
    """A whole recognized file: its audio properties and one entry for each requested track."""

    audio_format: str
    channels: tuple[int, ...]
    sampling_rate: int
    duration_ms: int
    tracks: tuple[RecognizedTrack, ...]


class FileProblemError(Exception):
    """The file cannot be recognized; `code` is a file-level code of the protocol notes, section 6.3."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message or code


class Recognizer(Protocol):
    """Turns one media file into a `Recognition`, away from the event loop.

    `needs_media` says whether the service must download the file first; a scripted recognizer does not read it.
    """

    needs_media: bool

    async def recognize(self, request: RecognitionRequest, media: Path | None) -> Recognition:
        """Recognize one file.

        Raises:
            FileProblemError: the file has no result; it carries the code the service reports for it.
        """
        ...

    async def aclose(self) -> None:
        """Release models, threads and processes."""
        ...


@runtime_checkable
class HeadInspector(Protocol):
    """What a recognizer may be besides: one that can refuse a file by its beginning, before the rest is fetched."""

    async def inspect(self, head: Path) -> None:
        """Look at a file that has its whole length, but only its first megabyte yet; zeros stand for the rest.

        Raises:
            FileProblemError: the file cannot be recognized, whatever follows.
        """
        ...
