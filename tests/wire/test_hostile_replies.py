"""Whatever comes as a reply, a value or an error of ours goes out; the error says where the fault is."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hostile import FILE_URL, REAL, TASK_ID, encode, hostile
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import FunASRError, InvalidReplyError, SubtaskResult
from aiofunasr.export import FORMATS
from aiofunasr.wire.documents import read_transcript
from aiofunasr.wire.messages import Reply
from aiofunasr.wire.replies import (
    read_accepted,
    read_done,
    read_refusal,
    read_snapshot,
    read_task_page,
    read_upload_policy,
)
from aiofunasr.wire.verdicts import judge

Read = Callable[[Reply], Any]

READERS: dict[str, Read] = {
    "submit": read_accepted,
    "query": lambda reply: read_snapshot(reply, TASK_ID),
    "list": read_task_page,
    "cancel": read_done,
    "refusal": read_refusal,
    "upload policy": read_upload_policy,
    "document": lambda reply: read_transcript(reply.body),
}


def use(name: str, found: Any) -> None:
    """Do with a value what its users do."""
    assert len(repr(found)) < 100_000
    if name == "query":
        for verdict in judge([FILE_URL, "https://h/b.wav"], found):
            str(verdict.error).encode()
    if name == "document":
        result = SubtaskResult(source=FILE_URL, file_url=FILE_URL, index=0, transcript=found)
        assert found.words is not None
        for form in FORMATS.values():
            assert isinstance(form.write(result), str)
        json.loads(FORMATS["jsonl"].write(result))
    pickle.loads(pickle.dumps(found))


def check(name: str, reply: Reply) -> None:
    try:
        found = READERS[name](reply)
    except FunASRError as error:
        failure = error
    else:
        use(name, found)
        return
    # What it says can be printed, whatever was in the reply.
    assert len(str(failure).encode()) < 6000
    assert failure.__cause__ is None
    if isinstance(failure, InvalidReplyError):
        assert failure.path.startswith("$")
        assert len(failure.excerpt) <= 200


@pytest.mark.parametrize("name", list(READERS))
@given(st.data())
def test_only_our_errors_come_out_of_the_readers(name: str, data: st.DataObject) -> None:
    status = data.draw(st.sampled_from([200, 200, 200, 201, 204, 302, 400, 401, 404, 429, 500, 999]))
    check(name, Reply(status=status, headers={"retry-after": "nan"}, body=data.draw(hostile(name))))


@pytest.mark.parametrize("name", list(READERS))
def test_a_reply_may_be_cut_at_every_byte(name: str) -> None:
    body = json.dumps(REAL[name]).encode()
    for length in range(len(body)):
        check(name, Reply(status=200, body=body[:length]))
        check(name, Reply(status=500, body=body[:length]))


@pytest.mark.parametrize("name", list(READERS))
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_reply_may_be_encoded_otherwise(name: str, encoding: str) -> None:
    check(name, Reply(status=200, body=json.dumps(REAL[name]).encode(encoding)))


def replaced(name: str, *path: Any, value: Any) -> Reply:
    document = json.loads(json.dumps(REAL[name]))
    inside = document
    for part in path[:-1]:
        inside = inside[part]
    inside[path[-1]] = value
    return Reply(status=200, body=encode(document))


@pytest.mark.parametrize(
    ("name", "path", "value", "shown_path"),
    [
        ("submit", ["output"], [], "$.output"),
        ("submit", ["output", "task_id"], 7, "$.output.task_id"),
        ("submit", ["output", "task_id"], "x" * 5000, "$.output.task_id"),
        ("query", ["output", "task_status"], None, "$.output.task_status"),
        ("query", ["output", "task_id"], "other", "$.output.task_id"),
        ("list", ["data"], {}, "$.data"),
        ("upload policy", ["data", "policy"], None, "$.data.policy"),
        ("upload policy", ["data", "signature"], "a\r\nb", "$.data.signature"),
        ("upload policy", ["data", "expire_in_seconds"], "soon", "$.data.expire_in_seconds"),
        ("document", ["transcripts"], {}, "$.transcripts"),
        ("document", ["transcripts", 0, "sentences", 0, "begin_time"], "x", "$.transcripts[0].sentences[0].begin_time"),
        ("document", ["transcripts", 0, "text"], ["a"], "$.transcripts[0].text"),
        ("document", ["properties", "channels", 0], "@infinite", "$.properties.channels[0]"),
    ],
)
def test_the_error_says_where_the_fault_is(name: str, path: list[Any], value: Any, shown_path: str) -> None:
    with pytest.raises(InvalidReplyError) as caught:
        READERS[name](replaced(name, *path, value=value))
    assert caught.value.path == shown_path
    assert shown_path in str(caught.value)


def test_the_error_shows_what_is_there_without_what_is_secret() -> None:
    value = ["https://h/a?Signature=MARKED", "sk-MARKED"]
    with pytest.raises(InvalidReplyError) as caught:
        READERS["document"](replaced("document", "transcripts", 0, "text", value=value))
    assert "https://h/a?***" in caught.value.excerpt
    assert "MARKED" not in str(caught.value)


@pytest.mark.parametrize("length", range(20, 300, 7))
def test_nothing_of_an_upload_policy_is_shown(length: int) -> None:
    body = json.dumps(REAL["upload policy"]).replace("eyJleHAi", "MARKED").replace("g5K=", "MARKED").encode()
    for changed in (body[:length], b"[" + body + b"]", body.replace(b'"LTAI"', b"[]")):
        with pytest.raises(InvalidReplyError) as caught:
            read_upload_policy(Reply(status=200, body=changed))
        assert "MARKED" not in str(caught.value) + caught.value.excerpt


def test_what_nobody_knows_is_kept_as_far_as_it_can_be_written_again() -> None:
    document = dict(REAL["document"], fine={"a": [1, "\u4f60"]}, deep="@deep enough", infinite=["@infinite"])
    transcript = read_transcript(encode(document))
    assert transcript.extra == {"fine": {"a": [1, "你"]}}
