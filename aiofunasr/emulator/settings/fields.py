"""What the fields of the settings are made with: converters, validators and the words about them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from attrs import Attribute, validators

from aiofunasr.emulator.limits import RateLimit, as_rate_limit

HELP: Final = "help"
GROUP_TITLE: Final = "title"

NOT_NEGATIVE: Final = validators.ge(0.0)
POSITIVE: Final = validators.gt(0.0)
POSITIVE_INTEGER: Final = [validators.instance_of(int), validators.ge(1)]
SHARE: Final = [validators.ge(0.0), validators.le(1.0)]
HOURS_FROM_UTC: Final = [validators.ge(-12.0), validators.le(14.0)]


def says(text: str) -> dict[str, str]:
    """Return the metadata of a field: one sentence that help texts show."""
    return {HELP: text}


def as_list(values: Iterable[str]) -> tuple[str, ...]:
    """Freeze some names in their order; a name by itself is none of its letters."""
    return (values,) if isinstance(values, str) else tuple(values)


def as_names(values: Iterable[str]) -> frozenset[str]:
    """Freeze some names; a name by itself is none of its letters."""
    return frozenset(as_list(values))


def read_only(values: Mapping[str, str]) -> Mapping[str, str]:
    """Freeze a mapping."""
    return MappingProxyType(dict(values))


def read_only_limits(limits: Mapping[str, int | RateLimit]) -> Mapping[str, RateLimit]:
    """Freeze a mapping of limits; a bare number is so many requests a second."""
    return MappingProxyType({name: as_rate_limit(limit) for name, limit in limits.items()})


def pair(values: Iterable[float]) -> tuple[float, float]:
    """Make a list, as TOML and JSON have it, a tuple."""
    low, high = values
    return low, high


def check_range(_: Any, attribute: Attribute[Any], value: tuple[float, float]) -> None:
    """Want two finite numbers, the lower one first."""
    if not (0.0 <= value[0] <= value[1] < math.inf):
        raise ValueError(f"{attribute.name} must be two finite numbers, 0 <= low <= high, not {value!r}")


def check_origin(_: Any, attribute: Attribute[Any], value: str | None) -> None:
    """Want an origin that paths can be put after."""
    if value is not None and not (value.startswith(("http://", "https://")) and not value.endswith("/")):
        raise ValueError(f"{attribute.name} must be http(s)://host[:port] without a final slash, not {value!r}")


def check_url(_: Any, attribute: Attribute[Any], value: str | None) -> None:
    """Want a whole URL."""
    if value is not None and not value.startswith(("http://", "https://")):
        raise ValueError(f"{attribute.name} must be an http(s) URL, not {value!r}")
