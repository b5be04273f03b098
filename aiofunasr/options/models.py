"""The service's models for recorded files, as data (the protocol notes, sections 2.1, 2.3 and 6.4).

It says what is documented and nothing more. A model that is not here can be used all the same: whatever is asked of it
is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from attrs import frozen

BEIJING, SINGAPORE, VIRGINIA = "cn-beijing", "ap-southeast-1", "us-east-1"


class Dialect(StrEnum):
    """How a model is asked, and how it answers."""

    FILE_URLS = "file_urls"
    """A list of files goes in, a list of results comes out (section 2.2)."""
    FILE_URL = "file_url"
    """One file goes in, one result comes out, under names of their own (section 2.6)."""


@frozen(kw_only=True)
class ModelLimits:
    """What an account may ask of one model in one region (section 6.4); None where nothing is documented.

    Attributes:
        submits_per_minute: Enforced second by second: 600 a minute are 10 a second.
        queries_per_second: Shared by all tasks of the account.
        tasks_at_once: Tasks in flight.
    """

    submits_per_minute: int | None = None
    queries_per_second: int | None = None
    tasks_at_once: int | None = None

    @property
    def submits_per_second(self) -> float | None:
        """The submits of one second, for `Limits(submit=...)`."""
        return None if self.submits_per_minute is None else self.submits_per_minute / 60


@frozen(kw_only=True)
class Model:
    """A model for recorded files.

    Attributes:
        name: What goes into `TranscriptionOptions.model`.
        alias_of: The snapshot that the name stands for at present, or None.
        dialect: How it is asked.
        regions: Where it is offered.
        unchecked_regions: Where nobody knows whether it is.
        languages: The codes it lists; empty where none are documented.
        parameters: The fields of `TranscriptionOptions` it takes; None where that is not documented.
        language_hints: How many of them it reads; None where no number is documented.
        sample_rate: The sample rate it is made for, in Hz; None for any.
        limits: What an account may ask of it, by region.
        note: What else there is to know, in a sentence.
    """

    name: str
    alias_of: str | None = None
    dialect: Dialect = Dialect.FILE_URLS
    regions: tuple[str, ...]
    unchecked_regions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    parameters: frozenset[str] | None = None
    language_hints: int | None = None
    sample_rate: int | None = None
    limits: Mapping[str, ModelLimits]
    note: str

    def may_be_in(self, region: str) -> bool:
        """Tell whether it may be offered in a region."""
        return region in self.regions or region in self.unchecked_regions


_THIRTY = tuple("zh en ja ko vi th id ms tl hi ar fr de es pt ru it nl sv da fi no el pl cs hu ro bg hr sk".split())  # noqa: SIM905
_EIGHT = tuple("zh en ja yue ko de fr ru".split())  # noqa: SIM905

_SPEAKERS = frozenset({"channel_id", "diarization_enabled", "speaker_count"})
_COMMON = _SPEAKERS | {"special_word_filter", "language_hints", "vocabulary_id"}
_FUN_ASR = _COMMON | {"speech_noise_threshold"}
_QWEN_AUDIO = _COMMON | {"vocabulary", "context"}
_PARAFORMER = frozenset({"disfluency_removal_enabled", "timestamp_alignment_enabled"})
_PARAFORMER_V2 = _COMMON | _PARAFORMER
_PARAFORMER_V1 = _SPEAKERS | _PARAFORMER | {"audio_event_detection_enabled", "phrase_id"}
_QWEN3 = frozenset({"channel_id", "language_hints", "enable_itn", "enable_words", "corpus"})

_TEN_A_SECOND = ModelLimits(submits_per_minute=600, queries_per_second=20)
_TWENTY_A_SECOND = ModelLimits(submits_per_minute=1200, queries_per_second=20)
_UNKNOWN = ModelLimits()


def _fun_asr(
    name: str, note: str, *, alias_of: str | None = None, languages: tuple[str, ...] = _THIRTY, singapore: int = 600
) -> Model:
    return Model(
        name=name,
        alias_of=alias_of,
        regions=(BEIJING, SINGAPORE),
        languages=languages,
        parameters=_FUN_ASR,
        language_hints=1,
        limits={
            BEIJING: _TEN_A_SECOND,
            SINGAPORE: ModelLimits(submits_per_minute=singapore, queries_per_second=20),
        },
        note=note,
    )


def _qwen_audio(name: str, note: str) -> Model:
    return Model(
        name=name,
        regions=(BEIJING,),
        unchecked_regions=(SINGAPORE,),
        languages=_THIRTY,
        parameters=_QWEN_AUDIO,
        language_hints=4,
        limits={BEIJING: _UNKNOWN},
        note=note,
    )


def _older(
    name: str,
    note: str,
    limits: ModelLimits = _TEN_A_SECOND,
    *,
    parameters: frozenset[str] | None = _PARAFORMER_V1,
    languages: tuple[str, ...] = (),
    sample_rate: int | None = None,
) -> Model:
    return Model(
        name=name,
        regions=(BEIJING,),
        languages=languages,
        parameters=parameters,
        sample_rate=sample_rate,
        limits={BEIJING: limits},
        note=note,
    )


_ALL = (
    _fun_asr("fun-asr", "the usual choice; Chinese dialects go under zh", alias_of="fun-asr-2025-11-07"),
    _fun_asr("fun-asr-2025-11-07", "a snapshot; finds speech far from the microphone better"),
    _fun_asr("fun-asr-2025-08-25", "a snapshot; Chinese and English only", languages=("zh", "en")),
    _fun_asr("fun-asr-mtl", "many languages", alias_of="fun-asr-mtl-2025-08-25", singapore=100),
    _fun_asr("fun-asr-mtl-2025-08-25", "a snapshot; many languages", singapore=100),
    _qwen_audio("qwen-audio-3.0-asr-flash-filetrans", "takes context and hot words with the request"),
    _qwen_audio("qwen-audio-3.1-asr-flash-filetrans", "takes context and hot words with the request; the newest"),
    _older(
        "paraformer-v2", "drops fillers when asked to", _TWENTY_A_SECOND, parameters=_PARAFORMER_V2, languages=_EIGHT
    ),
    _older(
        "paraformer-8k-v2",
        "for telephone audio",
        ModelLimits(submits_per_minute=1200, queries_per_second=20, tasks_at_once=100),
        parameters=_PARAFORMER_V2,
        sample_rate=8000,
    ),
    _older("paraformer-v1", "an older model; hot words as a phrase list"),
    _older(
        "paraformer-8k-v1",
        "an older model, for telephone audio; hot words as a phrase list",
        ModelLimits(submits_per_minute=600, queries_per_second=20, tasks_at_once=500),
        sample_rate=8000,
    ),
    _older("paraformer-mtl-v1", "an older model; hot words as a phrase list"),
    _older("sensevoice-v1", "an older model, perhaps retired; its text has tags such as <|HAPPY|>", parameters=None),
    Model(
        name="qwen3-asr-flash-filetrans",
        dialect=Dialect.FILE_URL,
        regions=(BEIJING, SINGAPORE, VIRGINIA),
        parameters=_QWEN3,
        language_hints=1,
        limits=dict.fromkeys((BEIJING, SINGAPORE, VIRGINIA), ModelLimits(submits_per_minute=100)),
        note="one file a task; says the emotion of each sentence, and the times of words when asked to",
    ),
)

MODELS: Mapping[str, Model] = {model.name: model for model in _ALL}
"""The models by name."""

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def dialect_of(name: str) -> Dialect:
    """Return how a model is asked; a snapshot this library does not know, as what it is a snapshot of."""
    model = MODELS.get(name) or MODELS.get(_SNAPSHOT.sub("", name))
    return Dialect.FILE_URLS if model is None else model.dialect
