from __future__ import annotations

import json
from typing import Any

import pytest

from aiofunasr import ContextTurn, InvalidArgumentError, SpecialWordFilter, TranscriptionOptions


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
        ({"special_word_filter": "alpha"}, "special_word_filter"),
        ({"special_word_filter": "[1]"}, "special_word_filter"),
        ({"diarization_enabled": True, "channel_id": [0, 1]}, "diarization_enabled"),
        ({"vocabulary": ["turbine"]}, "vocabulary"),
        ({"vocabulary": {"turbine": 6}}, "vocabulary"),
        ({"vocabulary": {"turbine": 0}}, "vocabulary"),
        ({"vocabulary": {"turbine": True}}, "vocabulary"),
        ({"vocabulary": {"": 4}}, "vocabulary"),
        ({"vocabulary": {f"word {number}": 50 for number in range(51)}}, "vocabulary"),
        ({"context": [{"role": "user"}]}, "context"),
        ({"context": "x" * 401}, "text"),
        ({"context": [" "]}, "text"),
        ({"audio_event_detection_enabled": 1}, "audio_event_detection_enabled"),
        ({"enable_words": "yes"}, "enable_words"),
        ({"enable_itn": "yes"}, "enable_itn"),
        ({"corpus": ["turbine"]}, "corpus"),
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


def test_fifty_words_may_have_the_super_weight() -> None:
    words = {f"word {number}": 50 for number in range(50)} | {"turbine": 5}
    assert TranscriptionOptions(vocabulary=words).parameters() == {"vocabulary": words}
    assert TranscriptionOptions(vocabulary={}).parameters() == {}


def test_a_word_filter_serializes_itself() -> None:
    options = TranscriptionOptions(special_word_filter=SpecialWordFilter(masked=["alpha"], removed=["gamma"]))
    assert options.parameters() == {
        "special_word_filter": '{"filter_with_signed":{"word_list":["alpha"]},'
        '"filter_with_empty":{"word_list":["gamma"]},"system_reserved_filter":true}'
    }


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        (None, True),
        (SpecialWordFilter(masked=["alpha"]), True),
        (SpecialWordFilter(reserved=False), False),
        ('{"system_reserved_filter": false}', False),
        ('{"filter_with_signed": {"word_list": ["alpha"]}}', True),
    ],
)
def test_the_words_of_the_service_are_masked_unless_told_otherwise(
    given: SpecialWordFilter | str | None, masked: bool
) -> None:
    assert TranscriptionOptions(special_word_filter=given).masks_reserved_words is masked


def test_a_corpus_may_have_the_form_of_the_service() -> None:
    assert TranscriptionOptions(corpus={"text": "turbine"}) == TranscriptionOptions(corpus="turbine")


def test_context_is_a_text_or_turns() -> None:
    assert TranscriptionOptions(context="About turbines.").context == (ContextTurn("About turbines."),)
    turns = [ContextTurn("About turbines."), ContextTurn("Understood.", "assistant")]
    assert TranscriptionOptions(context=turns).context == tuple(turns)
    with pytest.raises(InvalidArgumentError, match="role="):
        ContextTurn("x", "system")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        TranscriptionOptions(model="fun-asr-mtl", language_hints=["ja"], phrase_id="p-1"),
        TranscriptionOptions(
            model="qwen-audio-3.1-asr-flash-filetrans",
            vocabulary={"turbine": 4},
            context=["About turbines.", ContextTurn("Understood.", "assistant")],
        ),
        TranscriptionOptions(model="qwen3-asr-flash-filetrans", language_hints=["en"], corpus="turbine"),
    ],
    ids=lambda options: options.model,
)
def test_what_was_asked_can_be_asked_again(options: TranscriptionOptions) -> None:
    asked = json.loads(json.dumps(options.asked()))
    again = TranscriptionOptions.of_asked(options.model, asked)
    assert again.asked() == options.asked()
