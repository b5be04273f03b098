from __future__ import annotations

from typing import Any

import pytest
from attrs import fields

from aiofunasr import SpecialWordFilter, TranscriptionOptions, find_misfits

QWEN_AUDIO = "qwen-audio-3.1-asr-flash-filetrans"

PARAFORMER_V1 = (
    "channel_id diarization_enabled disfluency_removal_enabled timestamp_alignment_enabled phrase_id "
    "audio_event_detection_enabled"
)

ASKED: dict[str, Any] = {
    "channel_id": [0],
    "special_word_filter": SpecialWordFilter(reserved=False),
    "diarization_enabled": True,
    "language_hints": ["en"],
    "speech_noise_threshold": 0.0,
    "vocabulary_id": "vocab-a-1",
    "vocabulary": {"turbine": 4},
    "context": "About turbines.",
    "disfluency_removal_enabled": True,
    "timestamp_alignment_enabled": True,
    "audio_event_detection_enabled": True,
    "phrase_id": "p-1",
    "enable_words": True,
    "enable_itn": True,
    "corpus": "turbine",
}


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        (
            "fun-asr",
            "channel_id special_word_filter diarization_enabled language_hints speech_noise_threshold vocabulary_id",
        ),
        (
            QWEN_AUDIO,
            "channel_id special_word_filter diarization_enabled language_hints vocabulary_id vocabulary context",
        ),
        (
            "paraformer-v1",
            PARAFORMER_V1,
        ),
        ("qwen3-asr-flash-filetrans", "channel_id language_hints enable_words enable_itn corpus"),
        ("sensevoice-v1", " ".join(ASKED)),
        ("a-model-of-tomorrow", " ".join(ASKED)),
    ],
)
@pytest.mark.parametrize("name", ASKED)
def test_what_a_model_does_not_take_is_said(model: str, taken: str, name: str) -> None:
    misfits = find_misfits(TranscriptionOptions(model=model, **{name: ASKED[name]}))
    if name in taken.split():
        assert misfits == ()
    else:
        (misfit,) = misfits
        assert misfit.startswith(f"{model} takes no {name}, so it has no effect")


def test_every_option_is_tried() -> None:
    names = {attribute.name for attribute in fields(TranscriptionOptions)}
    assert names - ASKED.keys() == {"model", "speaker_count", "extra_parameters"}


def test_who_would_take_it_is_named() -> None:
    (misfit,) = find_misfits(TranscriptionOptions(disfluency_removal_enabled=True))
    assert misfit.endswith("(paraformer-v2, paraformer-8k-v2, paraformer-v1, ... would take it)")
    (misfit,) = find_misfits(TranscriptionOptions(enable_itn=True))
    assert misfit.endswith("(qwen3-asr-flash-filetrans would take it)")


def test_an_explicit_no_and_newer_parameters_are_no_misfits() -> None:
    options = TranscriptionOptions(disfluency_removal_enabled=False, extra_parameters={"enable_itn": True})
    assert find_misfits(options) == ()


def test_hints_beyond_those_that_are_read_are_named() -> None:
    assert find_misfits(TranscriptionOptions(language_hints=["zh", "en", "ja"])) == (
        "fun-asr reads one language hint, zh; without effect: en, ja",
    )
    four = ["zh", "en", "ja", "ko"]
    assert find_misfits(TranscriptionOptions(model=QWEN_AUDIO, language_hints=four)) == ()
    assert find_misfits(TranscriptionOptions(model=QWEN_AUDIO, language_hints=[*four, "vi"])) == (
        f"{QWEN_AUDIO} reads 4 language hints, zh, en, ja, ko; without effect: vi",
    )
    assert find_misfits(TranscriptionOptions(model="paraformer-v2", language_hints=[*four, "yue"])) == ()


@pytest.mark.parametrize(("code", "meant"), [("en-US", "perhaps en is meant"), ("EN", "perhaps en is meant")])
def test_a_language_that_is_not_listed_is_said(code: str, meant: str) -> None:
    (misfit,) = find_misfits(TranscriptionOptions(language_hints=[code]))
    assert misfit.startswith(f"fun-asr does not list the language {code!r}; {meant}; it lists zh, en, ja")
    (misfit,) = find_misfits(TranscriptionOptions(model="fun-asr-2025-08-25", language_hints=["ja"]))
    assert misfit == "fun-asr-2025-08-25 does not list the language 'ja'; it lists zh, en"


def test_a_region_without_the_model_is_said() -> None:
    paraformer = TranscriptionOptions(model="paraformer-v2")
    assert find_misfits(paraformer, "ap-southeast-1") == (
        "paraformer-v2 is not offered in ap-southeast-1; it is in cn-beijing",
    )
    assert find_misfits(paraformer, "cn-beijing") == find_misfits(paraformer) == ()
    # Nobody has checked.
    assert find_misfits(TranscriptionOptions(model=QWEN_AUDIO), "ap-southeast-1") == ()
    assert len(find_misfits(TranscriptionOptions(model=QWEN_AUDIO), "us-east-1")) == 1


def test_what_takes_the_place_of_something_else_is_said() -> None:
    both = TranscriptionOptions(model=QWEN_AUDIO, vocabulary={"turbine": 4}, vocabulary_id="vocab-a-1")
    assert find_misfits(both) == ("vocabulary takes the place of vocabulary_id, so the latter has no effect",)
    long = TranscriptionOptions(model=QWEN_AUDIO, context=[f"turn {number}" for number in range(6)])
    assert find_misfits(long) == ("the service reads the last 5 of the 6 turns of context",)


def test_a_misspelled_key_of_a_word_filter_is_said() -> None:
    options = TranscriptionOptions(special_word_filter='{"filter_with_sign": {"word_list": ["alpha"]}}')
    (misfit,) = find_misfits(options)
    assert "keys the service does not know: filter_with_sign " in misfit
