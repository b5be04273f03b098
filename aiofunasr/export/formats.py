"""The formats by name, and the one function that writes any of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from attrs import evolve, frozen

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.export.ass import ass
from aiofunasr.export.documents import json_document, json_line
from aiofunasr.export.page import html
from aiofunasr.export.paragraphs import plain_text
from aiofunasr.export.scoring import ctm, rttm
from aiofunasr.export.style import Style
from aiofunasr.export.subtitles import srt, vtt
from aiofunasr.export.tables import csv_table, tsv_table
from aiofunasr.export.textgrid import textgrid
from aiofunasr.results import SubtaskResult, Transcript
from aiofunasr.wire.urls import is_url

Subject = Transcript | SubtaskResult
Writer = Callable[[Subject, Style], Iterator[str]]

_PIECE: Final = 64 * 1024


@frozen(kw_only=True)
class Format:
    """A way to write a transcript down.

    Attributes:
        name: What it is asked for by.
        summary: What it is, in a few words.
        writer: What goes through the text, in pieces of any size.
        takes_failures: Whether a result without a transcript can be written too.
        stands_alone: Whether several texts, one after the other, are still one whole of this format.
        refers_to_audio: Whether it is of use to say where the recording is, in the style.
        suffix: The extension of its files without the dot, where it is not the name.
    """

    name: str
    summary: str
    writer: Writer
    takes_failures: bool = False
    stands_alone: bool = False
    refers_to_audio: bool = False
    suffix: str = ""

    def write(self, subject: Subject, style: Style | None = None) -> str:
        """Write one transcript or result; the text ends with a line end, unless there is none.

        Raises:
            FunASRError: The result is a failed one, and the format has no way to say that; it is the file's own error.
        """
        return "".join(self.pieces(subject, style))

    def pieces(self, subject: Subject, style: Style | None = None) -> Iterator[str]:
        """Go through the same text in pieces of about 64 Ki characters.

        What is written is never there as a whole, nor are the words it is made of, and no piece takes long: in a thread
        it holds the event loop for no more than some milliseconds, however long the transcript is.

        Raises:
            FunASRError: As `write` does.
        """
        return _gathered(self.writer(subject, style or Style()))

    @property
    def extension(self) -> str:
        """The extension of its files, with the dot."""
        return f".{self.suffix or self.name}"


def _gathered(texts: Iterable[str]) -> Iterator[str]:
    """Put small texts together: to join or write a million of them would take long."""
    some: list[str] = []
    size = 0
    for text in texts:
        some.append(text)
        size += len(text)
        if size >= _PIECE:
            yield "".join(some)
            some, size = [], 0
    if some:
        yield "".join(some)


def _of_transcript(write: Callable[[Transcript, Style], Iterator[str]]) -> Writer:
    """Make a writer of transcripts take results too; a failed one raises its own error."""

    def write_either(subject: Subject, style: Style) -> Iterator[str]:
        return write(subject.unwrap() if isinstance(subject, SubtaskResult) else subject, style)

    return write_either


def _by_name(write: Callable[[Transcript, Style], Iterator[str]]) -> Writer:
    """Make a writer that says what the recording is called take results too.

    A file on this machine is called what it is called here, not what it was uploaded as.
    """

    def write_named(subject: Subject, style: Style) -> Iterator[str]:
        if not isinstance(subject, SubtaskResult):
            return write(subject, style)
        source = os.fspath(subject.source)
        transcript = subject.unwrap()
        if source and not is_url(source):
            transcript = evolve(transcript, file_url=quote(PurePath(source).name, errors="surrogatepass"))
        return write(transcript, style)

    return write_named


_ALL = (
    Format(name="txt", summary="plain text in paragraphs", writer=_of_transcript(plain_text)),
    Format(
        name="json",
        summary="the service's own document",
        writer=_of_transcript(lambda transcript, _: json_document(transcript)),
        stands_alone=True,
    ),
    Format(
        name="jsonl",
        summary="one line for each file, failed ones too",
        writer=lambda subject, _: json_line(subject),
        takes_failures=True,
        stands_alone=True,
    ),
    Format(name="srt", summary="SubRip subtitles", writer=_of_transcript(srt)),
    Format(name="vtt", summary="WebVTT subtitles", writer=_of_transcript(vtt)),
    Format(name="ass", summary="subtitles with a colour for each speaker", writer=_of_transcript(ass)),
    Format(
        name="html",
        summary="a page that plays the recording",
        writer=_by_name(html),
        refers_to_audio=True,
    ),
    Format(name="csv", summary="a table with commas", writer=_of_transcript(csv_table)),
    Format(name="tsv", summary="a table with tabs", writer=_of_transcript(tsv_table)),
    Format(name="textgrid", summary="tiers for Praat", writer=_of_transcript(textgrid), suffix="TextGrid"),
    Format(name="ctm", summary="words, for scoring", writer=_by_name(ctm), stands_alone=True),
    Format(name="rttm", summary="turns of speakers, for scoring", writer=_by_name(rttm), stands_alone=True),
)

FORMATS: Mapping[str, Format] = MappingProxyType({each.name: each for each in _ALL})
"""Every format by its name."""


def render(subject: Subject, format: str, style: Style | None = None) -> str:
    """Write a transcript, or a result, in one of the formats.

    Raises:
        InvalidArgumentError: There is no such format.
        FunASRError: The result is a failed one, and the format has no way to say that; it is the file's own error.
    """
    if format not in FORMATS:
        raise InvalidArgumentError("format", format, f"there are {', '.join(FORMATS)}")
    return FORMATS[format].write(subject, style)
