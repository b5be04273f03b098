"""Where the words of a paragraph stand in its text, and when they are said, as few numbers."""

from __future__ import annotations

from aiofunasr.export.paragraphs import Paragraph
from aiofunasr.export.pieces import Span, find_words
from aiofunasr.results import Sentence

_FIRST_OF_TWO = "\U00010000"


def packed_words(turn: Paragraph) -> list[int]:
    """Return four numbers for each word of a paragraph.

    They are the characters between the word before, or the beginning, and this one; its own; the milliseconds from the
    beginning of the word before, or of the paragraph, to its own; and how long it takes. Characters are counted as
    JavaScript does. A sentence without words is one word.
    """
    spans: list[Span] = []
    for number, utterance in enumerate(turn.utterances):
        stop = turn.starts[number + 1] if number + 1 < len(turn.starts) else len(turn.text)
        spans += _spans(turn.text[:stop], utterance.sentence, turn.starts[number])
    numbers: list[int] = []
    at, now = 0, turn.begin_time
    for span in spans:
        begin, end = round(span.begin_time), round(span.end_time)
        numbers += [
            _units(turn.text[at : span.start]),
            _units(turn.text[span.start : span.stop]),
            begin - now,
            end - begin,
        ]
        at, now = span.stop, begin
    return numbers


def _spans(text: str, sentence: Sentence, start: int) -> list[Span]:
    whole = Span(start, len(text.rstrip()), sentence.begin_time, max(sentence.begin_time, sentence.end_time))
    return find_words(text, sentence, start) or [whole]


def _units(text: str) -> int:
    return len(text) + sum(character >= _FIRST_OF_TWO for character in text)
