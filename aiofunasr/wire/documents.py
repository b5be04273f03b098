"""The transcription document, read into a `Transcript` (the protocol notes, section 5)."""

from __future__ import annotations

import json
from math import nan
from typing import Any

from attrs import define

from aiofunasr.errors import InvalidReplyError
from aiofunasr.redaction import excerpt
from aiofunasr.results.sources import read_from, read_with
from aiofunasr.results.transcript import Sentence, Transcript
from aiofunasr.wire.assembly import BEGINNING, make, not_whole
from aiofunasr.wire.decoder import TranscriptDecoder, parse_document
from aiofunasr.wire.scanner import Scanner, finish
from aiofunasr.wire.sentences import PLAIN_SENTENCES, Sentences, read_words
from aiofunasr.wire.urls import name_same_file

SMALL_DOCUMENT = 64 * 1024
"""Read in one go within two milliseconds; a larger one is better read step by step."""

_CUT = object()
_parse = json.JSONDecoder(parse_constant={"-Infinity": _CUT, "NaN": nan}.get).decode


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
    content = _parsed_but_for_sentences(document)
    if content is None:
        # By the book, then, which also says where it is wrong.
        return _read_in_steps(document)
    transcript = make(content)
    # From the document again: what is parsed takes four times the room, and is mostly never looked at.
    source = _Small(document)
    for place, channel in enumerate(transcript.channels):
        read_from(channel, _Track(source, place), later=True)
    read_from(transcript, source)
    return transcript


def _parsed_but_for_sentences(document: bytes | str) -> dict[str, Any] | None:
    """Parse a document whose every track has sentences as the service writes them, leaving those out; None for others.

    To make sure of the form of sentences takes half the time of parsing them.
    """
    try:
        if isinstance(document, bytes):
            document = document.decode(json.detect_encoding(document), "surrogatepass")
        rest, cuts = PLAIN_SENTENCES.subn('"sentences":-Infinity', document)
        if rest.count("Infinity") != cuts:
            # It stands for what was cut out.
            return None
        content: Any = _parse(rest)
    except (ValueError, RecursionError):
        return None
    tracks = content.get("transcripts") if isinstance(content, dict) else None
    if not isinstance(tracks, list) or len(tracks) != cuts:
        return None
    # As many as were cut out: so each stood in its track, and none anywhere else.
    whole = all(isinstance(track, dict) and track.pop("sentences", None) is _CUT for track in tracks)
    return content if whole else None


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
class _Small:
    """A small document, all of which can be read; kept as it came, which is one object for the garbage collector."""

    whole: bytes | str

    def document(self) -> dict[str, Any]:
        return {**self.but_for_sentences(), "transcripts": []}

    def parts(self) -> tuple[Any, ...]:
        return ()

    def but_for_sentences(self) -> dict[str, Any]:
        content = _parsed_but_for_sentences(self.whole)
        assert content is not None  # noqa: S101  (it was read that way before)
        return content

    def sentences(self, place: int) -> tuple[Sentence, ...]:
        whole = self.whole
        if isinstance(whole, bytes):
            whole = whole.decode(json.detect_encoding(whole), "surrogatepass")
        scan = Scanner()
        scan.put(whole.encode("utf-8", "surrogatepass"), last=True)
        content = finish(parse_document(scan))
        sentences: Sentences = content["transcripts"][place]["sentences"]
        return sentences.found()


@define
class _Track:
    """One track of it."""

    small: _Small
    place: int

    def document(self) -> dict[str, Any]:
        track: dict[str, Any] = self.small.but_for_sentences()["transcripts"][self.place]
        return {**track, "sentences": []}

    def parts(self) -> tuple[Sentence, ...]:
        return self.small.sentences(self.place)


read_with(read_transcript, read_words)
