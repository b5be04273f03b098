"""Find where a hot word was nearly heard: by letters and by sound, within what its weight allows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from attrs import frozen

from aiofunasr.emulator.recognizer import HotWord
from aiofunasr.emulator.sounds import distance, plain_letters, sound_of, weight_of

_NEARNESS: Final = {1: 0.12, 2: 0.17, 3: 0.24, 4: 0.31, 5: 0.37, 50: 0.45}
"""Weight to the part of a word that may differ, sound and letters taken together.

In 4600 words of prose that mean none of them, 20 names took the place of 7 at weight 4, which is advised (most of those
"torch", by PyTorch), of 13 at 5, and of none at 3.
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
_VOWEL_SLACK: Final = 0.5
"""The one vowel that counts half among letters is `a`."""
_REMEMBERED: Final = 4096


_SPACELESS: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
"""A character of a script without spaces."""


@frozen
class Target:
    """A hot word ready to be compared, divided in the words that it is written as."""

    words: tuple[str, ...]
    letters: str
    sound: str
    limit: float
    is_spaceless: bool
    alphabet: int


@frozen
class Match:
    """A run of words, from `first` to before `end`, that a hot word is to take the place of; how far it is from it."""

    first: int
    end: int
    target: Target
    far: float

    def is_part_of(self, other: Match) -> bool:
        """Tell whether this is a hot word within the phrase of the other, said within it."""
        is_within = other.first <= self.first and self.end <= other.end
        return is_within and self.target.letters != other.target.letters and self.target.letters in other.target.letters


class HotWordFinder:
    """The hot words of one file, ready to be looked for."""

    def __init__(self, hot_words: Iterable[HotWord], languages: Collection[str] = ()) -> None:
        """Prepare the words; those meant for another language than the file's are left out, where that is known."""
        self._targets = [
            _target(word)
            for word in hot_words
            if plain_letters(word.text) and (not languages or word.lang is None or _base(word.lang) in languages)
        ]
        self._most_words = max((len(target.words) for target in self._targets), default=0) + _EXTRA_WORDS
        self._nearest = lru_cache(_REMEMBERED)(self._find_nearest)

    def find(self, words: Sequence[str], breaks: Sequence[bool]) -> list[Match]:
        """Return the runs to replace, in order, none over another.

        `breaks` says after which words no name goes on. A phrase goes before the hot words in it. Else the nearest come
        first, and of those the longest; what they leave over may still be another's.
        """
        if not self._targets:
            return []
        letters = [plain_letters(word) for word in words]
        everything = list(self._matches(letters, breaks))
        found = [match for match in everything if not any(match.is_part_of(other) for other in everything)]
        found.sort(key=lambda match: (match.far, match.first - match.end, match.first))
        taken: set[int] = set()
        chosen: list[Match] = []
        for match in found:
            places = range(match.first, match.end)
            if taken.isdisjoint(places):
                taken.update(places)
                chosen.append(match)
        return sorted(chosen, key=lambda match: match.first)

    def _matches(self, letters: Sequence[str], breaks: Sequence[bool]) -> Iterator[Match]:
        for first in range(len(letters)):
            for end in range(first + 1, min(len(letters), first + self._most_words) + 1):
                found = self._nearest(tuple(letters[first:end]))
                if found is not None:
                    yield Match(first, end, *found)
                if breaks[end - 1]:
                    break

    def _find_nearest(self, run: tuple[str, ...]) -> tuple[Target, float] | None:
        letters = "".join(run)
        alphabet = _alphabet(letters)
        best: tuple[Target, float] | None = None
        for target in self._targets:
            # Every letter that one of them lacks costs a change, or half of one: that alone rules most of them out.
            most = _EITHER * target.limit * len(target.letters)
            if abs(len(letters) - len(target.letters)) > 2 * most:
                continue
            lacking = max((target.alphabet & ~alphabet).bit_count(), (alphabet & ~target.alphabet).bit_count())
            if lacking > most + _VOWEL_SLACK:
                continue
            far = _distance(letters, run, target)
            if far <= target.limit and (best is None or far < best[1]):
                best = target, far
        return best


def _target(word: HotWord) -> Target:
    letters = plain_letters(word.text)
    sound = sound_of(letters)
    is_spaceless = bool(_SPACELESS.search(word.text))
    weight = max(known for known in _NEARNESS if known <= max(word.weight, 1))
    limit = _CHARACTERS[weight] if is_spaceless else _NEARNESS[weight]
    if not is_spaceless and weight_of(sound) <= _LEAST_SOUND:
        limit = 0.0
    # A script without spaces is divided into its characters, as recognizers may divide it anywhere.
    words = tuple(word.text.replace(" ", "") if is_spaceless else word.text.split())
    return Target(words, letters, sound, limit, is_spaceless, _alphabet(letters))


def _alphabet(letters: str) -> int:
    """Return the letters that occur, as bits; characters beyond 64 kinds share some."""
    found = 0
    for letter in letters:
        found |= 1 << ord(letter) % 64
    return found


def _distance(letters: str, run: tuple[str, ...], target: Target) -> float:
    """Return the part of the target's sound in which a run of words differs, 0 for the same letters."""
    if letters == target.letters:
        return 0.0
    if not target.limit or len(run) > len(target.words) + _EXTRA_WORDS or all(word in _COMMON for word in run):
        return float("inf")
    if target.is_spaceless:
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


def _base(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]
