"""TextGrid, for Praat and what reads its files: tiers of intervals, sentences and words of each who speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from aiofunasr.export.characters import clean
from aiofunasr.export.style import Style
from aiofunasr.export.utterances import utterances
from aiofunasr.results import Transcript

_Interval = tuple[int, int, str]
"""Begin, end, text. There are very many, and plain tuples of those are nothing to the garbage collector."""


def textgrid(transcript: Transcript, style: Style) -> Iterator[str]:
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
        sentences.append((sentence.begin_time, sentence.end_time, clean(sentence.text)))
        words += [(word.begin_time, word.end_time, clean(word.text)) for word in sentence.words]
    named: dict[str, list[_Interval]] = {}
    for who, (sentences, words) in tiers.items():
        named[who or "sentences"] = _in_line(sentences)
        if any(text for _, _, text in words):
            named[f"{who} - words" if who else "words"] = _in_line(words)
    # A grid without tiers cannot be opened.
    named = named or {"sentences": []}
    ends = [intervals[-1][1] for intervals in named.values() if intervals]
    end = max([transcript.duration or 0, *ends, 1])
    head = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_seconds(end)}",
        "tiers? <exists>",
        f"size = {len(named)}",
        "item []:",
    ]
    yield from (f"{line}\n" for line in head)
    for number, (name, intervals) in enumerate(named.items(), 1):
        yield from (f"{line}\n" for line in _tier(number, name, intervals, end))


def _in_line(intervals: Iterable[_Interval]) -> list[_Interval]:
    """Put intervals one behind the other; those without a text are left out."""
    placed: list[_Interval] = []
    at = 0
    for begin, end, text in sorted(intervals, key=lambda interval: interval[0]):
        if text:
            placed.append((max(begin, at), max(end, max(begin, at) + 1), text))
            at = placed[-1][1]
    return placed


def _without_holes(intervals: Iterable[_Interval], end: int) -> Iterator[_Interval]:
    at = 0
    for interval in intervals:
        if interval[0] > at:
            yield at, interval[0], ""
        yield interval
        at = interval[1]
    if at < end:
        yield at, end, ""


def _tier(number: int, name: str, intervals: Sequence[_Interval], end: int) -> Iterator[str]:
    yield f"    item [{number}]:"
    yield '        class = "IntervalTier"'
    yield f"        name = {_quoted(name)}"
    yield "        xmin = 0"
    yield f"        xmax = {_seconds(end)}"
    yield f"        intervals: size = {sum(1 for _ in _without_holes(intervals, end))}"
    for place, (begin_time, end_time, text) in enumerate(_without_holes(intervals, end), 1):
        yield f"        intervals [{place}]:"
        yield f"            xmin = {_seconds(begin_time)}"
        yield f"            xmax = {_seconds(end_time)}"
        yield f"            text = {_quoted(text)}"


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03}" if milliseconds % 1000 else str(milliseconds // 1000)
