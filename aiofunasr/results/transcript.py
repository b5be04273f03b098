"""What was said in a file: a `Transcript` of channels, sentences and words.

The values mirror the transcription document (the protocol notes, section 5). Times are integer milliseconds from the
start of the file. Every field the service may leave out has a default, and every key this library does not know
is kept in `extra`.

A long recording has a hundred thousand words, and most callers never look at them. So a value that was read knows what
it was read from (`aiofunasr.results.sources`), and has its parts made when they are first asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from attrs import field, fields, frozen

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.jsontext import json_pieces
from aiofunasr.redaction import redact
from aiofunasr.results.passages import Passage, Turn, find_passages, joined, speech_by_speaker, total_speech, turns_of
from aiofunasr.results.sources import Sourced, afresh, readers, source_of
from aiofunasr.snapshots import Nothing

_in_time_order = attrgetter("begin_time")

_SHOWN = 40
"""Characters of a text in a repr."""


def _extra() -> Any:
    return field(default=Nothing(), kw_only=True, repr=False, hash=False)


def _known(value: Any, *leave: str) -> dict[str, Any]:
    """Return what is set in a value nobody read, as the service would say it."""
    found: dict[str, Any] = {}
    for attribute in fields(type(value)):
        name, item = str(attribute.name), getattr(value, attribute.name)
        if item is not None and name not in {*leave, "extra"}:
            found[attribute.metadata.get("wire", name)] = list(item) if isinstance(item, tuple) else item
    return found | dict(value.extra)


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

    def to_dict(self) -> dict[str, Any]:
        """Return the word as a JSON object in the service's shape."""
        return _known(self)


@frozen(getstate_setstate=False)
class Sentence(Sourced):
    """A sentence with its punctuation; `speaker_id` counts from 0 and may be None even with diarization.

    `sentence_id` is the service's: it counts from 1, and from 0 where qwen3-asr-flash-filetrans does.
    """

    _parts = "words"

    begin_time: int = 0
    end_time: int = 0
    text: str = ""
    sentence_id: int | None = None
    speaker_id: int | None = None
    words: tuple[Word, ...] = ()
    extra: Mapping[str, Any] = _extra()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sentence):
            return NotImplemented
        # Not looking at the words where what they are read from is the same: they may be very many.
        source = source_of(self)
        return _head(self) == _head(other) and (
            (source is not None and source == source_of(other)) or self.words == other.words
        )

    def __hash__(self) -> int:
        return hash(_head(self)[:-1])

    def __repr__(self) -> str:
        who = "" if self.speaker_id is None else f", speaker {self.speaker_id}"
        return f"<Sentence {self.begin_time}-{self.end_time} ms{who}: {_shortened(self.text)!r}>"

    @property
    def language(self) -> str | None:
        """The language that was heard, where the model says it (qwen3-asr-flash-filetrans)."""
        return self.extra.get("language")

    @property
    def emotion(self) -> str | None:
        """How it was said, such as `happy`, where the model says it (qwen3-asr-flash-filetrans)."""
        return self.extra.get("emotion")

    def to_dict(self) -> dict[str, Any]:
        """Return the sentence as a JSON object: the service's own, where it was read from one."""
        source = source_of(self)
        if source is not None:
            return dict(json.loads(source))
        return _known(self, "words") | {"words": [word.to_dict() for word in self.words]}

    def _made_parts(self) -> tuple[Word, ...]:
        return readers().words(source_of(self))


def _head(sentence: Sentence) -> tuple[Any, ...]:
    return (
        sentence.begin_time,
        sentence.end_time,
        sentence.text,
        sentence.sentence_id,
        sentence.speaker_id,
        sentence.extra,
    )


@frozen(getstate_setstate=False)
class Channel(Sourced):
    """What was said on one track; `content_duration_in_milliseconds` is the speech found, which is what is billed."""

    _parts = "sentences"

    channel_id: int = 0
    text: str = ""
    content_duration_in_milliseconds: int | None = None
    sentences: tuple[Sentence, ...] = field(default=(), hash=False)
    extra: Mapping[str, Any] = _extra()

    def __repr__(self) -> str:
        return f"<Channel {self.channel_id}: {_shortened(self.text)!r}>"

    @property
    def words(self) -> tuple[Word, ...]:
        """All words of the track, sentence by sentence."""
        return tuple(word for sentence in self.sentences for word in sentence.words)

    def to_dict(self) -> dict[str, Any]:
        """Return the track as a JSON object: the service's own, where it was read from one."""
        return _document_of_channel(self, [sentence.to_dict() for sentence in self.sentences])


def _document_of_channel(channel: Channel, sentences: Iterable[dict[str, Any]]) -> dict[str, Any]:
    source = source_of(channel)
    found = _known(channel) if source is None else source.document()
    if isinstance(found.get("sentences"), list):
        found["sentences"] = sentences
    return found


@frozen
class AudioProperties:
    """What the service found the file to be: codec name, track indexes, Hz, milliseconds."""

    audio_format: str | None = None
    channels: tuple[int, ...] = ()
    original_sampling_rate: int | None = None
    original_duration_in_milliseconds: int | None = None
    extra: Mapping[str, Any] = _extra()

    def to_dict(self) -> dict[str, Any]:
        """Return the properties as a JSON object in the service's shape."""
        return _known(self)


@frozen(getstate_setstate=False)
class Transcript(Sourced):
    """The transcript of one file, all its tracks inside.

    An empty transcript (`not transcript.text`) is a file without speech. It is a value: equal to one with the same
    content, hashable, pickled and copied without its words being looked at.

    To pickle or to copy half a day of speech takes a twentieth of a second, so do that in a thread: it goes sentence by
    sentence, and others go on. Where all words were made before, as `words` does, it takes several times as long, and
    the garbage collector holds up everybody for up to 70 ms.
    """

    file_url: str = ""
    properties: AudioProperties = AudioProperties()
    # The service calls one track's part a transcript; here a transcript is the whole file's.
    channels: tuple[Channel, ...] = field(default=(), metadata={"wire": "transcripts"})
    extra: Mapping[str, Any] = _extra()

    def __repr__(self) -> str:
        length = "" if self.duration is None else f", {self.duration} ms"
        tracks = "1 channel" if len(self.channels) == 1 else f"{len(self.channels)} channels"
        return f"<Transcript of {redact(self.file_url)!r}{length}, {tracks}: {_shortened(self.text)!r}>"

    # --- What is in it ----------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The whole text; with several tracks one line for each, in track order."""
        return "\n".join(channel.text for channel in self.channels if channel.text)

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """All sentences in time order, merged over the tracks; at the same moment the track named first goes first."""
        if len(self.channels) == 1:
            return self.channels[0].sentences
        return tuple(sentence for _, sentence in self._spoken())

    @property
    def words(self) -> tuple[Word, ...]:
        """All words, sentence by sentence in time order.

        They are made now and kept, as are those of any sentence that is asked for its own. For half a day of speech
        that takes some tenths of a second. In a thread it lets others go on, but for the garbage collector: it goes
        through a hundred thousand new objects once or twice, and holds up everybody for some 50 ms each time.
        `iter_words` spares you both.
        """
        return tuple(word for sentence in self.sentences for word in sentence.words)

    def iter_words(self) -> Iterator[Word]:
        """Go through the same words one by one, and keep none of them."""
        for sentence in self.sentences:
            yield from afresh(sentence).words

    @property
    def duration(self) -> int | None:
        """The length of the file in milliseconds, where the service said it."""
        return self.properties.original_duration_in_milliseconds

    def channel(self, channel_id: int) -> Channel:
        """Return the track of that number.

        Raises:
            InvalidArgumentError: There is none.
        """
        for channel in self.channels:
            if channel.channel_id == channel_id:
                return channel
        there = ", ".join(str(channel.channel_id) for channel in self.channels) or "none"
        raise InvalidArgumentError("channel_id", channel_id, f"the channels of this transcript are: {there}")

    # --- Who spoke, and when ----------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        """Return who spoke after whom: consecutive sentences of one speaker on one track are a turn.

        Sentences without a speaker are a turn of their own, `speaker_id` None; without diarization each track is one
        speaker.
        """
        return turns_of(self._spoken())

    def speech_time(self) -> int:
        """Return for how many milliseconds anybody spoke, by the times of the sentences; both at once count once."""
        return total_speech(self.sentences)

    def speech_times(self) -> dict[tuple[int, int | None], int]:
        """Return for how many milliseconds each one spoke, by `(channel_id, speaker_id)`, in order of appearance."""
        return speech_by_speaker(self._spoken())

    def at(self, ms: int) -> tuple[Sentence, ...]:
        """Return what was being said at a moment, in milliseconds: several where tracks overlap, `()` in a pause.

        A sentence is being said from its `begin_time` up to, and without, its `end_time`.
        """
        return tuple(sentence for sentence in self.sentences if sentence.begin_time <= ms < sentence.end_time)

    def between(self, begin: int = 0, end: int | None = None) -> Transcript:
        """Return what was said from `begin` up to `end`, in milliseconds; times still count from the start of the file.

        A word belongs where its middle is, so that of two slices that meet each word is in one. A sentence that
        reaches over an edge is cut to its words; one without words goes where its middle is. How much speech was
        billed is not known of a part, so it is None in the channels.

        Raises:
            InvalidArgumentError: `end` is before `begin`.
        """
        if end is not None and end < begin:
            raise InvalidArgumentError("end", end, f"it is before the begin, {begin}")
        channels = tuple(
            Channel(channel.channel_id, joined(sentences), None, sentences, extra=channel.extra)
            for channel in self.channels
            for sentences in [tuple(_cut(channel.sentences, begin, end))]
        )
        return Transcript(self.file_url, self.properties, channels, extra=self.extra)

    def find(self, text: str) -> tuple[Passage, ...]:
        """Return every passage where a text is said, in time order, each with its times.

        Capitals and punctuation make no difference, nor do spaces in scripts that need none. A passage may reach over
        the border of sentences, but not over that of tracks. Parts of words are found, too: `"art"` in `"start"`.

        A frequent word in half a day of speech takes a tenth of a second: then call this in a thread, and others go on.

        Raises:
            InvalidArgumentError: The text has neither letters nor digits.
        """
        found = [
            passage
            for channel in self.channels
            for passage in find_passages(channel.channel_id, channel.sentences, text)
        ]
        return tuple(sorted(found, key=_in_time_order))

    def _spoken(self) -> list[tuple[int, Sentence]]:
        """Return all sentences in time order, each with the number of its track."""
        spoken = [(channel.channel_id, sentence) for channel in self.channels for sentence in channel.sentences]
        return sorted(spoken, key=lambda one: one[1].begin_time) if len(self.channels) > 1 else spoken

    # --- As the service has it --------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the document as a JSON object in the service's shape (section 5.1).

        Of a transcript that was read it is the service's document itself: unknown keys, numbers sent as strings, what
        was absent. Where you made or changed a value, its fields are written, and all it contains that you left alone
        is as the service sent it.

        For half a day of speech it takes tenths of a second. In a thread it lets others go on, but for the garbage
        collector, which goes through all of it and holds up everybody for some 40 ms; `iter_json` holds up nobody.
        """
        return self._document([channel.to_dict() for channel in self.channels])

    def iter_json(self, *, indent: int | None = None, ensure_ascii: bool = False) -> Iterator[str]:
        """Go through the same document as JSON text, sentence by sentence: `from_json` reads what they are joined to.

        However long it is, nobody is held up, and it is never there as a whole: for files, and for replies that are
        sent as they are made.

        Args:
            indent: As in `json.dumps`.
            ensure_ascii: As in `json.dumps`.
        """
        channels = (
            _document_of_channel(channel, (sentence.to_dict() for sentence in channel.sentences))
            for channel in self.channels
        )
        return json_pieces(self._document(channels), indent=indent, ensure_ascii=ensure_ascii)

    def _document(self, channels: Iterable[dict[str, Any]]) -> dict[str, Any]:
        source = source_of(self)
        found = (
            _known(self, "properties") | {"properties": self.properties.to_dict()}
            if source is None
            else (source.document())
        )
        if "transcripts" in found:
            found["transcripts"] = channels
        return found

    @staticmethod
    def from_json(document: bytes | str) -> Transcript:
        """Read a transcription document, as it was downloaded or stored.

        Half a day of speech takes a tenth of a second, in a thread without holding up others.

        Raises:
            InvalidReplyError: It is none; the error names the path of what is wrong.
        """
        return readers().transcript(document)

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> Transcript:
        """Read a transcription document that was parsed; the opposite of `to_dict`.

        Half a day of speech takes two tenths of a second, in a thread without holding up others.

        Raises:
            InvalidArgumentError: It cannot be written as JSON.
            InvalidReplyError: It is no transcription document; the error names the path of what is wrong.
        """
        try:
            text = "".join(json_pieces(dict(document)))
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArgumentError("document", type(document), f"it is no JSON object: {error}") from None
        return Transcript.from_json(text)


def _cut(sentences: Iterable[Sentence], begin: int, end: int | None) -> Iterator[Sentence]:
    """Keep what is said from `begin` up to `end`."""
    for sentence in sentences:
        if begin <= sentence.begin_time and (end is None or sentence.end_time < end):
            yield sentence
        elif sentence.end_time < begin or (end is not None and sentence.begin_time >= end):
            continue
        elif not sentence.words:
            if _is_within(sentence, begin, end):
                yield sentence
        elif words := tuple(word for word in sentence.words if _is_within(word, begin, end)):
            if words == sentence.words:
                yield sentence
                continue
            text = "".join(word.text + word.punctuation for word in words).strip()
            yield Sentence(
                words[0].begin_time,
                words[-1].end_time,
                text,
                sentence.sentence_id,
                sentence.speaker_id,
                words,
                extra=sentence.extra,
            )


def _is_within(spoken: Word | Sentence, begin: int, end: int | None) -> bool:
    middle = (spoken.begin_time + spoken.end_time) / 2
    return begin <= middle and (end is None or middle < end)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
