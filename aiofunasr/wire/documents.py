"""The transcription document, read into a `Transcript` (the protocol notes, section 5)."""

from __future__ import annotations

import json
from itertools import chain
from operator import itemgetter
from types import NoneType
from typing import Any

from attrs import define

from aiofunasr.errors import InvalidReplyError
from aiofunasr.redaction import excerpt
from aiofunasr.results.sources import read_from, read_with
from aiofunasr.results.transcript import Sentence, Transcript
from aiofunasr.wire.assembly import BEGINNING, check_form, make, not_whole, remember
from aiofunasr.wire.decoder import TranscriptDecoder, parse_document
from aiofunasr.wire.scanner import Scanner, finish
from aiofunasr.wire.sentences import Sentences, read_words
from aiofunasr.wire.urls import name_same_file

SMALL_DOCUMENT = 64 * 1024
"""Read in one go within two milliseconds; a larger one is better read step by step."""

_LIST = frozenset({list})
_INTEGER_OR_MISSING = frozenset({int, NoneType})


def read_transcript(document: bytes | str) -> Transcript:
    """Read one transcription document.

    The sentences of a small one are looked through at once, and made when they are first asked for. A large one takes
    about a millisecond for each 64 KiB: a `TranscriptDecoder` reads it in steps.

    Raises:
        InvalidReplyError: It is no such document; the error names the path.
    """
    if len(document) <= SMALL_DOCUMENT:
        return _read_small(document)
    return _read_in_steps(document)


def check_file(transcript: Transcript, file_url: str) -> None:
    """Make sure that a document is about the file it was fetched for, as far as it says so.

    The service echoes a URL as it was submitted (section 5.1), perhaps written otherwise.

    Raises:
        InvalidReplyError: It is about another file.
    """
    named = transcript.file_url
    if named and file_url and not name_same_file(named, file_url):
        raise InvalidReplyError("the document is about another file", path="$.file_url", excerpt=excerpt(named))


def _read_small(document: bytes | str) -> Transcript:
    try:
        content: Any = json.loads(document)
    except (ValueError, RecursionError):
        raise not_whole(document[:BEGINNING]) from None
    tracks = check_form(content, document[:BEGINNING]).get("transcripts", ())
    # A `true` would pass for a number; the word may as well stand in a text.
    odd = "true" in document if isinstance(document, str) else b"true" in document
    if odd or not all(map(_has_plain_sentences, tracks)):
        # By the book, then, which also says where it is wrong.
        return _read_in_steps(document)
    for track in tracks:
        del track["sentences"]
    transcript = make(content)
    for place, channel in enumerate(transcript.channels):
        # From the document again: what is parsed takes four times the room, and is mostly never looked at.
        read_from(channel, _Track(document, place, tracks[place]), later=True)
    remember(transcript, content)
    return transcript


def _read_in_steps(document: bytes | str) -> Transcript:
    if isinstance(document, bytes):
        decoder = TranscriptDecoder()
        for start in range(0, len(document), SMALL_DOCUMENT):
            decoder.feed(document[start : start + SMALL_DOCUMENT])
        return decoder.close()
    if document.startswith("\ufeff"):
        # Of bytes it would be the mark of an encoding; in a text it is a character that does not belong there.
        raise not_whole(document[:BEGINNING])
    decoder = TranscriptDecoder(encoding="utf-8")
    for start in range(0, len(document), SMALL_DOCUMENT):
        decoder.feed(document[start : start + SMALL_DOCUMENT].encode("utf-8", "surrogatepass"))
    return decoder.close()


@define
class _Track:
    """A track of a small document, all of which can be read."""

    whole: bytes | str
    place: int
    content: dict[str, Any]

    def document(self) -> dict[str, Any]:
        return {**self.content, "sentences": []}

    def parts(self) -> tuple[Sentence, ...]:
        whole = self.whole
        if isinstance(whole, bytes):
            whole = whole.decode(json.detect_encoding(whole), "surrogatepass")
        scan = Scanner()
        scan.put(whole.encode("utf-8", "surrogatepass"), last=True)
        content = finish(parse_document(scan))
        sentences: Sentences = content["transcripts"][self.place]["sentences"]
        return sentences.found()


def _has_plain_sentences(track: Any) -> bool:
    """Tell whether it is certain that a track's sentences can be read; if not, reading them says where the fault is.

    A sum is a whole number when all its parts are, and joining says whether all are strings: that is quicker than to
    look at each type, and there are very many words. Only a `true` passes for a number.
    """
    try:
        sentences = track["sentences"]
        rows_of_words = list(map(itemgetter("words"), sentences))
        if type(sentences) is not list or not _LIST.issuperset(map(type, rows_of_words)):
            return False
        words = list(chain.from_iterable(rows_of_words))
        for name in ("text", "punctuation"):
            "".join(map(itemgetter(name), words))
        "".join(map(itemgetter("text"), sentences))
        times = (sum(map(itemgetter(name), rows)) for rows in (words, sentences) for name in ("begin_time", "end_time"))
        return all(type(total) is int for total in times) and _INTEGER_OR_MISSING.issuperset(
            type(one.get(name)) for one in sentences for name in ("sentence_id", "speaker_id")
        )
    except (KeyError, TypeError, AttributeError):
        return False


read_with(read_transcript, read_words)
