from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    FunASRError,
    InvalidReplyError,
    NotFoundError,
    QuotaExceededError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
)
from aiofunasr.wire import replies
from aiofunasr.wire.messages import Reply


def reply(document: Any, status: int = 200, **headers: str) -> Reply:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Reply(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body)


def test_an_accepted_submit() -> None:
    accepted = replies.read_accepted(reply({"output": {"task_status": "PENDING", "task_id": "t"}, "request_id": "r"}))
    assert accepted == replies.Accepted("t", "PENDING", "r")


def test_a_snapshot_in_full() -> None:
    snapshot = replies.read_snapshot(
        reply(
            {
                "request_id": "r",
                "output": {
                    "task_id": "t",
                    "task_status": "SUCCEEDED",
                    "submit_time": "2026-10-01 09:00:00.120",
                    "scheduled_time": "2026-10-01 09:00:01",
                    "end_time": None,
                    "results": [
                        {"file_url": "https://h/a", "subtask_status": "SUCCEEDED", "transcription_url": "https://o/1"},
                        {"file_url": "https://h/b", "subtask_status": "FAILED", "code": "X", "message": None, "new": 1},
                    ],
                    "task_metrics": {"TOTAL": 2, "SUCCEEDED": 1, "FAILED": "1"},
                    "something_new": {"a": 1},
                },
                "usage": {"duration": 9},
            }
        ),
        "t",
    )
    assert snapshot.is_terminal
    assert snapshot.submit_time == datetime(2026, 10, 1, 1, 0, 0, 120000, tzinfo=UTC)
    assert snapshot.scheduled_time == datetime(2026, 10, 1, 1, 0, 1, tzinfo=UTC)
    assert snapshot.end_time is None
    assert snapshot.usage_duration == 9
    assert snapshot.task_metrics is not None
    assert snapshot.task_metrics.FAILED == 1
    assert snapshot.results[1].extra == {"new": 1}
    assert snapshot.extra == {"something_new": {"a": 1}}


def test_only_id_and_status_are_needed_and_unknown_words_pass() -> None:
    snapshot = replies.read_snapshot(reply({"output": {"task_id": "t", "task_status": "NAPPING"}}), "t")
    assert snapshot.task_status == "NAPPING"
    assert not snapshot.is_terminal


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"output": {"task_id": "other", "task_status": "PENDING"}}, "$.output.task_id"),
        ({"output": {"task_id": "t"}}, "$.output.task_status"),
        ({"output": []}, "$.output"),
        ({}, "$.output"),
        ([], "$"),
        (b"<html>signed in?</html>", "$"),
        (b'{"output": {"task_id": "t", "task_st', "$"),
        (b"", "$"),
        (b"\xff\xfe", "$"),
        (b"[" * 100_000, "$"),
        ({"output": {"task_id": "\ud800", "task_status": "PENDING"}}, "$.output.task_id"),
    ],
)
def test_what_is_no_snapshot_says_where(document: Any, path: str) -> None:
    with pytest.raises(InvalidReplyError) as caught:
        replies.read_snapshot(reply(document), "t")
    assert caught.value.path == path


def test_an_odd_field_does_not_hide_the_state_of_a_paid_task() -> None:
    good = {"file_url": "https://h/a", "subtask_status": "SUCCEEDED", "transcription_url": "https://o/1"}
    odd = {
        "task_id": "t",
        "task_status": "SUCCEEDED",
        "submit_time": "2026-10-01 09:00:00",
        "scheduled_time": "",
        "end_time": "soon",
        "task_metrics": [],
        "results": [None, "x", good, {**good, "message": {}}],
    }
    snapshot = replies.read_snapshot(reply({"output": odd, "usage": {"duration": 9.72}}), "t")
    assert snapshot.submit_time is not None
    assert (snapshot.scheduled_time, snapshot.end_time, snapshot.task_metrics) == (None, None, None)
    assert [result.file_url for result in snapshot.results] == ["https://h/a"] * 2
    assert snapshot.usage_duration == 10


def test_a_task_page() -> None:
    page = replies.read_task_page(
        reply(
            {
                "total": 1,
                "page_no": 1,
                "page_size": 10,
                "data": [{"task_id": "t", "status": "RUNNING", "gmt_create": 1790816400150, "api_key_id": "1"}],
            }
        )
    )
    assert page.data[0].gmt_create == datetime.fromtimestamp(1790816400.150, UTC)
    assert page.data[0].end_time is None
    assert page.data[0].extra == {"api_key_id": "1"}
    with pytest.raises(InvalidReplyError, match="array"):
        replies.read_task_page(reply({"tasks": []}))


@pytest.mark.parametrize(
    ("status", "code", "kind", "retryable"),
    [
        (400, "InvalidParameter", BadRequestError, False),
        (400, "InvalidParameter.DataInspection", BadRequestError, False),
        (400, "UnsupportedOperation", BadRequestError, False),
        (400, "Arrearage", AccessDeniedError, False),
        (400, "Throttling.AllocationQuota", QuotaExceededError, False),
        (401, "InvalidApiKey", AuthenticationError, False),
        (401, "", AuthenticationError, False),
        (403, "AccessDenied.Unpurchased", AccessDeniedError, False),
        (403, "Model.AccessDenied", AccessDeniedError, False),
        (404, "ModelNotFound", NotFoundError, False),
        (429, "Throttling", ThrottledError, True),
        (429, "Throttling.RateQuota", ThrottledError, True),
        (429, "Throttling.BurstRate", ThrottledError, True),
        (429, "Throttling.AllocationQuota", QuotaExceededError, True),
        (429, "PrepaidBillOverdue", AccessDeniedError, False),
        (429, "", ThrottledError, True),
        (500, "InternalError", ServiceUnavailableError, True),
        (500, "InternalError.Timeout", ServiceUnavailableError, False),
        (503, "ModelServingError", ServiceUnavailableError, True),
        (504, "", ServiceUnavailableError, True),
        (401, "invalid_api_key", AuthenticationError, False),
        (400, "invalid_parameter_error", BadRequestError, False),
        (404, "model_not_found", NotFoundError, False),
        (429, "Throttling.OfTomorrow", ThrottledError, True),
        (400, "Throttling.OfTomorrow", ThrottledError, False),
        (418, "Teapot", BadRequestError, False),
        (599, "NeverSeenBefore", ServiceUnavailableError, True),
        (302, "", ServiceError, False),
    ],
)
def test_the_code_decides_and_the_status_is_the_fallback(
    status: int, code: str, kind: type[ServiceError], retryable: bool
) -> None:
    error = replies.read_refusal(reply({"code": code, "message": "m", "request_id": "r"}, status))
    assert type(error) is kind
    assert (error.status, error.code, error.message, error.request_id) == (status, code, "m", "r")
    assert error.retryable is retryable


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"code": "c", "message": "m", "type": "t"}}, "c", "m"),
        ({"error": {"code": None, "message": "m", "type": "t"}}, "t", "m"),
        ({"code": "c", "msg": "m"}, "c", "m"),
        ({"code": "c", "message": '{"code": "inner", "message": "m"}'}, "c", "m"),
        ({"message": ' {"error": {"code": "inner", "message": "m"}}'}, "inner", "m"),
        ({"code": "c", "message": "{not JSON"}, "c", "{not JSON"),
        ({"code": "c", "message": "{}"}, "c", "{}"),
        ({"code": 17, "message": {"deep": 1}}, "17", "{'deep': 1}"),
        (b"<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>", "AccessDenied", None),
        (b"<html>Bad gateway</html>", "", "<html>Bad gateway</html>"),
        (b"", "", ""),
    ],
)
def test_every_form_of_error_body_is_read(body: Any, code: str, message: str | None) -> None:
    error = replies.read_refusal(reply(body, 400, x_request_id="from-header"))
    assert error.code == code
    assert message is None or error.message == message
    assert error.request_id == "from-header"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "3"}, 3.0),
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after": "Thu, 01 Oct 2026 09:00:05 GMT", "date": "Thu, 01 Oct 2026 09:00:00 GMT"}, 5.0),
        ({"retry_after": "99999"}, 300.0),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "1e999"}, 300.0),
        ({"retry_after": "Thu, 01 Oct 2026 09:00:05 GMT"}, None),
        ({"retry_after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "date": "x"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_from_any_header(headers: dict[str, str], seconds: float | None) -> None:
    assert replies.read_refusal(reply({}, 429, **headers)).retry_after == seconds


def test_messages_of_the_service_are_redacted() -> None:
    error = replies.read_refusal(
        reply({"code": "x", "message": "bad key sk-abcdef and https://h/a?Signature=zzz"}, 401)
    )
    assert "abcdef" not in str(error)
    assert "zzz" not in str(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
field_names = st.sampled_from(
    ["output", "task_id", "task_status", "results", "usage", "duration", "data", "total", "file_url", "submit_time"]
)
wire_like = st.recursive(
    json_values | st.just("t"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(field_names, inner, max_size=6),
    max_leaves=30,
)


@given(wire_like, st.sampled_from([200, 201, 204, 302, 400, 401, 429, 500]))
def test_whatever_comes_only_our_errors_go_out(document: Any, status: int) -> None:
    answer = reply(document, status)
    for read in (
        replies.read_accepted,
        lambda it: replies.read_snapshot(it, "t"),
        replies.read_task_page,
        replies.read_upload_policy,
        replies.read_done,
    ):
        try:
            read(answer)
        except FunASRError as error:
            assert str(error)  # noqa: PT017  (it may as well not be raised)


@given(st.binary(max_size=200), st.sampled_from([200, 403, 500]))
def test_bytes_that_are_no_json_are_our_errors_too(body: bytes, status: int) -> None:
    with pytest.raises(FunASRError):
        replies.read_accepted(Reply(status=status, body=body))
