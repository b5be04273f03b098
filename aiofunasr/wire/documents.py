"""The transcription document, read into a `Transcript` (the protocol notes, section 5)."""

from __future__ import annotations

import json
from functools import partial
from itertools import chain
from operator import itemgetter
from types import NoneType
from typing import Any

from aiofunasr.errors import InvalidReplyError
from aiofunasr.redaction import excerpt
from aiofunasr.results import Channel, Sentence, Transcript, read_later
from aiofunasr.wire.dialects import with_properties
from aiofunasr.wire.structure import structure
from aiofunasr.wire.urls import name_same_file

SMALL_DOCUMENT = 64 * 1024
"""Read within two milliseconds, its sentences included; a larger one is better read in a thread."""

_INTEGER_OR_MISSING = frozenset({int, NoneType})


_BYTES_PER_OBJECT = 24
"""No document has more objects and arrays than one for each so many bytes: one word takes over 50."""


def read_transcript(document: bytes | str) -> Transcript:
    """Read one transcription document.

    The sentences of a small one are looked through at once, and made when they are first asked for.

    Raises:
        InvalidReplyError: It is no such document; the error names the path.
    """
    if len(document) > SMALL_DOCUMENT and _objects_in(document) * _BYTES_PER_OBJECT > len(document):
        # Empty ones take twenty times their room once they are read, and minutes to be made into anything.
        raise InvalidReplyError("no transcription document has so many objects", excerpt=_beginning(document))
    try:
        content: Any = json.loads(document)
    except (ValueError, RecursionError):
        raise InvalidReplyError("the transcription document is not whole JSON", excerpt=_beginning(document)) from None
    if not isinstance(content, dict) or not isinstance(content.get("transcripts", []), list):
        raise InvalidReplyError(
            "a transcription document has an array", path="$.transcripts", excerpt=_beginning(document)
        )
    if content.keys().isdisjoint({"transcripts", "properties"}):
        # Such as the body of a refusal under a status of 200; it must not pass for a file without speech.
        raise InvalidReplyError("there is no transcript", path="$.transcripts", excerpt=_beginning(document))
    content = with_properties(content)
    if len(document) > SMALL_DOCUMENT:
        return structure(content, Transcript)
    tracks = content.get("transcripts", ())
    later = [place for place, track in enumerate(tracks) if _has_plain_sentences(track)]
    for place in later:
        del tracks[place]["sentences"]
    transcript = structure(content, Transcript)
    for place in later:
        # From the document again: what is parsed takes four times the room, and is mostly never looked at.
        read_later(transcript.channels[place], partial(_read_sentences, document, place))
    return transcript


def check_file(transcript: Transcript, file_url: str) -> None:
    """Make sure that a document is about the file it was fetched for, as far as it says so.

    The service echoes a URL as it was submitted (section 5.1), perhaps written otherwise.

    Raises:
        InvalidReplyError: It is about another file.
    """
    named = transcript.file_url
    if named and file_url and not name_same_file(named, file_url):
        raise InvalidReplyError("the document is about another file", path="$.file_url", excerpt=excerpt(named))


def _objects_in(document: bytes | str) -> int:
    if isinstance(document, str):
        return document.count("{") + document.count("[")
    return document.count(b"{") + document.count(b"[")


def _beginning(document: bytes | str) -> str:
    return excerpt(document[:800] if isinstance(document, str) else document[:800].decode("utf-8", "replace"))


def _has_plain_sentences(track: Any) -> bool:
    """Tell whether it is certain that a track's sentences can be read; if not, reading them says where the fault is.

    A sum is a whole number when all its parts are, and joining says whether all are strings: that is quicker than to
    look at each type, and there are very many words. Only a `true` for a number passes; that is heard of when the
    sentences are read.
    """
    try:
        sentences = track["sentences"]
        words = list(chain.from_iterable(map(itemgetter("words"), sentences)))
        for name in ("text", "punctuation"):
            "".join(map(itemgetter(name), words))
        "".join(map(itemgetter("text"), sentences))
        times = (sum(map(itemgetter(name), rows)) for rows in (words, sentences) for name in ("begin_time", "end_time"))
        return all(type(total) is int for total in times) and _INTEGER_OR_MISSING.issuperset(
            type(one.get(name)) for one in sentences for name in ("sentence_id", "speaker_id")
        )
    except (KeyError, TypeError, AttributeError):
        return False


def _read_sentences(document: bytes | str, place: int) -> tuple[Sentence, ...]:
    sentences = json.loads(document)["transcripts"][place]["sentences"]
    return structure({"sentences": sentences}, Channel).sentences
