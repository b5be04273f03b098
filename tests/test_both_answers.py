"""Where the protocol notes leave a question open (sections 14 and 15), the client works with either answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import aiofunasr
from aiofunasr import (
    FileDownloadError,
    FileError,
    Limits,
    Session,
    SubtaskResult,
    TaskCanceledError,
    TaskStatus,
)
from aiofunasr.emulator import EmulatorSettings, RateLimit, Service
from benchmarks.faults.workload import expected
from support import play, urls

FILES = [*urls(9, "plain"), "https://media.example.com/silence.wav", "https://media.example.com/404.wav"]

ANSWERS: dict[str, list[dict[str, Any]]] = {
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
    "the language hints of none": [{"default_language_hints": ()}, {"default_language_hints": ("zh", "en")}],
    "the largest upload": [{"policy_max_file_size_mb": 100}, {"policy_max_file_size_mb": 1024}],
    "a new name of a parameter": [{"unknown_parameters": "ignored"}, {"unknown_parameters": "ignored", "gzip": False}],
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
    "parameters that are missing": [{"missing_parameters_fail": "always"}, {"missing_parameters_fail": "never"}],
}


def cases() -> list[Any]:
    return [
        pytest.param(answer, id=f"{question}, {number}")
        for question, answers in ANSWERS.items()
        for number, answer in enumerate(answers, 1)
    ]


@pytest.mark.parametrize("answer", cases())
def test_the_client_works_with_either_answer(answer: dict[str, Any], tmp_path: Path) -> None:
    local = tmp_path / "upload.wav"
    local.write_bytes(b"RIFF" * 100)

    async def scenario(session: Session, service: Service) -> None:
        options: dict[str, Any] = {
            "language_hints": ["en"],
            "speech_noise_threshold": 0.1,
            "extra_parameters": {"new": 1},
        }
        batch = session.transcribe([*FILES, local], special_word_filter="{}", **options)
        results = sorted([result async for result in batch], key=lambda result: result.index)
        check(results)

        lost = await session.submit(["https://lost.example.com/404.wav"])
        (failed,) = await lost
        assert isinstance(failed.error, FileDownloadError)

        task = await session.submit(urls(1, "cancelled"))
        await task.cancel()
        (cancelled,) = await task
        assert isinstance(cancelled.error, TaskCanceledError)
        assert task.status == TaskStatus.CANCELED

        if service.settings.list_enabled:
            listed = {row.task_id: row async for row in session.list_tasks()}
            if service.settings.list_order != "shuffled" and not service.settings.list_lag:
                assert {submission.task_id for submission in service.ledger.submissions} <= listed.keys()
            assert all(row.gmt_create is not None and row.gmt_create.tzinfo is not None for row in listed.values())
        assert not service.ledger.duplicates()
        most = max(len(submission.file_urls) for submission in service.ledger.submissions)
        assert most <= service.settings.max_files_per_task
        assert most > 1 or service.settings.max_files_per_task < 5

    # Tasks stay PENDING for a while, or there is nothing to cancel; submits are so few that files share a task.
    play(scenario, EmulatorSettings(queue_seconds=(5.0, 30.0), **answer), limits=Limits(submit=0.3))


def check(results: list[SubtaskResult]) -> None:
    """Make sure that each file has its own result."""
    assert [result.index for result in results] == list(range(len(FILES) + 1))
    *plain, silent, missing, uploaded = results
    assert [result.text for result in plain] == [expected(url).text for url in FILES[: len(plain)]]
    assert silent.ok
    assert silent.no_speech
    assert isinstance(missing.error, FileError)
    assert isinstance(missing.error, FileDownloadError)
    assert uploaded.ok
    assert (uploaded.file_url or "").startswith("oss://")


def test_each_switch_of_the_emulator_is_there() -> None:
    """A switch that is renamed must not leave its question without an answer."""
    for answers in ANSWERS.values():
        assert len(answers) > 1
        for answer in answers:
            EmulatorSettings(**answer)


def test_a_workspace_host_gets_its_parameters() -> None:
    """The trap of section 1.2: without `parameters` the task is accepted, and fails."""

    async def scenario(session: Session, service: Service) -> None:
        (result,) = await aiofunasr.transcribe(urls(1), session=session)
        assert result.ok
        assert service.ledger.submissions

    play(scenario, EmulatorSettings.instant(missing_parameters_fail="always"))
