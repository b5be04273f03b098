"""What each switch of the emulated service decides: a probe, and what it finds under each of some settings."""

from __future__ import annotations

from typing import Any, Final
from unittest.mock import ANY

from emulator_caller import load
from emulator_probes import (
    BARE,
    DEAD_URL,
    SINGAPORE,
    URL,
    WORKSPACE,
    Probe,
    at,
    cancelled,
    document,
    download,
    ended,
    event,
    failing,
    keeps_its_link,
    missing_speakers,
    of_host,
    place_of_the_first,
    policy,
    running,
    running_of_three,
    sent,
    statuses,
    throttled,
    vocabulary_refusal,
)

from aiofunasr.emulator import RateLimit

Answers = list[tuple[dict[str, Any], Any]]

SLOW: Final = {"queue_seconds": (10.0, 10.0), "processing_speed": 4.0}
EXPECTED: Final[list[tuple[str, Probe, Answers]]] = [
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
        "region of hosts that do not say it",
        lambda caller: [caller.submitted(URL) and caller.list()["data"][0]["region"], of_host(caller, SINGAPORE)],
        [
            ({}, ["cn-beijing", "SUCCEEDED"]),
            ({"region": "ap-southeast-1"}, ["ap-southeast-1", "SUCCEEDED"]),
        ],
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
