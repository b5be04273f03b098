"""Advanced SubStation Alpha: subtitles with a colour for each who speaks.

Written here, because the format asks for no more than a head and a line for each cue; a library for it would be one
more dependency for what is below.
"""

from __future__ import annotations

from collections.abc import Iterator

from aiofunasr.export.cues import Cue, make_cues
from aiofunasr.export.style import Style
from aiofunasr.results import Transcript

_COLORS = ("FFFFFF", "7FE5FF", "FFD68A", "A8F0A0", "E8B4FF", "9FB8FF", "FFF3A0", "C8C8C8")
"""Blue, green, red, in hexadecimal digits, as the format has them; one after the other for each voice."""
_BRACES = str.maketrans("{}", "\u2774\u2775")
_WORD_JOINER = "\u2060"

_HEAD = """[Script Info]
ScriptType: v4.00+
WrapStyle: 2
ScaledBorderAndShadow: yes
PlayResX: 1920
PlayResY: 1080

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
"""

_EVENTS = """
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def ass(transcript: Transcript, style: Style) -> Iterator[str]:
    """Write a transcript as ASS subtitles: each voice is a style of its own, named, with a colour.

    Times are hundredths of a second. The format has no escapes every player knows: braces become ornaments (U+2774,
    U+2775), and an invisible word joiner (U+2060) follows a backslash.
    """
    cues = make_cues(transcript, style.cues)
    voices = {_name(cue, style): cue.voice for cue in reversed(cues)} or {"Default": 0}
    yield _HEAD
    yield from (_style(name, voice) for name, voice in sorted(voices.items(), key=lambda each: each[1]))
    yield _EVENTS
    yield from (_line(cue, _name(cue, style)) for cue in cues)


def _name(cue: Cue, style: Style) -> str:
    # Fields end at commas.
    return (cue.who.replace(",", "") if style.names else "") or "Default"


def _style(name: str, voice: int) -> str:
    color = f"&H00{_COLORS[voice % len(_COLORS)]}"
    look = "-1,0,0,0,100,100,0,0,1,3,1,2,80,80,60,1"
    return f"Style: {name},Arial,60,{color},{color},&H00000000,&H80000000,{look}\n"


def _line(cue: Cue, name: str) -> str:
    text = r"\N".join(_escape(line) for line in cue.lines)
    return f"Dialogue: 0,{_time(cue.begin_time)},{_time(cue.end_time)},{name},{name},0,0,0,,{text}\n"


def _escape(text: str) -> str:
    return text.translate(_BRACES).replace("\\", f"\\{_WORD_JOINER}")


def _time(milliseconds: int) -> str:
    # Cut off, not rounded, so that what does not overlap stays so.
    seconds, hundredths = divmod(milliseconds // 10, 100)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}.{hundredths:02}"
