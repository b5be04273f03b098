"""Read a submit (protocol notes, sections 2.2 to 2.4) and refuse what the service refuses at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from attrs import frozen

from aiofunasr.emulator.messages import HttpRequest, RefusalError
from aiofunasr.emulator.recognizer import HotWord, RecognitionRequest
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.vocabularies import HOT_WORD_MODELS
from aiofunasr.emulator.word_filter import WordFilter

_SCHEMES: Final = ("http://", "https://", "oss://")
# The models that take hot words with the submit, and how heavy the heaviest are.
_INLINE_VOCABULARY: Final = "qwen-audio-3."
_SUPER_WEIGHT: Final = 50
_MOST_SUPER_WORDS: Final = 50


@frozen
class Submit:
    """A submit that passed the checks of its header and body.

    `vocabulary_id` names the list whose items are to become its `hot_words`, None if it needs no list.
    """

    model: str
    file_urls: tuple[str, ...]
    parameters: dict[str, Any] | None
    resolves_oss: bool
    word_filter: WordFilter
    _options: dict[str, Any]
    vocabulary_id: str | None = None
    hot_words: tuple[HotWord, ...] = ()

    @classmethod
    def plain(cls, model: str, file_urls: tuple[str, ...]) -> Submit:
        """Return a submit with no parameters but the defaults."""
        return cls(model, file_urls, {}, False, WordFilter(), {})

    def recognition_request(self, file_url: str) -> RecognitionRequest:
        """Return what one of the files is to be recognized with."""
        return RecognitionRequest(file_url, self.model, hot_words=self.hot_words, **self._options)


def read_submit(request: HttpRequest, settings: EmulatorSettings) -> Submit:
    """Check a submit in the order of the service: async header, body, model, files, parameters.

    Raises:
        RefusalError: with the status and code of the protocol notes, section 6.2.
    """
    if request.header("X-DashScope-Async").lower() != "enable":
        raise RefusalError(403, "AccessDenied", "current user api does not support synchronous calls.")
    body = read_body(request, settings)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise _invalid_parameter("model")
    if model not in settings.models:
        raise RefusalError(404, "ModelNotFound", f"Model can not be found. (model: {model})")
    file_urls = _read_file_urls(body, settings)
    resolves_oss = request.header("X-DashScope-OssResourceResolve").lower() == "enable"
    has_oss = any(url.startswith("oss://") for url in file_urls)
    if has_oss and not resolves_oss and settings.oss_without_header == "request":
        raise RefusalError(400, "InvalidParameter.DataInspection", "Unable to download the media resource.")
    parameters = body.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise _invalid("parameters must be an object")
    options, word_filter = _read_parameters(parameters or {}, settings)
    vocabulary_id, hot_words = _read_vocabulary(model, parameters or {})
    return Submit(model, file_urls, parameters, resolves_oss, word_filter, options, vocabulary_id, hot_words)


def read_body(request: HttpRequest, settings: EmulatorSettings) -> dict[str, Any]:
    """Read a request's body, which is a JSON object.

    Raises:
        RefusalError: it is not, or is too large.
    """
    if len(request.body) > settings.max_body_bytes:
        raise RefusalError(400, "BadRequest.TooLarge", "The request body is too large.")
    try:
        body = json.loads(request.body)
        # A lone surrogate has no bytes: it could never be echoed.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _invalid("Required body invalid, please check the request body format.")
    return body


def _read_file_urls(body: dict[str, Any], settings: EmulatorSettings) -> tuple[str, ...]:
    inputs = body.get("input")
    urls = inputs.get("file_urls") if isinstance(inputs, dict) else None
    if not isinstance(urls, list) or not urls:
        raise _invalid("input must contain file_urls")
    if not all(isinstance(url, str) and url.lower().startswith(_SCHEMES) for url in urls):
        raise _invalid("url error, please check url\uff01")
    if len(urls) > settings.max_files_per_task:
        raise RefusalError(400, settings.too_many_files_code, settings.too_many_files_message)
    return tuple(urls)


_MOST_TRACKS: Final = 64


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_PARAMETERS: Final[dict[str, tuple[str, Callable[[Any], Any], Callable[[Any], bool]]]] = {
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
    "diarization_enabled": ("diarization_enabled", bool, lambda v: isinstance(v, bool)),
    "speaker_count": ("speaker_count", int, lambda v: _is_integer(v) and 2 <= v <= 100),
    "speech_noise_threshold": (
        "speech_noise_threshold",
        float,
        lambda v: _is_number(v) and -1.0 <= v <= 1.0,
    ),
}
"""On the wire; in a `RecognitionRequest`; how it is converted; whether the value is allowed (section 2.3)."""


def _read_parameters(parameters: dict[str, Any], settings: EmulatorSettings) -> tuple[dict[str, Any], WordFilter]:
    """Read the parameters that change the outcome; unknown names are ignored, as the service mostly does."""
    options: dict[str, Any] = {}
    for wire_name, (name, convert, is_allowed) in _PARAMETERS.items():
        value = parameters.get(wire_name)
        if value is None:
            continue
        if not is_allowed(value):
            raise _invalid_parameter(wire_name)
        options[name] = convert(value)
    try:
        word_filter = WordFilter.parse(
            parameters.get("special_word_filter"),
            lenient=settings.lenient_word_filter,
            reserved_words=settings.reserved_words,
        )
    except (ValueError, RecursionError) as error:
        raise _invalid(f"special_word_filter is invalid: {error}") from None
    return options, word_filter


def _read_vocabulary(model: str, parameters: dict[str, Any]) -> tuple[str | None, tuple[HotWord, ...]]:
    """Read the list a submit names, or the words it brings along, which go before (section 2.3)."""
    if model.startswith(_INLINE_VOCABULARY) and parameters.get("vocabulary") is not None:
        words = parameters["vocabulary"]
        if not isinstance(words, dict) or not all(_is_weight(weight) and text for text, weight in words.items()):
            raise _invalid_parameter("vocabulary")
        if sum(weight == _SUPER_WEIGHT for weight in words.values()) > _MOST_SUPER_WORDS:
            raise _invalid_parameter("vocabulary")
        return None, tuple(HotWord(text, weight) for text, weight in words.items())
    vocabulary_id = parameters.get("vocabulary_id") if model in HOT_WORD_MODELS else None
    if vocabulary_id is not None and not isinstance(vocabulary_id, str):
        raise _invalid_parameter("vocabulary_id")
    return vocabulary_id, ()


def _is_weight(value: Any) -> bool:
    return _is_integer(value) and (1 <= value <= 5 or value == _SUPER_WEIGHT)


def _invalid_parameter(name: str) -> RefusalError:
    return _invalid(f"Required parameter({name}) missing or invalid, please check the request parameters.")


def _invalid(message: str) -> RefusalError:
    return RefusalError(400, "InvalidParameter", message)
