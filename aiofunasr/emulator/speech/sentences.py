"""Join the words of a track's segments to sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve

from aiofunasr.emulator.recognizer import RecognizedSentence, RecognizedWord
from aiofunasr.emulator.speech.words import CJK, TimedWord

_CJK_TERMINAL: Final = frozenset("。？！")  # noqa: RUF001  # these very marks are meant
_TERMINAL: Final = frozenset(".?!…") | _CJK_TERMINAL
_TITLES: Final = frozenset(
    {"mr", "mrs", "ms", "messrs", "mme", "mlle", "dr", "prof", "st", "mt", "rev", "hon", "gov", "sen", "rep"}
    | {"gen", "col", "maj", "capt", "lt", "sgt", "vs", "viz", "cf", "e.g", "i.e"}
)
"""A full stop after one of these never ends a sentence: something has to follow."""
_NUMBERED: Final = frozenset(["no", "nos", "vol", "fig", "p", "pp", "ch", "sec", "art"])
"""Abbreviations only before a number: "No." is an answer, "No. 5" is not."""
_INITIAL: Final = re.compile(r"[A-HJ-Z]|(?:[A-Z]\.)+[A-Z]")
"""J. or J.R.R. before a name; not I, which can end a sentence."""
_OPENING: Final = "\"'“‘([{"  # noqa: RUF001  # these very marks are meant
_LONG_PAUSE_MS: Final = 2500
"""Nobody goes on with a sentence after a silence of this length, whatever the marks say."""
_LONG_SENTENCE_MS: Final = 30_000
"""A sentence as long as this ends with its segment: an engine that writes no full stops would never end one."""


class SentenceBuilder:
    """Collect a track's words, segment by segment, and cut them into sentences.

    An engine ends every segment as if it were the end of a sentence. Where a segment follows without a long
    pause, and goes on with a small letter or after a text without a full stop, the sentence goes on too, and
    a full stop that the cut made up is taken out.
    """

    def __init__(self) -> None:
        self._words: list[TimedWord] = []

    def add(self, words: Sequence[TimedWord]) -> Iterator[RecognizedSentence]:
        """Take the next segment's words and give out the sentences that are complete."""
        if not words:
            return
        if self._words:
            last = self._words[-1]
            length = last.end_ms - self._words[0].begin_ms
            joined = words[0].begin_ms - last.end_ms < _LONG_PAUSE_MS and length < _LONG_SENTENCE_MS
            if joined and _ends_text(last) and _starts_small(words[0]):
                last = evolve(last, marks=last.marks.rstrip(".?!"))
            elif not joined or _ends_text(last):
                yield from self.finish()
            if self._words:
                self._words[-1] = evolve(last, spaced=not CJK.match(last.text[-1]))
        self._words.extend(words)
        start = 0
        for number in range(1, len(self._words)):
            if _ends_sentence(self._words[number - 1], self._words[number]):
                yield _sentence(self._words[start:number])
                start = number
        self._words = self._words[start:]

    def finish(self) -> Iterator[RecognizedSentence]:
        """End the track and give out the last sentence."""
        if self._words:
            yield _sentence(self._words)
            self._words = []


def _sentence(words: Sequence[TimedWord]) -> RecognizedSentence:
    recognized = tuple(_word(word, last=word is words[-1]) for word in words)
    return RecognizedSentence(
        begin_ms=words[0].begin_ms,
        end_ms=words[-1].end_ms,
        text="".join(word.text + word.punctuation for word in recognized),
        words=recognized,
    )


def _word(word: TimedWord, *, last: bool) -> RecognizedWord:
    """Put the space where the service puts it: after the mark, or after the word if there is none."""
    space = " " if word.spaced and not last else ""
    if word.marks:
        return RecognizedWord(word.begin_ms, word.end_ms, word.text, word.marks + space)
    return RecognizedWord(word.begin_ms, word.end_ms, word.text + space)


def _ends_text(word: TimedWord) -> bool:
    return not _TERMINAL.isdisjoint(word.marks)


def _starts_small(word: TimedWord) -> bool:
    return next((letter.islower() for letter in word.text if letter.isalnum()), False)


def _ends_sentence(word: TimedWord, following: TimedWord) -> bool:
    """Say whether a sentence ends between two words of one segment."""
    if not _CJK_TERMINAL.isdisjoint(word.marks):
        return True
    if _TERMINAL.isdisjoint(word.marks) or not word.spaced or _starts_small(following):
        return False
    if word.marks != ".":
        return True
    bare = word.text.lstrip(_OPENING).lower()
    if bare in _TITLES or _INITIAL.fullmatch(word.text):
        return False
    return not (bare in _NUMBERED and following.text[:1].isdigit())
