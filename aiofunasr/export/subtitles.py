"""SubRip and WebVTT."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiofunasr.export.cues import Cue, make_cues
from aiofunasr.export.style import Style
from aiofunasr.results import Transcript

_WORD_JOINER = "\u2060"
_MARKUP = re.compile(r"--(?=>)|<(?=\s*[/a-zA-Z])|\\(?=[Nnh])")
_BRACES = str.maketrans("{}", "\u2774\u2775")
_LAST_LINE_IS_A_NUMBER = re.compile(r"\n\s*\d+\s*$")


def srt(transcript: Transcript, style: Style) -> Iterator[str]:
    """Write a transcript as SubRip subtitles.

    Where several speak, the text says who does when that changes. SubRip has no escapes, so an invisible word joiner
    (U+2060) keeps apart what readers would take for something else: `-->`, the beginning of a tag, a backslash before
    N, and a number on the last line of all, which looks like that of another cue. Braces, which begin a tag as well,
    become ornaments (U+2774, U+2775).
    """
    cues = make_cues(transcript, style.cues, label=style.names)
    for number, cue in enumerate(cues, 1):
        text = f"{number}\n{_times(cue, ',')}\n{_without_markup(cue)}"
        if number < len(cues):
            yield f"{text}\n\n"
        else:
            yield f"{text}{_WORD_JOINER}\n" if _LAST_LINE_IS_A_NUMBER.search(text) else f"{text}\n"


def _without_markup(cue: Cue) -> str:
    text = "\n".join(cue.lines).translate(_BRACES)
    return _MARKUP.sub(lambda found: found[0] + _WORD_JOINER, text)


def vtt(transcript: Transcript, style: Style) -> Iterator[str]:
    """Write a transcript as WebVTT.

    Where several speak, each is a voice; and up to four channels have each their own place, from left to right.
    """
    places = len(transcript.channels) if 1 < len(transcript.channels) <= 4 else 0
    yield "WEBVTT\n"
    for cue in make_cues(transcript, style.cues):
        text = "\n".join(_escape(line) for line in cue.lines)
        voice = f"<v {_escape(cue.who)}>" if cue.who and style.names else ""
        yield f"\n{_times(cue, '.')}{_place(cue, places)}\n{voice}{text}\n"


def _place(cue: Cue, places: int) -> str:
    if not places:
        return ""
    # Text is centred by default, and then a position is that of its middle.
    return f" position:{100 * (2 * cue.channel + 1) // (2 * places)}% size:{100 // places}%"


def _escape(text: str) -> str:
    # With every ">" escaped there is no "-->" either.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _times(cue: Cue, point: str) -> str:
    return f"{_time(cue.begin_time, point)} --> {_time(cue.end_time, point)}"


def _time(milliseconds: int, point: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"
