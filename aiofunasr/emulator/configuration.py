"""The settings as switches: by name, from TOML and JSON, and from the words of a command line.

The tables of a document are the groups of the settings:

    [limits]
    query_limit = 5
    submit_limit = "100/60"             # a hundred in sixty seconds

    [tasks]
    queue_seconds = [0, 0.5]

    [accounts.api_keys]
    "sk-one" = "one"

What may be none is written `"none"`.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from attrs import fields_dict, frozen

from aiofunasr.emulator.limits import RateLimit, as_rate_limit
from aiofunasr.emulator.settings import GROUPS, EmulatorSettings
from aiofunasr.emulator.settings.fields import HELP

NONE: Final = "none"

Shape = Literal["switch", "integer", "number", "text", "choice", "range", "names", "pairs", "limit", "limits"]

_SECRET: Final = frozenset({"api_keys", "key_regions", "event_token"})
_HIDDEN: Final = "***"


class ConfigurationError(ValueError):
    """A switch is unknown, or set to what it cannot be; the message names it."""


@frozen
class Switch:
    """One field of the settings: what it takes, and how that is read and shown.

    `choices` are those of a choice; `optional`: None is one of its values.
    """

    name: str
    group: str
    shape: Shape
    help: str
    choices: tuple[Any, ...] = ()
    optional: bool = False

    @property
    def path(self) -> str:
        """Where a document has it: `limits.query_limit`."""
        return f"{self.group}.{self.name}"

    def read(self, value: Any) -> Any:
        """Read a value of TOML or JSON.

        Raises:
            ConfigurationError: it is not of the switch's kind.
        """
        if self.optional and (value is None or value == NONE):
            return None
        if self.name in _SECRET and _HIDDEN in str(value):
            raise ConfigurationError(f"{self.path} was shown without its keys, and cannot be set from that")
        expected, read = _READERS[self.shape]
        try:
            if self.shape == "choice":
                return self._chosen(value)
            return read(value)
        except (TypeError, ValueError):
            raise self._error(expected, value) from None

    def read_words(self, words: Sequence[str]) -> Any:
        """Read what a command line says; a switch that takes several is given all of them.

        Raises:
            ConfigurationError: it is not of the switch's kind.
        """
        if self.shape in {"pairs", "limits"}:
            halves = [word.partition("=") for word in words]
            if not all(equals for _, equals, _ in halves):
                raise self._error("NAME=VALUE", " ".join(words))
            return self.read({name: value for name, _, value in halves})
        if self.shape == "names":
            return self.read([] if list(words) == [NONE] else list(words))
        if self.shape == "range":
            return self.read([_number_in(word) for word in words])
        (word,) = words
        if self.optional and word == NONE:
            return None
        return self.read(_number_in(word) if self.shape in {"integer", "number", "choice"} else word)

    def show(self, value: Any) -> Any:
        """Return a value as JSON can have it; keys and tokens are not shown."""
        match value:
            case None:
                shown: Any = NONE
            case Mapping() if self.name in _SECRET:
                # Which key is whose shall not be lost with the keys.
                shown = {f"{_HIDDEN}{number}": one for number, one in enumerate(value.values(), start=1)}
            case str() if self.name in _SECRET:
                shown = _HIDDEN
            case Mapping():
                shown = {name: str(one) for name, one in value.items()}
            case frozenset():
                shown = sorted(value)
            case tuple():
                shown = list(value)
            case RateLimit() | math.inf:
                shown = str(value)
            case _:
                shown = value
        return shown

    def _chosen(self, value: Any) -> Any:
        for choice in self.choices:
            if type(choice) is type(value) and choice == value:
                return choice
        raise ValueError(value)

    def _error(self, expected: str, value: Any) -> ConfigurationError:
        wanted = " or ".join(str(choice) for choice in self.choices) or expected
        if self.optional:
            wanted += f", or {NONE}"
        shown = _HIDDEN if self.name in _SECRET else repr(value)
        return ConfigurationError(f"{self.path} must be {wanted}, not {shown}")


@cache
def switches() -> Mapping[str, Switch]:
    """Return every switch by its name, group by group."""
    found: dict[str, Switch] = {}
    for group, owner in GROUPS.items():
        hints = get_type_hints(owner)
        for name, attribute in fields_dict(owner).items():
            shape, choices, optional = _shape_of(hints[name])
            found[name] = Switch(name, group, shape, attribute.metadata[HELP], choices, optional)
    return found


def read_tables(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read a document of tables into fields of the settings.

    Raises:
        ConfigurationError: a table or a switch in it is unknown, or cannot be what it is set to.
    """
    changes: dict[str, Any] = {}
    known = switches()
    for group, table in document.items():
        if group not in GROUPS:
            raise ConfigurationError(f"there is no table [{group}]; there are {', '.join(GROUPS)}")
        if not isinstance(table, Mapping):
            raise ConfigurationError(f"{group} is a table, not {table!r}")
        for name, value in table.items():
            if name not in known or known[name].group != group:
                raise ConfigurationError(_unknown(group, name))
            changes[name] = known[name].read(value)
    return changes


def with_changes(settings: EmulatorSettings, changes: Mapping[str, Any]) -> EmulatorSettings:
    """Return settings with some fields changed.

    Raises:
        ConfigurationError: the settings refuse a value.
    """
    try:
        return settings.replace(**changes)
    except (TypeError, ValueError) as error:
        text = error.args[0] if error.args else error
        raise ConfigurationError(str(text)) from None


def show_tables(settings: EmulatorSettings) -> dict[str, dict[str, Any]]:
    """Return the settings as a document of tables, without keys and tokens."""
    tables: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for switch in switches().values():
        tables[switch.group][switch.name] = switch.show(getattr(settings, switch.name))
    return tables


def _unknown(group: str, name: str) -> str:
    elsewhere = switches().get(name)
    if elsewhere is not None:
        return f"[{group}] has no {name}; it belongs into [{elsewhere.group}]"
    names = ", ".join(switch.name for switch in switches().values() if switch.group == group)
    return f"[{group}] has no {name}; it has {names}"


def _shape_of(hint: Any) -> tuple[Shape, tuple[Any, ...], bool]:
    if get_origin(hint) in {Union, types.UnionType}:
        (inner,) = [part for part in get_args(hint) if part is not type(None)]
        shape, choices, _ = _shape_of(inner)
        return shape, choices, True
    if get_origin(hint) is Literal:
        return "choice", get_args(hint), False
    return _SHAPES[hint], (), False


_SHAPES: Final[dict[Any, Shape]] = {
    bool: "switch",
    int: "integer",
    float: "number",
    str: "text",
    tuple[float, float]: "range",
    tuple[str, ...]: "names",
    frozenset[str]: "names",
    Mapping[str, str]: "pairs",
    RateLimit: "limit",
    Mapping[str, RateLimit]: "limits",
}


def _number_in(word: str) -> Any:
    for convert in (int, float):
        try:
            return convert(word)
        except ValueError:
            continue
    return word


def _of_type(kinds: type | tuple[type, ...]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        # In Python a bool is an integer, in a document it is not.
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise TypeError(value)
        return value

    return read


def _read_number(value: Any) -> float:
    if isinstance(value, str) and value in {"inf", "+inf"}:
        return math.inf
    return float(_of_type((int, float))(value))


def _read_range(value: Any) -> tuple[float, float]:
    low, high = _of_type((list, tuple))(value)
    return _read_number(low), _read_number(high)


def _read_names(value: Any) -> tuple[str, ...]:
    return tuple(_of_type(str)(name) for name in _of_type((list, tuple))(value))


def _read_pairs(value: Any) -> dict[str, str]:
    return {name: _of_type(str)(one) for name, one in _of_type(dict)(value).items()}


def _read_limit(value: Any) -> RateLimit:
    return as_rate_limit(_of_type((int, str))(value))


def _read_limits(value: Any) -> dict[str, RateLimit]:
    return {name: _read_limit(one) for name, one in _of_type(dict)(value).items()}


_READERS: Final[dict[Shape, tuple[str, Callable[[Any], Any]]]] = {
    "switch": ("true or false", _of_type(bool)),
    "integer": ("a whole number", _of_type(int)),
    "number": ("a number", _read_number),
    "text": ("a text", _of_type(str)),
    "choice": ("one of its choices", lambda value: value),
    "range": ("two numbers, the lower one first", _read_range),
    "names": ("a list of texts", _read_names),
    "pairs": ("a table of texts", _read_pairs),
    "limit": ("requests a second, or COUNT/SECONDS", _read_limit),
    "limits": ("a table of limits", _read_limits),
}
