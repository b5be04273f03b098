"""The catalogue of models, against the tables of the service's pages written out."""

from __future__ import annotations

import pytest
from attrs import fields

from aiofunasr import MODELS, Dialect, TranscriptionOptions
from aiofunasr.options.models import dialect_of
from aiofunasr.settings import SHARED_HOSTS

THIRTY = "zh en ja ko vi th id ms tl hi ar fr de es pt ru it nl sv da fi no el pl cs hu ro bg hr sk"
F, QA, P2, P1 = "fun-asr", "qwen-audio-3.1-asr-flash-filetrans", "paraformer-v2", "paraformer-v1"

# The table of parameters: name, and one model of each family that takes it.
TAKERS = {
    "channel_id": {F, QA, P2, P1},
    "special_word_filter": {F, QA, P2},
    "diarization_enabled": {F, QA, P2, P1},
    "speaker_count": {F, QA, P2, P1},
    "language_hints": {F, QA, P2},
    "speech_noise_threshold": {F},
    "vocabulary_id": {F, QA, P2},
    "vocabulary": {QA},
    "context": {QA},
    "disfluency_removal_enabled": {P2, P1},
    "timestamp_alignment_enabled": {P2, P1},
    "audio_event_detection_enabled": {P1},
    "phrase_id": {P1},
    "enable_words": set(),
    "enable_itn": set(),
    "corpus": set(),
}


@pytest.mark.parametrize("parameter", TAKERS)
def test_each_parameter_is_taken_by_the_families_that_document_it(parameter: str) -> None:
    assert {name for name in (F, QA, P2, P1) if parameter in (MODELS[name].parameters or ())} == TAKERS[parameter]


def test_every_option_is_in_the_table() -> None:
    options = {attribute.name for attribute in fields(TranscriptionOptions)}
    assert options - {"model", "extra_parameters"} == TAKERS.keys()
    for model in MODELS.values():
        assert (model.parameters or frozenset()) <= options


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("fun-asr", THIRTY),
        ("fun-asr-2025-11-07", THIRTY),
        ("fun-asr-mtl", THIRTY),
        ("fun-asr-mtl-2025-08-25", THIRTY),
        ("fun-asr-2025-08-25", "zh en"),
        ("qwen-audio-3.0-asr-flash-filetrans", THIRTY),
        ("qwen-audio-3.1-asr-flash-filetrans", THIRTY),
        ("paraformer-v2", "zh en ja yue ko de fr ru"),
        ("paraformer-8k-v2", ""),
        ("sensevoice-v1", ""),
        ("qwen3-asr-flash-filetrans", ""),
    ],
)
def test_languages_are_those_of_the_newest_pages(name: str, languages: str) -> None:
    assert MODELS[name].languages == tuple(languages.split())


@pytest.mark.parametrize(
    ("name", "region", "submits", "queries", "at_once"),
    [
        ("fun-asr", "cn-beijing", 600, 20, None),
        ("fun-asr-mtl", "cn-beijing", 600, 20, None),
        ("fun-asr", "ap-southeast-1", 600, 20, None),
        ("fun-asr-mtl-2025-08-25", "ap-southeast-1", 100, 20, None),
        ("qwen3-asr-flash-filetrans", "cn-beijing", 100, None, None),
        ("paraformer-v2", "cn-beijing", 1200, 20, None),
        ("paraformer-v1", "cn-beijing", 600, 20, None),
        ("paraformer-mtl-v1", "cn-beijing", 600, 20, None),
        ("paraformer-8k-v2", "cn-beijing", 1200, 20, 100),
        ("paraformer-8k-v1", "cn-beijing", 600, 20, 500),
        ("sensevoice-v1", "cn-beijing", 600, 20, None),
    ],
)
def test_limits_are_those_of_the_pages(
    name: str, region: str, submits: int, queries: int | None, at_once: int | None
) -> None:
    limits = MODELS[name].limits[region]
    assert (limits.submits_per_minute, limits.queries_per_second, limits.tasks_at_once) == (submits, queries, at_once)
    assert limits.submits_per_second == submits / 60


def test_each_entry_is_consistent() -> None:
    for name, model in MODELS.items():
        assert model.name == name
        assert model.alias_of is None or model.alias_of in MODELS
        assert set(model.limits) == set(model.regions)
        assert {*model.regions, *model.unchecked_regions} <= set(SHARED_HOSTS)
        assert model.note
        assert (model.sample_rate == 8000) is ("8k" in name)


def test_snapshots_speak_as_what_they_are_snapshots_of() -> None:
    assert dialect_of("qwen3-asr-flash-filetrans") is Dialect.FILE_URL
    assert dialect_of("qwen3-asr-flash-filetrans-2025-11-17") is Dialect.FILE_URL
    assert dialect_of("fun-asr-2030-01-01") is Dialect.FILE_URLS
    assert dialect_of("a-model-of-tomorrow") is Dialect.FILE_URLS
