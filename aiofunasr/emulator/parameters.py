"""Read the `parameters` of a submit: those its model takes, and no others (protocol notes, sections 2.3 and 2.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import field, frozen

from aiofunasr.emulator.messages import RefusalError
from aiofunasr.emulator.models import CATALOGUE, Model
from aiofunasr.emulator.recognizer import HotWord
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.word_filter import WordFilter

_MOST_TRACKS: Final = 64
# How heavy the heaviest hot words are, and how many there may be of them.
_SUPER_WEIGHT: Final = 50
_MOST_SUPER_WORDS: Final = 50

KNOWN_PARAMETERS: Final = frozenset[str]().union(*(model.parameters for model in CATALOGUE.values()))


@frozen
class Parameters:
    """What a submit's parameters come to.

    `options` are fields of a `RecognitionRequest`. `vocabulary_id` names the list whose items are to become the
    `hot_words`, None if there is none or the submit brought its own.
    """

    options: Mapping[str, Any] = field(factory=dict)
    word_filter: WordFilter = field(factory=WordFilter)
    vocabulary_id: str | None = None
    hot_words: tuple[HotWord, ...] = ()


def read_parameters(given: Mapping[str, Any], model: Model, settings: EmulatorSettings) -> Parameters:
    """Read the parameters that change the outcome; what the model does not take is ignored.

    Raises:
        RefusalError: a value is not allowed, or a name not known, and the settings refuse that.
    """
    strange = sorted(given.keys() - KNOWN_PARAMETERS)
    if strange and settings.unknown_parameters == "refused":
        message = "Invalid backend response received (missing status name)"
        raise RefusalError(400, settings.bad_parameter_code, message)
    taken = {name: value for name, value in given.items() if name in model.parameters and value is not None}
    options: dict[str, Any] = {}
    for wire_name, (name, convert, is_allowed) in _OPTIONS.items():
        if wire_name not in taken or (wire_name == "speech_noise_threshold" and not settings.noise_threshold):
            continue
        if not is_allowed(taken[wire_name]):
            raise bad_parameter(wire_name, settings)
        options[name] = convert(taken[wire_name])
    hints = options.get("language_hints", settings.default_language_hints)
    options["language_hints"] = hints[: model.hints]
    if model.shape == "one":
        options["words_enabled"] = options.get("words_enabled", False)
    vocabulary_id, hot_words = _read_vocabulary(taken, settings)
    return Parameters(options, _read_word_filter(taken, settings), vocabulary_id, hot_words)


def bad_parameter(name: str, settings: EmulatorSettings) -> RefusalError:
    """Return the refusal of a parameter; its code is a guess, and a switch (section 15)."""
    message = f"Required parameter({name}) missing or invalid, please check the request parameters."
    return RefusalError(400, settings.bad_parameter_code, message)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


_OPTIONS: Final[dict[str, tuple[str, Callable[[Any], Any], Callable[[Any], bool]]]] = {
    "channel_id": (
        "channel_ids",
        # A track asked for twice is recognized, and billed, once.
        lambda v: tuple(dict.fromkeys(v)),
        lambda v: isinstance(v, list) and bool(v) and all(_is_integer(c) and 0 <= c < _MOST_TRACKS for c in v),
    ),
    "language_hints": (
        "language_hints",
        tuple,
        lambda v: isinstance(v, list) and all(isinstance(code, str) for code in v),
    ),
    "language": ("language_hints", lambda v: (v,), lambda v: isinstance(v, str) and bool(v)),
    "diarization_enabled": ("diarization_enabled", bool, _is_bool),
    "speaker_count": ("speaker_count", int, lambda v: _is_integer(v) and 2 <= v <= 100),
    "speech_noise_threshold": (
        "speech_noise_threshold",
        float,
        lambda v: _is_number(v) and -1.0 <= v <= 1.0,
    ),
    "disfluency_removal_enabled": ("disfluency_removal_enabled", bool, _is_bool),
    "enable_words": ("words_enabled", bool, _is_bool),
}
"""On the wire; in a `RecognitionRequest`; how it is converted; whether the value is allowed."""


def _read_word_filter(taken: Mapping[str, Any], settings: EmulatorSettings) -> WordFilter:
    try:
        return WordFilter.parse(
            taken.get("special_word_filter"),
            lenient=settings.lenient_word_filter,
            reserved_words=settings.reserved_words,
        )
    except (ValueError, RecursionError) as error:
        message = f"special_word_filter is invalid: {error}"
        raise RefusalError(400, settings.bad_parameter_code, message) from None


def _read_vocabulary(taken: Mapping[str, Any], settings: EmulatorSettings) -> tuple[str | None, tuple[HotWord, ...]]:
    """Read the list a submit names, or the words it brings along, which go before."""
    words = taken.get("vocabulary")
    if words is not None:
        if not isinstance(words, dict) or not all(text and _is_weight(weight) for text, weight in words.items()):
            raise bad_parameter("vocabulary", settings)
        if sum(weight == _SUPER_WEIGHT for weight in words.values()) > _MOST_SUPER_WORDS:
            raise bad_parameter("vocabulary", settings)
        return None, tuple(HotWord(text, weight) for text, weight in words.items())
    vocabulary_id = taken.get("vocabulary_id")
    if vocabulary_id is not None and not isinstance(vocabulary_id, str):
        raise bad_parameter("vocabulary_id", settings)
    return vocabulary_id, ()


def _is_weight(value: Any) -> bool:
    return _is_integer(value) and (1 <= value <= 5 or value == _SUPER_WEIGHT)
