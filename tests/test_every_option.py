"""Every parameter of every model, with an emulator that refuses what it does not know: it was written by itself."""

from __future__ import annotations

from typing import Any

import pytest

from aiofunasr import MODELS, ContextTurn, Dialect, Session, SpecialWordFilter
from aiofunasr.emulator import EmulatorSettings, RateLimit, Service
from aiofunasr.emulator.models import CATALOGUE
from support import play, urls

ASKED: dict[str, Any] = {
    "channel_id": [0],
    "special_word_filter": SpecialWordFilter(masked=["river"], removed=["window"], reserved=False),
    "diarization_enabled": True,
    "speaker_count": 2,
    "language_hints": ["zh"],
    "speech_noise_threshold": 0.1,
    "vocabulary": {"stator": 4, "rotor": 50},
    "context": ["About turbines.", ContextTurn("Understood.", "assistant")],
    "disfluency_removal_enabled": True,
    "timestamp_alignment_enabled": True,
    "audio_event_detection_enabled": True,
    "phrase_id": "phrase-1",
    "enable_words": True,
    "enable_itn": True,
    "corpus": "stator, rotor",
}
STRICT = EmulatorSettings.instant(unknown_parameters="refused")
REGIONS = ("cn-beijing", "ap-southeast-1", "cn-hongkong", "us-east-1")


@pytest.mark.parametrize("name", MODELS)
def test_the_service_takes_all_that_a_model_is_said_to_take(name: str) -> None:
    taken = MODELS[name].parameters or {"channel_id"}
    asked = {parameter: value for parameter, value in ASKED.items() if parameter in taken}

    async def scenario(session: Session, service: Service) -> None:
        (result,) = await (await session.submit(urls(1), model=name, **asked))
        transcript = result.unwrap()
        (submission,) = service.ledger.submissions
        assert submission.parameters is not None
        if "context" in taken:
            assert submission.context == (("user", "About turbines."), ("assistant", "Understood."))
        beside = asked.keys() & {"context", "phrase_id", "language_hints"}
        assert submission.parameters.keys() >= asked.keys() - beside
        assert bool(transcript.words)
        sentences = transcript.sentences
        if "special_word_filter" in taken:
            assert "window" not in transcript.text
        if "speaker_count" in taken:
            assert {sentence.speaker_id for sentence in sentences} <= {0, 1, None}
        if "language_hints" in taken:
            assert "\u3002" in transcript.text

    play(scenario, STRICT)


@pytest.mark.parametrize("name", MODELS)
def test_both_catalogues_say_the_same(name: str) -> None:
    ours, theirs = MODELS[name], CATALOGUE[name]
    assert (ours.dialect is Dialect.FILE_URL) is (theirs.shape == "one")
    for region in REGIONS:
        assert (region in ours.regions) is theirs.is_offered_in(region)
    for region, limits in ours.limits.items():
        if limits.submits_per_minute is not None:
            theirs_a_second = as_a_second(theirs.limit_in(region))
            assert limits.submits_per_second == pytest.approx(theirs_a_second)
            assert limits.tasks_at_once == theirs.concurrency
    if ours.parameters is not None:
        wire = {"language" if parameter == "language_hints" and theirs.shape == "one" else parameter
                for parameter in ours.parameters - {"context", "phrase_id"}}  # fmt: skip
        assert wire == theirs.parameters
    if ours.language_hints is not None:
        assert ours.language_hints == theirs.hints


def as_a_second(limit: RateLimit) -> float:
    return limit.count / limit.seconds


def test_both_catalogues_have_the_same_models() -> None:
    assert MODELS.keys() == CATALOGUE.keys()
