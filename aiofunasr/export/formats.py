"""The formats by name, and the one function that writes any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import frozen

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.export.documents import render_json, render_json_line
from aiofunasr.export.paragraphs import render_text
from aiofunasr.export.subtitles import render_srt, render_vtt
from aiofunasr.results import SubtaskResult, Transcript

Subject = Transcript | SubtaskResult


@frozen(kw_only=True)
class Format:
    """A way to write a transcript down.

    Attributes:
        name: What it is asked for by; also the extension of its files, without the dot.
        summary: What it is, in a few words.
        write: Writes one transcript or result; the text ends with a line end, unless there is none.
        takes_failures: Whether a result without a transcript can be written too.
        stands_alone: Whether several texts, one after the other, are still one whole of this format.
    """

    name: str
    summary: str
    write: Callable[[Subject], str]
    takes_failures: bool = False
    stands_alone: bool = False

    @property
    def extension(self) -> str:
        """The extension of its files, with the dot."""
        return f".{self.name}"


def _of_transcript(write: Callable[[Transcript], str]) -> Callable[[Subject], str]:
    """Make a writer of transcripts take results too; a failed one raises its own error."""

    def write_either(subject: Subject) -> str:
        return write(subject.unwrap() if isinstance(subject, SubtaskResult) else subject)

    return write_either


_ALL = (
    Format(name="txt", summary="plain text in paragraphs", write=_of_transcript(render_text)),
    Format(
        name="json",
        summary="the service's own document",
        write=_of_transcript(render_json),
        stands_alone=True,
    ),
    Format(
        name="jsonl",
        summary="one line for each file, failed ones too",
        write=render_json_line,
        takes_failures=True,
        stands_alone=True,
    ),
    Format(name="srt", summary="SubRip subtitles", write=_of_transcript(render_srt)),
    Format(name="vtt", summary="WebVTT subtitles", write=_of_transcript(render_vtt)),
)

FORMATS: Mapping[str, Format] = MappingProxyType({each.name: each for each in _ALL})
"""Every format by its name."""


def render(subject: Subject, format: str) -> str:
    """Write a transcript, or a result, in one of the formats.

    Raises:
        InvalidArgumentError: There is no such format.
        FunASRError: The result is a failed one, and the format has no way to say that; it is the file's own error.
    """
    if format not in FORMATS:
        raise InvalidArgumentError("format", format, f"there are {', '.join(FORMATS)}")
    return FORMATS[format].write(subject)
