from __future__ import annotations

from typing import Any

import pytest
from emulator_caller import START, Caller, error_of, load

from aiofunasr.emulator import EmulatorSettings, HttpResponse, ScriptedRecognizer, Service

URL = "https://media.example.com/a.wav"


def make(**changes: Any) -> Caller:
    return Caller(Service(EmulatorSettings.instant(**changes), ScriptedRecognizer()))


def ask(caller: Caller, query: str = "") -> HttpResponse:
    return caller.send("POST", "/api/v1/tokens", query)


def token_of(caller: Caller, seconds: int) -> str:
    response = ask(caller, f"expire_in_seconds={seconds}")
    assert response.status == 200, response.body
    token: str = load(response)["token"]
    return token


def test_a_token_says_when_it_expires_and_nothing_else() -> None:
    body = load(ask(make(), "expire_in_seconds=1800"))
    assert body.keys() == {"token", "expires_at"}
    assert body["token"].startswith("st-")
    assert body["expires_at"] == int(START) + 1800
    assert load(ask(make()))["expires_at"] == int(START) + 60


def test_a_token_stands_for_the_key_until_it_expires() -> None:
    caller = make(api_keys={"sk-a": "one", "sk-b": "one", "sk-c": "two"})
    caller.api_key = "sk-c"
    task = caller.submitted(URL)
    caller.api_key = token_of(caller, 10)
    caller.sleep(9.9)
    assert caller.output(task)["task_status"] == "SUCCEEDED"
    assert caller.service.ledger.submissions_of(URL)[0].account == "two"
    caller.submitted(URL)
    assert {submission.account for submission in caller.service.ledger.submissions} == {"two"}
    caller.sleep(0.2)
    response = caller.send("GET", f"/api/v1/tasks/{task}")
    assert response.status == 401
    assert load(response).keys() == {"message", "request_id"}
    assert load(response)["message"] == "invalid access token or token expired"


def test_a_token_expires_by_the_clock_of_the_service() -> None:
    caller = make(clock_offset_seconds=3600.0)
    body = load(ask(caller, "expire_in_seconds=5"))
    assert body["expires_at"] == int(START) + 3605
    caller.api_key = body["token"]
    caller.sleep(4)
    caller.submitted(URL)


def test_a_token_shares_the_limits_of_its_account() -> None:
    caller = make(submit_limit=1)
    caller.submitted(URL)
    caller.api_key = token_of(caller, 60)
    assert error_of(caller.submit(URL)) == (429, "Throttling.RateQuota")


@pytest.mark.parametrize("value", ["", "0", "1801", "-1", "1.5", "many", "\u0661", "99999999999"])
def test_a_token_lives_1_to_1800_seconds(value: str) -> None:
    assert error_of(ask(make(), f"expire_in_seconds={value}")) == (400, "InvalidParameter")


@pytest.mark.parametrize("value", ["1", "1800"])
def test_both_ends_are_allowed(value: str) -> None:
    assert ask(make(), f"expire_in_seconds={value}").status == 200


@pytest.mark.parametrize("may", [False, True])
def test_a_token_makes_another_only_where_the_settings_let_it(may: bool) -> None:
    caller = make(tokens_make_tokens=may)
    caller.api_key = token_of(caller, 60)
    response = ask(caller)
    if may:
        assert response.status == 200
    else:
        assert error_of(response) == (401, "InvalidApiKey")


def test_a_made_up_token_and_a_stranger_are_turned_away() -> None:
    caller = make()
    caller.api_key = "st-0000"
    assert caller.submit(URL).status == 401
    caller.api_key = "sk-stranger"
    assert error_of(ask(caller)) == (401, "InvalidApiKey")
    assert error_of(caller.send("POST", "/api/v1/tokens", authorized=False)) == (401, "InvalidApiKey")


def test_expired_tokens_are_not_kept() -> None:
    caller = make()
    for _ in range(100):
        token_of(caller, 1)
        caller.sleep(1)
    assert "1 tokens" in repr(caller.service._operations._tokens)
