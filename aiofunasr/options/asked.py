"""What can be asked for: the model and the parameters of a task (the protocol notes, sections 2.1 to 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, get_args

from attrs import Attribute, evolve, field, fields, frozen

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.options.checks import (
    is_encodable,
    is_flag_or_none,
    is_json,
    is_mapping,
    is_text,
    is_text_or_none,
    is_usable_text,
    is_whole,
    refuse,
    to_tuple,
)
from aiofunasr.options.models import Dialect, dialect_of
from aiofunasr.options.wordfilter import SpecialWordFilter, read_document
from aiofunasr.vocabulary import Vocabulary

DEFAULT_MODEL = "fun-asr"

Role = Literal["user", "assistant"]

LONGEST_TURN = 400
"""Characters of one turn of context (section 2.5)."""

_SUPER_WEIGHT = 50
_MOST_SUPER_WORDS = 50


def _are_channels(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is None:
        return
    if not value or not all(is_whole(track) and track >= 0 for track in value) or len(set(value)) != len(value):
        refuse(attribute, value, "distinct track indexes from 0 are needed, such as [0] or [0, 1]")


def _is_diarization(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    is_flag_or_none(instance, attribute, value)
    if value and instance.channel_id is not None and len(instance.channel_id) > 1:
        refuse(
            attribute,
            value,
            f"speakers are told apart on one track only, and channel_id={list(instance.channel_id)} asks for several",
        )


def _are_languages(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and (
        not value or not all(isinstance(code, str) and code and is_encodable(code) for code in value)
    ):
        refuse(attribute, value, 'language codes are needed, such as ["en"]')


def _is_speaker_count(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    if value is None:
        return
    if not is_whole(value) or not 2 <= value <= 100:
        refuse(attribute, value, "2 to 100 speakers, or None to let the service find out")
    if not instance.diarization_enabled:
        refuse(attribute, value, "it has an effect with diarization_enabled=True only")


def _is_threshold(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1.0 <= value <= 1.0:
        refuse(attribute, value, "-1.0 (more noise is taken for speech) to 1.0 (more speech for noise)")


def _is_vocabulary(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, Vocabulary):
        is_text_or_none(instance, attribute, value)
    elif value.target_model is not None and value.target_model != instance.model:
        # The service would ignore it without a word.
        refuse(attribute, str(value), f"it was made for {value.target_model} and has no effect on {instance.model}")


def _is_word_filter(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is None or isinstance(value, SpecialWordFilter):
        return
    if not isinstance(value, str) or not is_encodable(value) or read_document(value) is None:
        refuse(attribute, value, "an aiofunasr.SpecialWordFilter is needed, or a JSON object in a string")


def _are_hot_words(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, Mapping) or not all(is_usable_text(word) for word in value):
        refuse(attribute, value, 'words with their weights are needed, such as {"Fun-ASR": 4}')
    for word, weight in value.items():
        if not is_whole(weight) or not (1 <= weight <= 5 or weight == _SUPER_WEIGHT):
            refuse(attribute, {word: weight}, f"a weight is 1 to 5, or {_SUPER_WEIGHT}")
    if sum(weight == _SUPER_WEIGHT for weight in value.values()) > _MOST_SUPER_WORDS:
        refuse(attribute, value, f"at most {_MOST_SUPER_WORDS} words may have the weight {_SUPER_WEIGHT}")


def _is_turn_text(instance: object, attribute: Attribute[Any], value: Any) -> None:
    is_text(instance, attribute, value)
    if len(value) > LONGEST_TURN:
        refuse(attribute, value, f"a turn of context has at most {LONGEST_TURN} characters, not {len(value)}")


def _is_role(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value not in get_args(Role):
        refuse(attribute, value, "user or assistant")


@frozen
class ContextTurn:
    """One turn of what was said before, for models that take context (section 2.5).

    Attributes:
        text: At most 400 characters.
        role: Who said it: `"user"` or `"assistant"`.

    Raises:
        InvalidArgumentError: The text is empty or too long, or there is no such role.
    """

    text: str = field(validator=_is_turn_text)
    role: Role = field(default="user", validator=_is_role)

    def to_wire(self) -> dict[str, Any]:
        """Return the turn as the service has it."""
        kind = "input_text" if self.role == "user" else "text"
        return {"role": self.role, "content": [{"type": kind, "text": self.text}]}


def _to_turns(value: Any) -> Any:
    turns = to_tuple(value)
    return None if not turns else tuple(ContextTurn(turn) if isinstance(turn, str) else turn for turn in turns)


def _are_turns(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and not all(isinstance(turn, ContextTurn) for turn in value):
        refuse(attribute, value, "a text is needed, or aiofunasr.ContextTurn values")


def _to_mapping(value: Any) -> Any:
    return dict(value or {}) if value is None or isinstance(value, Mapping) else value


def _to_corpus(value: Any) -> Any:
    """Take the service's own form, too."""
    return value["text"] if isinstance(value, Mapping) and value.keys() == {"text"} else value


def _to_hot_words(value: Any) -> Any:
    return (dict(value) or None) if isinstance(value, Mapping) else value


@frozen(kw_only=True)
class TranscriptionOptions:
    """What a task is asked to do; None leaves the choice to the service.

    Not every model takes everything (`aiofunasr.MODELS` says which takes what): what a model would ignore is sent all
    the same, with an `OptionsWarning` when it is used. `find_misfits` says it before.

    Attributes:
        model: One of the service's recorded-file models.
        channel_id: Track indexes from 0; each is recognized, and billed, separately. The service's default is [0].
        special_word_filter: Words to mask or to leave out. Without one the service masks the words of a list of its own
            with `*` (see `masks_reserved_words`); `SpecialWordFilter(reserved=False)` gives the text as it was spoken.
            A JSON document in a string is taken as it is.
        diarization_enabled: Tell speakers apart; mono audio only, at most about two hours advised.
        speaker_count: How many speakers, 2 to 100; a hint, for diarization only.
        language_hints: Language codes; fun-asr models and qwen3-asr-flash-filetrans read the first alone,
            qwen-audio models the first four.
        speech_noise_threshold: -1.0 to 1.0; towards 1.0 more speech is dropped as noise (fun-asr models).
        vocabulary_id: A hot-word list made for the same model: its id, or what `Session.vocabulary` gave.
        vocabulary: Hot words with their weights, 1 to 5, or 50 for at most 50 of them (qwen-audio models). It takes the
            place of `vocabulary_id`.
        context: What the audio is about or what was said before, at most 400 characters a turn, of which the last five
            count (qwen-audio models): a text, or `ContextTurn` values.
        disfluency_removal_enabled: Drop filler words (paraformer models).
        timestamp_alignment_enabled: Recalibrate the times of words (paraformer models).
        audio_event_detection_enabled: Detect audio events (paraformer v1 models).
        phrase_id: A phrase list of the paraformer v1 models; sent as a resource.
        enable_words: Give the times of words, and split sentences at punctuation, too (qwen3-asr-flash-filetrans;
            the other models always do).
        enable_itn: Write numbers as digits (qwen3-asr-flash-filetrans).
        corpus: A text with the names and terms that may come up (qwen3-asr-flash-filetrans).
        extra_parameters: Parameters newer than this library, sent as they are; they win over the fields above.

    Raises:
        InvalidArgumentError: A value is out of its range, or does not go with another; it names the field.
    """

    model: str = field(default=DEFAULT_MODEL, validator=is_text)
    channel_id: tuple[int, ...] | None = field(default=None, converter=to_tuple, validator=_are_channels)
    special_word_filter: SpecialWordFilter | str | None = field(default=None, validator=_is_word_filter)
    diarization_enabled: bool | None = field(default=None, validator=_is_diarization)
    speaker_count: int | None = field(default=None, validator=_is_speaker_count)
    language_hints: tuple[str, ...] | None = field(default=None, converter=to_tuple, validator=_are_languages)
    speech_noise_threshold: float | None = field(default=None, validator=_is_threshold)
    vocabulary_id: str | Vocabulary | None = field(default=None, validator=_is_vocabulary)
    vocabulary: Mapping[str, int] | None = field(
        default=None, converter=_to_hot_words, validator=_are_hot_words, hash=False
    )
    context: tuple[ContextTurn, ...] | None = field(default=None, converter=_to_turns, validator=_are_turns)
    disfluency_removal_enabled: bool | None = field(default=None, validator=is_flag_or_none)
    timestamp_alignment_enabled: bool | None = field(default=None, validator=is_flag_or_none)
    audio_event_detection_enabled: bool | None = field(default=None, validator=is_flag_or_none)
    phrase_id: str | None = field(default=None, validator=is_text_or_none)
    enable_words: bool | None = field(default=None, validator=is_flag_or_none)
    enable_itn: bool | None = field(default=None, validator=is_flag_or_none)
    corpus: str | None = field(default=None, converter=_to_corpus, validator=is_text_or_none)
    extra_parameters: Mapping[str, Any] = field(
        factory=dict, converter=_to_mapping, validator=[is_mapping, is_json], hash=False
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

    @property
    def dialect(self) -> Dialect:
        """How the model is asked."""
        return dialect_of(self.model)

    @property
    def masks_reserved_words(self) -> bool:
        """Whether words of the service's own list are masked, which they are unless it is told otherwise (2.4).

        A model that filters nothing masks nothing: `MODELS[model].parameters` says which take `special_word_filter`.
        """
        written = self.parameters().get("special_word_filter")
        document = read_document(written) if isinstance(written, str) else None
        return (document or {}).get("system_reserved_filter") is not False

    def parameters(self) -> dict[str, Any]:
        """Return the `parameters` object of a submit; an empty one where nothing is asked (section 1.2)."""
        own = {name: _to_wire(value) for name in _PARAMETERS if (value := getattr(self, name)) is not None}
        if self.dialect is Dialect.FILE_URL and self.language_hints is not None:
            # One code, under a name of its own (section 2.6).
            del own["language_hints"]
            own["language"] = self.language_hints[0]
        if self.corpus is not None:
            own["corpus"] = {"text": self.corpus}
        return own | dict(self.extra_parameters)

    def asked(self) -> list[Any]:
        """Return all that is asked of the model, as JSON has it: parameters, phrase list, and context if there is any.

        Options that ask for the same are alike in this, whatever they were made of; `of_asked` makes options of it.
        """
        asked = [self.parameters(), self.phrase_id]
        return asked if self.context is None else [*asked, [[turn.role, turn.text] for turn in self.context]]

    @classmethod
    def of_asked(cls, model: str, asked: list[Any]) -> Self:
        """Return options that ask a model for the same."""
        parameters, phrase_id, *context = asked
        turns = [ContextTurn(text, role) for role, text in context[0]] if context else None
        return cls(model=model, phrase_id=phrase_id, context=turns, extra_parameters=parameters)


def _to_wire(value: Any) -> Any:
    match value:
        case SpecialWordFilter():
            return value.to_json()
        case Vocabulary():
            return value.vocabulary_id
        case tuple():
            return list(value)
        case Mapping():
            return dict(value)
    return value


_NOT_PARAMETERS = frozenset({"model", "phrase_id", "context", "extra_parameters"})
_PARAMETERS = tuple(
    attribute.name for attribute in fields(TranscriptionOptions) if attribute.name not in _NOT_PARAMETERS
)
