"""The service's clock, which need not be its caller's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from emulator_caller import START, Caller

from aiofunasr.emulator import EmulatorServer, EmulatorSettings, FinishedFile, HttpResponse, ScriptedRecognizer, Service

URL = "https://media.example.com/a.wav"


def make(**changes: Any) -> Caller:
    settings = EmulatorSettings.instant(**{"queue_seconds": (2.0, 2.0), **changes})
    return Caller(Service(settings, ScriptedRecognizer()))


def date_of(response: HttpResponse) -> float:
    return parsedate_to_datetime(response.headers["date"]).timestamp()


@pytest.mark.parametrize("ahead", [0.0, 90.0, -3600.0])
def test_every_time_is_by_the_services_clock(ahead: float) -> None:
    caller = make(clock_offset_seconds=ahead)
    response = caller.submit(URL)
    assert date_of(response) == START + ahead
    caller.sleep(3)
    (row,) = caller.list()["data"]
    assert row["gmt_create"] == (START + ahead) * 1000
    assert row["end_time"] == (START + ahead + 2) * 1000
    output = caller.output(row["task_id"])
    zone = timedelta(hours=8)
    submitted = datetime.fromtimestamp(START + ahead, UTC) + zone
    assert output["submit_time"] == submitted.strftime("%Y-%m-%d %H:%M:%S.000")
    link = output["results"][0]["transcription_url"]
    assert parse_qs(urlsplit(link).query)["Expires"] == [str(int(START + ahead + 2 + 86400))]
    assert caller.download(link).status == 200
    assert caller.service.ledger.submissions[0].time == START + ahead


def test_the_times_of_a_list_are_read_by_that_clock() -> None:
    caller = make(clock_offset_seconds=3600.0, utc_offset_hours=0)
    caller.submitted(URL)
    begin = datetime.fromtimestamp(START, UTC)
    now, ahead = (moment.strftime("%Y%m%d%H%M%S") for moment in (begin, begin + timedelta(hours=1)))
    assert caller.list(start_time=ahead)["total"] == 1
    assert caller.list(start_time=now, end_time=now)["total"] == 0


def test_a_task_takes_as_long_as_by_any_clock() -> None:
    caller = make(clock_offset_seconds=500.0)
    task_id = caller.submitted(URL)
    caller.sleep(1.9)
    assert caller.output(task_id)["task_status"] == "PENDING"
    caller.sleep(0.2)
    assert caller.output(task_id)["task_status"] == "SUCCEEDED"


def test_workers_keep_to_the_callers_clock() -> None:
    service = Service(EmulatorSettings(clock_offset_seconds=500.0, queue_seconds=(2.0, 2.0), task_timeout=60.0))
    service.add_task(URL, now=START)
    assert service.next_ready() == START + 2
    assert service.take_file(START + 1) is None
    job = service.take_file(START + 2)
    assert job is not None
    assert job.deadline == START + 62
    service.finish_file(job, FinishedFile(b"{}", 0), START + 5)
    assert job.task.ends_at == START + 505


def test_every_reply_has_a_date_or_none_has() -> None:
    caller = make()
    paths = ["/api/v1/tasks", "/api/v1/tasks/x", "/results/x", "/nowhere"]
    assert all(date_of(caller.send("GET", path)) == START for path in paths)
    silent = make(date_header=False)
    assert not [path for path in paths if "date" in silent.send("GET", path).headers]


@pytest.mark.parametrize("ahead", [0.0, 7200.0])
async def test_the_date_over_a_socket(ahead: float) -> None:
    async with (
        EmulatorServer(settings=EmulatorSettings(clock_offset_seconds=ahead), clock=lambda: START) as server,
        aiohttp.ClientSession() as http,
        http.get(server.base_url + "/tasks") as response,
    ):
        assert response.headers.getall("Date") == [
            datetime.fromtimestamp(START + ahead, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        ]


async def test_no_date_over_a_socket() -> None:
    async with (
        EmulatorServer(settings=EmulatorSettings(date_header=False)) as server,
        aiohttp.ClientSession() as http,
        http.get(server.base_url + "/tasks") as response,
    ):
        assert "Date" not in response.headers
