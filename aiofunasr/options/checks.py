"""What values must be, said once for all classes that take them from a caller; each is an attrs validator."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from attrs import Attribute

from aiofunasr.errors import InvalidArgumentError


def refuse(attribute: Attribute[Any], value: object, allowed: str) -> NoReturn:
    """Raise the error about a value that cannot be used."""
    raise InvalidArgumentError(attribute.name, value, allowed)


def is_encodable(text: str) -> bool:
    """Tell whether a text can be sent: a lone surrogate has no bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_usable_text(value: object) -> bool:
    """Tell whether a value is a text with something in it, that can be sent."""
    return isinstance(value, str) and bool(value.strip()) and is_encodable(value)


def is_whole(value: object) -> bool:
    """Tell whether a value is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(_: object, attribute: Attribute[Any], value: object) -> None:
    """Insist on a text."""
    if not is_usable_text(value):
        refuse(attribute, value, "a non-empty string is needed")


def is_text_or_none(instance: object, attribute: Attribute[Any], value: object) -> None:
    """Insist on a text, if there is anything."""
    if value is not None:
        is_text(instance, attribute, value)


def is_flag(_: object, attribute: Attribute[Any], value: object) -> None:
    """Insist on yes or no."""
    if not isinstance(value, bool):
        refuse(attribute, value, "True or False is needed")


def is_flag_or_none(_: object, attribute: Attribute[Any], value: object) -> None:
    """Insist on yes or no, if there is anything."""
    if value is not None and not isinstance(value, bool):
        refuse(attribute, value, "True, False or None is needed")


def is_mapping(_: object, attribute: Attribute[Any], value: Any) -> None:
    """Insist on names with values."""
    if not isinstance(value, Mapping):
        refuse(attribute, value, "a mapping of parameter names to values is needed")


def is_json(_: object, attribute: Attribute[Any], value: Any) -> None:
    """Insist on what can be written as JSON."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        refuse(attribute, value, f"it cannot be written as JSON: {error}")


def to_tuple(value: Any) -> Any:
    """Freeze a list; take what is no list of things for one thing, a lone string above all."""
    if value is None:
        return None
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping) else (value,)
