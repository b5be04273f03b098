"""TextGrid, for Praat and what reads its files: tiers of intervals, sentences and words of each who speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from aiofunasr.export.characters import clean
from aiofunasr.export.style import Style
from aiofunasr.export.utterances import utterances
from aiofunasr.results import Transcript


@frozen
class _Interval:
    begin_time: int
    end_time: int
    text: str


def render_textgrid(transcript: Transcript, style: Style | None = None) -> str:
    """Write a transcript as a TextGrid in its long form, times in seconds.

    Each who speaks has a tier of sentences, with all marks, and one of words without. Praat wants the intervals of a
    tier to follow each other, none empty: what overlaps is moved behind what comes before it, and each lasts a
    millisecond at least.
    """
    del style
    tiers: dict[str, tuple[list[_Interval], list[_Interval]]] = {}
    for utterance in utterances(transcript):
        sentence = utterance.sentence
        sentences, words = tiers.setdefault(utterance.who, ([], []))
        sentences.append(_Interval(sentence.begin_time, sentence.end_time, clean(sentence.text)))
        words += [_Interval(word.begin_time, word.end_time, clean(word.text)) for word in sentence.words]
    named: dict[str, list[_Interval]] = {}
    for who, (sentences, words) in tiers.items():
        named[who or "sentences"] = _in_line(sentences)
        if any(word.text for word in words):
            named[f"{who} - words" if who else "words"] = _in_line(words)
    # A grid without tiers cannot be opened.
    named = named or {"sentences": []}
    ends = [intervals[-1].end_time for intervals in named.values() if intervals]
    end = max([transcript.duration or 0, *ends, 1])
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_seconds(end)}",
        "tiers? <exists>",
        f"size = {len(named)}",
        "item []:",
    ]
    for number, (name, intervals) in enumerate(named.items(), 1):
        lines += _tier(number, name, intervals, end)
    return "\n".join(lines) + "\n"


def _in_line(intervals: Iterable[_Interval]) -> list[_Interval]:
    """Put intervals one behind the other; those without a text are left out."""
    placed: list[_Interval] = []
    at = 0
    for interval in sorted(intervals, key=lambda interval: interval.begin_time):
        if interval.text:
            begin = max(interval.begin_time, at)
            at = max(interval.end_time, begin + 1)
            placed.append(_Interval(begin, at, interval.text))
    return placed


def _without_holes(intervals: Iterable[_Interval], end: int) -> Iterator[_Interval]:
    at = 0
    for interval in intervals:
        if interval.begin_time > at:
            yield _Interval(at, interval.begin_time, "")
        yield interval
        at = interval.end_time
    if at < end:
        yield _Interval(at, end, "")


def _tier(number: int, name: str, intervals: Iterable[_Interval], end: int) -> Iterator[str]:
    filled = list(_without_holes(intervals, end))
    yield f"    item [{number}]:"
    yield '        class = "IntervalTier"'
    yield f"        name = {_quoted(name)}"
    yield "        xmin = 0"
    yield f"        xmax = {_seconds(end)}"
    yield f"        intervals: size = {len(filled)}"
    for place, interval in enumerate(filled, 1):
        yield f"        intervals [{place}]:"
        yield f"            xmin = {_seconds(interval.begin_time)}"
        yield f"            xmax = {_seconds(interval.end_time)}"
        yield f"            text = {_quoted(interval.text)}"


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03}" if milliseconds % 1000 else str(milliseconds // 1000)
