"""Completion events: read, verified, told apart."""

from __future__ import annotations

import base64
import functools
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import (
    EventFilter,
    EventSignatureError,
    InvalidArgumentError,
    InvalidEventError,
    InvalidReplyError,
    TaskEvent,
    parse_event,
    verify_signature,
)
from aiofunasr.events import certificate_url

TASK = "6f0e2a2c-2d0b-4f6e-9d61-0a2d7c1f9e11"
EVENT: dict[str, Any] = {
    "id": "0f5e0c8e-0000-4000-8000-000000000000",
    "source": "acs.dashscope",
    "specversion": "1.0",
    "type": "dashscope:System:AsyncTaskFinish",
    "datacontenttype": "application/json;charset=utf-8",
    "time": "2026-10-01T01:00:05Z",
    "aliyunpublishtime": "2026-10-01T01:00:05.301Z",
    "aliyunaccountid": "1700000000000001",
    "aliyunoriginalaccountid": "1700000000000001",
    "aliyunregionid": "cn-beijing",
    "aliyuneventbusname": "default",
    "data": {
        "task_id": TASK,
        "task_status": "SUCCEEDED",
        "request_id": "3b5f0f0a-6f8d-9a53-8a53-6fb8a1f7d0c2",
        "api_key_id": "1234567",
        "region": "cn-beijing",
        "user_api_unique_key": "apikey:v1:audio:asr:transcription:fun-asr",
        "start_time": "2026-10-01 09:00:00",
        "end_time": "2026-10-01 09:00:04",
        "contain_result": True,
        "output_result": {
            "output": {
                "task_id": TASK,
                "task_status": "SUCCEEDED",
                "results": [
                    {
                        "file_url": "https://media.example/a.wav",
                        "transcription_url": "https://h/r?Signature=x",
                        "subtask_status": "SUCCEEDED",
                    }
                ],
                "task_metrics": {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0},
            },
            "usage": {"duration": 4},
        },
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the event with something else, or nothing, at a path."""
    event: dict[str, Any] = json.loads(json.dumps(EVENT))
    place = event
    *way, last = path.split(".")
    for name in way:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return event


# --- read ---


@pytest.mark.parametrize("form", [lambda text: text.encode(), str, json.loads, lambda text: bytearray(text.encode())])
def test_an_event_is_read_in_whatever_form_it_is_at_hand(form: Callable[[str], Any]) -> None:
    event = parse_event(form(json.dumps(EVENT)))
    assert (event.task_id, event.task_status, event.id) == (TASK, "SUCCEEDED", EVENT["id"])
    assert (event.model, event.region, event.account_id) == ("fun-asr", "cn-beijing", "1700000000000001")
    assert event.type == "dashscope:System:AsyncTaskFinish"
    assert event.time is not None
    assert event.end_time is not None
    assert event.published_at is not None
    assert event.time.isoformat() == "2026-10-01T01:00:05+00:00"
    assert event.end_time.isoformat() == "2026-10-01T09:00:04+08:00"
    assert event.published_at - event.end_time == timedelta(seconds=1, milliseconds=301)
    assert event.snapshot is not None
    assert event.snapshot.results[0].transcription_url == "https://h/r?Signature=x"
    assert event.snapshot.usage_duration == 4
    assert "Signature" not in repr(event)
    assert event.extra == {}


@pytest.mark.parametrize(
    "event",
    [
        changed("data.contain_result", False),
        changed("data.output_result", ...),
        changed("data.output_result", None),
        changed("data.output_result.output", []),
        changed("data.output_result", "later"),
    ],
)
def test_without_a_result_there_is_no_snapshot(event: dict[str, Any]) -> None:
    assert parse_event(event).snapshot is None
    assert parse_event(event).task_id == TASK


def test_a_failure_says_why() -> None:
    output = {"task_status": "FAILED", "code": "FILE_403_FORBIDDEN", "message": "no"}
    event = parse_event(changed("data.output_result", {"output": output}))
    assert event.snapshot is not None
    assert (event.snapshot.task_status, event.snapshot.code) == ("FAILED", "FILE_403_FORBIDDEN")


def test_keys_nobody_knows_are_kept() -> None:
    event = parse_event({**changed("data.novelty", [1]), "traceparent": "00"})
    assert event.extra == {"traceparent": "00", "data": {"novelty": [1]}}


@pytest.mark.parametrize("name", ["id", "time", "aliyunpublishtime", "type", "source", "aliyunregionid"])
@pytest.mark.parametrize("value", [..., None, 7, "x", [], {}])
def test_what_is_missing_or_odd_in_the_envelope_hides_nothing(name: str, value: Any) -> None:
    assert parse_event(changed(name, value)).task_id == TASK


def test_the_data_may_come_alone() -> None:
    event = parse_event(EVENT["data"])
    assert (event.task_id, event.id, event.model) == (TASK, None, "fun-asr")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", "$"),
        (b"\xff\xfe", "$"),
        ("[]", "$"),
        ("{}", "$.data"),
        ({"data": []}, "$.data"),
        (changed("data.task_id", ...), "$.data.task_id"),
        (changed("data.task_id", 7), "$.data.task_id"),
        (changed("data.task_id", "a\nb"), "$.data.task_id"),
        (changed("data.task_id", "x" * 201), "$.data.task_id"),
        (changed("data.task_status", ...), "$.data.task_status"),
        ({"task_id": TASK}, "$.task_status"),
        (changed("data.output_result.output.task_id", "another"), "$.data.output_result.output.task_id"),
    ],
)
def test_what_is_no_event_is_told_with_its_place(body: Any, path: str) -> None:
    with pytest.raises(InvalidEventError) as caught:
        parse_event(body)
    assert caught.value.path == path
    assert isinstance(caught.value, InvalidReplyError)
    assert "Signature=x" not in str(caught.value)


def test_what_cannot_hold_an_event_is_an_argument_that_is_wrong() -> None:
    with pytest.raises(InvalidArgumentError, match="body"):
        parse_event(7)  # type: ignore[arg-type]


names = st.sampled_from(sorted(EVENT["data"]))
paths = st.sampled_from(["data", "data.task_id", "data.output_result", "data.output_result.output", "time"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(json_values, paths)
def test_whatever_is_pushed_is_an_event_or_is_told_not_to_be(value: Any, path: str) -> None:
    with suppress(InvalidEventError):
        assert parse_event(json.dumps(changed(path, value))).task_id


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_whatever_bytes_are_pushed_are_told_not_to_be_an_event(body: Any) -> None:
    with pytest.raises(InvalidEventError):
        parse_event(body)


# --- once each ---


def test_the_same_news_is_new_once() -> None:
    seen = EventFilter()
    assert seen.is_new(parse_event(EVENT))
    assert not seen.is_new(parse_event(EVENT))
    # Published twice, under two ids.
    assert not seen.is_new(parse_event(changed("id", "another")))
    assert seen.is_new(TaskEvent(task_id="another", task_status="SUCCEEDED"))


def test_a_filter_remembers_the_newest_and_no_more() -> None:
    seen = EventFilter(remembers=3)
    events = [TaskEvent(task_id=str(number), task_status="SUCCEEDED") for number in range(5)]
    assert [seen.is_new(event) for event in events] == [True] * 5
    assert len(seen) == 3
    assert [seen.is_new(event) for event in reversed(events)] == [False] * 3 + [True] * 2
    with pytest.raises(InvalidArgumentError, match="remembers"):
        EventFilter(remembers=0)


# --- who sent it ---

URL = "https://hooks.example/asr?a=1&b=%20"
CERTIFICATE = "https://cn-beijing-eventbridge.oss-accelerate.aliyuncs.com/x509_public_certificate_1.pem"
BODY = json.dumps(EVENT).encode()
NOW = 1_790_816_405.0


@functools.cache
def private_key() -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def public_key() -> bytes:
    pem: bytes = private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def signed(
    *,
    version: int = 2,
    url: str = URL,
    body: bytes = BODY,
    token: str | None = "a-token",  # noqa: S107  (of a test)
    at: float = NOW,
    end: bytes = b"",
    more: dict[str, str] | None = None,
) -> dict[str, str]:
    """Sign an event as its page says, in the spelling that comes through a server; `more` is put over it."""
    prefix = "x-eventbridge-signature"
    method = {1: (f"{prefix}-method", "HMAC-SHA1"), 2: ("x-eventbridge-hash-method", "SHA256")}[version]
    headers = dict(
        [
            (f"{prefix}-timestamp", str(int(at * 1000))),
            method,
            (f"{prefix}-version", "1.0"),
            (f"{prefix}-url", CERTIFICATE),
            *([(f"{prefix}-token", token)] if token is not None else []),
        ]
    )
    text = "\n".join([url, *(f"{name}: {value}" for name, value in headers.items())]).encode() + b"\n" + body + end
    if version == 2:
        headers[f"{prefix}-v2"] = _base64(private_key().sign(text, padding.PKCS1v15(), hashes.SHA256()))
    else:
        numbers = private_key().private_numbers()
        block = b"\x00\x01" + b"\xff" * 247 + b"\x00" + b"secret"
        closed = pow(int.from_bytes(block), numbers.d, numbers.public_numbers.n).to_bytes(256)
        headers[f"{prefix}-secret"] = _base64(closed)
        headers[prefix] = _base64(hmac.digest(b"secret", text, "sha1"))
    return {name.title(): value for name, value in (headers | (more or {})).items()}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def verify(headers: dict[str, str], body: bytes = BODY, **more: Any) -> None:
    given_arguments: dict[str, Any] = {"url": URL, "certificate": public_key(), "now": NOW, "token": "a-token"}
    verify_signature(headers, body, **{**given_arguments, **more})


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("token", ["a-token", None])
def test_what_is_signed_right_is_accepted_in_either_form(end: bytes, token: str | None) -> None:
    verify(signed(end=end, token=token), token=token)
    verify(signed(end=end, token=token, version=1), token=token, legacy=True)


@pytest.mark.parametrize(
    ("headers", "more", "told"),
    [
        (signed(), {"body": BODY + b" "}, "not of this event"),
        (signed(), {"url": URL + "&c=1"}, "not of this event"),
        (signed(url="https://other.example/"), {}, "not of this event"),
        (signed(), {"token": "another"}, "token"),
        (signed(token=None), {}, "token"),
        (signed(more={"x-eventbridge-signature-token": "another"}), {"token": "another"}, "not of this event"),
        (signed(at=NOW - 61), {}, "replay"),
        (signed(at=NOW + 61), {}, "ahead"),
        (signed(more={"x-eventbridge-signature-timestamp": str(int(NOW * 1000) + 1)}), {}, "not of this event"),
        (signed(more={"x-eventbridge-signature-timestamp": "now"}), {}, "cannot be read"),
        (signed(more={"x-eventbridge-signature-timestamp": "9" * 400}), {}, "cannot be read"),
        (signed(more={"x-eventbridge-signature-v2": "?"}), {}, "cannot be read"),
        (signed(more={"x-eventbridge-signature-v2": _base64(bytes(256))}), {}, "not of this event"),
        (signed(more={"x-eventbridge-hash-method": "MD5"}), {}, "not known"),
        (signed(), {"certificate": b"<html>"}, "certificate cannot be used"),
        ({}, {}, "not signed"),
        ({"X-Eventbridge-Signature-Timestamp": str(int(NOW * 1000))}, {"token": None}, "not signed"),
        (signed(version=1), {}, "version 1, which others can forge"),
        (signed(version=1), {"legacy": True, "body": BODY + b" "}, "not of this event"),
        (signed(version=1, more={"x-eventbridge-signature-method": "none"}), {"legacy": True}, "not known"),
        (signed(version=1, more={"x-eventbridge-signature-secret": "AA=="}), {"legacy": True}, "not of this event"),
        # Version 2 that is wrong is not made up for by version 1.
        (signed(version=1, more={"x-eventbridge-signature-v2": "AA==", "x-eventbridge-hash-method": "SHA256"}),
         {"legacy": True}, "not of this event"),
    ],
)  # fmt: skip
def test_what_is_not_signed_right_is_refused(headers: dict[str, str], more: dict[str, Any], told: str) -> None:
    with pytest.raises(EventSignatureError, match=told) as caught:
        verify(headers, **more)
    assert isinstance(caught.value, PermissionError)
    assert "a-token" not in str(caught.value)


def test_the_body_is_needed_as_it_came() -> None:
    with pytest.raises(InvalidArgumentError, match="body"):
        verify(signed(), EVENT)  # type: ignore[arg-type]


def test_the_certificate_of_eventbridge_is_believed() -> None:
    assert certificate_url(signed()) == CERTIFICATE
    singapore = CERTIFICATE.replace("cn-beijing", "ap-southeast-1")
    assert certificate_url(signed(more={"x-eventbridge-signature-url": singapore})) == singapore
    own = "http://127.0.0.1:8900/eventbridge/certificate.pem"
    assert certificate_url(signed(more={"x-eventbridge-signature-url": own}), ["http://127.0.0.1:8900"]) == own


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE.replace("https", "http"),
        CERTIFICATE.replace(".com/", ".com.evil.example/"),
        CERTIFICATE.replace(".com/", ".com:444/"),
        CERTIFICATE.replace("https://", "https://evil.example@"),
        CERTIFICATE.replace("https://", "https://evil@"),
        # Anybody can have a bucket of such a name.
        CERTIFICATE.replace("cn-beijing", "evil"),
        CERTIFICATE.replace("oss-accelerate", "oss-cn-evil"),
        "http://127.0.0.1:89001/c.pem",
        "http://127.0.0.1:8900.evil.example/c.pem",
        "file:///etc/passwd",
        CERTIFICATE + "\r\nX: y",
        "https://[",
    ],
)
def test_a_certificate_from_anywhere_else_is_not(url: str) -> None:
    with pytest.raises(EventSignatureError):
        certificate_url(signed(more={"x-eventbridge-signature-url": url}), ["http://127.0.0.1:8900"])


def test_a_request_without_a_certificate_is_not_signed() -> None:
    with pytest.raises(EventSignatureError, match="not signed"):
        certificate_url({})
