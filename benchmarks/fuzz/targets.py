"""What is fuzzed: each takes any bytes and raises nothing; what it does raise is a fault of the library."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import aiofunasr
from aiofunasr import FunASRError, Session, SubtaskResult, TaskToken
from aiofunasr.emulator import EmulatorSettings
from aiofunasr.export import FORMATS
from aiofunasr.redaction import redact
from aiofunasr.testing import local_session, run_in_virtual_time
from aiofunasr.wire.compression import Unpacker
from aiofunasr.wire.documents import read_transcript
from aiofunasr.wire.messages import Kind, Reply
from aiofunasr.wire.replies import (
    read_accepted,
    read_done,
    read_refusal,
    read_snapshot,
    read_task_page,
    read_upload_policy,
)
from aiofunasr.wire.verdicts import judge
from benchmarks.fuzz.replacing import Replacing

Target = Callable[[bytes], None]

_URLS = ("https://media.example/call-0-10s.wav", "https://media.example/b.wav")
_READERS: tuple[Callable[[Reply], Any], ...] = (
    read_accepted,
    lambda reply: judge(_URLS, read_snapshot(reply, "t")),
    read_task_page,
    read_upload_policy,
    read_done,
    read_refusal,
)


def replies(data: bytes) -> None:
    """Read the bytes as every kind of reply."""
    for status in (200, 400):
        reply = Reply(status=status, headers={"retry-after": "3"}, body=data)
        for read in _READERS:
            try:
                found = read(reply)
            except FunASRError as error:
                found = error
            repr(found).encode()
            str(found).encode("utf-8", "backslashreplace")


def documents(data: bytes) -> None:
    """Read the bytes as a transcript and write it in every format."""
    try:
        transcript = read_transcript(data)
    except FunASRError as error:
        str(error).encode()
        return
    result = SubtaskResult(source=_URLS[0], index=0, transcript=transcript)
    for form in FORMATS.values():
        form.write(result)
    # Written again, it is the same.
    again = read_transcript(FORMATS["json"].write(result))
    assert again.text == transcript.text
    assert again.words == transcript.words


def texts(data: bytes) -> None:
    """Redact the bytes as a text, read them as a token, unpack them."""
    text = data.decode("utf-8", "replace")
    clean = redact(text)
    assert redact(clean) == clean
    try:
        token = TaskToken.decode(text)
        assert TaskToken.decode(token.encode()) == token
    except FunASRError:
        pass
    for encoding in ("gzip", "deflate"):
        unpacker = Unpacker(encoding)
        try:
            for size, _ in enumerate(unpacker.feed(data)):
                if size > 20:
                    break
            unpacker.close()
        except ValueError:
            pass


_KINDS = tuple(kind for kind in Kind if kind is not Kind.UPLOAD)


def sessions(data: bytes) -> None:
    """Put the bytes in place of one reply of a whole session, in virtual time; the session is then still of use."""
    kind, number, body = _KINDS[data[0] % len(_KINDS)] if data else Kind.QUERY, data[1:2], data[2:]

    async def run() -> None:
        settings = EmulatorSettings(queue_seconds=(0.0, 1.0), limits_enabled=False)
        async with local_session(settings) as (session, _):
            replacing = Replacing(session._engine.gateway.transport, kind, body, times=1 + sum(number) % 8)  # noqa: SLF001
            session._engine.gateway.transport = replacing  # noqa: SLF001
            session._engine.collector._transport = replacing  # noqa: SLF001
            try:
                await _use(session)
            except FunASRError as error:
                str(error).encode()
            replacing.left = 0
            results = await aiofunasr.transcribe("https://media.example/after-5s.wav", session=session)
            assert results[0].ok

    run_in_virtual_time(run)


async def _use(session: Session) -> None:
    task = await session.submit(list(_URLS))
    for result in await task:
        assert result.ok or isinstance(result.error, FunASRError)
    async for _ in session.list_tasks():
        pass
    await task.cancel()


TARGETS: Mapping[str, Target] = {each.__name__: each for each in (replies, documents, texts, sessions)}

_TASK = {"task_id": "t", "task_status": "SUCCEEDED"}
_WORD = {"begin_time": 80, "end_time": 560, "text": "a", "punctuation": "."}
_SENTENCE = {**_WORD, "sentence_id": 1, "speaker_id": 0, "words": [_WORD]}
_RESULT = {"file_url": _URLS[0], "subtask_status": "SUCCEEDED", "transcription_url": "https://h/1?Signature=x"}
_DOCUMENTS: tuple[Any, ...] = (
    {"output": _TASK, "request_id": "r"},
    {"output": {**_TASK, "end_time": "2026-10-01 09:00:00.1", "results": [_RESULT], "task_metrics": {"TOTAL": 1}}},
    {
        "output": {**_TASK, "task_status": "FAILED", "code": "FILE_404_NOT_FOUND", "message": "m"},
        "usage": {"duration": 9},
    },
    {"total": 1, "page_no": 1, "data": [{"task_id": "t", "status": "RUNNING", "gmt_create": 1790816400150}]},
    {"code": "Throttling.RateQuota", "message": "m", "request_id": "r"},
    {"error": {"code": "c", "message": "m"}},
    {
        "data": {
            "policy": "p",
            "signature": "s",
            "upload_dir": "d",
            "upload_host": "https://h",
            "oss_access_key_id": "a",
        }
    },
    {"file_url": _URLS[0], "properties": {"channels": [0]}, "transcripts": [{"text": "a", "sentences": [_SENTENCE]}]},
)

SEEDS = (
    *(json.dumps(document).encode() for document in _DOCUMENTS),
    b"<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>",
    TaskToken(task_id="t", file_digests=("AAAAAAAA",), indexes=(0,)).encode().encode(),
    b"GET https://u:p@h/a?Signature=x for Bearer sk-abc, 'signature': 'x'",
)
"""What the fuzzer begins with; for `sessions`, two bytes stand before each."""
