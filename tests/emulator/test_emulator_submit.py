from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from emulator_caller import SUBMIT_PATH, Caller, error_of, load

from aiofunasr.emulator import EmulatorSettings, ScriptedRecognizer, Service

URL = "https://media.example.com/a.wav"
GOOD = {"model": "fun-asr", "input": {"file_urls": [URL]}, "parameters": {}}


def make(**changes: Any) -> Caller:
    return Caller(Service(EmulatorSettings.instant(**changes), ScriptedRecognizer()))


def test_accepts_a_task_with_ids_of_its_own() -> None:
    caller = make()
    response = caller.submit(URL)
    body = load(response)
    assert response.status == 200
    assert body["output"]["task_status"] == "PENDING"
    assert uuid.UUID(body["output"]["task_id"]) != uuid.UUID(body["request_id"])
    assert response.headers["x-request-id"] == body["request_id"]
    assert response.headers["content-type"] == "application/json;charset=UTF-8"
    (submission,) = caller.service.ledger.submissions
    assert submission.file_urls == (URL,)
    assert submission.task_id == body["output"]["task_id"]
    assert submission.request_id == body["request_id"]
    assert submission.parameters == {}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"model": None}, 400, "InvalidParameter"),
        ({"model": ""}, 400, "InvalidParameter"),
        ({"model": "fun-asr-realtime"}, 404, "ModelNotFound"),
        ({"input": {}}, 400, "InvalidParameter"),
        ({"input": {"file_url": URL}}, 400, "InvalidParameter"),
        ({"input": {"file_urls": []}}, 400, "InvalidParameter"),
        ({"input": {"file_urls": URL}}, 400, "InvalidParameter"),
        ({"input": {"file_urls": ["/home/me/a.wav"]}}, 400, "InvalidParameter"),
        ({"input": {"file_urls": [URL] * 101}}, 400, "InvalidParameter"),
        ({"parameters": []}, 400, "InvalidParameter"),
        ({"parameters": {"channel_id": 0}}, 400, "InvalidParameter"),
        ({"parameters": {"channel_id": [True]}}, 400, "InvalidParameter"),
        ({"parameters": {"speaker_count": 1}}, 400, "InvalidParameter"),
        ({"parameters": {"speech_noise_threshold": 1.5}}, 400, "InvalidParameter"),
        ({"parameters": {"language_hints": "en"}}, 400, "InvalidParameter"),
        ({"parameters": {"special_word_filter": {"system_reserved_filter": True}}}, 400, "InvalidParameter"),
        ({"parameters": {"special_word_filter": "{"}}, 400, "InvalidParameter"),
        ({"parameters": {"special_word_filter": "[]"}}, 400, "InvalidParameter"),
    ],
)
def test_refuses_a_bad_body_and_creates_nothing(change: dict[str, Any], status: int, code: str) -> None:
    caller = make()
    response = caller.submit_raw({**GOOD, **change})
    assert error_of(response) == (status, code)
    assert load(response)["request_id"]
    assert caller.service.ledger.submissions == []
    assert caller.list()["total"] == 0


def test_names_the_missing_file_urls_as_the_service_does() -> None:
    response = make().submit_raw({**GOOD, "input": {"file_url": URL}})
    assert load(response)["message"] == "input must contain file_urls"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_refuses_what_is_no_json_object(body: bytes) -> None:
    assert error_of(make().submit_raw(body)) == (400, "InvalidParameter")


def test_checks_credentials_first_then_the_async_header_then_the_body() -> None:
    caller = make()
    caller.api_key = "sk-stranger"
    assert error_of(caller.send("POST", SUBMIT_PATH, body=b"{")) == (401, "InvalidApiKey")
    caller.api_key = "sk-emulator"
    assert error_of(caller.send("POST", SUBMIT_PATH, body=b"{")) == (403, "AccessDenied")
    assert error_of(caller.submit_raw(b"{")) == (400, "InvalidParameter")


def test_checks_the_body_before_the_rate_limit() -> None:
    caller = make(submit_limit=1)
    caller.submitted(URL)
    assert error_of(caller.submit_raw({**GOOD, "input": {}}))[0] == 400
    assert error_of(caller.submit(URL)) == (429, "Throttling.RateQuota")


def test_takes_any_key_when_told_to() -> None:
    caller = make(accept_any_key=True)
    caller.api_key = "sk-whatever"
    caller.submitted(URL)
    assert error_of(caller.send("GET", "/api/v1/tasks/", authorized=False)) == (401, "InvalidApiKey")


def test_limits_the_files_of_a_task_with_a_chosen_error() -> None:
    caller = make(max_files_per_task=1, too_many_files_code="BadRequest.IllegalInput")
    assert error_of(caller.submit(URL, URL)) == (400, "BadRequest.IllegalInput")
    caller.submitted(URL)


def test_a_submit_without_parameters_is_accepted_and_fails() -> None:
    body = {"model": "fun-asr", "input": {"file_urls": [URL]}}
    caller = make(missing_parameters_fail="always")
    output = caller.output(load(caller.submit_raw(body))["output"]["task_id"])
    assert output["task_status"] == "FAILED"
    assert output["code"] == "BadRequest.EmptyParameters"
    assert "results" not in output
    caller = make(missing_parameters_fail="never")
    assert caller.output(load(caller.submit_raw(body))["output"]["task_id"])["task_status"] == "SUCCEEDED"


def test_takes_the_word_filter_as_an_object_only_when_lenient() -> None:
    word_filter = {"filter_with_signed": {"word_list": ["alpha"]}, "system_reserved_filter": False}
    assert make().submit(URL, parameters={"special_word_filter": word_filter}).status == 400
    assert make().submit(URL, parameters={"special_word_filter": json.dumps(word_filter)}).status == 200
    lenient = make(lenient_word_filter=True)
    assert lenient.submit(URL, parameters={"special_word_filter": word_filter}).status == 200


def test_an_oss_file_without_the_resolve_header() -> None:
    body = {**GOOD, "input": {"file_urls": ["oss://dashscope-instant/a/b.wav"]}}
    caller = make()
    output = caller.output(load(caller.submit_raw(body))["output"]["task_id"])
    assert output["code"] == "InvalidFile.DownloadFailed"
    assert error_of(make(oss_without_header="request").submit_raw(body)) == (
        400,
        "InvalidParameter.DataInspection",
    )


def test_an_error_may_come_without_a_content_type() -> None:
    response = make(error_content_type=False).submit_raw(b"{")
    assert "content-type" not in response.headers
    assert load(response)["code"] == "InvalidParameter"


def test_an_unknown_route_is_not_found() -> None:
    assert error_of(make().send("GET", "/api/v1/nothing")) == (404, "NotFound")
    assert error_of(make().send("GET", "/")) == (404, "NotFound")
    assert error_of(make().send("GET", SUBMIT_PATH)) == (404, "NotFound")


def test_the_same_seed_gives_the_same_service() -> None:
    first, second, third = (make(seed=seed) for seed in (1, 1, 2))
    assert first.submitted(URL) == second.submitted(URL) != third.submitted(URL)
