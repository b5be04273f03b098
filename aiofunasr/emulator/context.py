"""Read the context of a submit: the turns before, for models that take them (protocol notes, section 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiofunasr.emulator.models import Model
from aiofunasr.emulator.parameters import bad_parameter
from aiofunasr.emulator.settings import EmulatorSettings

_TURNS_READ: Final = 5
_LONGEST_TURN: Final = 400
_TYPES: Final = {"user": "input_text", "assistant": "text"}
"""Who speaks, and how a text of theirs is marked."""


def read_context(inputs: Mapping[str, Any], model: Model, settings: EmulatorSettings) -> tuple[tuple[str, str], ...]:
    """Return who said what, of the last five turns; nothing where the model takes no context.

    Raises:
        RefusalError: it is no list of turns, or a turn is longer than 400 characters.
    """
    given = inputs.get("context")
    if given is None or not model.takes_context:
        return ()
    if not isinstance(given, list):
        raise bad_parameter("context", settings)
    return tuple(_read_turn(turn, settings) for turn in given)[-_TURNS_READ:]


def _read_turn(turn: Any, settings: EmulatorSettings) -> tuple[str, str]:
    role, content = (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
    if not isinstance(role, str) or role not in _TYPES or not isinstance(content, list) or not content:
        raise bad_parameter("context", settings)
    texts = [
        part["text"]
        for part in content
        if isinstance(part, dict) and part.get("type") == _TYPES[role] and isinstance(part.get("text"), str)
    ]
    text = "".join(texts)
    if len(texts) < len(content) or len(text) > _LONGEST_TURN:
        raise bad_parameter("context", settings)
    return role, text
