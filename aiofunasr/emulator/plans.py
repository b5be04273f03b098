"""Plans of faults as documents and as words (protocol notes, section 14)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from aiofunasr.emulator.configuration import ConfigurationError
from aiofunasr.emulator.faults import ANY_KIND, Fault, FaultPlan, FaultRule
from aiofunasr.emulator.routes import KINDS

FAULTS: Final = frozenset({
    "drop_before", "drop_after", "timed_out", "truncated", "cut_document", "garbage", "nested", "huge", "delayed",
    "error", "throttled", "html_page", "wrong_content_type", "no_content_type", "answer_for_another_task", "expired",
    "short_links", "reordered", "repeated",
})  # fmt: skip
"""The class methods of `Fault`, which documents and words name."""

_IN_A_PLAN: Final = frozenset({"rules", "unknown_for", "unknown_share"})


def read_plan(document: Mapping[str, Any]) -> FaultPlan:
    """Read a plan of faults.

    Each of its `rules` has a `kind` of request (or `"*"`), a `fault` by the name of the class method of `Fault` that
    makes it, the `arguments` of that if it takes any, and what else a `FaultRule` has: `numbers`, `chance`, `begin`,
    `end`, `every`, `lasting`. `unknown_for` and `unknown_share` are those of a `FaultPlan`.

    Raises:
        ConfigurationError: it is no such plan.
    """
    strange = sorted(document.keys() - _IN_A_PLAN)
    if strange:
        raise ConfigurationError(f"a plan has {', '.join(sorted(_IN_A_PLAN))}, not {', '.join(strange)}")
    rules = document.get("rules", [])
    if not isinstance(rules, list):
        raise ConfigurationError(f"rules must be a list, not {rules!r}")
    rest = {name: value for name, value in document.items() if name != "rules"}
    try:
        return evolve(FaultPlan(tuple(_read_rule(rule) for rule in rules)), **rest)
    except (TypeError, ValueError) as error:
        raise _wrong(error) from None


def read_rule_words(text: str) -> FaultRule:
    """Read `KIND=FAULT`, with `:ARGUMENT` for a fault that takes one, `@1,3` for those requests, `@20%` for a share.

    Raises:
        ConfigurationError: it is no such rule.
    """
    kind, equals, rest = text.partition("=")
    if not equals:
        raise ConfigurationError(f"a fault is KIND=FAULT[:ARGUMENT][@NUMBERS or @SHARE%], not {text!r}")
    named, _, when = rest.partition("@")
    name, colon, argument = named.partition(":")
    rule: dict[str, Any] = {"kind": kind, "fault": name}
    if colon and name in FAULTS:
        rule["arguments"] = {_first_argument(name): _as_number(argument)}
    try:
        if when.endswith("%"):
            rule["chance"] = float(when[:-1]) / 100
        elif when:
            rule["numbers"] = [int(number) for number in when.split(",")]
    except ValueError:
        raise ConfigurationError(f"after @ come numbers like 1,3 or a share like 20%, not {when!r}") from None
    return _read_rule(rule)


def _read_rule(rule: Any) -> FaultRule:
    if not isinstance(rule, dict):
        raise ConfigurationError(f"a rule is a table, not {rule!r}")
    rest = dict(rule)
    kind, name, arguments = rest.pop("kind", None), rest.pop("fault", None), rest.pop("arguments", {})
    if kind != ANY_KIND and kind not in KINDS:
        raise ConfigurationError(f"kind must be one of {', '.join(KINDS)} or {ANY_KIND}, not {kind!r}")
    if name not in FAULTS:
        raise ConfigurationError(f"fault must be one of {', '.join(sorted(FAULTS))}, not {name!r}")
    try:
        if "numbers" in rest:
            rest["numbers"] = frozenset(rest["numbers"])
        return FaultRule(kind, getattr(Fault, name)(**arguments), **rest)
    except (TypeError, ValueError) as error:
        raise _wrong(error, f"{name}: ") from None


def _first_argument(name: str) -> str:
    parameters = inspect.signature(getattr(Fault, name)).parameters
    if not parameters:
        raise ConfigurationError(f"{name} takes no argument")
    return next(iter(parameters))


def _as_number(text: str) -> Any:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _wrong(error: Exception, before: str = "") -> ConfigurationError:
    if isinstance(error, ConfigurationError):
        return error
    return ConfigurationError(f"{before}{error.args[0] if error.args else error}")
