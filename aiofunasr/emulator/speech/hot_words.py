"""Put hot words where they were nearly heard (the protocol notes, section 9).

The service biases its decoder. The engines here have no such handle, so what they heard is compared with the hot words
by sound: a word, or a few in a row, that is near enough to one becomes it. How near depends on its weight.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Final

from attrs import evolve, frozen

from aiofunasr.emulator.recognizer import HotWord
from aiofunasr.emulator.speech.activity import Region
from aiofunasr.emulator.speech.sounds import distance, plain_letters, sound_of, weight_of
from aiofunasr.emulator.speech.words import CJK, TimedWord, estimate_times, split_words

_NEARNESS: Final = {1: 0.12, 2: 0.17, 3: 0.24, 4: 0.31, 5: 0.37, 50: 0.45}
"""Weight to the part of a word that may differ, sound and letters taken together.

In 4500 words of prose that mean none of them, 20 names took the place of 8 at weight 4, which is advised (half of those
"torch", by PyTorch), of 15 at 5, and of none at 3.
"""
_CHARACTERS: Final = {1: 0.0, 2: 0.2, 3: 0.25, 4: 0.34, 5: 0.4, 50: 0.5}
"""The same for Chinese: from 4 on, one character of three."""
_EITHER: Final = 1.4
"""How much farther sound or letters alone may be, the other being nearer."""
_EXTRA_WORDS: Final = 2
"""An engine that does not know a name may hear it as so many more words than it has."""
_LEAST_SOUND: Final = 2.5
"""What sounds of no more than this, three letters, stands for many words: such a hot word has to be heard as it is."""
_COMMON: Final = frozenset(
    """
    a about after again all also am an and any are as ask at away back be because been before but by
    call came can come could day did do does done down each even every find first for from gave get give
    go goes good got great had has have he hear heard her here him his how i if in into is it its just
    keep kind know last let life like little long look made make man many may me men might more most
    much must my name never new no not now of off old on once one only or other our out over own part
    people place put right said same saw say see seem she should since so some such take tell than that
    the their them then there these they thing think this those thought three through time to together
    told too took two under up upon us use very want was way we well went were what when where which
    while who whole whom why will with without word work world would year yes yet you young your
    """.split()  # noqa: SIM905  # a list of 200 would be one word a line
)
"""Words that are heard right far more often than they hide a name: none of them becomes a hot word alone."""
_REMEMBERED: Final = 4096


@frozen
class _Target:
    text: str
    letters: str
    sound: str
    words: int
    limit: float
    is_cjk: bool
    alphabet: int


@frozen
class _Match:
    first: int
    end: int
    target: _Target
    far: float


class HotWords:
    """The hot words of one file, ready to be looked for."""

    def __init__(self, hot_words: Sequence[HotWord], languages: Collection[str] = ()) -> None:
        """Prepare the words; those meant for another language than the file's are left out, where that is known."""
        self._targets = [
            _target(word)
            for word in hot_words
            if plain_letters(word.text) and (not languages or word.lang is None or _base(word.lang) in languages)
        ]
        self._most_words = max((target.words for target in self._targets), default=0) + _EXTRA_WORDS
        self._nearest = lru_cache(_REMEMBERED)(self._find_nearest)

    def apply(self, words: Sequence[TimedWord]) -> list[TimedWord]:
        """Return the words of a segment with hot words in place of what is near to them."""
        if not self._targets:
            return list(words)
        # The nearest first, and of those the longest; what is left over may still be another's.
        matches = sorted(self._matches(words), key=lambda match: (match.far, match.first - match.end, match.first))
        taken: dict[int, _Match] = {}
        for match in matches:
            if not any(place in taken for place in range(match.first, match.end)):
                taken.update(dict.fromkeys(range(match.first, match.end), match))
        return [new for place, word in enumerate(words) for new in _replaced(words, place, word, taken.get(place))]

    def _matches(self, words: Sequence[TimedWord]) -> Iterator[_Match]:
        for first in range(len(words)):
            for end in range(first + 1, min(len(words), first + self._most_words) + 1):
                run = words[first:end]
                found = self._nearest(tuple(plain_letters(word.text) for word in run))
                if found is not None:
                    yield _Match(first, end, *found)
                # No name goes on after a mark, save the hyphen that an engine may see in it.
                if run[-1].marks.strip("-"):
                    break

    def _find_nearest(self, run: tuple[str, ...]) -> tuple[_Target, float] | None:
        letters = "".join(run)
        alphabet = _alphabet(letters)
        best: tuple[_Target, float] | None = None
        for target in self._targets:
            # Every letter that one of them lacks costs a change: this alone rules most of them out.
            lacking = max((target.alphabet & ~alphabet).bit_count(), (alphabet & ~target.alphabet).bit_count())
            if lacking > _EITHER * target.limit * len(target.letters):
                continue
            far = _distance(letters, run, target)
            if far <= target.limit and (best is None or far < best[1]):
                best = target, far
        return best


def _target(word: HotWord) -> _Target:
    letters = plain_letters(word.text)
    sound = sound_of(letters)
    is_cjk = bool(CJK.search(word.text))
    weight = max(known for known in _NEARNESS if known <= max(word.weight, 1))
    limit = _CHARACTERS[weight] if is_cjk else _NEARNESS[weight]
    if not is_cjk and weight_of(sound) <= _LEAST_SOUND:
        limit = 0.0
    return _Target(word.text, letters, sound, len(split_words(word.text)), limit, is_cjk, _alphabet(letters))


def _alphabet(letters: str) -> int:
    """Return the letters that occur, as bits; characters beyond 64 kinds share some."""
    found = 0
    for letter in letters:
        found |= 1 << ord(letter) % 64
    return found


def _distance(letters: str, run: tuple[str, ...], target: _Target) -> float:
    """Return the part of the target's sound in which a run of words differs, 0 for the same letters."""
    if letters == target.letters:
        return 0.0
    if not target.limit or len(run) > target.words + _EXTRA_WORDS or all(word in _COMMON for word in run):
        return float("inf")
    if target.is_cjk:
        return _characters_apart(letters, target.letters)
    # What is right in itself, with an ending or beside another word, is not a slip.
    if any(word == target.letters for word in run) or letters in {target.letters + "s", target.letters + "es"}:
        return float("inf")
    most = _EITHER * target.limit
    by_letters = distance(letters, target.letters, most * len(target.letters)) / len(target.letters)
    if by_letters > most:
        return float("inf")
    by_sound = distance(sound_of(letters), target.sound, most * weight_of(target.sound)) / weight_of(target.sound)
    # Nothing is as good as the very letters.
    return max((by_sound + by_letters) / 2, 0.01)


def _characters_apart(letters: str, wanted: str) -> float:
    """Return the part of the characters that differ: what sounds the same is often written with another one."""
    if len(letters) != len(wanted):
        return float("inf")
    return sum(here != there for here, there in zip(letters, wanted, strict=True)) / len(wanted)


def _replaced(words: Sequence[TimedWord], place: int, word: TimedWord, match: _Match | None) -> Sequence[TimedWord]:
    """Return what stands in a word's place: itself, the whole hot word for the first of a run, or nothing."""
    if match is None:
        return [word]
    if place != match.first:
        return []
    last = words[match.end - 1]
    text = match.target.text
    # A sentence still begins with a capital.
    if word.text[:1].isupper() and text[:1].islower():
        text = text[:1].upper() + text[1:]
    new = estimate_times(split_words(text), [Region(word.begin_ms, max(last.end_ms, word.begin_ms + 1))])
    new[-1] = evolve(new[-1], marks=new[-1].marks + last.marks, spaced=last.spaced, end_ms=last.end_ms)
    return new


def _base(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]
