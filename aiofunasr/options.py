"""What can be asked for: the model and the parameters of a task (the protocol notes, sections 2.1 and 2.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

from attrs import Attribute, evolve, field, fields, frozen

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.vocabulary import Vocabulary

DEFAULT_MODEL = "fun-asr"


def _refuse(attribute: Attribute[Any], value: object, allowed: str) -> None:
    raise InvalidArgumentError(attribute.name, value, allowed)


def _is_text(_: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not value.strip() or not _is_encodable(value):
        _refuse(attribute, value, "a non-empty string is needed")


def _is_text_or_none(instance: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None:
        _is_text(instance, attribute, value)


def _is_flag(_: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None and not isinstance(value, bool):
        _refuse(attribute, value, "True, False or None is needed")


def _is_encodable(text: str) -> bool:
    """Tell whether a text can be sent: a lone surrogate has no bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_json(_: object, attribute: Attribute[Any], value: Any) -> None:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        _refuse(attribute, value, f"it cannot be written as JSON: {error}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_channels(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is None:
        return
    if not value or not all(_is_whole(track) and track >= 0 for track in value) or len(set(value)) != len(value):
        _refuse(attribute, value, "distinct track indexes from 0 are needed, such as [0] or [0, 1]")


def _are_languages(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and (
        not value or not all(isinstance(code, str) and code and _is_encodable(code) for code in value)
    ):
        _refuse(attribute, value, 'language codes are needed, such as ["en"]')


def _is_speaker_count(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    if value is None:
        return
    if not _is_whole(value) or not 2 <= value <= 100:
        _refuse(attribute, value, "2 to 100 speakers, or None to let the service find out")
    if not instance.diarization_enabled:
        _refuse(attribute, value, "it has an effect with diarization_enabled=True only")


def _is_threshold(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1.0 <= value <= 1.0:
        _refuse(attribute, value, "-1.0 (more noise is taken for speech) to 1.0 (more speech for noise)")


def _is_vocabulary(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, Vocabulary):
        _is_text_or_none(instance, attribute, value)
    elif value.target_model is not None and value.target_model != instance.model:
        # The service would ignore it without a word.
        _refuse(attribute, str(value), f"it was made for {value.target_model} and has no effect on {instance.model}")


def _to_tuple(value: Any) -> Any:
    """Freeze a list; leave what is no list of things to the validator, a lone string above all."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value if value is None else (value,)
    return tuple(value)


def _to_mapping(value: Any) -> Any:
    return dict(value or {}) if value is None or isinstance(value, Mapping) else value


def _is_mapping(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, Mapping):
        _refuse(attribute, value, "a mapping of parameter names to values is needed")


@frozen(kw_only=True)
class TranscriptionOptions:
    """What a task is asked to do; None leaves the choice to the service.

    Attributes:
        model: One of the service's recorded-file models.
        channel_id: Track indexes from 0; each is recognized, and billed, separately. The service's default is [0].
        special_word_filter: A JSON document in a string (section 2.4). Absent, the service's own list is active.
        diarization_enabled: Tell speakers apart; mono audio only, at most about two hours advised.
        speaker_count: How many speakers, 2 to 100; a hint, for diarization only.
        language_hints: Language codes; fun-asr models read the first alone.
        speech_noise_threshold: -1.0 to 1.0; towards 1.0 more speech is dropped as noise.
        vocabulary_id: A hot-word list made for the same model: its id, or what `Session.vocabulary` gave.
        disfluency_removal_enabled: Drop filler words (paraformer models).
        timestamp_alignment_enabled: Recalibrate the times of words (paraformer models).
        phrase_id: A phrase list of the paraformer v1 models; sent as a resource.
        extra_parameters: Parameters newer than this library, sent as they are; they win over the fields above.

    Raises:
        InvalidArgumentError: A value is out of its range; it names the field.
    """

    model: str = field(default=DEFAULT_MODEL, validator=_is_text)
    channel_id: tuple[int, ...] | None = field(default=None, converter=_to_tuple, validator=_are_channels)
    special_word_filter: str | None = field(default=None, validator=_is_text_or_none)
    diarization_enabled: bool | None = field(default=None, validator=_is_flag)
    speaker_count: int | None = field(default=None, validator=_is_speaker_count)
    language_hints: tuple[str, ...] | None = field(default=None, converter=_to_tuple, validator=_are_languages)
    speech_noise_threshold: float | None = field(default=None, validator=_is_threshold)
    vocabulary_id: str | Vocabulary | None = field(default=None, validator=_is_vocabulary)
    disfluency_removal_enabled: bool | None = field(default=None, validator=_is_flag)
    timestamp_alignment_enabled: bool | None = field(default=None, validator=_is_flag)
    phrase_id: str | None = field(default=None, validator=_is_text_or_none)
    extra_parameters: Mapping[str, Any] = field(
        factory=dict, converter=_to_mapping, validator=[_is_mapping, _is_json], hash=False
    )

    def replace(self, **overrides: Any) -> Self:
        """Return a copy with some fields changed.

        Raises:
            InvalidArgumentError: A name is no option, or a value is out of its range.
        """
        if not overrides:
            return self
        known = [attribute.name for attribute in fields(type(self))]
        for name, value in overrides.items():
            if name not in known:
                raise InvalidArgumentError(
                    name,
                    value,
                    f"no such option; there are {', '.join(known)} (newer ones go into extra_parameters)",
                )
        return evolve(self, **overrides)

    def parameters(self) -> dict[str, Any]:
        """Return the `parameters` object of a submit; an empty one where nothing is asked (section 1.2)."""
        own = {name: value for name in _PARAMETERS if (value := getattr(self, name)) is not None}
        if isinstance(self.vocabulary_id, Vocabulary):
            own["vocabulary_id"] = self.vocabulary_id.vocabulary_id
        return {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()} | dict(
            self.extra_parameters
        )


_NOT_PARAMETERS = frozenset({"model", "phrase_id", "extra_parameters"})
_PARAMETERS = tuple(
    attribute.name for attribute in fields(TranscriptionOptions) if attribute.name not in _NOT_PARAMETERS
)
