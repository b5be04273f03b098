from __future__ import annotations

from typing import Any

import pytest
from emulator_caller import Caller, error_of
from hypothesis import given, settings
from hypothesis import strategies as st

from aiofunasr.emulator import EmulatorSettings, RateLimit, ScriptedRecognizer, Service
from aiofunasr.emulator.limits import SlidingWindow

URL = "https://media.example.com/a.wav"


def make(**changes: Any) -> Caller:
    return Caller(Service(EmulatorSettings.instant(**changes), ScriptedRecognizer()))


@settings(deadline=None)
@given(
    st.integers(1, 5),
    st.floats(0.1, 10),
    st.lists(st.floats(0, 3), max_size=80),
)
def test_no_window_ever_holds_more_than_the_limit(count: int, seconds: float, pauses: list[float]) -> None:
    window = SlidingWindow(RateLimit(count, seconds))
    now = 1_790_816_400.0
    admitted: list[float] = []
    for pause in pauses:
        now += pause
        wait = window.admit(now)
        assert wait >= 0
        if wait == 0:
            admitted.append(now)
        else:
            assert SlidingWindow(RateLimit(1)).admit(now + wait) == 0
    for first, later in zip(admitted, admitted[count:], strict=False):
        assert later - first >= seconds - 1e-5


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 100))
def test_an_even_pace_at_the_limit_is_never_refused(count: int, requests: int) -> None:
    window = SlidingWindow(RateLimit(count))
    start = 1_790_816_400.0
    assert not any(window.admit(start + number / count) for number in range(requests))


def test_submits_are_limited_per_model_and_account() -> None:
    caller = make(api_keys={"sk-a": "one", "sk-b": "one", "sk-c": "two"}, submit_limit=2)
    caller.api_key = "sk-a"
    caller.submitted(URL)
    caller.api_key = "sk-b"
    caller.submitted(URL)
    assert error_of(caller.submit(URL)) == (429, "Throttling.RateQuota")
    caller.submitted(URL, model="fun-asr-mtl")
    caller.api_key = "sk-c"
    caller.submitted(URL)
    caller.sleep(1)
    caller.submitted(URL)
    assert caller.service.ledger.throttled == {"submit": 1}
    assert caller.service.ledger.requests["submit"] == 6
    assert len(caller.service.ledger.submissions) == 5


def test_a_model_may_have_a_limit_of_its_own() -> None:
    caller = make(submit_limits={"fun-asr-mtl": RateLimit(1, 60)})
    caller.submitted(URL, model="fun-asr-mtl")
    caller.sleep(59)
    assert caller.submit(URL, model="fun-asr-mtl").status == 429
    caller.sleep(1)
    caller.submitted(URL, model="fun-asr-mtl")


@pytest.mark.parametrize("shared", [False, True])
def test_query_list_and_cancel_have_a_budget_each_or_share_one(shared: bool) -> None:
    caller = make(query_limit=2, list_limit=2, cancel_limit=2, share_task_limits=shared)
    statuses = [
        caller.send("GET", "/api/v1/tasks/x").status,
        caller.send("GET", "/api/v1/tasks").status,
        caller.cancel("x").status,
        caller.send("GET", "/api/v1/tasks/x").status,
    ]
    assert statuses == ([200, 200, 429, 429] if shared else [200, 200, 400, 200])


def test_the_policy_has_a_limit() -> None:
    caller = make(policy_limit=1)
    query = "action=getPolicy&model=fun-asr"
    assert caller.send("GET", "/api/v1/uploads", query).status == 200
    assert error_of(caller.send("GET", "/api/v1/uploads", query)) == (429, "Throttling.RateQuota")


def test_retry_after_is_sent_when_told_to() -> None:
    caller = make(submit_limit=RateLimit(1, 60), retry_after=True, throttle_code="Throttling.BurstRate")
    caller.submitted(URL)
    caller.sleep(10.5)
    response = caller.submit(URL)
    assert error_of(response) == (429, "Throttling.BurstRate")
    assert response.headers["retry-after"] == "50"
    assert "retry-after" not in make(submit_limit=1).submit(URL).headers


def test_limits_can_be_off() -> None:
    caller = make(limits_enabled=False)
    assert {caller.submit(URL).status for _ in range(50)} == {200}


def test_the_emulator_itself_is_bounded() -> None:
    caller = make(max_live_tasks=2, limits_enabled=False)
    caller.submitted(URL)
    caller.submitted(URL)
    assert error_of(caller.submit(URL)) == (429, "Throttling")
    caller.sleep(86400)
    caller.submitted(URL)


def test_a_limit_may_change_while_the_service_runs() -> None:
    caller = make(query_limit=4)

    def admitted() -> int:
        return sum(caller.send("GET", "/api/v1/tasks/x").status == 200 for _ in range(10))

    assert admitted() == 4
    caller.service.set_limit("query", 2)
    assert caller.service.settings.query_limit == RateLimit(2)
    caller.sleep(0.5)
    # Those of the last second count against the new limit.
    assert admitted() == 0
    caller.sleep(0.5)
    assert admitted() == 2
    caller.service.set_limit("query", RateLimit(5))
    assert admitted() == 3
    caller.sleep(1)
    assert admitted() == 5


def test_a_changed_limit_changes_the_shared_budget_and_no_other() -> None:
    caller = make(query_limit=4, share_task_limits=True, submit_limit=3)
    caller.service.set_limit("query", 2)
    statuses = [caller.send("GET", "/api/v1/tasks").status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert [caller.submit(URL).status for _ in range(4)] == [200, 200, 200, 429]
    caller.service.set_limit("submit", 1)
    caller.sleep(1)
    assert [caller.submit(URL).status for _ in range(2)] == [200, 429]


def test_tasks_of_other_programs_pass_no_limit_and_are_not_in_the_ledger() -> None:
    caller = make(submit_limit=1, api_keys={"sk-a": "one", "sk-b": "two"})
    caller.api_key = "sk-b"
    tasks = [caller.service.add_task(URL, now=caller.now, account="two") for _ in range(5)]
    caller.submitted(URL)
    assert len(caller.service.ledger.submissions) == 1
    assert caller.service.ledger.requests["submit"] == 1
    caller.sleep(1)
    assert {caller.output(task)["task_status"] for task in tasks} == {"SUCCEEDED"}
    assert caller.list()["total"] == 6
    caller.api_key = "sk-a"
    assert caller.list()["total"] == 0
    first = caller.service.add_task(URL, URL, now=caller.now, model="fun-asr-mtl")
    assert caller.list(model_name="fun-asr-mtl")["data"][0]["task_id"] == first


@pytest.mark.parametrize(
    "change",
    [
        {"api_keys": {}},
        {"submit_limit": 0},
        {"query_limit": 1.5},
        {"queue_seconds": (2.0, 1.0)},
        {"queue_seconds": (0.0, float("inf"))},
        {"processing_speed": 0.0},
        {"public_url": "emulator"},
        {"public_url": "http://emulator/"},
        {"list_ignored_filters": {"colour"}},
        {"retention": -1.0},
        {"list_utc_offset_hours": 15.0},
    ],
)
def test_settings_are_checked(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        EmulatorSettings(**change)
