"""`aiofunasr.Transcription` answers what the official SDK's class answers (protocol notes, section 12.1)."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from http import HTTPStatus
from typing import Any

import pytest
from witness import plain, stage

import aiofunasr
from aiofunasr import Transcription
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from dashscope.audio.asr import Transcription as Theirs

GOOD, SILENT, BROKEN = (f"https://media.example.com/{name}" for name in ("a.wav", "silence.wav", "404.wav"))


@pytest.mark.parametrize(
    "urls", [[GOOD], [GOOD, SILENT, BROKEN], [BROKEN], [SILENT]], ids=["good", "some", "failed", "silent"]
)
async def test_a_task_that_ended_is_told_alike(monkeypatch: pytest.MonkeyPatch, urls: list[str]) -> None:
    async with stage(monkeypatch) as here:
        submitted = await Transcription.async_call("fun-asr", urls, session=here.session)
        waited = await Transcription.wait(submitted, session=here.session)
        fetched = await Transcription.fetch(submitted, session=here.session)
        theirs = await here.theirs(lambda: Theirs.fetch(submitted.output.task_id))
    assert plain(waited) == plain(fetched) == plain(theirs)
    assert waited.output.results[0]["file_url"] == waited["output"]["results"][0]["file_url"] == urls[0]


async def test_a_submit_is_answered_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as here:
        ours = await Transcription.async_call(model="fun-asr", file_urls=[GOOD], session=here.session)
        theirs = await here.theirs(lambda: Theirs.async_call(model="fun-asr", file_urls=[GOOD]))
        made = here.server.service.ledger.submissions
    assert [ours.output.task_id, theirs.output.task_id] == [submission.task_id for submission in made]
    assert ours.output.task_status == theirs.output.task_status == "PENDING"
    assert ours.keys() == theirs.keys()
    assert len(ours.request_id) == len(theirs.request_id) == 36


async def test_states_before_the_end_are_told_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = EmulatorSettings(queue_seconds=(3600.0, 3600.0), scheduled_time="running")
    async with stage(monkeypatch, slow) as here:
        task_id = (await Transcription.async_call("fun-asr", [GOOD], session=here.session)).output.task_id
        assert plain(await Transcription.fetch(task_id, session=here.session)) == plain(
            await here.theirs(lambda: Theirs.fetch(task_id))
        )
        listed = await Transcription.list(model_name="fun-asr", status="PENDING", session=here.session)
        assert plain(listed) == plain(await here.theirs(lambda: Theirs.list(model_name="fun-asr", status="PENDING")))
        assert listed.output.data[0]["task_id"] == task_id
        other = (await here.theirs(lambda: Theirs.async_call("fun-asr", [GOOD]))).output.task_id
        ours = await Transcription.cancel(task_id, session=here.session)
        theirs = await here.theirs(lambda: Theirs.cancel(other))
        assert (ours.status_code, dict(ours.output)) == (theirs.status_code, dict(theirs.output)) == (200, {})
        # Ours takes a task that is cancelled already for cancelled.
        assert (await Transcription.cancel(task_id, session=here.session)).status_code == HTTPStatus.OK
        cancelled = await Transcription.wait(task_id, session=here.session)
        assert cancelled.output.task_status == "CANCELED"
        assert plain(cancelled) == plain(await here.theirs(lambda: Theirs.wait(task_id)))


async def test_a_task_nobody_knows_is_told_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as here:
        fetched = await Transcription.fetch("no-such-task", session=here.session)
        assert plain(fetched) == plain(await here.theirs(lambda: Theirs.fetch("no-such-task")))
        assert fetched.output.task_status == "UNKNOWN"
        refused = await Transcription.cancel("no-such-task", session=here.session)
        assert plain(refused) == plain(await here.theirs(lambda: Theirs.cancel("no-such-task")))


@pytest.mark.parametrize(("status", "code"), [(400, "InvalidParameter"), (401, "InvalidApiKey"), (403, "AccessDenied")])
@pytest.mark.parametrize("operation", ["submit", "query", "cancel", "list"])
async def test_a_refusal_is_an_answer(monkeypatch: pytest.MonkeyPatch, operation: str, status: int, code: str) -> None:
    faults = FaultPlan().always(operation, Fault.error(status, code, "No."))

    async def ours(here: Any) -> Any:
        match operation:
            case "submit":
                return await Transcription.async_call("fun-asr", [GOOD], session=here.session)
            case "query":
                return await Transcription.fetch("some-task", session=here.session)
            case "cancel":
                return await Transcription.cancel("some-task", session=here.session)
            case _:
                return await Transcription.list(session=here.session)

    def theirs() -> Any:
        match operation:
            case "submit":
                return Theirs.async_call("fun-asr", [GOOD])
            case "query":
                return Theirs.fetch("some-task")
            case "cancel":
                return Theirs.cancel("some-task")
            case _:
                return Theirs.list()

    async with stage(monkeypatch, faults=faults) as here:
        answer = await ours(here)
        if operation == "cancel" and status == 400:
            # Ours looks whether it is cancelled already before it says no.
            assert here.server.service.ledger.requests["query"] == 1
        assert plain(answer) == plain(await here.theirs(theirs))
    assert (answer.status_code, answer.code, answer.message, answer.output) == (status, code, "No.", None)


async def test_a_wait_with_a_time_out_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = EmulatorSettings(queue_seconds=(3600.0, 3600.0))
    async with stage(monkeypatch, slow) as here:
        task_id = (await Transcription.async_call("fun-asr", [GOOD], session=here.session)).output.task_id
        ours = await Transcription.wait(task_id, wait_timeout=0.1, session=here.session)
        theirs = await here.theirs(lambda: Theirs.wait(task_id, wait_timeout=1))
        for answer in (ours, theirs):
            assert (answer.status_code, answer.code, answer.request_id) == (408, "WaitTaskTimeout", task_id)
            assert answer.output is None
        # It was not given up.
        assert task_id in str(here.session._engine.poller.find(task_id))


async def test_a_call_is_a_submit_and_a_wait_in_a_session_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as here:
        place: dict[str, Any] = {"api_key": here.server.api_key, "base_address": here.server.base_url}
        response = await Transcription.call("fun-asr", [GOOD], language_hints=["en"], diarization_enabled=None, **place)
        assert response.output.task_status == "SUCCEEDED"
        assert response.usage.duration > 0
        (submit, *_) = here.take()
        assert submit["body"]["parameters"] == {"language_hints": ["en"]}
        refused = await Transcription.call("no-such-model", [GOOD], **place)
        assert (refused.status_code, refused.code) == (404, "ModelNotFound")


async def test_the_two_understand_each_others_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as here:
        theirs = await here.theirs(lambda: Theirs.async_call("fun-asr", [GOOD]))
        assert (await Transcription.wait(theirs, session=here.session)).output.task_status == "SUCCEEDED"
        task = await here.session.submit([GOOD])
        by_token = await Transcription.fetch(task.token, session=here.session)
        assert by_token.output.task_id == (await Transcription.fetch(task, session=here.session)).output.task_id


async def test_what_is_no_task_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as here:
        refused = await Transcription.async_call("no-such-model", [GOOD], session=here.session)
        here.take()
        tasks: list[Any] = [refused, None, 3, {}, ""]
        for task in tasks:
            with pytest.raises(aiofunasr.InvalidArgumentError, match=r"task|token"):
                await Transcription.wait(task, session=here.session)
        assert here.take() == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"user_agent": "me"},
        {"headers": {"X-Mine": "1"}},
        {"api_key": "sk-other"},
        {"base_address": "https://example.com"},
        {"speaker_count": 1, "diarization_enabled": True},
        {"session": "none"},
    ],
)
async def test_arguments_that_cannot_be_used_are_refused(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any]
) -> None:
    async with stage(monkeypatch) as here:
        with pytest.raises(aiofunasr.InvalidArgumentError, match=next(iter(arguments))):
            await Transcription.async_call("fun-asr", [GOOD], **({"session": here.session} | arguments))
        with pytest.raises(aiofunasr.InvalidArgumentError, match="vocabulary"):
            await Transcription.fetch("a-task", session=here.session, vocabulary_id="vocab-1")
        with pytest.raises(aiofunasr.InvalidArgumentError, match="start_time"):
            await Transcription.list(start_time="yesterday", session=here.session)
        assert here.take() == []


async def test_an_answer_is_a_mapping_that_hides_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as here:
        response = await Transcription.call("fun-asr", [GOOD], session=here.session)
    link = response.output.results[0]["transcription_url"]
    assert "Signature=" in link
    assert link in json.dumps(response.output)
    for shown in (repr(response), str(response), f"{response.output}", repr(response.output)):
        assert "Signature" not in shown
        assert GOOD in shown
    assert response.output.code is None
    with pytest.raises(AttributeError, match="no field 'result'"):
        _ = response.output.result
    for twin in (copy.copy(response), copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
        assert twin == response
        assert twin.output.task_id == response.output.task_id
