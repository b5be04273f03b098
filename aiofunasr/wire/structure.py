"""From JSON objects to values, by one private cattrs converter.

Three rules of this service are its hooks. A null is a missing field. A key nobody knows is kept in `extra`. Numbers may
come as strings. A mismatch is an `InvalidReplyError` that names the path.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from math import isfinite
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

from attrs import evolve, fields_dict, has, resolve_types
from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, override

from aiofunasr.errors import InvalidReplyError
from aiofunasr.redaction import excerpt, redact
from aiofunasr.snapshots import ListedTask, SubtaskSnapshot, TaskMetrics, TaskPage, TaskSnapshot
from aiofunasr.vocabulary import DEFAULT_WEIGHT, HotWord, Vocabulary
from aiofunasr.wire.requests import SERVICE_ZONE

T = TypeVar("T")

# Bounded in depth and length: what stands there may be anything.
_shown = reprlib.Repr()
_shown.maxlevel, _shown.maxstring, _shown.maxlong, _shown.maxother = 3, 120, 40, 60

# A year-99999 number of milliseconds overflows datetime; the service's own times are far below.
_LARGEST_EPOCH_MS = 253_402_300_799_000

_DEEPEST_EXTRA = 50
"""How deeply what nobody knows may be nested."""


def _whole(value: Any, _: type) -> int:
    # Not a bool, which is an int.
    if type(value) is int:
        return value
    if isinstance(value, float):
        return round(value)
    if isinstance(value, str) and len(value) <= 20:
        return int(value)
    raise TypeError(f"a whole number is needed, not {type(value).__name__}")


def _text(value: Any, _: type) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"a string is needed, not {type(value).__name__}")


def _time(value: Any, _: type) -> datetime:
    """Read both forms of time: text in UTC+8, and milliseconds since the epoch (sections 3.3 and 4.2)."""
    if isinstance(value, str) and not value.isdigit():
        time = datetime.fromisoformat(value)
        return time if time.tzinfo is not None else time.replace(tzinfo=SERVICE_ZONE)
    milliseconds = _whole(value, int)
    if not 0 <= milliseconds <= _LARGEST_EPOCH_MS:
        raise ValueError("a time in milliseconds since the epoch is needed")
    return datetime.fromtimestamp(milliseconds / 1000, SERVICE_ZONE)


def _hot_word(value: Any, _: type) -> HotWord:
    if not isinstance(value, dict):
        raise TypeError(f"an object is needed, not {type(value).__name__}")
    weight, lang = value.get("weight"), value.get("lang")
    return HotWord.as_stored(
        _text(value.get("text"), str),
        DEFAULT_WEIGHT if weight is None else _whole(weight, int),
        None if lang is None else _text(lang, str),
    )


# What the service says of a task matters more than each of its fields: what is unreadable there counts as missing.
# In a transcript it does not, because a word without its time is a fault to be heard of.
_LENIENT = frozenset({TaskSnapshot, SubtaskSnapshot, TaskMetrics, ListedTask, TaskPage, Vocabulary})


def _keeps_extra(kind: Any) -> bool:
    return has(kind) and "extra" in fields_dict(kind)


def _may_be_none(kind: Any) -> bool:
    return isinstance(kind, UnionType) and get_args(kind)[1:] == (NoneType,)


def _extra_keeper(kind: type[Any], converter: Converter) -> Callable[[Any, Any], Any]:
    resolve_types(kind)
    wire_names = {
        name: attribute.metadata.get("wire", name) for name, attribute in fields_dict(kind).items() if name != "extra"
    }
    renamed: dict[str, Any] = {name: override(rename=wire) for name, wire in wire_names.items() if wire != name}
    structure = make_dict_structure_fn(
        kind,
        converter,
        _cattrs_detailed_validation=converter.detailed_validation,
        extra=override(omit=True),
        **renamed,
    )
    known = frozenset(wire_names.values())
    types = {wire_names[name]: attribute.type for name, attribute in fields_dict(kind).items() if name in wire_names}
    salvage = _Salvage(converter, types)

    def keep(value: Any, as_kind: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError(f"an object is needed, not {type(value).__name__}")
        if None in value.values():
            value = {name: item for name, item in value.items() if item is not None}
        try:
            found = structure(value, as_kind)
        except Exception:
            # cattrs raises what its hooks raise.
            if kind not in _LENIENT:
                raise
            value = salvage(value)
            found = structure(value, as_kind)
        if known.issuperset(value):
            return _one_for_all(found) if kind is TaskMetrics else found
        extra = {name: item for name, item in value.items() if name not in known and _is_plain(item)}
        return evolve(found, extra=extra)

    return keep


def _is_plain(item: Any) -> bool:
    """Tell whether what nobody knows can be kept: whoever writes it as JSON again, or compares it, must not fail."""
    level = [item]
    for _ in range(_DEEPEST_EXTRA):
        if any(isinstance(each, float) and not isfinite(each) for each in level):
            return False
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return True
    return False


class _Salvage:
    """Leaves out of an object what cannot be read, so that one odd field does not hide the state of a paid task."""

    def __init__(self, converter: Converter, types: Mapping[str, Any]) -> None:
        self._converter = converter
        self._types = types

    def __call__(self, value: dict[str, Any]) -> dict[str, Any]:
        parts = ((name, self._readable(item, self._types.get(name))) for name, item in value.items())
        return {name: item for name, item in parts if item is not None}

    def _readable(self, item: Any, expected: Any) -> Any:
        if expected is None:
            return item
        if isinstance(item, list) and get_origin(expected) is tuple:
            return [one for one in item if self._can_be_read(one, get_args(expected)[0])]
        return item if self._can_be_read(item, expected) else None

    def _can_be_read(self, item: Any, expected: Any) -> bool:
        try:
            self._converter.structure(item, expected)
        except Exception:  # noqa: BLE001  (cattrs raises what its hooks raise)
            return False
        return True


def _is_row(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[1:] == (Ellipsis,)


def _row_reader(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    """Read an array; cattrs' own way finds out for each what kind of thing is in it."""
    item = get_args(kind)[0]
    read = converter.get_structure_hook(item)
    return lambda values, _: tuple([read(value, item) for value in values])


def _make(*, detailed: bool) -> Converter:
    converter = Converter(detailed_validation=detailed)
    converter.register_structure_hook(int, _whole)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(datetime, _time)
    converter.register_structure_hook(HotWord, _hot_word)
    converter.register_structure_hook_factory(_keeps_extra, lambda kind: _extra_keeper(kind, converter))
    if not detailed:
        converter.register_structure_hook_factory(_is_row, lambda kind: _row_reader(kind, converter))
    # No null gets as far as a field.
    converter.register_structure_hook_factory(
        _may_be_none, lambda kind: converter.get_structure_hook(get_args(kind)[0])
    )
    return converter


@lru_cache(maxsize=256)
def _one_for_all(metrics: TaskMetrics) -> TaskMetrics:
    """Return an equal value that is there already: most of very many waiting tasks have the same."""
    return metrics


# The plain converter is twice as quick; the detailed one runs again on a failure, to say where it was.
_PLAIN = _make(detailed=False)
_DETAILED = _make(detailed=True)


def structure(value: Any, kind: type[T], *, at: str = "$", secret: bool = False) -> T:
    """Make a value of an attrs class from a JSON object.

    Args:
        value: The object.
        kind: The class.
        at: Where in the reply the object stands.
        secret: Whether nothing of the object may be shown.

    Raises:
        InvalidReplyError: The object does not have the documented form; it names the path, and shows what is there.
    """
    try:
        return _PLAIN.structure(value, kind)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        pass
    try:
        return _DETAILED.structure(value, kind)
    except BaseValidationError as error:
        problems = transform_error(error, format_exception=_describe)
        what, _, path = problems[0].rpartition(" @ ")
        path = _as_on_the_wire(path or "$", kind)
        whole_path = at + path[1:]
        if secret:
            raise InvalidReplyError("a field is missing, or is not what it should be", path=whole_path) from None
        raise InvalidReplyError(redact(what), path=whole_path, excerpt=_at(path, value)) from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        if not isinstance(value, dict) and not secret:
            raise InvalidReplyError(str(error), path=at, excerpt=_at("$", value)) from None
        raise InvalidReplyError(f"it cannot be read ({type(error).__name__})", path=at) from None


def time_of(value: Any) -> datetime | None:
    """Read a time in either of the service's forms; None where there is none that can be read."""
    try:
        return None if value is None else _time(value, datetime)
    except (ValueError, TypeError, OverflowError):
        return None


def _at(path: str, value: Any) -> str:
    """Show what stands at a path, in a few words."""
    for name, place in re.findall(r"\.([a-z_]+)|\[(\d+)\]", path):
        try:
            value = value[name] if name else value[int(place)]
        except (KeyError, IndexError, TypeError):
            break
    return excerpt(_shown.repr(value), 100)


def _as_on_the_wire(path: str, kind: Any) -> str:
    """Write the outermost name of a path as the document has it; cattrs gives the attribute's."""
    for name, attribute in fields_dict(kind).items():
        if path.startswith(f"$.{name}") and "wire" in attribute.metadata:
            return f"$.{attribute.metadata['wire']}{path[len(name) + 2 :]}"
    return path


def _describe(error: BaseException, _: type | None) -> str:
    if isinstance(error, KeyError):
        return f"the field {error} is missing"
    return str(error) or type(error).__name__
