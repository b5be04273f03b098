from __future__ import annotations

from typing import Any

import pytest

from aiofunasr.emulator import EmulatorSettings
from aiofunasr.emulator.messages import RefusalError
from aiofunasr.emulator.models import model_named
from aiofunasr.emulator.parameters import Parameters, read_parameters

FUN_ASR, QWEN_AUDIO, PARAFORMER, QWEN_3 = (
    "fun-asr",
    "qwen-audio-3.1-asr-flash-filetrans",
    "paraformer-v1",
    "qwen3-asr-flash-filetrans",
)


def read(given: dict[str, Any], model: str = FUN_ASR, **changes: Any) -> Parameters:
    return read_parameters(given, model_named(model), EmulatorSettings(**changes))


@pytest.mark.parametrize(
    ("model", "read_hints"),
    [
        (FUN_ASR, ("en",)),
        (QWEN_AUDIO, ("en", "zh", "ja", "ko")),
        (PARAFORMER, ()),
        ("paraformer-v2", ("en", "zh", "ja", "ko", "fr")),
    ],
)
def test_a_model_reads_so_many_language_hints(model: str, read_hints: tuple[str, ...]) -> None:
    hints = ["en", "zh", "ja", "ko", "fr"]
    assert read({"language_hints": hints}, model).options["language_hints"] == read_hints


@pytest.mark.parametrize(("default", "expected"), [((), ()), (("zh", "en"), ("zh",))])
def test_languages_may_have_a_default(default: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert read({}, default_language_hints=default).options["language_hints"] == expected
    assert read({"language_hints": ["ja"]}, default_language_hints=default).options["language_hints"] == ("ja",)


@pytest.mark.parametrize(("heeded", "expected"), [(True, {"speech_noise_threshold": 0.5}), (False, {})])
def test_the_noise_threshold_is_heeded_or_not(heeded: bool, expected: dict[str, float]) -> None:
    options = read({"speech_noise_threshold": 0.5}, noise_threshold=heeded).options
    assert {**options, "language_hints": None} == {"language_hints": None, **expected}
    assert "speech_noise_threshold" not in read({"speech_noise_threshold": 0.5}, QWEN_AUDIO).options


def test_what_a_model_does_not_take_is_not_even_looked_at() -> None:
    assert read({"special_word_filter": 5, "vocabulary_id": 5, "enable_words": 5}, PARAFORMER).vocabulary_id is None
    assert read({"vocabulary": 5}, FUN_ASR).hot_words == ()


@pytest.mark.parametrize("answer", ["ignored", "refused"])
def test_unknown_names_are_ignored_or_refused(answer: Any) -> None:
    given = {"diarisation_enabled": True}
    if answer == "ignored":
        assert "diarization_enabled" not in read(given, unknown_parameters=answer).options
    else:
        with pytest.raises(RefusalError, match="missing status name"):
            read(given, unknown_parameters=answer)


def test_the_code_of_a_bad_value_can_be_chosen() -> None:
    for given in ({"speaker_count": 1}, {"special_word_filter": "{"}, {"vocabulary_id": 5}):
        with pytest.raises(RefusalError) as caught:
            read(given, bad_parameter_code="BadRequest.IllegalInput")
        assert caught.value.code == "BadRequest.IllegalInput"


def test_the_other_dialect_has_parameters_of_its_own() -> None:
    options = read({"language": "ja", "enable_words": True, "language_hints": ["en"]}, QWEN_3).options
    assert (options["language_hints"], options["words_enabled"]) == (("ja",), True)
    assert read({}, QWEN_3).options["words_enabled"] is False
    assert "words_enabled" not in read({"enable_words": False}).options
    with pytest.raises(RefusalError):
        read({"language": ["ja"]}, QWEN_3)
