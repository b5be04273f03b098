"""What models of one file a task answer, read as if it were the usual answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiofunasr.wire.documents import read_transcript
from aiofunasr.wire.messages import Reply
from aiofunasr.wire.replies import read_snapshot
from aiofunasr.wire.verdicts import judge

LINK = "https://bucket.example/x.json?Expires=1&Signature=y"


def snapshot_of(output: dict[str, Any], **rest: Any) -> Any:
    document = {"output": {"task_id": "t", **output}, **rest}
    return read_snapshot(Reply(status=200, headers={}, body=json.dumps(document).encode()), "t")


def test_one_result_is_a_list_of_one() -> None:
    snapshot = snapshot_of({"task_status": "SUCCEEDED", "result": {"transcription_url": LINK}}, usage={"seconds": 7})
    (result,) = snapshot.results
    assert (result.transcription_url, result.subtask_status) == (LINK, "SUCCEEDED")
    assert snapshot.usage_duration == 7
    assert snapshot.extra == {}
    (verdict,) = judge(["https://h/a.wav"], snapshot)
    assert (verdict.transcription_url, verdict.error) == (LINK, None)


def test_a_task_that_failed_without_a_result_has_its_own_code() -> None:
    snapshot = snapshot_of({"task_status": "FAILED", "code": "FILE_403_FORBIDDEN", "message": "FILE_403_FORBIDDEN"})
    (verdict,) = judge(["https://h/a.wav"], snapshot)
    assert type(verdict.error).__name__ == "FileDownloadError"


def test_the_usual_form_passes_as_it_is() -> None:
    results = [{"file_url": "https://h/a.wav", "subtask_status": "SUCCEEDED", "transcription_url": LINK}]
    snapshot = snapshot_of(
        {"task_status": "SUCCEEDED", "results": results, "result": "a key of tomorrow"}, usage={"duration": 4}
    )
    assert [each.file_url for each in snapshot.results] == ["https://h/a.wav"]
    assert snapshot.extra == {"result": "a key of tomorrow"}
    assert snapshot.usage_duration == 4


@pytest.mark.parametrize("odd", [None, "gone", 3, []])
def test_a_result_that_is_none_is_no_result(odd: Any) -> None:
    assert snapshot_of({"task_status": "RUNNING", "result": odd}, usage=odd).results == ()


def test_a_document_without_words_says_language_and_emotion() -> None:
    document = {
        "file_url": "https://h/a.wav",
        "audio_info": {"format": "wav", "sample_rate": 16000},
        "transcripts": [
            {
                "channel_id": 0,
                "text": "Hello. Thanks.",
                "sentences": [
                    {
                        "sentence_id": 0,
                        "begin_time": 80,
                        "end_time": 900,
                        "language": "en",
                        "emotion": "happy",
                        "text": "Hello.",
                    },
                    {"sentence_id": 1, "begin_time": 1000, "end_time": 1900, "text": "Thanks."},
                ],
            }
        ],
    }
    transcript = read_transcript(json.dumps(document))
    assert transcript.properties.audio_format == "wav"
    assert transcript.properties.original_sampling_rate == 16000
    first, second = transcript.sentences
    assert (first.sentence_id, first.language, first.emotion, first.words) == (0, "en", "happy", ())
    assert (second.language, second.emotion) == (None, None)
    assert transcript.text == "Hello. Thanks."


def test_properties_win_where_a_document_has_both() -> None:
    document = {"audio_info": {"format": "wav"}, "properties": {"audio_format": "pcm_s16le"}, "transcripts": []}
    assert read_transcript(json.dumps(document)).properties.audio_format == "pcm_s16le"
