"""What the scripted service says: replies of the documented form, made ahead as far as they can be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

SENTENCES: Final = 20
_WORDS: Final = ("so", "the", "next", "train", "leaves", "the", "station", "at", "half", "past", "nine")


def document(file_url: str, sentences: int = SENTENCES) -> bytes:
    """Write a transcription document of so many sentences of eleven words; twenty of them are some 20 kB."""
    spoken = [_sentence(number) for number in range(sentences)]
    return json.dumps(
        {
            "file_url": file_url,
            "properties": {
                "audio_format": "pcm_s16le",
                "channels": [0],
                "original_sampling_rate": 16000,
                "original_duration_in_milliseconds": sentences * 5000,
            },
            "transcripts": [
                {
                    "channel_id": 0,
                    "content_duration_in_milliseconds": sentences * 4400,
                    "text": "".join(sentence["text"] for sentence in spoken),
                    "sentences": spoken,
                }
            ],
        }
    ).encode()


def about(document: bytes, file_url: str) -> bytes:
    """Make a document one about another file; it is written in the order of `document`, its file first."""
    _, separator, rest = document.partition(b", ")
    return b'{"file_url": ' + json.dumps(file_url).encode() + separator + rest


def _sentence(number: int) -> dict[str, Any]:
    start = number * 5000
    words = [
        {
            "begin_time": start + 400 * place,
            "end_time": start + 400 * (place + 1),
            "text": f"{word} ",
            "punctuation": ". " if place == len(_WORDS) - 1 else "",
        }
        for place, word in enumerate(_WORDS)
    ]
    text = " ".join(_WORDS) + ". "
    return {"begin_time": start, "end_time": start + 4400, "text": text, "sentence_id": number + 1, "words": words}


def accepted(task_id: str) -> bytes:
    """Write the reply to a submit."""
    return json.dumps(
        {"request_id": f"0f2c-{task_id}", "output": {"task_id": task_id, "task_status": "PENDING"}}
    ).encode()


def pending(task_id: str) -> bytes:
    """Write the reply to a query of a task that waits."""
    return json.dumps(
        {
            "request_id": f"1f2c-{task_id}",
            "output": {
                "task_id": task_id,
                "task_status": "PENDING",
                "submit_time": "2025-06-01 10:00:00.000",
                "task_metrics": {"TOTAL": 1, "SUCCEEDED": 0, "FAILED": 0},
            },
        }
    ).encode()


def succeeded(task_id: str, file_urls: Sequence[str], result_url: str) -> bytes:
    """Write the reply to a query of a task that is done; each result lies under `result_url` and its number."""
    results = [
        {"file_url": url, "transcription_url": f"{result_url}/{task_id}/{number}", "subtask_status": "SUCCEEDED"}
        for number, url in enumerate(file_urls)
    ]
    return json.dumps(
        {
            "request_id": f"1f2c-{task_id}",
            "output": {
                "task_id": task_id,
                "task_status": "SUCCEEDED",
                "submit_time": "2025-06-01 10:00:00.000",
                "scheduled_time": "2025-06-01 10:00:00.020",
                "end_time": "2025-06-01 10:00:01.000",
                "results": results,
                "task_metrics": {"TOTAL": len(results), "SUCCEEDED": len(results), "FAILED": 0},
            },
            "usage": {"duration": 88 * len(results)},
        }
    ).encode()
