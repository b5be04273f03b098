"""For each operation ours sends the request that the official SDK sends: method, path, query, headers, JSON.

What is compared is what the emulator received. The package has two interfaces: that of 1.x, and the preview of 2.x.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from witness import client_2, stage

from aiofunasr import Session, Transcription
from aiofunasr.emulator import EmulatorSettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from dashscope.audio.asr import Transcription as Theirs
    from dashscope.utils.oss_utils import OssUtils

GOOD, OTHER = "https://media.example.com/a.wav", "https://media.example.com/b%20c.wav?Signature=ab%3D"
PENDING = EmulatorSettings(queue_seconds=(3600.0, 3600.0), unknown_vocabulary="ignored")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"language_hints": ["en", "zh"], "channel_id": [0, 1]},
        {"diarization_enabled": True, "speaker_count": 2},
        {"special_word_filter": '{"system_reserved_filter": false}', "vocabulary_id": "vocab-demo-1"},
        {"speech_noise_threshold": -0.25, "brand_new_parameter": {"deep": [1, None, "ü"]}},
        {"model": "paraformer-v2", "disfluency_removal_enabled": True, "timestamp_alignment_enabled": False},
        {"model": "paraformer-v1", "phrase_id": "phrase-1"},
    ],
    ids=["none", "hints", "diarization", "filter", "newer", "paraformer", "phrases"],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_a_submit(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    arguments = {"model": "fun-asr", "file_urls": [GOOD, OTHER]} | options
    place = {name: arguments[name] for name in ("model", "file_urls", "phrase_id") if name in arguments}
    parameters = {name: value for name, value in arguments.items() if name not in place}
    async with stage(monkeypatch, PENDING) as here:
        ours, theirs = await here.both(
            Transcription.async_call(session=here.session, **arguments),
            lambda: Theirs.async_call(**arguments),
        )
        with client_2(here) as client:
            await here.theirs(lambda: client.audio.asr.jobs.create(parameters=parameters, **place))
        assert ours == theirs == here.take()
    (request,) = ours
    assert request["body"]["input"]["file_urls"] == [GOOD, OTHER]
    assert request["headers"]["x-dashscope-async"] == "enable"


async def test_a_submit_of_the_sessions_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, PENDING) as here:
        ours, theirs = await here.both(
            here.session.submit([GOOD], language_hints=["en"]),
            lambda: Theirs.async_call(model="fun-asr", file_urls=[GOOD], language_hints=["en"]),
        )
    assert len(ours) == 1
    assert ours == theirs


async def test_an_uploaded_file_is_submitted_with_the_header_that_resolves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    url, header = "oss://dashscope-instant/some/file.wav", {"X-DashScope-OssResourceResolve": "enable"}
    async with stage(monkeypatch, PENDING) as here:
        ours, theirs = await here.both(
            Transcription.async_call("fun-asr", [url], session=here.session, headers=header),
            lambda: Theirs.async_call("fun-asr", [url], headers=header),
        )
    assert ours == theirs
    assert ours[0]["headers"]["x-dashscope-ossresourceresolve"] == "enable"


async def test_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, PENDING) as here:
        task = (await here.session.submit([GOOD])).task_id
        ours, theirs = await here.both(Transcription.fetch(task, session=here.session), lambda: Theirs.fetch(task))
        with client_2(here) as client:
            await here.theirs(lambda: client.audio.asr.jobs.fetch(task))
        assert ours == theirs == here.take()
    assert [(request["method"], request["path"]) for request in ours] == [("GET", f"/api/v1/tasks/{task}")]


async def test_a_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, PENDING) as here:
        tasks = [(await here.session.submit([GOOD])).task_id for _ in range(2)]
        (ours, *_), received = await here.both(
            Transcription.cancel(tasks[0], session=here.session), lambda: Theirs.cancel(tasks[1])
        )
    # The session looks at the first again by itself.
    (theirs,) = (request for request in received if request["method"] == "POST")
    assert theirs["path"] == f"/api/v1/tasks/{tasks[1]}/cancel"
    assert ours == {**theirs, "path": f"/api/v1/tasks/{tasks[0]}/cancel"}


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"start_time": "20261001090000", "end_time": "20261001100000"},
        {"model_name": "fun-asr", "status": "RUNNING", "page_no": 3, "page_size": 50},
        {"api_key_id": "1234567", "region": "cn-beijing"},
    ],
    ids=["none", "times", "page", "key"],
)
async def test_a_list(monkeypatch: pytest.MonkeyPatch, filters: dict[str, Any]) -> None:
    async with stage(monkeypatch) as here:
        ours, theirs = await here.both(
            Transcription.list(session=here.session, **filters), lambda: Theirs.list(**filters)
        )
    assert ours == theirs
    defaults = {"page_no": "1", "page_size": "10"}
    assert ours[0]["query"] == defaults | {name: str(value) for name, value in filters.items()}


async def test_a_workspace_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, PENDING) as here:
        place: dict[str, Any] = {"api_key": here.server.api_key, "workspace": "ws-0123abcd"}
        address = here.server.base_url
        submits = await here.both(
            Transcription.async_call("fun-asr", [GOOD], base_address=address, **place),
            lambda: Theirs.async_call("fun-asr", [GOOD], **place),
        )
        queries = await here.both(
            Transcription.fetch("a-task", base_address=address, **place),
            lambda: Theirs.fetch("a-task", **place),
        )
    for ours, theirs in (submits, queries):
        assert ours == theirs
        assert ours[0]["headers"]["x-dashscope-workspace"] == "ws-0123abcd"


async def test_an_upload(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "speech.wav"
    file.write_bytes(b"RIFF" * 1000)
    async with stage(monkeypatch, PENDING) as here:
        async with Session(here.server.api_key, base_url=here.server.base_url) as session:
            await session.submit([file])
        policy, stored, _ = here.take()
        await here.theirs(lambda: OssUtils.upload(model="fun-asr", file_path=str(file), api_key=here.server.api_key))
        their_policy, their_stored = here.take()
    assert policy == their_policy
    assert (stored["method"], stored["path"], stored["type"]) == ("POST", their_stored["path"], "multipart/form-data")
    assert stored["headers"] == their_stored["headers"] == {}
    ours, theirs = stored["form"], their_stored["form"]
    # The type of the content is the SDK's addition; the file itself comes last in both, or the emulator refuses it.
    assert [name for name in theirs if name != "x-oss-content-type"] == list(ours)
    # Each upload has a permission of its own.
    for name in ("OSSAccessKeyId", "x-oss-object-acl", "x-oss-forbid-overwrite", "success_action_status"):
        assert ours[name] == theirs[name]
    assert ours["key"].startswith("dashscope-instant/")
    assert theirs["key"].endswith("/speech.wav")
    assert here.server.service.ledger.requests["upload"] == 2


async def test_a_temporary_token_is_asked_for_as_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """The official SDK has no call for it, so the request is that of the protocol notes, section 8."""
    async with stage(monkeypatch) as here:
        token = await here.session.create_token(expires_in=1800)
        assert here.take() == [
            {
                "method": "POST",
                "path": "/api/v1/tokens",
                "query": {"expire_in_seconds": "1800"},
                "headers": {"authorization": f"Bearer {here.server.api_key}"},
                "type": "",
                "body": b"",
                "form": {},
            }
        ]
        # What the token is for is sent as with a key, by ours and by theirs.
        place: dict[str, Any] = {"api_key": token.value}
        ours, theirs = await here.both(
            Transcription.fetch("a-task", base_address=here.server.base_url, **place),
            lambda: Theirs.fetch("a-task", **place),
        )
    assert ours == theirs
    assert ours[0]["headers"] == {"authorization": f"Bearer {token.value}"}


async def test_a_comparison_finds_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, PENDING) as here:
        ours, theirs = await here.both(
            Transcription.async_call("fun-asr", [GOOD], session=here.session),
            lambda: Theirs.async_call("fun-asr", [OTHER]),
        )
    assert len(ours) == len(theirs) == 1
    assert ours != theirs
