"""From the parsed parts of a transcription document to a `Transcript` (the protocol notes, section 5)."""

from __future__ import annotations

import copy
from typing import Any

from attrs import define, evolve

from aiofunasr.errors import InvalidReplyError
from aiofunasr.redaction import excerpt
from aiofunasr.results.sources import read_from
from aiofunasr.results.transcript import Transcript
from aiofunasr.wire.dialects import with_properties
from aiofunasr.wire.sentences import Sentences
from aiofunasr.wire.structure import structure

_BYTES_PER_OBJECT = 24
"""No document has more objects and arrays than one for each so many bytes: one word takes over 50."""

_HARMLESS = 64 * 1024
"""Bytes that are no danger, whatever is in them."""

BEGINNING = 800
"""How much of a document is looked at for the message of an error."""


@define
class JsonSource:
    """A JSON object, with or without what stands in its array of parts."""

    content: dict[str, Any]
    parts_name: str

    def document(self) -> dict[str, Any]:
        """Return a copy of it with that array empty."""
        parts = self.content.get(self.parts_name)
        return copy.deepcopy(self.content | {self.parts_name: []} if isinstance(parts, list) else self.content)

    def parts(self) -> tuple[Any, ...]:
        """There are none."""
        return ()


def is_too_dense(objects: int, length: int) -> bool:
    """Tell whether there are more objects and arrays in so many bytes than any document has.

    Empty ones take twenty times their room once they are read, and minutes to be made into anything.
    """
    return length > _HARMLESS and objects * _BYTES_PER_OBJECT > length


def refusal(message: str, beginning: bytes | str, *, path: str = "$") -> InvalidReplyError:
    """Return the error for a document that is none; `beginning` is that of the document."""
    text = beginning if isinstance(beginning, str) else beginning.decode("utf-8", "replace")
    return InvalidReplyError(message, path=path, excerpt=excerpt(text))


def too_dense(beginning: bytes | str) -> InvalidReplyError:
    """Return the error for a document that is too dense."""
    return refusal("no transcription document has so many objects", beginning)


def not_whole(beginning: bytes | str) -> InvalidReplyError:
    """Return the error for a document that is cut, or no JSON."""
    return refusal("the transcription document is not whole JSON", beginning)


def check_form(content: Any, beginning: bytes | str) -> dict[str, Any]:
    """Return what was parsed, when it may be a transcription document.

    Raises:
        InvalidReplyError: It is something else.
    """
    if not isinstance(content, dict) or not isinstance(content.get("transcripts", []), list):
        raise refusal("a transcription document has an array", beginning, path="$.transcripts")
    if content.keys().isdisjoint({"transcripts", "properties"}):
        # Such as the body of a refusal under a status of 200; it must not pass for a file without speech.
        raise refusal("there is no transcript", beginning, path="$.transcripts")
    return content


def assemble(content: dict[str, Any]) -> Transcript:
    """Make a transcript of a document in whose tracks a `Sentences` may stand for the array of sentences.

    Raises:
        InvalidReplyError: A field of it cannot be read; of several, it names the first.
    """
    tracks = content.get("transcripts", [])
    read = {place: track.pop("sentences") for place, track in enumerate(tracks) if _has_sentences(track)}
    for place, sentences in read.items():
        if sentences.error is not None:
            make(content | {"transcripts": tracks[: place + 1]})
            raise sentences.error
    transcript = make(content)
    channels = []
    for place, (channel, track) in enumerate(zip(transcript.channels, tracks, strict=True)):
        whole = evolve(channel, sentences=read[place].found()) if place in read else channel
        read_from(whole, JsonSource(track | {"sentences": []} if place in read else track, "sentences"))
        channels.append(whole)
    transcript = evolve(transcript, channels=tuple(channels))
    read_from(transcript, JsonSource(content, "transcripts"))
    return transcript


def make(content: dict[str, Any]) -> Transcript:
    """Make a transcript of a document as far as it is parsed: the one place where a dialect's words become ours.

    Raises:
        InvalidReplyError: A field of it cannot be read.
    """
    return structure(with_properties(content), Transcript)


def _has_sentences(track: Any) -> bool:
    return isinstance(track, dict) and isinstance(track.get("sentences"), Sentences)
