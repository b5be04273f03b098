"""What characters are to a reader: how wide, and where a line may break between them.

A small part of the Unicode line breaking rules, enough for subtitles: lines break at spaces, and in scripts written
without spaces between characters, but not before a closing mark or after an opening one.
"""

from __future__ import annotations

import re
from unicodedata import category, east_asian_width

_NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SPACES = re.compile(r"\s+")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_NEVER_FIRST = frozenset({"Pe", "Pf", "Po", "Pd", "Lm", "Mn", "Mc", "Me"})
_NEVER_LAST = frozenset({"Ps", "Pi"})
_PART_OF_THE_LAST = frozenset({"Mn", "Mc", "Me", "Cf", "Sk"})
_ZERO_WIDTH_JOINER = "\u200d"


def clean(text: str) -> str:
    """Return a text on one line: control characters gone, each run of white space one space."""
    return _SPACES.sub(" ", _NOT_SHOWN.sub(" ", text)).strip()


def width(text: str) -> int:
    """Count the columns a text takes: two for a wide character, none for a mark on another."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def may_break(before: str, after: str) -> bool:
    """Tell whether a line may break between two neighbours of a text.

    Korean is wide but has spaces, and breaks there.
    """
    if before.isspace():
        return not after.isspace()
    if after.isspace() or category(after) in _NEVER_FIRST or category(before) in _NEVER_LAST:
        return False
    return not joins(before, after) and (_stands_alone(before) or _stands_alone(after))


def joins(before: str, after: str) -> bool:
    """Tell whether two neighbours are one character to a reader, and must never be torn apart."""
    return category(after) in _PART_OF_THE_LAST or _ZERO_WIDTH_JOINER in (before, after)


def _stands_alone(character: str) -> bool:
    return east_asian_width(character) in "WF" and _HANGUL.match(character) is None


def join_sentences(first: str, second: str) -> str:
    """Put two sentences next to each other, with a space unless the script has none."""
    if not first or not second:
        return first or second
    return first + ("" if _stands_alone(first[-1]) or _stands_alone(second[0]) else " ") + second
