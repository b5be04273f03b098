"""A page to look at: the transcript in one file, which plays the recording and goes along with it, word by word.

The page asks no network for anything. Its policy forbids all of it but the recording, which it does not load before it
is played if that is elsewhere. What it shows and does lies beside this module, one idea a file.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from urllib.parse import SplitResult, unquote, urlsplit

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.export.characters import clean, runs_right_to_left
from aiofunasr.export.page.words import packed_words
from aiofunasr.export.paragraphs import Paragraph, paragraphs
from aiofunasr.export.style import Style
from aiofunasr.results import Transcript

_STYLES = ("theme.css", "layout.css", "turns.css", "controls.css")
_SCRIPTS = ("times.js", "text.js", "player.js", "reader.js", "search.js", "timeline.js", "keys.js", "main.js")
_COLORS = 8
_NOT_IN_POLICIES = frozenset(" ;,'\"")
_PLAYED = frozenset({"", "http", "https", "file", "data"})


def render_html(transcript: Transcript, style: Style | None = None) -> str:
    """Write a transcript as a page of its own.

    Raises:
        InvalidArgumentError: `style.audio` is no URL a page can play.
    """
    style = style or Style()
    turns = list(paragraphs(transcript))
    ends = [_end(turn) for turn in turns]
    duration = max([transcript.duration or 0, *ends, 1])
    look, script = _look(), _script()
    audio = _audio_of(transcript) if style.audio is None else style.audio
    names = {turn.utterances[0].voice: turn.who for turn in turns}
    return _template().substitute(
        policy=escape(_policy(look, script, audio)),
        title=escape(_title(transcript)),
        summary=escape(_summary(turns, len(names), duration)),
        legend=_legend(turns, ends, names),
        turns="\n".join(_turns(turns, many=len(names) > 1)) or '<p class="empty">Nothing was said.</p>',
        audio=_audio(audio),
        times=_times(turns, ends, duration),
        style=look,
        script=script,
    )


@cache
def _template() -> Template:
    return Template(_file("template.html"))


@cache
def _look() -> str:
    return "\n" + "".join(map(_file, _STYLES))


@cache
def _script() -> str:
    return '\n(() => {\n"use strict";\n' + "".join(map(_file, _SCRIPTS)) + "})();\n"


def _file(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _policy(look: str, script: str, audio: str | None) -> str:
    """Forbid everything but what is in the page, and what it plays."""
    rules = {
        "default-src": "'none'",
        "script-src": f"'sha256-{_digest(script)}'",
        "style-src": f"'sha256-{_digest(look)}'",
        "img-src": "data:",
        "media-src": f"blob: {_origin(audio)}".rstrip(),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _origin(audio: str | None) -> str:
    if audio is None:
        return ""
    parts = _split(audio)
    if parts.scheme in {"http", "https"}:
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    # A page that was opened from a disk has no origin that "self" could mean.
    return "data:" if parts.scheme == "data" else "'self' file:"


def _split(audio: str) -> SplitResult:
    try:
        parts = urlsplit(audio)
    except ValueError:
        parts = SplitResult("unknown", "", "", "", "")
    if parts.scheme not in _PLAYED or not _NOT_IN_POLICIES.isdisjoint(parts.netloc):
        raise InvalidArgumentError("audio", audio, "a relative path, or an http, https, file or data URL")
    return parts


def _audio_of(transcript: Transcript) -> str | None:
    """Return the URL of the recording without what may be secret in it, or None where a page cannot play it."""
    try:
        parts = urlsplit(transcript.file_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not _NOT_IN_POLICIES.isdisjoint(parts.netloc):
            return None
    except ValueError:
        return None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _audio(audio: str | None) -> str:
    if audio is None:
        return ""
    # Nothing leaves the machine before somebody wants to hear it.
    preload = "none" if audio.startswith(("http:", "https:")) else "metadata"
    return f' preload="{preload}" src="{escape(audio)}"'


def _title(transcript: Transcript) -> str:
    try:
        name = unquote(urlsplit(transcript.file_url).path).rstrip("/").rpartition("/")[2]
    except ValueError:
        name = ""
    return clean(name) or "Transcript"


def _summary(turns: Sequence[Paragraph], voices: int, duration: int) -> str:
    words = sum(len(utterance.sentence.words) for turn in turns for utterance in turn.utterances)
    parts = [clock(duration)]
    if voices > 1:
        parts.append(f"{voices} voices")
    if words:
        parts.append(f"{words:,} words" if words != 1 else "1 word")
    return " \u00b7 ".join(parts)


def _legend(turns: Sequence[Paragraph], ends: Sequence[int], names: dict[int, str]) -> str:
    if len(names) < 2:
        return ""
    spoken = dict.fromkeys(names, 0)
    for turn, end in zip(turns, ends, strict=True):
        spoken[turn.utterances[0].voice] += end - turn.begin_time
    buttons = "".join(
        f'<button type="button" class="v{voice % _COLORS}" value="{voice}" aria-pressed="false"'
        f' title="Show what {escape(name)} says">{escape(name)} <small>{clock(spoken[voice])}</small></button>'
        for voice, name in sorted(names.items())
    )
    return f'<div class="legend" role="group" aria-label="Who speaks">{buttons}</div>'


def _turns(turns: Sequence[Paragraph], *, many: bool) -> Iterator[str]:
    last = None
    for turn in turns:
        voice = turn.utterances[0].voice
        begins = many and voice != last
        who = f'<span class="who">{escape(turn.who)}</span>' if begins else ""
        kinds = f"turn v{voice % _COLORS}" if many else "turn solo"
        time = clock(turn.begin_time)
        mirrored = ' dir="rtl"' if runs_right_to_left(turn.text) else ""
        yield (
            f'<div class="{kinds}{" first" if begins else ""}"{mirrored}><div class="head">{who}'
            f'<button type="button" class="time" aria-label="Play from {time}">{time}</button></div>'
            f'<p dir="auto">{escape(turn.text)}</p></div>'
        )
        last = voice


def _times(turns: Sequence[Paragraph], ends: Sequence[int], duration: int) -> str:
    return json.dumps(
        {
            "duration": duration,
            "turns": [[turn.begin_time, end, turn.utterances[0].voice] for turn, end in zip(turns, ends, strict=True)],
            "words": [packed_words(turn) for turn in turns],
        },
        separators=(",", ":"),
    )


def _end(turn: Paragraph) -> int:
    return max(
        max(utterance.sentence.end_time, *(word.end_time for word in utterance.sentence.words), turn.begin_time + 1)
        for utterance in turn.utterances
    )


def clock(milliseconds: int) -> str:
    """Return a time as the page shows it.

    >>> clock(61_900), clock(3_600_000)
    ('1:01', '1:00:00')
    """
    minutes, seconds = divmod(max(0, milliseconds) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
