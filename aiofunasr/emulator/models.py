"""The models on the transcription endpoint: shape, regions, limits, parameters (protocol notes, sections 2 and 6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from attrs import evolve, field, frozen

from aiofunasr.emulator.limits import RateLimit

BEIJING: Final = "cn-beijing"
SINGAPORE: Final = "ap-southeast-1"
VIRGINIA: Final = "us-east-1"

_MAINLAND: Final = frozenset({BEIJING})
_BOTH: Final = frozenset({BEIJING, SINGAPORE})

_COMMON: Final = frozenset({"channel_id"})
_WORDED: Final = _COMMON | {"special_word_filter", "diarization_enabled", "speaker_count", "language_hints"}
_FUN_ASR: Final = _WORDED | {"vocabulary_id", "speech_noise_threshold"}
_QWEN_AUDIO: Final = _WORDED | {"vocabulary_id", "vocabulary"}
_PARAFORMER_2: Final = _WORDED | {"vocabulary_id", "disfluency_removal_enabled", "timestamp_alignment_enabled"}
_PARAFORMER_1: Final = _COMMON | {
    "diarization_enabled",
    "speaker_count",
    "disfluency_removal_enabled",
    "timestamp_alignment_enabled",
    "audio_event_detection_enabled",
}
_QWEN_3: Final = _COMMON | {"language", "enable_itn", "enable_words", "corpus"}


@frozen(kw_only=True)
class Model:
    """What the service knows of one of its models.

    `shape`: it takes `input.file_urls` (many), or `input.file_url` (one). `hints`: how many language hints it reads.
    `limit`: submits of an account, `limits` where a region has another. `concurrency`: tasks of an account at once.
    `takes_context`: it reads what was said before. No regions stand for all.
    """

    name: str
    shape: Literal["many", "one"] = "many"
    regions: frozenset[str] = _BOTH
    parameters: frozenset[str] = _FUN_ASR
    hints: int = 1
    limit: RateLimit = field(default=RateLimit(10))
    limits: Mapping[str, RateLimit] = field(factory=dict)
    concurrency: int | None = None
    takes_context: bool = False

    def is_offered_in(self, region: str) -> bool:
        """Tell whether a region has the model."""
        return not self.regions or region in self.regions

    def limit_in(self, region: str) -> RateLimit:
        """Return the limit of submits in a region."""
        return self.limits.get(region, self.limit)


def _models() -> list[Model]:
    fun_asr = Model(name="fun-asr")
    multilingual = evolve(fun_asr, limits=MappingProxyType({SINGAPORE: RateLimit(100, 60)}))
    qwen_audio = Model(name="", regions=_MAINLAND, parameters=_QWEN_AUDIO, hints=4, takes_context=True)
    first = Model(name="", regions=_MAINLAND, parameters=_PARAFORMER_1, hints=0)
    second = Model(name="", regions=_MAINLAND, parameters=_PARAFORMER_2, hints=10, limit=RateLimit(20))
    qwen_3 = Model(
        name="",
        shape="one",
        regions=frozenset({BEIJING, SINGAPORE, VIRGINIA}),
        parameters=_QWEN_3,
        limit=RateLimit(100, 60),
    )
    return [
        *(evolve(fun_asr, name=name) for name in ("fun-asr", "fun-asr-2025-11-07", "fun-asr-2025-08-25")),
        *(evolve(multilingual, name=name) for name in ("fun-asr-mtl", "fun-asr-mtl-2025-08-25")),
        *(evolve(qwen_audio, name=f"qwen-audio-3.{minor}-asr-flash-filetrans") for minor in (0, 1)),
        evolve(second, name="paraformer-v2"),
        evolve(second, name="paraformer-8k-v2", concurrency=100),
        evolve(first, name="paraformer-v1"),
        evolve(first, name="paraformer-8k-v1", concurrency=500),
        evolve(first, name="paraformer-mtl-v1"),
        evolve(first, name="sensevoice-v1", parameters=_COMMON | {"language_hints"}, hints=1),
        evolve(qwen_3, name="qwen3-asr-flash-filetrans"),
    ]


CATALOGUE: Final[Mapping[str, Model]] = MappingProxyType({model.name: model for model in _models()})


def model_named(name: str) -> Model:
    """Return what is known of a model; one that is not in the catalogue is like fun-asr, and offered everywhere."""
    known = CATALOGUE.get(name)
    if known is not None:
        return known
    everything = frozenset().union(*(model.parameters for model in CATALOGUE.values()))
    return Model(name=name, regions=frozenset(), parameters=everything, hints=4, takes_context=True)
