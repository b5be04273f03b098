"""The words a transcript must not show (the protocol notes, section 2.4)."""

from __future__ import annotations

import json
from typing import Any

from attrs import Attribute, field, frozen

from aiofunasr.options.checks import is_flag, is_usable_text, refuse, to_tuple


def _are_words(_: object, attribute: Attribute[Any], value: Any) -> None:
    for word in value:
        if not is_usable_text(word):
            refuse(attribute, word, 'words are needed, such as ["alpha", "beta"]')


def _are_not_masked(instance: SpecialWordFilter, attribute: Attribute[Any], value: Any) -> None:
    both = sorted({*value} & {*instance.masked})
    if both:
        refuse(attribute, both, "a word is either masked or removed")


@frozen(kw_only=True)
class SpecialWordFilter:
    """What becomes of certain words; nobody has to write the service's JSON by hand.

    `SpecialWordFilter(reserved=False)` gives the text as it was spoken.

    Attributes:
        masked: Words each of whose characters becomes a `*`.
        removed: Words that are left out.
        reserved: Whether the service's own list of sensitive words is masked, too. It is, where nothing else is asked.

    Raises:
        InvalidArgumentError: A word is empty or no string, or is to be both masked and removed.
    """

    masked: tuple[str, ...] = field(default=(), converter=to_tuple, validator=_are_words)
    removed: tuple[str, ...] = field(default=(), converter=to_tuple, validator=[_are_words, _are_not_masked])
    reserved: bool = field(default=True, validator=is_flag)

    def to_json(self) -> str:
        """Return the document the service wants, which is JSON in a string.

        >>> SpecialWordFilter(masked=["alpha"], reserved=False).to_json()
        '{"filter_with_signed":{"word_list":["alpha"]},"system_reserved_filter":false}'
        """
        document: dict[str, Any] = {}
        if self.masked:
            document["filter_with_signed"] = {"word_list": list(self.masked)}
        if self.removed:
            document["filter_with_empty"] = {"word_list": list(self.removed)}
        document["system_reserved_filter"] = self.reserved
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def read_document(text: str) -> dict[str, Any] | None:
    """Return what a document that somebody wrote says, or None where it is no JSON object."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
