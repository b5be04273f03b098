from __future__ import annotations

import math
from typing import Any

import pytest
from emulator_caller import START, Caller, error_of, load

from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, FaultRule, ScriptedRecognizer, Service

URL = "https://media.example.com/a.wav"


def make(plan: FaultPlan, **changes: Any) -> Caller:
    settings = EmulatorSettings.instant(**{"limits_enabled": False, **changes})
    return Caller(Service(settings, ScriptedRecognizer(), plan))


def test_a_drop_after_the_task_was_created_leaves_the_task() -> None:
    caller = make(FaultPlan().on("submit", Fault.drop_after(), 2))
    assert [caller.submit(URL).drop for _ in range(3)] == [None, "after", None]
    ledger = caller.service.ledger
    assert len(ledger.submissions_of(URL)) == 3
    assert ledger.duplicates() == {URL: 3}
    assert ledger.faults == {"submit": 1}


def test_a_drop_before_leaves_nothing() -> None:
    caller = make(FaultPlan().on("submit", Fault.drop_before(), [1, 3]))
    assert [caller.submit(URL).drop for _ in range(3)] == ["before", None, "before"]
    assert len(caller.service.ledger.submissions) == 1
    assert caller.service.ledger.requests["submit"] == 3


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("handled", [False, True])
def test_error_replies_with_or_without_the_work_done(status: int, html: bool, handled: bool) -> None:
    caller = make(FaultPlan().always("submit", Fault.error(status, html=html, handled=handled)))
    response = caller.submit(URL)
    assert response.status == status
    assert response.body.startswith(b"<!DOCTYPE html>") == html
    assert ("code" in load(response)) if not html else response.headers["content-type"] == "text/html"
    assert len(caller.service.ledger.submissions) == int(handled)


def test_a_burst_of_429() -> None:
    plan = FaultPlan().on("query", Fault.throttled("Throttling.AllocationQuota", retry_after=2), range(2, 5))
    caller = make(plan)
    responses = [caller.send("GET", "/api/v1/tasks/x") for _ in range(6)]
    assert [response.status for response in responses] == [200, 429, 429, 429, 200, 200]
    assert error_of(responses[1]) == (429, "Throttling.AllocationQuota")
    assert responses[1].headers["retry-after"] == "2"
    assert caller.service.ledger.throttled == {"query": 3}


def test_an_outage_by_time() -> None:
    caller = make(FaultPlan().between("*", Fault.error(503), START + 10, START + 20))
    statuses = []
    for _ in range(5):
        statuses.append(caller.send("GET", "/api/v1/tasks/x").status)
        caller.sleep(6)
    assert statuses == [200, 200, 503, 503, 200]


def test_chances_are_seeded() -> None:
    def statuses(seed: int) -> list[int]:
        caller = make(FaultPlan().sometimes("query", Fault.error(500), 0.3), seed=seed)
        return [caller.send("GET", "/api/v1/tasks/x").status for _ in range(300)]

    assert statuses(1) == statuses(1) != statuses(2)
    assert 50 < statuses(1).count(500) < 130


def test_replies_may_be_late_cut_or_mislabelled() -> None:
    plan = (
        FaultPlan()
        .on("query", Fault.delayed(9.5), 1)
        .on("query", Fault.truncated(), 2)
        .on("query", Fault.wrong_content_type("text/plain"), 3)
        .on("query", Fault.html_page(), 4)
    )
    caller = make(plan)
    late, cut, mislabelled, page = (caller.send("GET", "/api/v1/tasks/x") for _ in range(4))
    assert (late.delay, late.status) == (9.5, 200)
    assert cut.drop == "truncate"
    assert load(cut)["output"]["task_status"] == "UNKNOWN"
    assert mislabelled.headers["content-type"] == "text/plain"
    assert load(mislabelled)["output"]["task_status"] == "UNKNOWN"
    assert (page.status, page.headers["content-type"]) == (200, "text/html")


def test_a_query_may_be_answered_for_another_task() -> None:
    caller = make(FaultPlan())
    first, second = caller.submitted(URL), caller.submitted(URL)
    caller.service.faults = FaultPlan().always("query", Fault.answer_for_another_task())
    assert caller.output(first)["task_id"] == second
    assert caller.output(second)["task_id"] != second


def test_a_new_task_may_be_unknown_for_a_while() -> None:
    caller = make(FaultPlan(unknown_for=3.0))
    task_id = caller.submitted(URL)
    caller.sleep(2.9)
    assert caller.output(task_id) == {"task_id": task_id, "task_status": "UNKNOWN"}
    caller.sleep(0.2)
    assert caller.output(task_id)["task_status"] == "SUCCEEDED"


def test_a_link_may_be_said_to_have_expired() -> None:
    caller = make(FaultPlan().on("result", Fault.expired(), 1))
    link = caller.output(caller.submitted(URL))["results"][0]["transcription_url"]
    assert error_of(caller.download(link)) == (403, "AccessDenied")
    assert caller.download(link).status == 200


def test_a_new_plan_counts_from_one_again() -> None:
    caller = make(FaultPlan())
    caller.submit(URL)
    caller.service.faults = FaultPlan((FaultRule("submit", Fault.error(500), frozenset({1})),))
    assert [caller.submit(URL).status for _ in range(2)] == [500, 200]
    assert caller.service.faults.rules[0].end == math.inf
