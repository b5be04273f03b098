"""The context of a submit: taken by the models that take it, in its form, and as far as it is read."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_caller import Caller, error_of, load

from aiofunasr.emulator import EmulatorSettings, HttpResponse, ScriptedRecognizer, Service

URL = "https://media.example.com/a.wav"
MODEL = "qwen-audio-3.1-asr-flash-filetrans"


def make(**changes: Any) -> Caller:
    return Caller(Service(EmulatorSettings.instant(**changes), ScriptedRecognizer()))


def submit(caller: Caller, context: Any, model: str = MODEL) -> HttpResponse:
    return caller.submit_raw({"model": model, "input": {"file_urls": [URL], "context": context}, "parameters": {}})


def turn(text: Any, role: str = "user", kind: str = "input_text") -> dict[str, Any]:
    return {"role": role, "content": [{"type": kind, "text": text}]}


def test_the_last_five_turns_are_read() -> None:
    caller = make()
    turns = [turn(f"{number}") for number in range(5)] + [turn("x" * 400, "assistant", "text")]
    assert submit(caller, turns).status == 200
    assert submit(caller, []).status == 200
    with_turns, without = caller.service.ledger.submissions
    assert with_turns.context == (*(("user", f"{number}") for number in range(1, 5)), ("assistant", "x" * 400))
    assert without.context == ()


@pytest.mark.parametrize(
    "context",
    [
        "About turbines.",
        ["About turbines."],
        [turn("x" * 401)],
        [turn("About turbines.", "system")],
        [turn("About turbines.", kind="text")],
        [turn("Understood.", "assistant")],
        [turn(1)],
        [turn(f"{number}") for number in range(5)] + [{"role": "user", "content": []}],
        [{"role": "user", "content": "About turbines."}],
        [{"role": ["user"], "content": []}],
    ],
)
def test_what_is_no_context_is_a_bad_parameter(context: Any) -> None:
    caller = make()
    assert error_of(submit(caller, context)) == (400, "InvalidParameter")
    assert caller.service.ledger.submissions == []
    # Other models do not look.
    assert submit(caller, context, "fun-asr").status == 200
    assert caller.service.ledger.submissions[0].context == ()


def test_a_bad_context_fails_the_task_where_a_bad_parameter_does() -> None:
    caller = make(bad_parameter="task", bad_parameter_code="BadRequest.IllegalInput")
    task_id = load(submit(caller, "About turbines."))["output"]["task_id"]
    output = caller.output(task_id)
    assert (output["task_status"], output["code"]) == ("FAILED", "BadRequest.IllegalInput")
    assert "context" in output["message"]
