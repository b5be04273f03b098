from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from emulator_caller import START, Caller, error_of
from hypothesis import given, settings
from hypothesis import strategies as st

from aiofunasr.emulator import EmulatorSettings, ScriptedRecognizer, Service

URL = "https://media.example.com/a-30s.wav"


def make(**changes: Any) -> Caller:
    settings = EmulatorSettings(**{"queue_seconds": (1.0, 1.0), "limits_enabled": False, **changes})
    return Caller(Service(settings, ScriptedRecognizer()))


def test_a_row_has_times_in_milliseconds_and_no_end_before_the_end() -> None:
    caller = make()
    task_id = caller.submitted(URL)
    caller.sleep(1.25)
    body = caller.list()
    (row,) = body.pop("data")
    assert body.pop("request_id")
    assert body == {"total": 1, "total_page": 1, "page_no": 1, "page_size": 10}
    assert row == {
        "task_id": task_id,
        "status": "RUNNING",
        "request_id": caller.service.ledger.submissions[0].request_id,
        "model_name": "fun-asr",
        "region": "cn-beijing",
        "gmt_create": int(START * 1000),
        "start_time": int(START * 1000) + 31,
        "api_key_id": row["api_key_id"],
        "caller_uid": row["caller_uid"],
        "caller_parent_id": row["caller_uid"],
        "user_api_unique_key": "apikey:v1:audio:asr:transcription:fun-asr",
    }
    caller.sleep(60)
    assert caller.list()["data"][0]["end_time"] == int(START * 1000) + 1600


def test_both_paths_list() -> None:
    caller = make()
    caller.submitted(URL)
    for path in ("/api/v1/tasks", "/api/v1/tasks/"):
        assert caller.send("GET", path).status == 200


@settings(deadline=None)
@given(st.integers(0, 45), st.integers(1, 20))
def test_pages_hold_every_task_once_newest_first(tasks: int, page_size: int) -> None:
    caller = make()
    submitted = []
    for _ in range(tasks):
        submitted.append(caller.submitted(URL))
        caller.sleep(0.01)
    pages = -(-tasks // page_size)
    found = []
    for page_no in range(1, pages + 2):
        body = caller.list(page_no=page_no, page_size=page_size)
        assert (body["total"], body["total_page"]) == (tasks, pages)
        found += [row["task_id"] for row in body["data"]]
    assert found == submitted[::-1]


def test_the_page_size_is_capped() -> None:
    caller = make(list_page_size_cap=3)
    for _ in range(5):
        caller.submitted(URL)
    body = caller.list(page_size=50)
    assert (len(body["data"]), body["page_size"], body["total_page"]) == (3, 3, 2)
    caller = make(list_page_size_cap=3, list_page_size_echo="asked", list_order="oldest")
    tasks = [caller.submitted(URL) for _ in range(5)]
    body = caller.list(page_size=50)
    assert ([row["task_id"] for row in body["data"]], body["page_size"]) == (tasks[:3], 50)


def test_filters() -> None:
    caller = make()
    first = caller.submitted(URL)
    caller.sleep(100)
    second = caller.submitted(URL, model="fun-asr-mtl")
    caller.sleep(0.5)

    def found(**filters: object) -> list[str]:
        return [row["task_id"] for row in caller.list(**filters)["data"]]

    assert found() == [second, first]
    assert found(task_id=first) == [first]
    assert found(model_name="fun-asr-mtl") == [second]
    assert found(model_name="paraformer-v2") == []
    assert found(status="SUCCEEDED") == [first]
    assert found(status="PENDING") == [second]
    assert found(status="UNKNOWN") == []
    assert found(status="PENDING", model_name="fun-asr") == []
    # 09:00:00 in the service's zone was the first submit.
    assert found(start_time="20261001090001", end_time="20261001095959") == [second]
    assert found(start_time="20261001080000") == [second, first]
    assert found(end_time="20261001090050") == [first]


def test_ignored_filters() -> None:
    caller = make(list_ignored_filters={"status", "start_time"})
    task_id = caller.submitted(URL)
    body = caller.list(status="FAILED", start_time="20261001100000")
    assert [row["task_id"] for row in body["data"]] == [task_id]


@pytest.mark.parametrize(
    "filters",
    [
        {"page_no": 0},
        {"page_size": "ten"},
        {"page_size": -1},
        {"status": "DONE"},
        {"start_time": "2026-10-01 09:00:00"},
        {"start_time": "20261001"},
        {"start_time": "20261001090000", "end_time": "20261002090001"},
        {"start_time": "20261001090000", "end_time": "20261001085959"},
    ],
)
def test_refuses_arguments_without_a_meaning(filters: dict[str, object]) -> None:
    response = make().send("GET", "/api/v1/tasks/", urlencode(filters))
    assert error_of(response) == (400, "InvalidParameter")


def test_the_list_may_lag() -> None:
    caller = make(list_lag=5.0)
    caller.submitted(URL)
    caller.sleep(4)
    assert caller.list()["data"] == []
    caller.sleep(1)
    assert caller.list()["data"][0]["status"] == "PENDING"
    caller.sleep(4)
    assert caller.list()["data"][0]["status"] == "SUCCEEDED"


def test_a_clock_set_back_does_not_hide_tasks() -> None:
    caller = make()
    tasks = [caller.submitted(URL)]
    caller.sleep(-100)
    tasks.append(caller.submitted(URL))
    caller.sleep(200)
    assert [row["task_id"] for row in caller.list()["data"]] == tasks[::-1]


def test_the_list_may_be_refused() -> None:
    response = make(list_enabled=False).send("GET", "/api/v1/tasks/")
    assert error_of(response) == (403, "AccessDenied")


def test_the_list_forgets_with_the_service() -> None:
    caller = make(retention=100.0)
    kept = []
    for number in range(10):
        task_id = caller.submitted(URL)
        caller.sleep(20)
        if number >= 5:
            kept.append(task_id)
    # Each ended 1.6 s after its submit: those of 101.6 s ago and more are gone.
    assert [row["task_id"] for row in caller.list()["data"]] == kept[::-1]
    assert [row["task_id"] for row in caller.list(model_name="fun-asr")["data"]] == kept[::-1]
    caller.sleep(1000)
    assert caller.list()["total"] == 0


def test_a_row_never_shows_a_key() -> None:
    caller = make()
    caller.submitted(URL)
    assert "sk-emulator" not in str(caller.list())
