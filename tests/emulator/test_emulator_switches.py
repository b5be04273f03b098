"""Every switch of the protocol notes, sections 14 and 15: it is there, and both of its answers are given.

A row has a probe, which returns what a client sees, and what that is under each of some settings.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import ANY

import pytest
from emulator_caller import START, Caller, error_of, load

from aiofunasr.emulator import EmulatorSettings, RateLimit, ScriptedRecognizer, Service, switches

URL = "https://media.example.com/call-40s.wav"
DEAD_URL = "https://media.example.com/404.wav"
SINGAPORE = "dashscope-intl.aliyuncs.com"
WORKSPACE = "ws-1.cn-beijing.maas.aliyuncs.com"
BARE: dict[str, Any] = {"model": "fun-asr", "input": {"file_urls": [URL]}}

Probe = Callable[[Caller], Any]
Answers = list[tuple[dict[str, Any], Any]]


def ended(caller: Caller, *urls: str, **parameters: Any) -> dict[str, Any]:
    """Return the output of a task that has ended."""
    task = caller.submitted(*(urls or (URL,)), parameters=parameters)
    caller.sleep(1000)
    return caller.output(task)


def document(caller: Caller, **parameters: Any) -> dict[str, Any]:
    return caller.document(ended(caller, **parameters)["results"][0]["transcription_url"])


def download(caller: Caller, after: float = 0.0, change: str = "", **headers: str) -> int:
    url = ended(caller)["results"][0]["transcription_url"]
    caller.sleep(after)
    return caller.download(url.replace("%3A", change) if change else url, **headers).status


def statuses(caller: Caller, *moments: float, url: str = URL) -> list[str]:
    task = caller.submitted(url)
    found: list[str] = []
    for moment in moments:
        caller.now = START + moment
        found.append(caller.output(task)["task_status"])
    return found


def running(caller: Caller) -> dict[str, Any]:
    """Return the output of a task that is RUNNING, with a file that is done already."""
    task = caller.submitted(URL, "https://media.example.com/call-4000s.wav")
    caller.sleep(10)
    output = caller.output(task)
    assert output["task_status"] == "RUNNING"
    return output


def at(caller: Caller, moment: float) -> dict[str, Any]:
    task = caller.submitted(URL)
    caller.sleep(moment)
    return caller.output(task)


def keeps_its_link(caller: Caller) -> bool:
    task = caller.submitted(URL)
    caller.sleep(100)
    first = caller.output(task)["results"]
    caller.sleep(100)
    return bool(caller.output(task)["results"] == first)


def running_of_three(caller: Caller) -> int:
    for _ in range(3):
        caller.submitted(URL)
    caller.sleep(10.5)
    return int(caller.list(status="RUNNING")["total"])


def place_of_the_first(caller: Caller) -> int:
    first, _ = caller.submitted(URL), caller.submitted(URL)
    return [row["task_id"] for row in caller.list()["data"]].index(first)


def throttled(caller: Caller) -> Any:
    caller.submitted(URL)
    response = caller.submit(URL)
    return error_of(response)[1], response.headers.get("retry-after")


def policy(caller: Caller) -> dict[str, Any]:
    data: dict[str, Any] = load(caller.send("GET", "/api/v1/uploads", "action=getPolicy&model=fun-asr"))["data"]
    return data


def cancelled(caller: Caller) -> str:
    task = caller.submitted(URL)
    assert caller.cancel(task).status == 200
    caller.sleep(1)
    return str(caller.output(task)["task_status"])


def of_host(caller: Caller, host: str, body: Any = None) -> Any:
    response = caller.submit_raw(body or {**BARE, "parameters": {}}, Host=host)
    if response.status != 200:
        return response.status
    caller.sleep(1000)
    task = load(response)["output"]["task_id"]
    return load(caller.send("GET", f"/api/v1/tasks/{task}", headers={"Host": host}))["output"]["task_status"]


def vocabulary_refusal(caller: Caller) -> Any:
    body = {"model": "speech-biasing", "input": {"action": "query_vocabulary", "vocabulary_id": "none"}}
    return error_of(caller.send("POST", "/api/v1/services/audio/asr/customization", body=body))


def event(caller: Caller) -> Any:
    caller.submitted(URL)
    caller.sleep(1000)
    delivery = caller.service.take_event(caller.now)
    caller.sleep(1000)
    delivery = delivery or caller.service.take_event(caller.now)
    return None if delivery is None else json.loads(caller.service.event_body(delivery, caller.now))["data"]


def sent(caller: Caller, **parameters: Any) -> Any:
    response = caller.submit(URL, parameters=parameters)
    return response.status if response.status == 200 else error_of(response)


def failing(caller: Caller, **parameters: Any) -> Any:
    response = caller.submit(URL, parameters=parameters)
    if response.status != 200:
        return error_of(response)
    caller.sleep(1000)
    output = caller.output(load(response)["output"]["task_id"])
    return output["task_status"], output["code"]


def missing_speakers(caller: Caller) -> int:
    sentences = document(caller, diarization_enabled=True)["transcripts"][0]["sentences"]
    return sum("speaker_id" not in sentence for sentence in sentences)


SLOW = {"queue_seconds": (10.0, 10.0), "processing_speed": 4.0}
EXPECTED: list[tuple[str, Probe, Answers]] = [
    # Section 14
    (
        "PENDING duration",
        lambda caller: statuses(caller, 5, 15),
        [(SLOW, ["PENDING", "RUNNING"]), ({**SLOW, "queue_seconds": (0.0, 0.0)}, ["RUNNING", "SUCCEEDED"])],
    ),
    (
        "RUNNING duration",
        lambda caller: statuses(caller, 5, 15),
        [
            ({"queue_seconds": (0.0, 0.0), "processing_speed": 4.0}, ["RUNNING", "SUCCEEDED"]),
            ({"queue_seconds": (0.0, 0.0), "processing_speed": 40.0}, ["SUCCEEDED"] * 2),
            ({"queue_seconds": (0.0, 0.0), "min_processing_seconds": 20.0, "processing_speed": 40.0}, ["RUNNING"] * 2),
        ],
    ),
    (
        "a dead link's duration",
        lambda caller: statuses(caller, 5, 15, url=DEAD_URL),
        [
            ({"queue_seconds": (0.0, 0.0)}, ["FAILED", "FAILED"]),
            ({"queue_seconds": (0.0, 0.0), "dead_link_seconds": 9.0}, ["RUNNING", "FAILED"]),
        ],
    ),
    (
        "max URLs per request",
        lambda caller: caller.submit(URL, URL).status,
        [({}, 200), ({"max_files_per_task": 1}, 400)],
    ),
    (
        "the error for too many URLs",
        lambda caller: load(caller.submit(URL, URL)),
        [
            (
                {
                    "max_files_per_task": 1,
                    "too_many_files_code": "BadRequest.TooLarge",
                    "too_many_files_message": "No.",
                },
                {"code": "BadRequest.TooLarge", "message": "No.", "request_id": ANY},
            )
        ],
    ),
    (
        "parameters missing",
        lambda caller: [of_host(caller, host, BARE) for host in (WORKSPACE, "")],
        [
            ({}, ["FAILED", "SUCCEEDED"]),
            ({"missing_parameters_fail": "always"}, ["FAILED", "FAILED"]),
            ({"missing_parameters_fail": "never"}, ["SUCCEEDED", "SUCCEEDED"]),
        ],
    ),
    (
        "results order",
        lambda caller: [result["file_url"][-6:] for result in ended(caller, URL, DEAD_URL)["results"]],
        [({}, ["0s.wav", "04.wav"]), ({"results_order": "reversed"}, ["04.wav", "0s.wav"])],
    ),
    (
        "all files failed",
        lambda caller: (
            (output := ended(caller, DEAD_URL))["task_status"],
            "results" in output,
            "code" in output,
            caller.list()["data"][0]["status"],
        ),
        [
            ({}, ("FAILED", True, True, "FAILED")),
            ({"all_failed_form": "succeeded"}, ("SUCCEEDED", True, False, "SUCCEEDED")),
            ({"all_failed_form": "bare"}, ("FAILED", False, True, "FAILED")),
        ],
    ),
    (
        "submit limit and its refusal",
        throttled,
        [
            ({"submit_limit": 1}, ("Throttling.RateQuota", None)),
            ({"submit_limit": RateLimit(1, 10), "retry_after": True}, ("Throttling.RateQuota", "10")),
            ({"submit_limit": 1, "throttle_code": "Throttling.BurstRate"}, ("Throttling.BurstRate", None)),
        ],
    ),
    (
        "query, cancel and list limit",
        lambda caller: [
            [caller.send(method, path).status for _ in range(3)]
            for method, path in (
                ("GET", "/api/v1/tasks/x"),
                ("POST", "/api/v1/tasks/x/cancel"),
                ("GET", "/api/v1/tasks"),
            )
        ],
        [
            ({}, [[200] * 3, [400] * 3, [200] * 3]),
            (
                {"query_limit": 1, "cancel_limit": 2, "list_limit": 1},
                [[200, 429, 429], [400, 400, 429], [200, 429, 429]],
            ),
            ({"query_limit": 1, "share_task_limits": True}, [[200, 429, 429], [429] * 3, [429] * 3]),
            ({"query_limit": 1, "limits_enabled": False}, [[200] * 3, [400] * 3, [200] * 3]),
        ],
    ),
    (
        "retention",
        lambda caller: statuses(caller, 1000, 5000),
        [({}, ["SUCCEEDED"] * 2), ({"retention": 3600.0}, ["SUCCEEDED", "UNKNOWN"])],
    ),
    (
        "Expires of result URLs",
        lambda caller: download(caller, 500),
        [({}, 200), ({"result_link_life": 60.0}, 403)],
    ),
    (
        "how links are compared",
        lambda caller: download(caller, change=":"),
        [({}, 403), ({"strict_result_links": False}, 200)],
    ),
    (
        "whether links are signed anew",
        keeps_its_link,
        [({}, True), ({"resign_links": True}, False)],
    ),
    (
        "result download with an Authorization header",
        lambda caller: download(caller, Authorization="Bearer sk-emulator"),
        [({}, 400), ({"authorized_result_status": 403}, 403), ({"authorized_result_status": None}, 200)],
    ),
    (
        "error body without Content-Type",
        lambda caller: "content-type" in caller.submit_raw(b"{").headers,
        [({}, True), ({"error_content_type": False}, False)],
    ),
    (
        "error bodies",
        lambda caller: load(caller.submit_raw(b"{}")),
        [
            ({}, {"code": "InvalidParameter", "message": ANY, "request_id": ANY}),
            (
                {"error_form": "nested"},
                {
                    "error": {"code": "InvalidParameter", "message": ANY, "type": "InvalidParameter"},
                    "request_id": ANY,
                },
            ),
            ({"error_form": "msg"}, {"code": "InvalidParameter", "msg": ANY, "request_id": ANY}),
            ({"error_form": "bare"}, {"code": "InvalidParameter", "message": ANY}),
        ],
    ),
    (
        "gzip when accepted",
        lambda caller: caller.send("GET", "/api/v1/tasks", headers={"Accept-Encoding": "gzip"}).headers.get(
            "content-encoding"
        ),
        [({}, "gzip"), ({"gzip": False}, None)],
    ),
    (
        "the Date header",
        lambda caller: "date" in caller.send("GET", "/api/v1/tasks").headers,
        [({}, True), ({"date_header": False}, False)],
    ),
    (
        "oss:// without the resolve header",
        lambda caller: caller.submit_raw({**BARE, "input": {"file_urls": ["oss://a/b"]}, "parameters": {}}).status,
        [({}, 200), ({"oss_without_header": "request"}, 400)],
    ),
    ("speaker_id sometimes missing", missing_speakers, [({}, 1), ({"missing_speaker_every": 0}, 0)]),
    (
        "special_word_filter as an object",
        lambda caller: sent(caller, special_word_filter={"system_reserved_filter": False}),
        [({}, (400, "InvalidParameter")), ({"lenient_word_filter": True}, 200)],
    ),
    # Section 15
    (
        "results while RUNNING",
        lambda caller: "results" in running(caller),
        [({}, False), ({"running_carries_results": True}, True)],
    ),
    (
        "task_metrics while RUNNING",
        lambda caller: running(caller)["task_metrics"]["SUCCEEDED"],
        [({}, 1), ({"metrics_advance": False}, 0)],
    ),
    (
        "GET or POST for the query",
        lambda caller: [caller.send(method, "/api/v1/tasks/x").status for method in ("GET", "POST")],
        [({}, [200, 200]), ({"query_methods": {"GET"}}, [200, 404]), ({"query_methods": {"POST"}}, [404, 200])],
    ),
    (
        "concurrency limit",
        running_of_three,
        [(SLOW, 3), ({**SLOW, "max_running_tasks": 2}, 2)],
    ),
    (
        "zone of times",
        lambda caller: ended(caller)["submit_time"],
        [({}, "2026-10-01 09:00:00.000"), ({"utc_offset_hours": 0.0}, "2026-10-01 01:00:00.000")],
    ),
    (
        "result host",
        lambda caller: ended(caller)["results"][0]["transcription_url"].partition("/results")[0],
        [
            ({}, "http://localhost"),
            ({"result_url": "http://dashscope-result-sgp.example"}, "http://dashscope-result-sgp.example"),
        ],
    ),
    (
        "speech_noise_threshold on fun-asr",
        lambda caller: sent(caller, speech_noise_threshold=7),
        [({}, (400, "InvalidParameter")), ({"noise_threshold": False}, 200)],
    ),
    (
        "language_hints default",
        lambda caller: document(caller)["transcripts"][0]["text"].isascii(),
        [({}, True), ({"default_language_hints": ("zh", "en")}, False)],
    ),
    (
        "max_file_size_mb of the policy",
        lambda caller: policy(caller)["max_file_size_mb"],
        [({}, 1024), ({"policy_max_file_size_mb": 100}, 100)],
    ),
    (
        "life of the policy",
        lambda caller: policy(caller)["expire_in_seconds"],
        [({}, 300), ({"policy_life": 60.0}, 60)],
    ),
    (
        "error for a bad parameter value",
        lambda caller: failing(caller, speaker_count=1),
        [
            ({}, (400, "InvalidParameter")),
            ({"bad_parameter_code": "BadRequest.IllegalInput"}, (400, "BadRequest.IllegalInput")),
            ({"bad_parameter": "task"}, ("FAILED", "InvalidParameter")),
        ],
    ),
    (
        "unknown parameters",
        lambda caller: sent(caller, diarisation=True),
        [({}, 200), ({"unknown_parameters": "refused"}, (400, "InvalidParameter"))],
    ),
    (
        "vocabulary error codes",
        vocabulary_refusal,
        [({}, (400, "InvalidParameter")), ({"vocabulary_error_code": "NotFound"}, (400, "NotFound"))],
    ),
    (
        "an unknown vocabulary in a submit",
        lambda caller: sent(caller, vocabulary_id="vocab-none"),
        [({}, (400, "InvalidParameter")), ({"unknown_vocabulary": "ignored"}, 200)],
    ),
    (
        "results in events",
        lambda caller: "output_result" in event(caller),
        [({"events_url": "http://any/"}, True), ({"events_url": "http://any/", "events_contain_result": False}, False)],
    ),
    ("events at all", lambda caller: event(caller) is None, [({}, True), ({"events_url": "http://any/"}, False)]),
    (
        "status right after a cancel",
        cancelled,
        [
            ({"queue_seconds": (10.0, 10.0)}, "CANCELED"),
            ({"queue_seconds": (10.0, 10.0), "cancel_delay": 5.0}, "PENDING"),
        ],
    ),
    (
        "retirement of the shared host",
        lambda caller: of_host(caller, SINGAPORE),
        [({}, "SUCCEEDED"), ({"retired_hosts": {SINGAPORE}}, 404)],
    ),
    # What else the notes leave open
    (
        "scheduled_time of a PENDING task",
        lambda caller: "scheduled_time" in at(caller, 5),
        [(SLOW, True), ({**SLOW, "scheduled_time": "running"}, False)],
    ),
    (
        "codes of downloads",
        lambda caller: ended(caller, DEAD_URL)["code"],
        [({}, "FILE_404_NOT_FOUND"), ({"specific_download_codes": False}, "InvalidFile.DownloadFailed")],
    ),
    (
        "a task that takes too long",
        lambda caller: ended(caller).get("code"),
        [({}, None), ({"task_timeout": 0.1}, "InternalError.Timeout")],
    ),
    (
        "lists",
        lambda caller: caller.send("GET", "/api/v1/tasks").status,
        [({}, 200), ({"list_enabled": False}, 403), ({"list_enabled": False, "list_refusal": 404}, 404)],
    ),
    (
        "lag of lists",
        lambda caller: caller.submitted(URL) and caller.list()["total"],
        [({}, 1), ({"list_lag": 5.0}, 0)],
    ),
    (
        "order of lists",
        place_of_the_first,
        [({}, 1), ({"list_order": "oldest"}, 0)],
    ),
    (
        "pages of lists",
        lambda caller: caller.list(page_size=500)["page_size"],
        [
            ({}, 100),
            ({"list_page_size_cap": 10}, 10),
            ({"list_page_size_echo": "asked"}, 500),
        ],
    ),
    (
        "filters of lists",
        lambda caller: caller.submitted(URL) and caller.list(model_name="other")["total"],
        [({}, 0), ({"list_ignored_filters": {"model_name"}}, 1)],
    ),
    (
        "zone of the times of lists",
        lambda caller: (
            caller.submitted(URL) and caller.list(start_time="20261001085959", end_time="20261001090001")["total"]
        ),
        [({}, 1), ({"list_utc_offset_hours": 0.0}, 0)],
    ),
    (
        "keys",
        lambda caller: caller.send("GET", "/api/v1/tasks", headers={"Authorization": "Bearer sk-other"}).status,
        [({}, 401), ({"accept_any_key": True}, 200), ({"api_keys": {"sk-emulator": "a", "sk-other": "b"}}, 200)],
    ),
]
PROVEN_ELSEWHERE = {
    # Their own modules: test_emulator_models, _tokens, _vocabularies, _events, _storage, _clock, _server, _limits.
    "key_regions", "workspaces", "models", "models_by_region", "region", "public_url", "seed", "clock_offset_seconds",
    "tokens_make_tokens", "vocabularies_per_account", "vocabulary_items", "vocabulary_deploy_seconds",
    "submit_limits", "policy_limit", "limits_per_second", "concurrency_limits", "max_live_tasks",
    "upload_bucket", "object_life", "uploads_bound_to_host", "reserved_words", "max_body_bytes",
    "event_delay_seconds", "event_duplicate_share", "event_attempts", "event_retry_seconds", "event_timeout",
    "event_signature", "event_token", "event_final_newline", "event_certificate_url",
    "list_request_id", "max_input_bytes", "fetch_timeout", "allow_private_hosts", "require_content_length",
}  # fmt: skip
CASES = [
    pytest.param(
        probe, changes, expected, id=f"{name}: {', '.join(f'{k}={v}' for k, v in changes.items()) or 'default'}"
    )
    for name, probe, answers in EXPECTED
    for changes, expected in answers
]


@pytest.mark.parametrize(("probe", "changes", "expected"), CASES)
def test_a_switch_gives_each_of_its_answers(probe: Probe, changes: dict[str, Any], expected: Any) -> None:
    caller = Caller(Service(EmulatorSettings(**changes), ScriptedRecognizer()))
    assert probe(caller) == expected


@pytest.mark.parametrize(("probe", "changes", "expected"), CASES)
def test_a_switch_can_be_turned_while_the_service_runs(probe: Probe, changes: dict[str, Any], expected: Any) -> None:
    caller = Caller(Service(EmulatorSettings(), ScriptedRecognizer()), now=START - 100)
    caller.list()
    caller.now = START
    caller.service.settings = EmulatorSettings(**changes)
    assert probe(caller) == expected


def test_every_switch_is_in_the_table_or_has_tests_of_its_own() -> None:
    in_table = {name for _, _, answers in EXPECTED for changes, _ in answers for name in changes}
    assert in_table | PROVEN_ELSEWHERE == switches().keys()
    assert not in_table & PROVEN_ELSEWHERE
