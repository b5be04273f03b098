"""A sentence cut at every place where a line may break, each piece with its time.

The sentence's own text is what is shown, never the words put together again: joined, they rebuild it only nearly (the
protocol notes, section 5.1). The words are found in it one after the other and lend it their times; what lies between
two known places gets its time by its share of the length.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from attrs import frozen

from aiofunasr.export.characters import clean, is_unspaced, may_break
from aiofunasr.export.graphemes import boundaries, joins, width
from aiofunasr.results import Sentence

_FARTHEST = 40
"""How many characters a word may stand after where it is expected; farther on it is another one of the same letters."""


@frozen
class Piece:
    """Some text that stays on one line; `text` keeps the space after it, and only the last piece has none."""

    begin_time: float
    end_time: float
    text: str


@frozen
class Span:
    """A word's place in the clean text of its sentence, and its time in milliseconds."""

    start: int
    stop: int
    begin_time: float
    end_time: float


def cut(sentence: Sentence, columns: int, *, label: str = "") -> list[Piece]:
    """Cut a sentence into pieces of at most `columns`, in order; joined, their texts are the label and the clean text.

    Times never run backwards, whatever the words' are. Words are not cut, unless one is longer than a line. The label
    stays with the first word.
    """
    text = label + clean(sentence.text)
    spans = find_words(text, sentence, len(label))
    breaks = list(_breaks(text, spans, columns, len(label)))
    clock = _Clock(len(text), sentence, spans)
    return [
        Piece(clock.at_start(start), clock.at_stop(start, stop), text[start:stop])
        for start, stop in zip([0, *breaks], [*breaks, len(text)], strict=True)
        if start < stop
    ]


def find_words(text: str, sentence: Sentence, at: int = 0) -> list[Span]:
    """Find the words from a place on, in order; one that is written otherwise in the text is passed over.

    Spans neither overlap nor run backwards in time, whatever the words' times are.
    """
    spans: list[Span] = []
    missed = 0
    now, last = _bounds(sentence)
    for word in sentence.words:
        shown = clean(word.text)
        start = text.find(shown, at, at + missed + _FARTHEST + len(shown)) if shown else -1
        if start < 0:
            missed += len(shown)
            continue
        now = min(max(word.begin_time, now), last)
        end = min(max(word.end_time, now), last)
        spans.append(Span(start, start + len(shown), now, end))
        at, missed, now = start + len(shown), 0, end
    return spans


def _bounds(sentence: Sentence) -> tuple[int, int]:
    begin = max(0, sentence.begin_time)
    return begin, max(begin, sentence.end_time, *(word.end_time for word in sentence.words))


def _breaks(text: str, spans: Sequence[Span], columns: int, label: int) -> Iterator[int]:
    """Go through the places before which a line may break, so that no piece is wider than a line."""
    last = 0
    for at in [*_allowed(text, spans, label + 1), len(text)]:
        if width(text[last:at].rstrip()) > columns:
            yield from _forced(text, last, at, columns)
        if at < len(text):
            yield at
        last = at


def _allowed(text: str, spans: Sequence[Span], first: int) -> Iterator[int]:
    starts = [span.start for span in spans]
    words = frozenset(starts)
    for at in range(first, len(text)):
        before, after = text[at - 1], text[at]
        if may_break(before, after):
            index = bisect_right(starts, at) - 1
            inside = index >= 0 and spans[index].start < at < spans[index].stop and not before.isspace()
            if not inside:
                yield at
        elif at in words and is_unspaced(before) and is_unspaced(after) and not joins(before, after):
            # Thai, Lao, Khmer and Burmese have no spaces, and only a dictionary, or the words, know where words end.
            yield at


def _forced(text: str, start: int, stop: int, columns: int) -> Iterator[int]:
    """Cut what has no place to break, a long address say, where the line is full."""
    used = 0
    places = [start + place for place in boundaries(text[start:stop])]
    for at, end in pairwise(places):
        size = width(text[at:end])
        if used + size > columns and not text[at].isspace():
            yield at
            used = 0
        used += size


class _Clock:
    """Tells the time of a place in a sentence's text."""

    def __init__(self, length: int, sentence: Sentence, spans: Sequence[Span]) -> None:
        begin, end = _bounds(sentence)
        self._spans = spans
        self._starts = [span.start for span in spans]
        self._begin = Span(0, 0, begin, begin)
        self._end = Span(length, length, end, end)

    def at_start(self, place: int) -> float:
        """Return when the text from `place` on begins."""
        index = bisect_right(self._starts, place) - 1
        if index >= 0 and self._spans[index].start == place:
            return self._spans[index].begin_time
        return self._between(index, place)

    def at_stop(self, start: int, stop: int) -> float:
        """Return when the text up to `stop` ends: with the last word that begins in it, if it holds all of it."""
        index = bisect_right(self._starts, stop - 1) - 1
        if index >= 0 and start <= self._spans[index].start and self._spans[index].stop <= stop:
            return self._spans[index].end_time
        return self._between(index, stop)

    def _between(self, index: int, place: int) -> float:
        left = self._spans[index] if index >= 0 else self._begin
        if left.start <= place <= left.stop and left.stop > left.start:
            return _share(place, left.start, left.stop, left.begin_time, left.end_time)
        right = self._spans[index + 1] if index + 1 < len(self._spans) else self._end
        return _share(place, left.stop, right.start, left.end_time, right.begin_time)


def _share(place: int, start: int, stop: int, begin_time: float, end_time: float) -> float:
    if stop <= start:
        return end_time
    return begin_time + (end_time - begin_time) * (place - start) / (stop - start)
