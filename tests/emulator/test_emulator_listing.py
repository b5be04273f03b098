from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from emulator_caller import START, Caller, error_of
from hypothesis import given, settings
from hypothesis import strategies as st

from aiofunasr.emulator import EmulatorSettings, FileJob, FileProblem, FinishedFile, ScriptedRecognizer, Service
from aiofunasr.emulator.index import TaskIndex
from aiofunasr.emulator.tasks import Task

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


def test_tasks_of_one_region_and_of_one_key() -> None:
    keys = {"sk-emulator": "one", "sk-second": "one", "sk-stranger": "two"}
    caller = make(api_keys=keys)
    tasks, numbers = {}, {}
    for key in keys:
        caller.api_key = key
        tasks[key] = caller.submitted(URL)
        caller.sleep(1)
        numbers[key] = caller.list(task_id=tasks[key])["data"][0]["api_key_id"]
    caller.api_key = "sk-emulator"
    first, second = tasks["sk-emulator"], tasks["sk-second"]

    def found(**filters: object) -> list[str]:
        body = caller.list(**filters)
        assert body["total"] == len(body["data"])
        return [row["task_id"] for row in body["data"]]

    assert found(api_key_id=numbers["sk-emulator"]) == [first]
    assert found(api_key_id=numbers["sk-second"]) == [second]
    assert found(api_key_id=numbers["sk-second"], task_id=first) == []
    # Another account's key has none of this account's tasks.
    assert found(api_key_id=numbers["sk-stranger"]) == found(api_key_id="1234567") == []
    assert found(region="cn-beijing") == [second, first]
    assert found(region="ap-southeast-1") == []
    assert found(region="cn-beijing", api_key_id=numbers["sk-second"], status="SUCCEEDED") == [second]


def test_ignored_filters() -> None:
    caller = make(list_ignored_filters={"status", "start_time"})
    task_id = caller.submitted(URL)
    body = caller.list(status="FAILED", start_time="20261001100000")
    assert [row["task_id"] for row in body["data"]] == [task_id]
    caller = make(list_ignored_filters={"region", "api_key_id"})
    caller.submitted(URL)
    assert caller.list(region="nowhere", api_key_id="1")["total"] == 1


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


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, (403, "AccessDenied")),
        ({"list_refusal": 404}, (404, "NotFound")),
        ({"list_refusal": 400}, (400, "InvalidParameter")),
    ],
)
def test_the_list_may_be_refused(changes: dict[str, Any], refusal: tuple[int, str]) -> None:
    response = make(list_enabled=False, **changes).send("GET", "/api/v1/tasks/")
    assert error_of(response) == refusal


def test_a_shuffled_list_has_an_order_of_its_own_for_every_page() -> None:
    caller = make(list_order="shuffled")
    tasks = {caller.submitted(URL) for _ in range(20)}

    def page(**arguments: object) -> list[str]:
        return [row["task_id"] for row in caller.list(**arguments)["data"]]

    first, second = page(page_size=20), page(page_size=20)
    assert set(first) == set(second) == tasks
    assert first != second
    assert set(page(page_size=10, page_no=1)) & set(page(page_size=10, page_no=2))
    # Another service with the same seed lists the same way.
    again = make(list_order="shuffled")
    for _ in range(20):
        again.submitted(URL)
    assert [row["task_id"] for row in again.list(page_size=20)["data"]] == first


@pytest.mark.parametrize(("hours", "found"), [(None, 1), (8.0, 1), (0.0, 0), (9.0, 0)])
def test_the_list_may_read_times_in_a_zone_of_its_own(hours: float | None, found: int) -> None:
    caller = make(list_utc_offset_hours=hours)
    task_id = caller.submitted(URL)
    # The submit was at 09:00:00 in the zone in which times are written.
    body = caller.list(start_time="20261001085900", end_time="20261001090100")
    assert body["total"] == found
    caller.sleep(1)
    assert caller.output(task_id)["submit_time"] == "2026-10-01 09:00:00.000"


@pytest.mark.parametrize("named", ["submit", "other", "none"])
def test_a_row_names_its_submit_or_another_request_or_none(named: str) -> None:
    caller = make(list_request_id=named)
    caller.submitted(URL)
    (row,) = caller.list()["data"]
    assert ("request_id" in row) is (named != "none")
    assert (row.get("request_id") == caller.service.ledger.submissions[0].request_id) is (named == "submit")


@pytest.mark.parametrize("scheduled_time", ["accepted", "running"])
def test_a_task_is_scheduled_when_it_is_accepted_or_when_it_runs(scheduled_time: str) -> None:
    caller = make(scheduled_time=scheduled_time)
    task_id, canceled = caller.submitted(URL), caller.submitted(URL)
    caller.sleep(0.5)
    caller.cancel(canceled)
    early = scheduled_time == "accepted"
    for task in (task_id, canceled):
        assert ("scheduled_time" in caller.output(task)) == early
        assert ("start_time" in caller.list(task_id=task)["data"][0]) == early
    caller.sleep(60)
    begin = 0.031 if early else 1.0
    assert caller.output(task_id)["scheduled_time"] == f"2026-10-01 09:00:0{begin:.3f}"
    assert caller.list(task_id=task_id)["data"][0]["start_time"] == int(START * 1000) + round(1000 * begin)
    # What was cancelled never ran.
    assert ("scheduled_time" in caller.output(canceled)) == early


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


class Walk:
    """Does this and that with a service, and looks at its lists."""

    statuses = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN")

    def __init__(self, chance: Random, planned: bool, **changes: Any) -> None:
        settings = EmulatorSettings(
            queue_seconds=(0.0, 5.0),
            limits_enabled=False,
            list_page_size_cap=1000,
            seed=chance.randrange(99),
            **changes,
        )
        self.chance = chance
        self.caller = Caller(Service(settings, ScriptedRecognizer() if planned else None))
        self.jobs: list[FileJob] = []
        self.tasks = ["none"]

    def step(self) -> None:
        actions = (self.submit, self.wait, self.cancel, self.take, self.finish, self.set_the_clock_back)
        self.chance.choices(actions, (6, 6, 3, 4, 3, 1))[0]()

    def submit(self) -> None:
        url = f"https://media.example.com/{self.chance.choice(['a-60s', '404'])}.wav"
        model = self.chance.choice(["fun-asr", "fun-asr-mtl"])
        self.tasks.append(self.caller.service.add_task(url, now=self.caller.now, model=model))

    def wait(self) -> None:
        self.caller.sleep(self.chance.choice([0.0, 0.3, 1.0, 2.0, 7.0]))

    def set_the_clock_back(self) -> None:
        self.caller.sleep(-self.chance.choice([0.5, 5.0]))

    def cancel(self) -> None:
        self.caller.cancel(self.chance.choice(self.tasks[-4:]))

    def take(self) -> None:
        job = self.caller.service.take_file(self.caller.now)
        if job is not None:
            self.jobs.append(job)

    def finish(self) -> None:
        if self.jobs:
            outcomes: list[FinishedFile | FileProblem] = [FinishedFile(b"{}", 1000), FileProblem("DECODE_ERROR")]
            self.caller.service.finish_file(self.jobs.pop(0), self.chance.choice(outcomes), self.caller.now)

    def look(self) -> tuple[list[Any], dict[str, list[Any]]]:
        """Return the rows of a list, and of the same list by each status."""
        filters: dict[str, object] = {"page_size": 1000}
        if self.chance.random() < 0.5:
            filters["model_name"] = self.chance.choice(["fun-asr", "fun-asr-mtl"])
        if self.chance.random() < 0.5:
            begin = datetime.fromtimestamp(self.caller.now - self.chance.choice([3, 40]), timezone(timedelta(hours=8)))
            filters["start_time"] = begin.strftime("%Y%m%d%H%M%S")
        lists = {status: self.caller.list(status=status, **filters) for status in self.statuses}
        assert all(body["total"] == len(body["data"]) for body in lists.values())
        return self.caller.list(**filters)["data"], {status: body["data"] for status, body in lists.items()}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    planned=st.booleans(),
    list_lag=st.sampled_from([0.0, 2.0]),
    cancel_delay=st.sampled_from([0.0, 1.5]),
    retention=st.sampled_from([10.0, 86400.0]),
    all_failed_form=st.sampled_from(["failed", "succeeded"]),
)
def test_a_list_by_status_holds_the_rows_of_the_whole_list_with_that_status(
    seed: int, planned: bool, **changes: Any
) -> None:
    walk = Walk(Random(seed), planned, **changes)
    for number in range(100):
        walk.step()
        if number % 4 == 3:
            rows, by_status = walk.look()
            for status, found in by_status.items():
                assert found == [row for row in rows if row["status"] == status]
            assert sum(map(len, by_status.values())) == len(rows)


def test_a_page_of_live_tasks_does_not_touch_the_ended_ones() -> None:
    looked_at = 0

    def status_of(task: Task, now: float) -> str:
        nonlocal looked_at
        looked_at += 1
        return task.status(now)

    settings = EmulatorSettings(limits_enabled=False, queue_seconds=(1.0, 1.0))
    caller = Caller(Service(settings, ScriptedRecognizer()))
    index = TaskIndex(caller.service._board._tasks, status_of)
    for _ in range(2000):
        index.add(caller.service._board._tasks[caller.submitted(URL)])
        caller.sleep(0.1)
    begin, end = START - 1, caller.now
    found = index.find(begin, end, "PENDING", caller.now)
    assert len(found) == 10
    assert looked_at == 2000
    for _ in range(100):
        assert index.find(begin, end, "PENDING", caller.now) == found
    assert looked_at == 2000
    caller.sleep(0.25)
    index.find(begin, end, "PENDING", caller.now)
    assert looked_at < 2010
