"""The formats by name, and the one function that writes any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import frozen

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.export.ass import render_ass
from aiofunasr.export.documents import render_json, render_json_line
from aiofunasr.export.page import render_html
from aiofunasr.export.paragraphs import render_text
from aiofunasr.export.scoring import render_ctm, render_rttm
from aiofunasr.export.style import Style
from aiofunasr.export.subtitles import render_srt, render_vtt
from aiofunasr.export.tables import render_csv, render_tsv
from aiofunasr.export.textgrid import render_textgrid
from aiofunasr.results import SubtaskResult, Transcript

Subject = Transcript | SubtaskResult


@frozen(kw_only=True)
class Format:
    """A way to write a transcript down.

    Attributes:
        name: What it is asked for by.
        summary: What it is, in a few words.
        writer: What `write` does its work with.
        takes_failures: Whether a result without a transcript can be written too.
        stands_alone: Whether several texts, one after the other, are still one whole of this format.
        refers_to_audio: Whether it is of use to say where the recording is, in the style.
        suffix: The extension of its files without the dot, where it is not the name.
    """

    name: str
    summary: str
    writer: Callable[[Subject, Style], str]
    takes_failures: bool = False
    stands_alone: bool = False
    refers_to_audio: bool = False
    suffix: str = ""

    def write(self, subject: Subject, style: Style | None = None) -> str:
        """Write one transcript or result; the text ends with a line end, unless there is none.

        Raises:
            FunASRError: The result is a failed one, and the format has no way to say that; it is the file's own error.
        """
        return self.writer(subject, style or Style())

    @property
    def extension(self) -> str:
        """The extension of its files, with the dot."""
        return f".{self.suffix or self.name}"


def _of_transcript(write: Callable[[Transcript, Style], str]) -> Callable[[Subject, Style], str]:
    """Make a writer of transcripts take results too; a failed one raises its own error."""

    def write_either(subject: Subject, style: Style) -> str:
        return write(subject.unwrap() if isinstance(subject, SubtaskResult) else subject, style)

    return write_either


_ALL = (
    Format(name="txt", summary="plain text in paragraphs", writer=_of_transcript(render_text)),
    Format(
        name="json",
        summary="the service's own document",
        writer=_of_transcript(lambda transcript, _: render_json(transcript)),
        stands_alone=True,
    ),
    Format(
        name="jsonl",
        summary="one line for each file, failed ones too",
        writer=lambda subject, _: render_json_line(subject),
        takes_failures=True,
        stands_alone=True,
    ),
    Format(name="srt", summary="SubRip subtitles", writer=_of_transcript(render_srt)),
    Format(name="vtt", summary="WebVTT subtitles", writer=_of_transcript(render_vtt)),
    Format(name="ass", summary="subtitles with a colour for each speaker", writer=_of_transcript(render_ass)),
    Format(
        name="html",
        summary="a page that plays the recording",
        writer=_of_transcript(render_html),
        refers_to_audio=True,
    ),
    Format(name="csv", summary="a table with commas", writer=_of_transcript(render_csv)),
    Format(name="tsv", summary="a table with tabs", writer=_of_transcript(render_tsv)),
    Format(name="textgrid", summary="tiers for Praat", writer=_of_transcript(render_textgrid), suffix="TextGrid"),
    Format(name="ctm", summary="words, for scoring", writer=_of_transcript(render_ctm), stands_alone=True),
    Format(
        name="rttm", summary="turns of speakers, for scoring", writer=_of_transcript(render_rttm), stands_alone=True
    ),
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
