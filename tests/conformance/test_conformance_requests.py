"""For each operation ours sends the request that the official SDK sends: method, path, query, headers, JSON."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import anyio
import pytest
from witness import Stage, stage

from aiofunasr import Session, Transcription
from aiofunasr.emulator import EmulatorSettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from dashscope.audio.asr import Transcription as Theirs
    from dashscope.utils.oss_utils import OssUtils

GOOD, OTHER = "https://media.example.com/a.wav", "https://media.example.com/b%20c.wav?Signature=ab%3D"
PENDING = EmulatorSettings(queue_seconds=(3600.0, 3600.0))


async def same(here: Stage, ours: Any, theirs: Any) -> list[dict[str, Any]]:
    """Have both do their part, and make sure that they sent the same."""
    here.take()
    await ours
    from_us = here.take()
    await here.theirs(theirs)
    assert from_us == here.take()
    return from_us


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
    async with stage(monkeypatch, PENDING) as here:
        (request,) = await same(
            here,
            Transcription.async_call(session=here.session, **arguments),
            lambda: Theirs.async_call(**arguments),
        )
    assert request["body"]["input"]["file_urls"] == [GOOD, OTHER]
    assert request["headers"]["x-dashscope-async"] == "enable"


async def test_a_submit_of_the_sessions_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, PENDING) as here:
        await same(
            here,
            here.session.submit([GOOD], language_hints=["en"]),
            lambda: Theirs.async_call(model="fun-asr", file_urls=[GOOD], language_hints=["en"]),
        )


async def test_an_uploaded_file_is_submitted_with_the_header_that_resolves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    url, header = "oss://dashscope-instant/some/file.wav", {"X-DashScope-OssResourceResolve": "enable"}
    async with stage(monkeypatch, PENDING) as here:
        (request,) = await same(
            here,
            Transcription.async_call("fun-asr", [url], session=here.session, headers=header),
            lambda: Theirs.async_call("fun-asr", [url], headers=header),
        )
    assert request["headers"]["x-dashscope-ossresourceresolve"] == "enable"


async def test_a_query_and_a_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, PENDING) as here:
        tasks = [(await here.session.submit([GOOD])).task_id for _ in range(2)]
        await same(here, Transcription.fetch(tasks[0], session=here.session), lambda: Theirs.fetch(tasks[0]))
        here.take()
        await Transcription.cancel(tasks[0], session=here.session)
        (ours, *_) = here.take()
        await here.theirs(lambda: Theirs.cancel(tasks[1]))
        # The session looks at the first again by itself.
        theirs = next(request for request in here.take() if request["method"] == "POST")
        theirs["path"] = theirs["path"].replace(tasks[1], tasks[0])
        assert ours == theirs


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
        await same(here, Transcription.list(session=here.session, **filters), lambda: Theirs.list(**filters))


async def test_a_workspace_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, PENDING) as here:
        place: dict[str, Any] = {"api_key": here.server.api_key, "workspace": "ws-0123abcd"}
        address = here.server.base_url
        (request,) = await same(
            here,
            Transcription.async_call("fun-asr", [GOOD], base_address=address, **place),
            lambda: Theirs.async_call("fun-asr", [GOOD], **place),
        )
        assert request["headers"]["x-dashscope-workspace"] == "ws-0123abcd"
        await same(
            here,
            Transcription.fetch("a-task", base_address=address, **place),
            lambda: Theirs.fetch("a-task", **place),
        )


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


async def test_what_both_send_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself finds a difference."""
    async with stage(monkeypatch, PENDING) as here:
        with pytest.raises(AssertionError):
            await same(
                here,
                Transcription.async_call("fun-asr", [GOOD], session=here.session),
                lambda: Theirs.async_call("fun-asr", [OTHER]),
            )
        await anyio.lowlevel.checkpoint()
