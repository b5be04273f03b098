"""How alike two words sound, going by how English spells them: for names that an engine nearly heard."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_VOWEL: Final = "a"
_GROUPS: Final = {
    "^kn": "n", "^gn": "n", "^ps": "s", "^wr": "r", "^x": "s",
    "tch": "C", "ch": "C", "sh": "X", "ti(?=[ao])": "X", "ph": "f", "gh": "", "dg": "J", "j": "J", "g(?=[eiy])": "J",
    "th": "T", "ck": "k", "c(?=[eiy])": "s", "c": "k", "qu": "kw", "q": "k", "x": "ks", "z": "z", "wh": "w",
    "(?<=[a-z])h": "", "(?<=[^aeiou])e$": "", "[aeiou][aeiouyw]*": _VOWEL, "(?<=[a-z])y": _VOWEL,
}  # fmt: skip
"""Groups of letters, the longer ones first, and the sound they most often stand for; other letters are their own."""
_GROUP: Final = re.compile("|".join(f"(?P<g{number}>{pattern})" for number, pattern in enumerate(_GROUPS)))
_SOUNDS: Final = tuple(_GROUPS.values())
_TWICE: Final = re.compile(r"(.)\1+")
_KIN: Final = frozenset(
    frozenset(pair)
    for pair in "bp bv fv pf dt dT tT sT fT gk gJ sz sX zJ CJ CX JX Ct mn lr vw ks".split()  # noqa: SIM905
)
"""Consonants that differ in voice alone, or are easily taken for each other."""
_HALF: Final = 0.5
"""What a vowel counts, and the difference between two of a kin; any other letter counts 1."""
_REMEMBERED: Final = 4096


def plain_letters(text: str) -> str:
    """Return the letters and digits of a text in lower case, without accents and with nothing between them."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in folded if character.isalnum())


@lru_cache(_REMEMBERED)
def sound_of(letters: str) -> str:
    """Return roughly what `plain_letters` sound like: a sign for each consonant, and `a` for any vowels."""
    return _TWICE.sub(r"\1", _GROUP.sub(_sound, _TWICE.sub(r"\1", letters)))


def _sound(match: re.Match[str]) -> str:
    group = match.lastgroup
    return "" if group is None else _SOUNDS[int(group[1:])]


def weight_of(sound: str) -> float:
    """Return how much a sound counts in all."""
    return len(sound) - _HALF * sound.count(_VOWEL)


def distance(one: str, other: str, limit: float) -> float:
    """Return what it costs to turn one sound into the other, or infinity if that is more than `limit`."""
    if abs(weight_of(one) - weight_of(other)) > limit:
        return float("inf")
    before = [0.0]
    for there in other:
        before.append(before[-1] + _cost(there))
    for here in one:
        now = [before[0] + _cost(here)]
        for place, there in enumerate(other):
            swap = 0.0 if here == there else _exchange(here, there)
            now.append(min(before[place] + swap, before[place + 1] + _cost(here), now[place] + _cost(there)))
        if min(now) > limit:
            return float("inf")
        before = now
    return before[-1] if before[-1] <= limit else float("inf")


def _cost(sign: str) -> float:
    return _HALF if sign == _VOWEL else 1.0


def _exchange(here: str, there: str) -> float:
    return _HALF if frozenset((here, there)) in _KIN else 1.0
