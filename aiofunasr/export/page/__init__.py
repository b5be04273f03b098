"""A page to look at: the transcript in one file, which plays the recording and goes along with it, word by word.

The page asks no network for anything. Its policy forbids all of it but the recording, which it does not load before it
is played if that is elsewhere. What it shows and does lies beside this module, one idea a file.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from urllib.parse import SplitResult, unquote, urlsplit

from attrs import frozen

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


@frozen
class _Turn:
    """A paragraph as the page has it; the words it was made of are not kept."""

    begin_time: int
    end_time: int
    voice: int
    who: str
    text: str
    words: str
    count: int


def html(transcript: Transcript, style: Style) -> Iterator[str]:
    """Write a transcript as a page of its own.

    Raises:
        InvalidArgumentError: `style.audio` is no URL a page can play.
    """
    audio = _audio_of(transcript) if style.audio is None else style.audio
    policy = _policy(_look(), _script(), audio)
    turns = [_turn(paragraph) for paragraph in paragraphs(transcript)]
    names = {turn.voice: turn.who for turn in turns}
    duration = max([transcript.duration or 0, *(turn.end_time for turn in turns), 1])
    parts: dict[str, Iterable[str]] = {
        "policy": [escape(policy)],
        "title": [escape(_title(transcript))],
        "summary": [escape(_summary(turns, len(names), duration))],
        "legend": [_legend(turns, names)],
        "turns": _paragraphs(turns, many=len(names) > 1),
        "audio": [_audio(audio)],
        "times": _times(turns, duration),
        "style": [_look()],
        "script": [_script()],
    }
    for part in _template():
        yield from parts.get(part, [part])


def _turn(paragraph: Paragraph) -> _Turn:
    first = paragraph.utterances[0]
    return _Turn(
        paragraph.begin_time,
        _end(paragraph),
        first.voice,
        paragraph.who,
        paragraph.text,
        json.dumps(packed_words(paragraph), separators=(",", ":")),
        sum(len(utterance.sentence.words) for utterance in paragraph.utterances),
    )


@cache
def _template() -> list[str]:
    """Return the frame of the page: what stands in it as it is, and in between the names of what does not."""
    return re.split(r"\$([a-z]+)", _file("template.html"))


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


def _summary(turns: Sequence[_Turn], voices: int, duration: int) -> str:
    words = sum(turn.count for turn in turns)
    parts = [clock(duration)]
    if voices > 1:
        parts.append(f"{voices} voices")
    if words:
        parts.append(f"{words:,} words" if words != 1 else "1 word")
    return " \u00b7 ".join(parts)


def _legend(turns: Sequence[_Turn], names: dict[int, str]) -> str:
    if len(names) < 2:
        return ""
    spoken = dict.fromkeys(names, 0)
    for turn in turns:
        spoken[turn.voice] += turn.end_time - turn.begin_time
    buttons = "".join(
        f'<button type="button" class="v{voice % _COLORS}" value="{voice}" aria-pressed="false"'
        f' title="Show what {escape(name)} says">{escape(name)} <small>{clock(spoken[voice])}</small></button>'
        for voice, name in sorted(names.items())
    )
    return f'<div class="legend" role="group" aria-label="Who speaks">{buttons}</div>'


def _paragraphs(turns: Sequence[_Turn], *, many: bool) -> Iterator[str]:
    if not turns:
        yield '<p class="empty">Nothing was said.</p>'
    last = None
    for turn in turns:
        begins = many and turn.voice != last
        who = f'<span class="who">{escape(turn.who)}</span>' if begins else ""
        kinds = f"turn v{turn.voice % _COLORS}" if many else "turn solo"
        time = clock(turn.begin_time)
        mirrored = ' dir="rtl"' if runs_right_to_left(turn.text) else ""
        yield (
            f'<div class="{kinds}{" first" if begins else ""}"{mirrored}><div class="head">{who}'
            f'<button type="button" class="time" aria-label="Play from {time}">{time}</button></div>'
            f'<p dir="auto">{escape(turn.text)}</p></div>\n'
        )
        last = turn.voice


def _times(turns: Sequence[_Turn], duration: int) -> Iterator[str]:
    begins = [[turn.begin_time, turn.end_time, turn.voice] for turn in turns]
    yield f'{{"duration":{duration},"turns":{json.dumps(begins, separators=(",", ":"))},"words":['
    for number, turn in enumerate(turns):
        yield f",{turn.words}" if number else turn.words
    yield "]}"


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
