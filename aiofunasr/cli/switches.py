"""The emulator's switches as options of a command: one each, made from what the switch says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import Parameter
from typing import Annotated, Any, Final

import typer

from aiofunasr.emulator import EmulatorSettings, Switch, switches

_METAVARS: Final = {
    "integer": "N",
    "number": "NUMBER",
    "text": "TEXT",
    "range": "LOW HIGH",
    "names": "NAME",
    "pairs": "NAME=VALUE",
    "limit": "N|N/SECONDS",
    "limits": "NAME=LIMIT",
}
_REPEATED: Final = frozenset({"names", "pairs", "limits"})
# Those that are asked for most have short names.
_SHORT: Final = {
    "limits_enabled": "--limits/--no-limits",
    "list_enabled": "--list/--no-list",
    "accept_any_key": "--any-key/--no-any-key",
    "result_link_life": "--link-life",
}


def switch_parameters() -> list[Parameter]:
    """Return a parameter of a function for every switch, annotated as its option, group by group."""
    return [_parameter(switch) for switch in switches().values()]


def given_changes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a command line sets, as fields of the settings; what it does not mention is left out.

    Raises:
        ConfigurationError: a switch cannot be what it is set to.
    """
    changes: dict[str, Any] = {}
    for name, switch in switches().items():
        value = values.get(name)
        if value is None or value == []:
            continue
        changes[name] = value if switch.shape == "switch" else switch.read_words(_words(value))
    return changes


def _parameter(switch: Switch) -> Parameter:
    name = switch.name.replace("_", "-")
    plain = f"--{name}/--no-{name}" if switch.shape == "switch" else f"--{name}"
    kinds: dict[str, Any] = {"switch": bool | None, "range": tuple[str, str] | None}
    kind = list[str] | None if switch.shape in _REPEATED else kinds.get(switch.shape, str | None)
    option = typer.Option(
        _SHORT.get(switch.name, plain),
        metavar=None if switch.shape == "switch" else _metavar(switch),
        help=f"{switch.help} (Default: {_default(switch)}.)",
        rich_help_panel=f"Switches: {switch.group}",
        show_default=False,
    )
    return Parameter(switch.name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option])


def _metavar(switch: Switch) -> str:
    words = "|".join(str(choice) for choice in switch.choices) or _METAVARS[switch.shape]
    return f"{words}|none" if switch.optional else words


def _default(switch: Switch) -> str:
    value = getattr(_DEFAULTS, switch.name)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={one}" for name, one in value.items()) or "none"
    value = switch.show(value)
    if isinstance(value, list):
        # The models are too many to be told here.
        return " ".join(str(one) for one in value) or "none" if len(value) < 5 else "all that are documented"
    return str(value) if value != "" else "empty"


def _words(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


_DEFAULTS: Final = EmulatorSettings()
