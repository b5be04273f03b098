"""Whatever a client sends, the service answers; nothing of it reaches the next client."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from emulator_caller import Caller, load

from aiofunasr.emulator import EmulatorServer, EmulatorSettings, HttpRequest, ScriptedRecognizer, Service


@pytest.fixture
def caller() -> Caller:
    return Caller(Service(EmulatorSettings.instant(), ScriptedRecognizer()))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"model": "\\ud800", "input": {"file_urls": ["https://h/a"]}}',
        b'{"model": "fun-asr", "input": {"file_urls": ["https://h/\\ud800.wav"]}}',
        b"\xff\xfe",
        b"null",
        b'{"model": "fun-asr", "input": {"file_urls": null}}',
        b'{"model": "fun-asr", "input": {"file_urls": [1]}}',
        b'{"model": "fun-asr", "input": {"file_urls": [[]]}}',
        b'{"model": "fun-asr", "input": []}',
        b'{"model": ["fun-asr"]}',
    ],
)
def test_a_body_that_is_none_is_refused(caller: Caller, body: bytes) -> None:
    response = caller.submit_raw(body)
    assert response.status == 400
    assert json.loads(response.body)["code"] == "InvalidParameter"
    assert not caller.service.ledger.submissions


@pytest.mark.parametrize(
    "parameters",
    [
        {"channel_id": [10**30]},
        {"channel_id": [64]},
        {"channel_id": [-1]},
        {"special_word_filter": "[" * 100_000},
        {"special_word_filter": json.dumps({"filter_with_signed": {"word_list": [f"w{n}" for n in range(5000)]}})},
    ],
)
def test_parameters_beyond_all_reason_are_refused(caller: Caller, parameters: dict[str, Any]) -> None:
    assert caller.submit("https://h/a.wav", parameters=parameters).status == 400


def test_a_track_asked_for_twice_is_recognized_and_billed_once(caller: Caller) -> None:
    once = caller.query(caller.submitted("https://h/a-7s.wav"))
    twice = caller.query(caller.submitted("https://h/a-7s.wav", parameters={"channel_id": [0, 0]}))
    assert twice["usage"] == once["usage"]


@pytest.mark.parametrize(
    "query", ["page_no=" + "9" * 5000, "page_size=" + "9" * 5000, "page_no=-1", "page_no=0", "page_no=x"]
)
def test_a_page_that_is_no_number_is_refused(caller: Caller, query: str) -> None:
    assert caller.send("GET", "/api/v1/tasks", query).status == 400


def test_an_absurd_expiry_is_refused(caller: Caller) -> None:
    query = "Expires=" + "9" * 5000 + "&OSSAccessKeyId=x&Signature=y"
    assert caller.send("GET", "/results/x.json", query, authorized=False).status == 403


def test_an_id_with_no_bytes_is_unknown(caller: Caller) -> None:
    assert load(caller.send("GET", "/api/v1/tasks/\udcff"))["output"]["task_status"] == "UNKNOWN"


def test_a_key_that_is_no_text_is_one_account_like_any(caller: Caller) -> None:
    service = Service(EmulatorSettings.instant(accept_any_key=True), ScriptedRecognizer())
    odd = Caller(service, api_key="\udcff")
    odd.submitted("https://h/a.wav")
    assert load(odd.send("GET", "/api/v1/tasks"))["total"] == 1
    assert service.handle(HttpRequest("BREW", "/coffee"), odd.now).status == 404
    del caller


@pytest.mark.parametrize("path", ["/api/v1/services/audio/asr/transcription", "/oss/dashscope-file-mgr"])
async def test_a_body_that_is_not_what_it_says_is_refused_and_leaves_nothing(path: str) -> None:
    async with EmulatorServer() as server, aiohttp.ClientSession() as http:
        url = server.base_url.removesuffix("/api/v1") + path
        headers = {"Content-Encoding": "gzip", "Content-Type": "multipart/form-data; boundary=x"}
        async with http.post(url, data=b"this is not gzip", headers=headers) as response:
            assert response.status == 400
        async with http.get(server.base_url + "/tasks/x", headers={"Authorization": "Bearer sk-emulator"}) as response:
            assert response.status == 200
