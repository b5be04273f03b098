"""Hot words: what to listen for (the protocol notes, section 9)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self

from attrs import Attribute, field, frozen

from aiofunasr.errors import InvalidArgumentError

MOST_WORDS = 500
"""How many hot words a vocabulary holds."""

DEFAULT_WEIGHT = 4

_LONGEST_TEXT = 15
_LONGEST_PHRASE = 7
_PREFIX = re.compile(r"[0-9a-z]{1,9}")


def _is_text(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise InvalidArgumentError(attribute.name, value, "a non-empty string of one line is needed")
    if value.isascii() and len(value.split()) > _LONGEST_PHRASE:
        raise InvalidArgumentError(attribute.name, value, f"at most {_LONGEST_PHRASE} words are allowed")
    if not value.isascii() and len(value) > _LONGEST_TEXT:
        raise InvalidArgumentError(
            attribute.name, value, f"at most {_LONGEST_TEXT} characters are allowed where not all of them are ASCII"
        )


def _is_weight(_: object, attribute: Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5:
        raise InvalidArgumentError(attribute.name, value, "a whole number from 1 to 5 is needed; 4 is advised")


def _is_language(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and (not isinstance(value, str) or not value.isascii() or not value.isalpha()):
        raise InvalidArgumentError(attribute.name, value, "a language code such as en is needed, or None")


@frozen
class HotWord:
    """A word or phrase to listen for.

    Attributes:
        text: At most 7 words in ASCII, or 15 characters where not all of them are ASCII.
        weight: How much to favour it, 1 to 5; the service advises 4.
        lang: The code of the language it belongs to, such as `en`, or None.

    Raises:
        InvalidArgumentError: A value is out of its range; it names the field.
    """

    text: str = field(validator=_is_text)
    weight: int = field(default=DEFAULT_WEIGHT, validator=_is_weight)
    lang: str | None = field(default=None, validator=_is_language)

    @classmethod
    def as_stored(cls, text: str, weight: int, lang: str | None) -> Self:
        """Make one of what the service holds, whatever its limits are by now."""
        word = cls.__new__(cls)
        for name, value in {"text": text, "weight": weight, "lang": lang}.items():
            object.__setattr__(word, name, value)
        return word

    def as_item(self) -> dict[str, Any]:
        """Return it as the service takes it."""
        item: dict[str, Any] = {"text": self.text, "weight": self.weight}
        return item if self.lang is None else {**item, "lang": self.lang}


GivenWord = HotWord | str | tuple[str, int] | tuple[str, int, str | None] | Mapping[str, Any]
GivenWords = Iterable[GivenWord] | Mapping[str, int]
"""Hot words; strings, `(text, weight)`, `{"text": ..., "weight": ...}`, or all of them as `{text: weight}`."""


@frozen(kw_only=True)
class Vocabulary:
    """A list of hot words at the service.

    Attributes:
        vocabulary_id: Its id, such as `vocab-demo-...`.
        status: `OK` when tasks can use it, `UNDEPLOYED` until then; None where it was not asked for.
        target_model: The only model it has an effect on, or None where it was not asked for, as in a list.
        words: Its hot words; empty where they were not asked for.
        gmt_create: When it was made, as an aware datetime.
        gmt_modified: When it was last changed.
    """

    vocabulary_id: str
    status: str | None = None
    target_model: str | None = None
    words: tuple[HotWord, ...] = field(
        default=(), metadata={"wire": "vocabulary"}, repr=lambda words: f"<{len(words)} words>"
    )
    gmt_create: datetime | None = None
    gmt_modified: datetime | None = None
    extra: Mapping[str, Any] = field(factory=dict, repr=False, hash=False)

    @property
    def is_usable(self) -> bool:
        """Whether the service said that tasks can use it."""
        return self.status == "OK"

    def __str__(self) -> str:
        return self.vocabulary_id


def hot_words(given: GivenWords) -> tuple[HotWord, ...]:
    """Read hot words in any of the forms they may be given in.

    Raises:
        InvalidArgumentError: There are none or too many, or one of them is no hot word.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InvalidArgumentError("words", given, "a list of hot words, or a mapping of texts to weights, is needed")
    items: Iterable[Any] = given.items() if isinstance(given, Mapping) else given
    words: list[HotWord] = []
    for item in items:
        if len(words) == MOST_WORDS:
            raise InvalidArgumentError("words", f"<over {MOST_WORDS} words>", f"at most {MOST_WORDS} are allowed")
        words.append(_hot_word(item))
    if not words:
        raise InvalidArgumentError("words", words, "at least one hot word is needed")
    return tuple(words)


def _hot_word(item: Any) -> HotWord:
    try:
        match item:
            case HotWord():
                return item
            case Mapping():
                return HotWord(**item)
            case tuple() | list():
                return HotWord(*item)
            case _:
                return HotWord(item)
    except TypeError:
        raise InvalidArgumentError("words", item, "a hot word has a text, a weight and a lang") from None


def check_prefix(prefix: object) -> None:
    """Make sure that the name of a vocabulary can begin so.

    Raises:
        InvalidArgumentError: It cannot.
    """
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise InvalidArgumentError("prefix", prefix, "1 to 9 digits and lower-case letters a to z are needed")
