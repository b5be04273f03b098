"""Text as a reader sees it: what stands on its own, and how many columns it takes.

A small part of the Unicode rules for grapheme clusters, with the two that subtitles need beside: emoji joined into one
picture stay whole, and a Thai or Lao vowel that is written before its consonant stays with it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from unicodedata import category, east_asian_width

_PART_OF_THE_LAST = frozenset({"Mn", "Mc", "Me", "Cf", "Sk"})
_ZERO_WIDTH_JOINER = "\u200d"
_FLAG_LETTERS = ("\U0001f1e6", "\U0001f1ff")
_WRITTEN_AFTER = frozenset("\u0e33\u0eb3")
"""Thai and Lao AM: letters by category, and yet part of the character before."""
_WRITTEN_BEFORE = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
"""Thai and Lao vowels that stand before the consonant they are spoken after."""

# Where none of these is in a text, each character stands on its own.
_MAY_JOIN = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u07fd\u0816-\u1cff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u20d0-\u20f0\u2cef-\u2cf1\u2de0-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\ua8ff\ua926-\uabff\ufb1e\ufe00-\ufe0f"
    "\ufe20-\ufe2f\ufeff\U00010000-\U0010ffff]"
)


def joins(before: str, after: str) -> bool:
    """Tell whether two neighbours are part of one character to a reader; flags are looked at in `boundaries`."""
    if category(after) in _PART_OF_THE_LAST or after in _WRITTEN_AFTER or _ZERO_WIDTH_JOINER in (before, after):
        return True
    return before in _WRITTEN_BEFORE and category(after) == "Lo" and after not in _WRITTEN_BEFORE


def boundaries(text: str) -> list[int]:
    """Return where each character of a reader begins in a text, its end as well.

    >>> boundaries("e\u0301a"), boundaries("")
    ([0, 2, 3], [0])
    """
    if _MAY_JOIN.search(text) is None:
        return list(range(len(text) + 1))
    found, flags = [0], 0
    for at in range(1, len(text)):
        flags = flags + 1 if _is_flag_letter(text[at - 1]) else 0
        second_of_a_flag = flags % 2 == 1 and _is_flag_letter(text[at])
        if not second_of_a_flag and not joins(text[at - 1], text[at]):
            found.append(at)
    return [*found, len(text)] if text else found


def _is_flag_letter(character: str) -> bool:
    return _FLAG_LETTERS[0] <= character <= _FLAG_LETTERS[1]


def width(text: str) -> int:
    """Count the columns a text takes: two for a wide character, none for a mark on another, two at most for a picture.

    >>> width("abc"), width("\u4f60\u597d"), width("\U0001f469\u200d\U0001f680")
    (3, 4, 2)
    """
    if text.isascii():
        return len(text)
    if _MAY_JOIN.search(text) is None:
        return sum(map(_columns, text))
    places = boundaries(text)
    return sum(min(2, sum(map(_columns, text[a:b]))) for a, b in pairwise(places))


@lru_cache(maxsize=8192)
def _columns(character: str) -> int:
    if category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
