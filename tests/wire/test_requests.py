from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from aiofunasr import ContextTurn, TranscriptionOptions
from aiofunasr.wire import requests
from aiofunasr.wire.requests import Caller

CALLER = Caller("https://dashscope.aliyuncs.com/api/v1", "sk-secret-key", "ws-1")


def test_a_submit_has_what_the_service_insists_on() -> None:
    request = requests.submit(CALLER, ["https://h/a.wav"], TranscriptionOptions())
    assert request.method == "POST"
    assert request.url == "https://dashscope.aliyuncs.com/api/v1/services/audio/asr/transcription"
    assert request.headers["X-DashScope-Async"] == "enable"
    assert request.headers["Authorization"] == "Bearer sk-secret-key"
    assert request.headers["X-DashScope-WorkSpace"] == "ws-1"
    assert "X-DashScope-OssResourceResolve" not in request.headers
    assert isinstance(request.body, bytes)
    assert json.loads(request.body) == {
        "model": "fun-asr",
        "input": {"file_urls": ["https://h/a.wav"]},
        "parameters": {},
    }


def test_all_options_reach_the_wire() -> None:
    options = TranscriptionOptions(
        model="paraformer-v1",
        channel_id=[1],
        special_word_filter='{"system_reserved_filter": false}',
        diarization_enabled=True,
        speaker_count=2,
        language_hints=["en"],
        speech_noise_threshold=-0.5,
        vocabulary_id="vocab-a-1",
        disfluency_removal_enabled=True,
        timestamp_alignment_enabled=False,
        audio_event_detection_enabled=True,
        vocabulary={"turbine": 50},
        phrase_id="p-1",
        extra_parameters={"new_one": 3},
    )
    request = requests.submit(CALLER, ["oss://d/a.wav"], options)
    assert request.headers["X-DashScope-OssResourceResolve"] == "enable"
    assert isinstance(request.body, bytes)
    document = json.loads(request.body)
    assert document["resources"] == [{"resource_id": "p-1", "resource_type": "asr_phrase"}]
    assert document["parameters"] == {
        "channel_id": [1],
        "special_word_filter": '{"system_reserved_filter": false}',
        "diarization_enabled": True,
        "speaker_count": 2,
        "language_hints": ["en"],
        "speech_noise_threshold": -0.5,
        "vocabulary_id": "vocab-a-1",
        "disfluency_removal_enabled": True,
        "timestamp_alignment_enabled": False,
        "audio_event_detection_enabled": True,
        "vocabulary": {"turbine": 50},
        "new_one": 3,
    }


def test_context_goes_with_the_input() -> None:
    options = TranscriptionOptions(
        model="qwen-audio-3.1-asr-flash-filetrans",
        context=["A meeting about turbines.", ContextTurn("Understood.", "assistant")],
    )
    request = requests.submit(CALLER, ["https://h/a.wav"], options)
    assert isinstance(request.body, bytes)
    assert json.loads(request.body)["input"] == {
        "file_urls": ["https://h/a.wav"],
        "context": [
            {"role": "user", "content": [{"type": "input_text", "text": "A meeting about turbines."}]},
            {"role": "assistant", "content": [{"type": "text", "text": "Understood."}]},
        ],
    }


@pytest.mark.parametrize("model", ["qwen3-asr-flash-filetrans", "qwen3-asr-flash-filetrans-2025-11-17"])
def test_a_model_of_the_other_dialect_is_asked_in_it(model: str) -> None:
    options = TranscriptionOptions(
        model=model, language_hints=["en"], enable_words=True, enable_itn=True, corpus="turbine, stator", channel_id=[0]
    )
    request = requests.submit(CALLER, ["https://h/a.wav"], options)
    assert isinstance(request.body, bytes)
    assert json.loads(request.body) == {
        "model": model,
        "input": {"file_url": "https://h/a.wav"},
        "parameters": {
            "channel_id": [0],
            "language": "en",
            "enable_words": True,
            "enable_itn": True,
            "corpus": {"text": "turbine, stator"},
        },
    }


def test_a_task_id_cannot_change_the_path() -> None:
    assert requests.query(CALLER, "a/../b?x").url.endswith("/tasks/a%2F..%2Fb%3Fx")
    assert requests.cancel(CALLER, "a b").url.endswith("/tasks/a%20b/cancel")


def test_list_times_are_written_in_the_zone_of_the_service() -> None:
    request = requests.list_tasks(CALLER, start_time=datetime(2026, 10, 1, 18, 30, tzinfo=UTC), model_name="fun-asr")
    assert request.url.endswith("/tasks?page_no=1&page_size=100&start_time=20261002023000&model_name=fun-asr")


def test_a_result_is_fetched_without_the_key_and_as_it_was_signed() -> None:
    url = "https://oss.example/prod/09%3A00/x.json?Expires=1&Signature=a%2Fb%3D"
    request = requests.download(url)
    assert request.url == url
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("thing", [CALLER, requests.download("https://h/x?Signature=secret")])
def test_reprs_hold_no_secret(thing: object) -> None:
    assert "secret" not in repr(thing)
