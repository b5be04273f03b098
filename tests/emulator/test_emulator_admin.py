from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from emulator_caller import Caller, load

from aiofunasr.emulator import EmulatorServer, EmulatorSettings, HttpRequest, HttpResponse, ScriptedRecognizer, Service
from aiofunasr.emulator.admin import handle_admin, is_admin

URL = "https://media.example.com/call-40s.wav"


def make(**changes: Any) -> Caller:
    return Caller(Service(EmulatorSettings.instant(**changes), ScriptedRecognizer()))


def ask(caller: Caller, method: str, path: str, body: Any = None) -> HttpResponse:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return handle_admin(caller.service, HttpRequest(method, f"/emulator{path}", body=raw), caller.now)


def done(caller: Caller, method: str, path: str, body: Any = None) -> dict[str, Any]:
    response = ask(caller, method, path, body)
    assert response.status == 200, response.body
    return load(response)


def test_settings_are_seen_and_changed() -> None:
    caller = make()
    assert done(caller, "GET", "/settings")["limits"]["query_limit"] == "20"
    shown = done(caller, "PATCH", "/settings", {"limits": {"query_limit": 1}, "listing": {"list_enabled": False}})
    assert shown == done(caller, "GET", "/settings")
    assert (shown["limits"]["query_limit"], shown["listing"]["list_enabled"]) == ("1", False)
    statuses = [caller.send("GET", "/api/v1/tasks/x").status for _ in range(2)]
    assert [*statuses, caller.send("GET", "/api/v1/tasks").status] == [200, 429, 403]
    assert caller.service.settings.list_refusal == 403


def test_tasks_are_listed_as_they_are_shown_after_a_change() -> None:
    caller = make()
    task = caller.submitted("https://media.example.com/404.wav")
    assert caller.list(status="FAILED")["total"] == 1
    done(caller, "PATCH", "/settings", {"tasks": {"all_failed_form": "succeeded"}})
    assert caller.output(task)["task_status"] == "SUCCEEDED"
    assert [caller.list(status=status)["total"] for status in ("FAILED", "SUCCEEDED")] == [0, 1]


def test_links_begin_with_what_they_are_told_to() -> None:
    caller = make()
    done(caller, "PATCH", "/settings", {"service": {"public_url": "https://elsewhere.example"}})
    assert caller.service.base_url == "https://elsewhere.example/api/v1"
    result = caller.output(caller.submitted(URL))["results"][0]
    assert result["transcription_url"].startswith("https://elsewhere.example/results/")


def test_the_ledger_is_of_this_moment() -> None:
    caller = make()
    caller.submitted(URL)
    caller.sleep(1)
    assert done(caller, "GET", "/ledger")["billed_seconds"] > 0


def test_a_change_that_cannot_be_changes_nothing() -> None:
    caller = make()
    before = caller.service.settings
    bodies: list[Any] = [{"limits": {"query_limit": 1, "nothing": 1}}, {"tasks": {"retention": -1}}, [], b"{", b""]
    for body in bodies:
        response = ask(caller, "PATCH", "/settings", body)
        assert response.status == 400
        assert load(response).keys() == {"error"}
    assert caller.service.settings is before


def test_the_ledger_says_what_python_says() -> None:
    caller = make(events_url="http://any/")
    task = caller.submitted(URL, parameters={"channel_id": [0]})
    caller.submitted(URL)
    caller.sleep(1)
    caller.output(task)
    ledger = caller.service.ledger
    delivery = caller.service.take_event(caller.now)
    assert delivery is not None
    caller.service.settle_event(delivery, 200, caller.now)
    shown = done(caller, "GET", "/ledger")
    assert [row["task_id"] for row in shown["submissions"]] == [row.task_id for row in ledger.submissions]
    assert shown["submissions"][0]["file_urls"] == [URL]
    assert shown["submissions"][0]["parameters"] == {"channel_id": [0]}
    assert shown["accepted"] == 2
    assert (shown["billed_ms"], shown["billed_seconds"]) == (ledger.billed_ms, ledger.billed_seconds)
    assert shown["billed_seconds"] > 60
    assert shown["requests"] == {"submit": 2, "query": 1}
    assert shown["duplicates"] == {URL: 2}
    assert [row["status"] for row in shown["events"]] == [200]


def test_faults_are_planned() -> None:
    caller = make()
    plan = {"rules": [{"kind": "submit", "fault": "error", "arguments": {"status": 503}, "numbers": [2]}]}
    assert done(caller, "POST", "/faults", plan) == {"rules": 1}
    assert [caller.submit(URL).status for _ in range(3)] == [200, 503, 200]
    assert done(caller, "GET", "/ledger")["faults"] == {"submit": 1}
    assert done(caller, "POST", "/faults", {}) == {"rules": 0}
    assert ask(caller, "POST", "/faults", {"rules": [{}]}).status == 400
    assert [caller.submit(URL).status for _ in range(3)] == [200] * 3


def test_a_reset_forgets_everything_but_the_settings() -> None:
    caller = make(submit_limit=1, vocabularies_per_account=1)
    plan = {"rules": [{"kind": "cancel", "fault": "error", "arguments": {"status": 503}, "numbers": [1]}]}
    done(caller, "POST", "/faults", plan)
    ledger = caller.service.ledger
    task = caller.submitted(URL)
    assert caller.cancel("x").status == 503
    assert caller.submit(URL).status == 429
    caller.sleep(0.1)
    caller.list()
    assert done(caller, "POST", "/reset") == {}
    assert caller.service.ledger is ledger
    assert done(caller, "GET", "/ledger")["accepted"] == ledger.billed_ms == sum(ledger.requests.values()) == 0
    assert caller.output(task)["task_status"] == "UNKNOWN"
    assert caller.list()["total"] == 0
    assert caller.cancel("x").status == 503
    # The same seed draws the same again.
    assert caller.submitted(URL) != ""
    assert caller.submit(URL).status == 429
    assert caller.service.settings.submit_limit is not None


def test_uploaded_files_of_before_a_reset_are_deleted(tmp_path: Path) -> None:
    caller = make()
    storage = caller.service.storage
    left = tmp_path / "left"
    storage.adopt_orphans([left])
    caller.service.reset()
    assert caller.service.storage.take_orphans() == [left]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("POST", "/settings"), ("DELETE", "/ledger"), ("GET", "/")]
)
def test_there_is_nothing_else(method: str, path: str) -> None:
    assert ask(make(), method, path).status == 404


def test_the_prefix_is_no_path_of_the_service() -> None:
    assert is_admin("/emulator/settings")
    assert not is_admin("/api/v1/tasks")
    assert not is_admin("/emulatory")
    assert make().send("GET", "/emulator/settings").status == 404


@pytest.mark.parametrize(("admin", "status"), [(False, 404), (True, 200)])
async def test_it_is_served_only_where_it_was_asked_for(admin: bool, status: int) -> None:
    async with (
        EmulatorServer(settings=EmulatorSettings.instant(), admin=admin) as server,
        aiohttp.ClientSession(server.service.public_url) as session,
    ):
        async with session.get("/emulator/settings") as response:
            assert response.status == status
        change = {"tasks": {"queue_seconds": [5, 6]}}
        async with session.patch("/emulator/settings", json=change) as response:
            assert response.status == status
        assert server.service.settings.queue_seconds == ((5.0, 6.0) if admin else (0.0, 0.0))
        async with session.post("/emulator/reset") as response:
            assert response.status == status
