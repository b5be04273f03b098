from __future__ import annotations

from typing import Any

import pytest
from emulator_caller import START, Caller, error_of, load
from hypothesis import given, settings
from hypothesis import strategies as st

from aiofunasr.emulator import (
    EmulatorSettings,
    FileProblem,
    FinishedFile,
    Recognition,
    RecognizedTrack,
    ScriptedRecognizer,
    Service,
)

A = "https://media.example.com/a-60s.wav"
B = "https://media.example.com/b-10s.wav"
DEAD = "https://media.example.com/404.wav"


def make(script: ScriptedRecognizer | None = None, **changes: Any) -> Caller:
    settings = EmulatorSettings(**{"queue_seconds": (1.0, 1.0), "limits_enabled": False, **changes})
    return Caller(Service(settings, script or ScriptedRecognizer()))


def test_a_task_queues_runs_and_succeeds() -> None:
    caller = make()
    task_id = caller.submitted(A, B)
    assert caller.output(task_id) == {
        "task_id": task_id,
        "task_status": "PENDING",
        "submit_time": "2026-10-01 09:00:00.000",
        "task_metrics": {"TOTAL": 2, "SUCCEEDED": 0, "FAILED": 0},
    }
    caller.sleep(0.5)
    assert caller.output(task_id)["scheduled_time"] == "2026-10-01 09:00:00.031"
    caller.sleep(0.5)
    assert caller.output(task_id)["task_status"] == "RUNNING"
    caller.sleep(0.6)  # B took half a second
    running = caller.output(task_id)
    assert running["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 1, "FAILED": 0}
    assert "results" not in running
    caller.sleep(0.7)
    body = caller.query(task_id)
    assert body["output"]["task_status"] == "SUCCEEDED"
    assert body["output"]["end_time"] == "2026-10-01 09:00:02.200"
    assert [result["file_url"] for result in body["output"]["results"]] == [A, B]
    spoken = sum(
        transcript["content_duration_in_milliseconds"]
        for result in body["output"]["results"]
        for transcript in caller.document(result["transcription_url"])["transcripts"]
    )
    assert body["usage"] == {"duration": -(-spoken // 1000)}
    assert caller.service.ledger.billed_seconds == body["usage"]["duration"]
    assert caller.service.ledger.billed_ms == spoken


def test_the_query_may_be_a_post() -> None:
    caller = make()
    task_id = caller.submitted(A)
    assert load(caller.send("POST", f"/api/v1/tasks/{task_id}"))["output"]["task_id"] == task_id


def test_one_bad_file_fails_alone() -> None:
    caller = make()
    task_id = caller.submitted(A, DEAD)
    caller.sleep(60)
    output = caller.output(task_id)
    assert output["task_status"] == "SUCCEEDED"
    assert output["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 1, "FAILED": 1}
    assert "code" not in output
    good, bad = output["results"]
    assert good["subtask_status"] == "SUCCEEDED"
    assert bad == {
        "file_url": DEAD,
        "code": "FILE_404_NOT_FOUND",
        "message": "FILE_404_NOT_FOUND",
        "subtask_status": "FAILED",
    }


@pytest.mark.parametrize("form", ["failed", "succeeded", "bare"])
def test_the_three_forms_of_a_task_without_a_good_file(form: str) -> None:
    caller = make(all_failed_form=form)
    task_id = caller.submitted(DEAD)
    caller.sleep(60)
    body = caller.query(task_id)
    output = body["output"]
    assert output["task_status"] == ("SUCCEEDED" if form == "succeeded" else "FAILED")
    assert output.get("code") == (None if form == "succeeded" else "FILE_404_NOT_FOUND")
    assert ("results" in output) == ("task_metrics" in output) == (form != "bare")
    assert ("usage" in body) == (form == "succeeded")
    assert caller.list()["data"][0]["status"] == output["task_status"]
    assert caller.service.ledger.billed_seconds == 0


def test_download_problems_may_share_one_code() -> None:
    caller = make(specific_download_codes=False)
    task_id = caller.submitted(DEAD)
    caller.sleep(60)
    assert caller.output(task_id)["results"][0]["code"] == "InvalidFile.DownloadFailed"
    assert caller.output(task_id)["message"] == "The audio file cannot be downloaded."


def test_a_dead_link_takes_its_time() -> None:
    caller = make()
    task_id = caller.submitted(DEAD)
    caller.sleep(4.5)
    assert caller.output(task_id)["task_status"] == "RUNNING"
    caller.sleep(0.2)
    assert caller.output(task_id)["task_status"] == "FAILED"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://media.example.com/my file.wav", "InvalidFile.DownloadFailed"),
        ("https://media.example.com/文件.wav", "InvalidFile.DownloadFailed"),
        ("https:///a.wav", "REQUEST_INVALID_FILE_URL_VALUE"),
        ("https://media.example.com:99999/a.wav", "REQUEST_INVALID_FILE_URL_VALUE"),
        ("http://[broken/a.wav", "REQUEST_INVALID_FILE_URL_VALUE"),
        ("oss://dashscope-instant/nobody/a.wav", "InvalidFile.DownloadFailed"),
    ],
)
def test_an_unusable_url_fails_in_the_task(url: str, code: str) -> None:
    caller = make()
    task_id = caller.submitted(url)
    caller.sleep(60)
    assert caller.output(task_id)["results"][0]["code"] == code


@pytest.mark.parametrize("order", ["submitted", "reversed", "shuffled"])
def test_the_order_of_results(order: str) -> None:
    caller = make(results_order=order)
    urls = [f"https://media.example.com/{number}.wav" for number in range(30)]
    task_id = caller.submitted(*urls)
    caller.sleep(60)
    found = [result["file_url"] for result in caller.output(task_id)["results"]]
    assert sorted(found) == sorted(urls)
    assert (found == urls) == (order == "submitted")
    assert (found == urls[::-1]) == (order == "reversed")
    assert found == [result["file_url"] for result in caller.output(task_id)["results"]]


def test_running_may_carry_results() -> None:
    caller = make(running_carries_results=True, metrics_advance=False)
    task_id = caller.submitted(A, B)
    caller.sleep(1.6)
    output = caller.output(task_id)
    assert output["task_metrics"]["SUCCEEDED"] == 0
    assert [result["subtask_status"] for result in output["results"]] == ["RUNNING", "SUCCEEDED"]
    link = output["results"][1]["transcription_url"]
    caller.sleep(60)
    assert caller.output(task_id)["results"][1]["transcription_url"] == link
    assert caller.document(link)["file_url"] == B


def test_only_a_pending_task_is_cancelled() -> None:
    caller = make()
    task_id = caller.submitted(A)
    response = caller.cancel(task_id)
    assert response.status == 200
    assert load(response).keys() == {"request_id"}
    caller.sleep(60)
    body = caller.query(task_id)
    assert body["output"]["task_status"] == "CANCELED"
    assert body["output"]["end_time"] == "2026-10-01 09:00:00.000"
    assert body["output"]["task_metrics"] == {"TOTAL": 1, "SUCCEEDED": 0, "FAILED": 0}
    assert "usage" not in body
    assert error_of(caller.cancel(task_id)) == (400, "UnsupportedOperation")
    assert error_of(caller.cancel("no-such-task")) == (400, "UnsupportedOperation")
    running = caller.submitted(A)
    caller.sleep(1)
    assert error_of(caller.cancel(running)) == (400, "UnsupportedOperation")
    assert caller.service.ledger.billed_seconds == 0


def test_a_cancelled_task_may_show_late() -> None:
    caller = make(cancel_delay=5.0)
    task_id = caller.submitted(A)
    assert caller.cancel(task_id).status == 200
    caller.sleep(4)
    assert caller.output(task_id)["task_status"] == "PENDING"
    caller.sleep(1)
    assert caller.output(task_id)["task_status"] == "CANCELED"


def test_another_account_sees_unknown() -> None:
    settings = EmulatorSettings(api_keys={"sk-a": "one", "sk-b": "one", "sk-c": "two"})
    caller = Caller(Service(settings, ScriptedRecognizer()), api_key="sk-a")
    task_id = caller.submitted(A)
    caller.api_key = "sk-b"
    assert caller.output(task_id)["task_status"] == "PENDING"
    assert caller.list()["total"] == 1
    caller.api_key = "sk-c"
    assert caller.output(task_id) == {"task_id": task_id, "task_status": "UNKNOWN"}
    assert caller.list()["total"] == 0
    assert error_of(caller.cancel(task_id)) == (400, "UnsupportedOperation")


def test_everything_is_forgotten_a_day_after_the_end() -> None:
    caller = make()
    task_id = caller.submitted(B)
    caller.sleep(1.5)
    link = caller.output(task_id)["results"][0]["transcription_url"]
    caller.sleep(86399)
    assert caller.output(task_id)["task_status"] == "SUCCEEDED"
    assert caller.download(link).status == 200
    caller.sleep(1)
    assert caller.output(task_id) == {"task_id": task_id, "task_status": "UNKNOWN"}
    assert error_of(caller.download(link)) == (403, "AccessDenied")


def test_a_task_that_runs_too_long_times_out() -> None:
    caller = make(ScriptedRecognizer(processing_seconds=lambda _url, _chance: 20_000.0))
    task_id = caller.submitted(A)
    caller.sleep(3 * 3600)
    assert caller.output(task_id)["task_status"] == "RUNNING"
    caller.sleep(1)
    assert caller.output(task_id)["code"] == "InternalError.Timeout"


def test_times_can_be_drawn_by_the_caller() -> None:
    script = ScriptedRecognizer(
        processing_seconds=lambda _url, chance: chance.lognormvariate(3.0, 0.1),
        queue_seconds=lambda _url, _chance: 30.0,
    )
    caller = make(script)
    task_id = caller.submitted(A)
    caller.sleep(29.9)
    assert caller.output(task_id)["task_status"] == "PENDING"
    caller.sleep(0.1)
    assert caller.output(task_id)["task_status"] == "RUNNING"
    caller.sleep(60)
    assert caller.output(task_id)["task_status"] == "SUCCEEDED"


def test_more_tasks_than_may_run_stay_pending() -> None:
    caller = make(max_running_tasks=2, queue_seconds=(0.0, 0.0))
    tasks = [caller.submitted("https://media.example.com/c-50s.wav") for _ in range(5)]
    seen = []
    for _ in range(4):
        seen.append([caller.output(task_id)["task_status"][0] for task_id in tasks])
        caller.sleep(1)
    assert ["".join(row) for row in seen] == ["RRPPP", "SSRRP", "SSSSR", "SSSSS"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 2), st.booleans()), max_size=40))
def test_the_ledger_agrees_with_what_the_tasks_say(steps: list[tuple[float, int, bool]]) -> None:
    caller = make()
    tasks: list[str] = []
    for pause, files, cancel in steps:
        caller.sleep(pause)
        urls = [f"https://media.example.com/{len(tasks)}-{number}.wav" for number in range(files)]
        tasks.append(caller.submitted(*urls, DEAD))
        if cancel:
            caller.cancel(tasks[len(tasks) // 2])
    caller.sleep(3600)
    bodies = [caller.query(task_id) for task_id in tasks]
    ledger = caller.service.ledger
    assert ledger.billed_seconds == sum(body.get("usage", {}).get("duration", 0) for body in bodies)
    assert [submission.task_id for submission in ledger.submissions] == tasks
    assert ledger.duplicates() == ({DEAD: len(tasks)} if len(tasks) > 1 else {})
    listed = {row["task_id"]: row["status"] for row in caller.list(page_size=100)["data"]}
    assert listed == {body["output"]["task_id"]: body["output"]["task_status"] for body in bodies}


def test_workers_take_files_and_end_tasks() -> None:
    caller = Caller(Service(EmulatorSettings(queue_seconds=(1.0, 1.0))))
    service = caller.service
    task_id = caller.submitted(A, "https://media.example.com/my file.wav", B)
    cancelled = caller.submitted(A)
    assert caller.cancel(cancelled).status == 200
    assert service.take_file(caller.now) is None
    assert service.next_ready() == START + 1
    caller.sleep(1)
    first = service.take_file(caller.now)
    assert first is not None
    assert first.request.file_url == A
    assert caller.output(task_id)["task_status"] == "RUNNING"
    second = service.take_file(caller.now)
    assert second is not None
    assert second.request.file_url == B
    assert service.take_file(caller.now) is None
    caller.sleep(5)
    service.finish_file(second, FileProblem("DECODE_ERROR"), caller.now)
    assert caller.output(task_id)["task_metrics"] == {"TOTAL": 3, "SUCCEEDED": 0, "FAILED": 2}
    caller.sleep(5)
    service.finish_file(first, FinishedFile(b'{"file_url": "a"}', 2500), caller.now)
    body = caller.query(task_id)
    assert body["output"]["end_time"] == "2026-10-01 09:00:11.000"
    assert body["usage"] == {"duration": 3}
    assert caller.document(body["output"]["results"][0]["transcription_url"]) == {"file_url": "a"}
    assert [result.get("code") for result in body["output"]["results"]] == [
        None,
        "InvalidFile.DownloadFailed",
        "DECODE_ERROR",
    ]
    assert caller.output(cancelled)["task_status"] == "CANCELED"
    caller.sleep(86400)
    assert caller.output(task_id)["task_status"] == "UNKNOWN"


def test_a_listed_recognition_without_words_is_a_problem() -> None:
    silent = Recognition("mp3", (0,), 16000, 9000, (RecognizedTrack(0, 0),))
    noisy = Recognition("mp3", (0,), 16000, 9000, (RecognizedTrack(0, 700),))
    caller = make(ScriptedRecognizer({A: silent, B: noisy}))
    task_id = caller.submitted(A, B)
    caller.sleep(60)
    assert [result["code"] for result in caller.output(task_id)["results"]] == [
        "SUCCESS_WITH_NO_VALID_FRAGMENT",
        "ASR_RESPONSE_HAVE_NO_WORDS",
    ]


def test_a_task_that_ends_twice_by_a_clock_set_back_is_forgotten_once() -> None:
    caller = make(retention=10.0)
    task_id = caller.submitted(A)
    caller.sleep(5)
    assert caller.output(task_id)["task_status"] == "SUCCEEDED"
    caller.sleep(-4.5)
    assert caller.cancel(task_id).status == 200
    caller.sleep(60)
    assert caller.output(task_id)["task_status"] == "UNKNOWN"
