"""What comes back: one `SubtaskResult` a file, and the `Transcript` in it.

The values mirror the transcription document (the protocol notes, section 5). Times are integer milliseconds from the
start of the file. Every field the service may leave out has a default, and every key this library does not know
is kept in `extra`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import merge
from operator import attrgetter
from os import PathLike
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from aiofunasr.errors import FunASRError
from aiofunasr.redaction import redact

Source = str | PathLike[str]


def _extra() -> Any:
    return field(factory=dict, kw_only=True, repr=False, hash=False)


@frozen
class Word:
    """A recognized word and the mark after it.

    English words keep a space in `text` or `punctuation`, Chinese words have none (section 5.1), so that joining both
    over a sentence's words rebuilds its text, near enough.
    """

    begin_time: int = 0
    end_time: int = 0
    text: str = ""
    punctuation: str = ""
    extra: Mapping[str, Any] = _extra()


@frozen
class Sentence:
    """A sentence with its punctuation; `speaker_id` counts from 0 and may be None even with diarization.

    `sentence_id` is the service's: it counts from 1, and from 0 where qwen3-asr-flash-filetrans does.
    """

    begin_time: int = 0
    end_time: int = 0
    text: str = ""
    sentence_id: int | None = None
    speaker_id: int | None = None
    words: tuple[Word, ...] = field(default=(), repr=lambda words: f"<{len(words)} words>")
    extra: Mapping[str, Any] = _extra()

    @property
    def language(self) -> str | None:
        """The language that was heard, where the model says it (qwen3-asr-flash-filetrans)."""
        return self.extra.get("language")

    @property
    def emotion(self) -> str | None:
        """How it was said, such as `happy`, where the model says it (qwen3-asr-flash-filetrans)."""
        return self.extra.get("emotion")


class _ReadLater:
    """Has `sentences` made when they are first asked for."""

    __slots__ = ("_read",)

    if not TYPE_CHECKING:  # or every misspelled attribute would pass

        def __getattr__(self, name: str) -> Any:
            if name != "sentences":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            object.__setattr__(self, name, self._read())
            object.__delattr__(self, "_read")
            return self.sentences


@frozen
class Channel(_ReadLater):
    """What was said on one track; `content_duration_in_milliseconds` is the speech found, which is what is billed."""

    channel_id: int = 0
    text: str = ""
    content_duration_in_milliseconds: int | None = None
    sentences: tuple[Sentence, ...] = field(default=(), repr=lambda them: f"<{len(them)} sentences>")
    extra: Mapping[str, Any] = _extra()


def read_later(channel: Channel, read: Callable[[], tuple[Sentence, ...]]) -> None:
    """Have a channel's sentences made when they are first asked for: many callers want no more than its text."""
    object.__delattr__(channel, "sentences")
    object.__setattr__(channel, "_read", read)


@frozen
class AudioProperties:
    """What the service found the file to be: codec name, track indexes, Hz, milliseconds."""

    audio_format: str | None = None
    channels: tuple[int, ...] = ()
    original_sampling_rate: int | None = None
    original_duration_in_milliseconds: int | None = None
    extra: Mapping[str, Any] = _extra()


@frozen
class Transcript:
    """The transcript of one file, all its tracks inside.

    An empty transcript (`not transcript.text`) is a file without speech.
    """

    file_url: str = field(default="", repr=redact)
    properties: AudioProperties = AudioProperties()
    # The service calls one track's part a transcript; here a transcript is the whole file's.
    channels: tuple[Channel, ...] = field(default=(), metadata={"wire": "transcripts"})
    extra: Mapping[str, Any] = _extra()

    @property
    def text(self) -> str:
        """The whole text; with several tracks one line for each, in track order."""
        return "\n".join(channel.text for channel in self.channels if channel.text)

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """All sentences in time order, merged over the tracks."""
        return tuple(merge(*(channel.sentences for channel in self.channels), key=attrgetter("begin_time")))

    @property
    def words(self) -> tuple[Word, ...]:
        """All words, sentence by sentence in time order."""
        return tuple(word for sentence in self.sentences for word in sentence.words)

    @property
    def duration(self) -> int | None:
        """The length of the file in milliseconds, where the service said it."""
        return self.properties.original_duration_in_milliseconds


def _shorten(transcript: Transcript | None) -> str:
    return "None" if transcript is None else f"<{len(transcript.text)} characters>"


@frozen(kw_only=True)
class SubtaskResult:
    """What became of one file of a task.

    Attributes:
        source: The file as the caller gave it: a URL or a path.
        file_url: The URL the service was given; an `oss://` URL for an uploaded path, percent-encoded where the
            source needed it. None when the file failed before it had one.
        index: The position in the input, from 0.
        task_id: The task it was part of; None when none was made.
        token: The task's token; None when there is no task.
        transcript: The transcript, or None when `error` says why there is none.
        error: That file's error, or None.
        no_speech: Whether the service found no speech; the transcript is then empty, and `ok` is True.
        transcription_url: Where the document lies for 24 hours; signed, so treat it as a secret.
    """

    source: Source = field(repr=lambda source: redact(repr(source)))
    file_url: str | None = field(default=None, repr=False)
    index: int
    task_id: str | None = None
    token: str | None = field(default=None, repr=False)
    transcript: Transcript | None = field(default=None, repr=_shorten)
    error: FunASRError | None = None
    no_speech: bool = False
    transcription_url: str | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether there is a transcript (an empty one when there was no speech)."""
        return self.error is None

    @property
    def text(self) -> str:
        """The transcript's text; empty when there is none."""
        return self.transcript.text if self.transcript is not None else ""

    def unwrap(self) -> Transcript:
        """Return the transcript, or raise this file's error.

        Raises:
            FunASRError: The file failed.
        """
        if self.error is not None:
            raise self.error
        if self.transcript is None:
            message = "a result has a transcript or an error"
            raise AssertionError(message)
        return self.transcript
