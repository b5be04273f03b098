"""Replies that no service should send: real ones with something wrong, and whatever else there is."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from aiofunasr.wire.messages import Kind

TASK_ID = "6f0e2a2c-2d0b-4f6e-9d61-0a2d7c1f9e11"
FILE_URL = "https://media.example/call-0-10s.wav"

REAL: dict[str, dict[str, Any]] = {
    "submit": {"output": {"task_status": "PENDING", "task_id": TASK_ID}, "request_id": "3b5f0f0a"},
    "query": {
        "request_id": "0b1f6a52",
        "output": {
            "task_id": TASK_ID,
            "task_status": "SUCCEEDED",
            "submit_time": "2026-10-01 09:00:00.120",
            "end_time": "2026-10-01 09:00:04.702",
            "results": [
                {
                    "file_url": FILE_URL,
                    "subtask_status": "SUCCEEDED",
                    "transcription_url": "https://h/1.json?Expires=1&Signature=AbCd%3D",
                },
                {
                    "file_url": "https://h/b.wav",
                    "subtask_status": "FAILED",
                    "code": "FILE_404_NOT_FOUND",
                    "message": "x",
                },
            ],
            "task_metrics": {"TOTAL": 2, "SUCCEEDED": 1, "FAILED": 1},
        },
        "usage": {"duration": 9},
    },
    "list": {
        "total": 1,
        "total_page": 1,
        "page_no": 1,
        "page_size": 10,
        "request_id": "c0ffee00",
        "data": [
            {
                "task_id": TASK_ID,
                "status": "SUCCEEDED",
                "request_id": "3b5f0f0a",
                "model_name": "fun-asr",
                "gmt_create": 1790816400150,
                "end_time": 1790816404702,
            }
        ],
    },
    "cancel": {"request_id": "25fc6f1c"},
    "refusal": {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "fb53c4ec"},
    "upload policy": {
        "request_id": "x",
        "data": {
            "policy": "eyJleHAi",
            "signature": "g5K=",
            "upload_dir": "dashscope-instant/1/2",
            "upload_host": "https://dashscope-file.oss-cn-beijing.aliyuncs.com",
            "expire_in_seconds": 300,
            "max_file_size_mb": 1024,
            "oss_access_key_id": "LTAI",
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        },
    },
    "document": {
        "file_url": FILE_URL,
        "properties": {"audio_format": "mp3", "channels": [0], "original_duration_in_milliseconds": 4087},
        "transcripts": [
            {
                "channel_id": 0,
                "content_duration_in_milliseconds": 3940,
                "text": "Hello.",
                "sentences": [
                    {
                        "begin_time": 80,
                        "end_time": 1010,
                        "text": "Hello.",
                        "sentence_id": 1,
                        "speaker_id": 0,
                        "words": [{"begin_time": 80, "end_time": 560, "text": "Hello", "punctuation": "."}],
                    }
                ],
            }
        ],
    },
}

# What cannot be written by an encoder is put in afterwards.
_RAW = {
    "@deep": b"[" * 100_000,
    "@deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "@deep enough": b'{"a":' * 400 + b"1" + b"}" * 400,
    "@infinite": b"1e999",
    "@digits": b"9" * 5000,
    "@bytes": b'"\xff\xfe"',
    "@control": b'"\x00\n"',
}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        10**30,
        10**400,
        1.5,
        float("nan"),
        float("-inf"),
        "",
        "\ud800",
        "x" * 5000,
        "..",
        "a\r\nX-Injected: 1",
        "http://[",
        "SUCCEEDED",
        "9999-99-99 99:99:99",
        [],
        {},
        [[]],
        [None],
        [{"a": 1}],
        *_RAW,
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def encode(document: Any) -> bytes:
    body = json.dumps(document).encode()
    for name, raw in _RAW.items():
        body = body.replace(json.dumps(name).encode(), raw)
    return body


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from _paths(inner, (*path, name))


def _put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    document = copy.deepcopy(document)
    inside = document
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = value
    return document


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> bytes:
    """Return a real reply with one or two of its values replaced, perhaps oddly encoded."""
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(_paths(document))))
        document = _put(document, path, draw(ODD | anything))
    body = encode(document)
    match draw(st.integers(0, 7)):
        case 0:
            return b"\xef\xbb\xbf" + body
        case 1:
            return body.decode("utf-8", "replace").encode("utf-16")
        case 2:
            # Each key twice.
            return body.replace(b'"task_id":', b'"task_id": 7, "task_id":').replace(b"{", b'{"output": 7, ', 1)
        case 3:
            return body[: draw(st.integers(0, len(body)))]
        case _:
            return body


def hostile(name: str) -> st.SearchStrategy[bytes]:
    """Return bodies in place of one real kind of reply."""
    return mutated(REAL[name]) | st.builds(encode, anything) | st.binary(max_size=100)


NAMES = {
    Kind.SUBMIT: "submit",
    Kind.QUERY: "query",
    Kind.LIST: "list",
    Kind.CANCEL: "cancel",
    Kind.UPLOAD_POLICY: "upload policy",
    Kind.UPLOAD: "cancel",
    Kind.DOWNLOAD: "document",
}
