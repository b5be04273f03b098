"""What characters are to a line: where it may break between them, and which way it runs.

A small part of the Unicode line breaking rules, enough for subtitles: lines break at spaces, and in scripts written
without spaces between characters, but not before a closing mark or after an opening one.
"""

from __future__ import annotations

import re
from unicodedata import bidirectional, category, east_asian_width

from aiofunasr.export.graphemes import joins

_NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SPACES = re.compile(r"\s+")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_NEVER_FIRST = frozenset({"Pe", "Pf", "Po", "Pd", "Lm", "Mn", "Mc", "Me"})
_NEVER_LAST = frozenset({"Ps", "Pi"})
_SMALL_KANA = frozenset("ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ")
"""Japanese does not begin a line with these."""


def clean(text: str) -> str:
    """Return a text on one line: control characters gone, each run of white space one space."""
    return _SPACES.sub(" ", _NOT_SHOWN.sub(" ", text)).strip()


def may_break(before: str, after: str) -> bool:
    """Tell whether a line may break between two neighbours of a text.

    Korean is wide but has spaces, and breaks there.
    """
    if before.isspace():
        return not after.isspace()
    if after.isspace() or category(after) in _NEVER_FIRST or after in _SMALL_KANA or category(before) in _NEVER_LAST:
        return False
    return (stands_alone(before) or stands_alone(after)) and not joins(before, after)


def stands_alone(character: str) -> bool:
    """Tell whether a character is of a script that is written without spaces, in characters of full width."""
    return east_asian_width(character) in "WF" and _HANGUL.match(character) is None


def is_unspaced(character: str) -> bool:
    """Tell whether a character is Thai, Lao, Burmese or Khmer, where only a dictionary knows where words end."""
    return "\u0e00" <= character <= "\u0eff" or "\u1000" <= character <= "\u109f" or "\u1780" <= character <= "\u17ff"


def is_mostly_wide(text: str) -> bool:
    """Tell whether most characters of a text are of full width, as in Chinese, Japanese and Korean."""
    return not text.isascii() and sum(east_asian_width(character) in "WF" for character in text) * 2 > len(text)


def runs_right_to_left(text: str) -> bool:
    """Tell whether a text begins, after what has no direction, in a script such as Arabic."""
    for character in text:
        direction = bidirectional(character)
        if direction in {"R", "AL"}:
            return True
        if direction == "L":
            return False
    return False


def join_sentences(first: str, second: str) -> str:
    """Put two sentences next to each other, with a space unless the script has none."""
    if not first or not second:
        return first or second
    return first + ("" if stands_alone(first[-1]) or stands_alone(second[0]) else " ") + second
