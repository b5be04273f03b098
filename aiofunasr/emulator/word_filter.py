"""The sensitive-word filter of `special_word_filter`, and filler words (protocol notes, sections 2.3 and 2.4)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from attrs import evolve, field, frozen

from aiofunasr.emulator.recognizer import RecognizedSentence, RecognizedWord

FILLERS: Final = ("um", "uh", "uhm", "er", "erm", "hmm", "\u55ef", "\u5443", "\u989d")
"""What `disfluency_removal_enabled` drops, a stand-in for the service's own list."""

_MASKED_LIST: Final = "filter_with_signed"
_DELETED_LIST: Final = "filter_with_empty"
# One pattern is made of them all, which takes long for very many.
_MOST_WORDS: Final = 1000


@frozen
class WordFilter:
    """What is masked with `*`, one per character, and what is deleted; fillers go with the comma after them.

    Latin words match whole and in any case; words of scripts without spaces match wherever they stand.
    """

    masked: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    fillers: tuple[str, ...] = ()
    _mask: re.Pattern[str] | None = field(init=False, eq=False, repr=False)
    _delete: re.Pattern[str] | None = field(init=False, eq=False, repr=False)
    _fill: re.Pattern[str] | None = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_mask", _pattern(self.masked))
        # A deleted Latin word takes its space along.
        object.__setattr__(self, "_delete", _pattern(self.deleted, " ?"))
        object.__setattr__(self, "_fill", _pattern(self.fillers, "[,\uff0c\u3001]? ?"))

    @classmethod
    def parse(cls, value: Any, *, lenient: bool, reserved_words: Iterable[str]) -> WordFilter:
        """Read the parameter: a JSON document in a string; absent means the built-in list alone.

        Raises:
            ValueError: it is no such document (an object is one if `lenient`).
        """
        if value is None:
            value = {}
        elif isinstance(value, str):
            value = json.loads(value)
        elif not lenient:
            raise ValueError("special_word_filter must be a string holding JSON")
        if not isinstance(value, dict):
            raise ValueError("special_word_filter must hold an object")  # noqa: TRY004 (a value's fault)
        masked = _word_list(value, _MASKED_LIST)
        if len(masked) + len(_word_list(value, _DELETED_LIST)) > _MOST_WORDS:
            raise ValueError(f"special_word_filter takes {_MOST_WORDS} words at most")
        reserved = value.get("system_reserved_filter", True)
        if not isinstance(reserved, bool):
            raise ValueError("system_reserved_filter must be a boolean")  # noqa: TRY004
        if reserved:
            masked += tuple(reserved_words)
        return cls(masked, _word_list(value, _DELETED_LIST))

    def apply(self, sentence: RecognizedSentence) -> RecognizedSentence:
        """Return a sentence and its words without the matches; words left empty go."""
        if self._mask is None and self._delete is None and self._fill is None:
            return sentence
        text = sentence.text
        if self._fill is not None:
            text = self._fill.sub("", text)
        if self._delete is not None:
            text = self._delete.sub("", text)
        if self._mask is not None:
            text = self._mask.sub(lambda match: "*" * len(match[0]), text)
        return evolve(sentence, text=text.strip(), words=self._apply_to_words(sentence.words))

    def _apply_to_words(self, words: tuple[RecognizedWord, ...]) -> tuple[RecognizedWord, ...]:
        # A match may span words, so it is looked for in their joined text and carried back by position.
        joined = "".join(word.text + word.punctuation for word in words)
        characters = list(joined)
        for pattern, by in ((self._fill, ""), (self._delete, ""), (self._mask, "*")):
            for match in pattern.finditer(joined) if pattern is not None else ():
                for position in range(*match.span()):
                    characters[position] = characters[position] and by
        kept: list[RecognizedWord] = []
        position = 0
        for word in words:
            middle = position + len(word.text)
            end = middle + len(word.punctuation)
            text = "".join(characters[position:middle])
            if text.strip():
                kept.append(evolve(word, text=text, punctuation="".join(characters[middle:end])))
            position = end
        return tuple(kept)


def _word_list(value: dict[str, Any], name: str) -> tuple[str, ...]:
    holder = value.get(name, {})
    words = holder.get("word_list", []) if isinstance(holder, dict) else None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{name}.word_list must be a list of strings")
    return tuple(word for word in words if word)


def _pattern(words: tuple[str, ...], tail: str = "") -> re.Pattern[str] | None:
    if not words:
        return None
    # The longest first, so that a word never hides a phrase that begins with it.
    ordered = sorted(set(words), key=lambda word: (-len(word), word))
    return re.compile("|".join(_whole(word) + tail for word in ordered), re.IGNORECASE)


def _whole(word: str) -> str:
    def is_latin(character: str) -> bool:
        return character.isascii() and character.isalnum()

    before = r"(?<![A-Za-z0-9])" if is_latin(word[0]) else ""
    after = r"(?![A-Za-z0-9])" if is_latin(word[-1]) else ""
    return before + re.escape(word) + after
