"""SubRip and WebVTT."""

from __future__ import annotations

from aiofunasr.export.cues import Cue, CueRules, make_cues
from aiofunasr.results import Transcript


def render_srt(transcript: Transcript, rules: CueRules | None = None) -> str:
    """Write a transcript as SubRip subtitles.

    Where several speak, the text says who does when that changes. SubRip has no escapes: `-->` in a text, which
    readers take for a line of times, is written as an arrow; everything else stays.
    """
    return "\n".join(
        f"{number}\n{_times(cue, ',')}\n" + "\n".join(cue.lines).replace("-->", "\u2192") + "\n"
        for number, cue in enumerate(make_cues(transcript, rules, label=True), 1)
    )


def render_vtt(transcript: Transcript, rules: CueRules | None = None) -> str:
    """Write a transcript as WebVTT; where several speak, each is a voice."""
    blocks = ["WEBVTT\n"]
    for cue in make_cues(transcript, rules):
        text = "\n".join(_escape(line) for line in cue.lines)
        voice = f"<v {_escape(cue.who)}>" if cue.who else ""
        blocks.append(f"{_times(cue, '.')}\n{voice}{text}\n")
    return "\n".join(blocks)


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
