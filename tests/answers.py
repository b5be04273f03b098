"""The open questions of the protocol notes (sections 14 and 15), and the answers the emulator can be set to give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pytest

from aiofunasr.emulator import RateLimit

Answers = Mapping[str, list[dict[str, Any]]]

OF_A_BATCH: Final[Answers] = {
    "files a request": [{"max_files_per_task": 100}, {"max_files_per_task": 1}],
    "the code of too many files": [
        {"max_files_per_task": 1, "too_many_files_code": "BadRequest.IllegalInput", "too_many_files_message": "One."},
        {"max_files_per_task": 3, "too_many_files_code": "InvalidParameter"},
    ],
    "results while running": [{"running_carries_results": False}, {"running_carries_results": True}],
    "metrics while running": [{"metrics_advance": True}, {"metrics_advance": False}],
    "a task of failed files": [
        {"all_failed_form": "failed"},
        {"all_failed_form": "succeeded"},
        {"all_failed_form": "bare"},
    ],
    "the method of a query": [{"query_methods": {"GET", "POST"}}, {"query_methods": {"GET"}}],
    "tasks at once": [{"max_running_tasks": None}, {"max_running_tasks": 1}],
    "Retry-After": [
        {"retry_after": False, "query_limit": RateLimit(2)},
        {"retry_after": True, "query_limit": RateLimit(2)},
    ],
    "one budget for query, list and cancel": [{"share_task_limits": False}, {"share_task_limits": True}],
    "what a 429 is called": [
        {"throttle_code": code, "submit_limit": RateLimit(1)}
        for code in ("Throttling", "Throttling.RateQuota", "Throttling.BurstRate", "Throttling.AllocationQuota")
    ],
    "the zone of times": [{"utc_offset_hours": 8.0}, {"utc_offset_hours": 0.0}, {"list_utc_offset_hours": 0.0}],
    "the service's clock": [{"clock_offset_seconds": 0.0}, {"clock_offset_seconds": 300.0}, {"date_header": False}],
    "the host of results": [{"result_url": None}, {"result_url": "https://dashscope-result-sgp.example.com"}],
    "the word filter": [{"lenient_word_filter": False}, {"lenient_word_filter": True}],
    "the noise threshold": [{"noise_threshold": True}, {"noise_threshold": False}],
    "compression": [{"gzip": True}, {"gzip": False}],
    "the status after a cancel": [{"cancel_delay": 0.0}, {"cancel_delay": 20.0}],
    "the order of results": [{"results_order": order} for order in ("submitted", "shuffled", "reversed")],
    "the time of scheduling": [{"scheduled_time": "accepted"}, {"scheduled_time": "running"}],
    "the code of a download that failed": [{"specific_download_codes": True}, {"specific_download_codes": False}],
    "an upload without its header": [{"oss_without_header": "task"}, {"oss_without_header": "request"}],
    "a key with a result download": [{"authorized_result_status": status} for status in (400, 403, None)],
    "the form of links": [{"strict_result_links": True}, {"strict_result_links": False}],
    "a link asked for again": [{"resign_links": False}, {"resign_links": True}],
    "the list": [
        {"list_enabled": True},
        *({"list_enabled": False, "list_refusal": status} for status in (400, 403, 404)),
        {"list_lag": 10.0},
        {"list_page_size_cap": 10, "list_page_size_echo": "used"},
        {"list_page_size_cap": 10, "list_page_size_echo": "asked"},
        {"list_order": "oldest"},
        {"list_order": "shuffled"},
        {"list_request_id": "other"},
        {"list_request_id": "none"},
        {"list_ignored_filters": frozenset({"start_time", "model_name", "status"})},
    ],
    "the type of an error": [{"error_content_type": True}, {"error_content_type": False}],
    "parameters that are missing": [
        {"missing_parameters_fail": "always"},
        {"missing_parameters_fail": "workspace"},
        {"missing_parameters_fail": "never"},
    ],
    "uploads of another host": [{"uploads_bound_to_host": False}, {"uploads_bound_to_host": True}],
}
"""What a batch of files, uploads among them, meets by itself."""

OF_THEIR_OWN: Final[Answers] = {
    "a bad parameter": [
        {"bad_parameter": where, "bad_parameter_code": code}
        for where in ("refused", "task")
        for code in ("InvalidParameter", "BadRequest.IllegalInput")
    ],
    "an unknown parameter": [{"unknown_parameters": "ignored"}, {"unknown_parameters": "refused"}],
    "the form of an error": [{"error_form": form} for form in ("flat", "nested", "msg", "bare")],
    "the language hints of none": [{"default_language_hints": ()}, {"default_language_hints": ("zh", "en")}],
    "the largest upload": [{"policy_max_file_size_mb": 1}, {"policy_max_file_size_mb": 2}],
    "the speaker of a sentence": [{"missing_speaker_every": every} for every in (0, 10, 1)],
    "the code of a vocabulary's refusal": [
        {"vocabulary_error_code": code} for code in ("InvalidParameter", "BadRequest.ResourceNotExist", "NotFound")
    ],
    "a vocabulary that is not there": [{"unknown_vocabulary": "refused"}, {"unknown_vocabulary": "ignored"}],
    "when a vocabulary can be used": [{"vocabulary_deploy_seconds": 0.0}, {"vocabulary_deploy_seconds": 20.0}],
    "what an event contains": [{"events_contain_result": True}, {"events_contain_result": False}],
    "how an event is signed": [
        {"event_signature": form, "event_final_newline": newline}
        for form in ("v1", "v2", "both")
        for newline in (True, False)
    ],
    "an event that comes twice": [{"event_duplicate_share": 0.0}, {"event_duplicate_share": 1.0}],
    "the shared host abroad": [{"retired_hosts": frozenset()}, {"retired_hosts": {"dashscope-intl.aliyuncs.com"}}],
}
"""What no batch meets by itself: each has a test of its own."""

SETTLED: Final = frozenset({
    # Who may call, and for what: the service's choice for an account, and documented.
    "region", "public_url", "models", "models_by_region", "api_keys", "accept_any_key", "key_regions", "workspaces",
    "tokens_make_tokens",
    # Quotas, sizes and lives: documented numbers, which only tests change.
    "limits_enabled", "submit_limits", "cancel_limit", "list_limit", "policy_limit", "limits_per_second",
    "concurrency_limits", "max_live_tasks", "max_body_bytes", "policy_life", "object_life", "upload_bucket",
    "vocabularies_per_account", "vocabulary_items", "retention", "result_link_life", "task_timeout",
    # How fast things are, and other chance.
    "seed", "queue_seconds", "processing_speed", "min_processing_seconds", "dead_link_seconds", "reserved_words",
    # Where events go, and the receiver's side.
    "events_url", "event_delay_seconds", "event_attempts", "event_retry_seconds", "event_timeout", "event_token",
    "event_certificate_url",
    # How files are fetched, where a real recognizer works.
    "max_input_bytes", "fetch_timeout", "allow_private_hosts", "require_content_length",
})  # fmt: skip
"""The switches that are no answer to an open question."""


SECTION_15: Final[Mapping[str, tuple[str, ...]]] = {
    "1 or 100 URLs per request": ("files a request", "the code of too many files"),
    "does RUNNING ever carry results": ("results while running", "metrics while running"),
    "FAILED, or SUCCEEDED with all failed": ("a task of failed files",),
    "GET or POST for the query": ("the method of a query",),
    "concurrency limit of fun-asr": ("tasks at once",),
    "Retry-After on 429": ("Retry-After",),
    # The client never sends a submit twice that may have been heard, whether or not the service would see it.
    "idempotency": (),
    "zone of times outside China": ("the zone of times",),
    "result host in Singapore": ("the host of results",),
    "special_word_filter string or object": ("the word filter",),
    "speech_noise_threshold on fun-asr": ("the noise threshold",),
    "language_hints default": ("the language hints of none",),
    "max_file_size_mb of the policy": ("the largest upload",),
    "error for a bad parameter value": ("a bad parameter", "an unknown parameter"),
    "vocabulary error codes": ("the code of a vocabulary's refusal", "a vocabulary that is not there"),
    "full EventBridge example": ("what an event contains", "how an event is signed", "an event that comes twice"),
    "status right after a cancel": ("the status after a cancel",),
    "retirement of the shared host": ("the shared host abroad",),
}
"""Each row of the notes' table of open questions, and where its answers are."""


def cases(questions: Iterable[str], answers: Answers) -> list[Any]:
    """Return each answer to each of the questions as a parameter of a test."""
    return [
        pytest.param(answer, id=f"{question}, {number}")
        for question in questions
        for number, answer in enumerate(answers[question], 1)
    ]
