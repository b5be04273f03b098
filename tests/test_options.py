from __future__ import annotations

from typing import Any

import pytest

from aiofunasr import InvalidArgumentError, TranscriptionOptions


def test_by_default_the_service_decides() -> None:
    assert TranscriptionOptions().parameters() == {}
    assert TranscriptionOptions().model == "fun-asr"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"channel_id": []}, "channel_id"),
        ({"channel_id": [-1]}, "channel_id"),
        ({"channel_id": [0, 0]}, "channel_id"),
        ({"channel_id": "0"}, "channel_id"),
        ({"channel_id": [True]}, "channel_id"),
        ({"diarization_enabled": "yes"}, "diarization_enabled"),
        ({"diarization_enabled": True, "speaker_count": 1}, "speaker_count"),
        ({"diarization_enabled": True, "speaker_count": 101}, "speaker_count"),
        ({"diarization_enabled": True, "speaker_count": 2.0}, "speaker_count"),
        ({"speaker_count": 2}, "speaker_count"),
        ({"language_hints": []}, "language_hints"),
        ({"language_hints": [1]}, "language_hints"),
        ({"language_hints": [""]}, "language_hints"),
        ({"speech_noise_threshold": 1.01}, "speech_noise_threshold"),
        ({"speech_noise_threshold": float("nan")}, "speech_noise_threshold"),
        ({"speech_noise_threshold": True}, "speech_noise_threshold"),
        ({"vocabulary_id": ""}, "vocabulary_id"),
        ({"special_word_filter": {"a": 1}}, "special_word_filter"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(given: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        TranscriptionOptions(**given)
    assert caught.value.argument == named
    assert str(caught.value).startswith(f"{named}=")
    assert ": " in str(caught.value)


def test_lists_are_frozen_and_one_alone_will_do() -> None:
    options = TranscriptionOptions(language_hints="en", channel_id=0)
    assert options.language_hints == ("en",)
    assert options.parameters() == {"language_hints": ["en"], "channel_id": [0]}
    hash(options)


def test_replacing_checks_names_and_values_again() -> None:
    options = TranscriptionOptions(model="fun-asr-mtl")
    assert options.replace(language_hints=["ja"]).model == "fun-asr-mtl"
    assert options.replace() is options
    with pytest.raises(InvalidArgumentError, match=r"no such option.*language_hints"):
        options.replace(language="ja")
    with pytest.raises(InvalidArgumentError):
        options.replace(speaker_count=1)


def test_newer_parameters_pass_and_win() -> None:
    options = TranscriptionOptions(channel_id=[0], extra_parameters={"channel_id": [1], "new": {"a": 1}})
    assert options.parameters() == {"channel_id": [1], "new": {"a": 1}}
