"""The documents for programs: the service's own shape, and a line for each result."""

import json
from typing import Any

import pytest

from aiofunasr import FileDownloadError, InvalidArgumentError, SubtaskResult, Transcript
from aiofunasr.export import FORMATS, render
from aiofunasr.wire.documents import read_transcript

DOCUMENT: dict[str, Any] = {
    "file_url": "https://media.example.com/a.wav?Signature=abc",
    "properties": {
        "audio_format": "pcm_s16le",
        "channels": [0, 1],
        "original_sampling_rate": 16000,
        "original_duration_in_milliseconds": 4087,
        "bit_rate": "256k",
    },
    "transcripts": [
        {
            "channel_id": 0,
            "content_duration_in_milliseconds": 3940,
            "text": "Hello world.",
            "sentences": [
                {
                    "begin_time": 80,
                    "end_time": 2760,
                    "text": "Hello world.",
                    "sentence_id": 1,
                    "speaker_id": 0,
                    "emotion": "happy",
                    "words": [
                        {"begin_time": 80, "end_time": 560, "text": "Hello ", "punctuation": ""},
                        {"begin_time": 560, "end_time": 1010, "text": "world", "punctuation": ".", "confidence": 0.9},
                    ],
                }
            ],
        },
        {"channel_id": 1, "text": "\u4f60\u597d\u3002", "sentences": []},
    ],
    "model": "fun-asr",
}


def test_json_is_the_document_the_service_gave() -> None:
    assert json.loads(render(read_transcript(json.dumps(DOCUMENT)), "json")) == DOCUMENT


def test_jsonl_is_one_line_with_all_of_a_result() -> None:
    result = SubtaskResult(
        source="a.wav",
        file_url="oss://x/a.wav",
        index=7,
        task_id="t",
        token="fasr1.x",
        transcript=read_transcript(json.dumps(DOCUMENT)),
    )
    line = render(result, "jsonl")
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    record = json.loads(line)
    assert record.pop("sentences")[0] == {"channel_id": 0} | DOCUMENT["transcripts"][0]["sentences"][0]
    assert record == {
        "source": "a.wav",
        "index": 7,
        "ok": True,
        "text": "Hello world.\n\u4f60\u597d\u3002",
        "no_speech": False,
        "error": None,
        "task_id": "t",
        "token": "fasr1.x",
        "file_url": "oss://x/a.wav",
        "duration": 4087,
    }


def test_jsonl_of_a_failed_result_has_the_same_keys() -> None:
    failed = SubtaskResult(source="a.wav", index=0, error=FileDownloadError("gone", code="FILE_404_NOT_FOUND"))
    record = json.loads(render(failed, "jsonl"))
    assert record.keys() == json.loads(render(Transcript(), "jsonl")).keys()
    assert record["ok"] is False
    assert record["error"] == {
        "type": "FileDownloadError",
        "code": "FILE_404_NOT_FOUND",
        "message": "FILE_404_NOT_FOUND: gone",
    }


@pytest.mark.parametrize("format", [each.name for each in FORMATS.values() if not each.takes_failures])
def test_a_failed_result_raises_its_own_error_elsewhere(format: str) -> None:
    error = FileDownloadError("gone")
    with pytest.raises(FileDownloadError) as caught:
        render(SubtaskResult(source="a.wav", index=0, error=error), format)
    assert caught.value is error


def test_an_unknown_format() -> None:
    with pytest.raises(InvalidArgumentError, match="txt, json, jsonl, srt, vtt, ass"):
        render(Transcript(), "doc")
