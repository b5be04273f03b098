"""Bytes in and bytes out: headers, bodies, broken connections and uploads over the socket."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from typing import Any

import aiohttp
import anyio
import pytest
import requests
from anyio import to_thread
from emulator_serving import INSTANT, MEDIA_URL, Caller, EchoRecognizer, answer, origin, serving
from yarl import URL

from aiofunasr.emulator import Fault, FaultPlan, ScriptedRecognizer


async def test_headers_over_the_socket() -> None:
    settings = INSTANT.replace(error_content_type=False)
    async with serving(settings=settings) as caller:
        url = caller.server.base_url + "/tasks/x"
        async with caller.http.get(url) as response:
            assert response.status == 401
            assert "Content-Type" not in response.headers
            assert response.headers["Server"] == "istio-envoy"
            assert json.loads(await response.read())["code"] == "InvalidApiKey"
        headers = {"Authorization": f"Bearer {caller.server.api_key}"}
        async with caller.http.get(url, headers=headers) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert response.headers["Content-Type"] == "application/json;charset=UTF-8"


async def test_a_result_is_written_in_a_thread() -> None:
    """With hundreds of hot words that takes seconds, in which the others are to be answered."""
    threads: list[int] = []

    def told(url: str) -> None:
        threads.append(threading.get_ident())

    async with serving(recognizer=ScriptedRecognizer(told)) as caller:
        output = await caller.finished(await caller.submit(MEDIA_URL))
        assert set(threads) == {threading.get_ident()}
        threads.clear()
        document = await caller.document(output["results"][0]["transcription_url"])
    assert document["file_url"] == MEDIA_URL
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


async def test_a_body_that_is_too_long_is_refused() -> None:
    async with serving(settings=INSTANT.replace(max_body_bytes=1000)) as caller:
        headers = {"X-DashScope-Async": "enable"}
        body = await caller.call("POST", "/services/audio/asr/transcription", data=b"x" * 5000, headers=headers)
        assert body["code"] == "BadRequest.TooLarge"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.drop_before(), aiohttp.ServerDisconnectedError),
        (Fault.drop_after(), aiohttp.ServerDisconnectedError),
        (Fault.truncated(), aiohttp.ClientPayloadError),
    ],
)
async def test_connections_are_dropped_as_planned(fault: Fault, error: type[Exception]) -> None:
    plan = FaultPlan().on("submit", fault, 1)
    async with serving(faults=plan) as caller:
        with pytest.raises(error):
            await caller.submit(MEDIA_URL)
        accepted = len(caller.server.service.ledger.submissions)
        assert accepted == (0 if fault.drop == "before" else 1)
        await caller.submit(MEDIA_URL)


async def test_a_late_reply_does_not_hold_the_end_up() -> None:
    async with serving(faults=FaultPlan().on("query", Fault.delayed(3600), 1)) as caller:
        with pytest.raises(TimeoutError):
            await caller.call("GET", "/tasks/x", timeout=aiohttp.ClientTimeout(total=0.05))


def wav(seconds: int = 1) -> bytes:
    data = bytes(32000 * seconds)
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + bytes(20) + b"data" + data


async def policy(caller: Caller) -> dict[str, Any]:
    body = await caller.call("GET", "/uploads", params={"action": "getPolicy", "model": "fun-asr"})
    data: dict[str, Any] = body["data"]
    return data


def form_fields(data: dict[str, Any], name: str) -> dict[str, str]:
    return {
        "OSSAccessKeyId": data["oss_access_key_id"],
        "Signature": data["signature"],
        "policy": data["policy"],
        "key": f"{data['upload_dir']}/{name}",
        "x-oss-object-acl": data["x_oss_object_acl"],
        "x-oss-forbid-overwrite": data["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }


async def test_a_form_as_requests_writes_it_is_accepted_and_recognized() -> None:
    recognizer = EchoRecognizer()
    text = b"hello " * 500_000  # more than one block
    async with serving(recognizer=recognizer) as caller:
        data = await policy(caller)

        def post() -> requests.Response:
            return requests.post(
                data["upload_host"],
                data=form_fields(data, "a.txt"),
                files={"file": ("a.txt", text)},
                timeout=30,
            )

        response = await to_thread.run_sync(post)
        assert (response.status_code, response.content) == (200, b"")
        (found,) = await caller.outcomes(f"oss://{data['upload_dir']}/a.txt")
        assert found == (text.decode() + ".").strip()
        (stored,) = recognizer.media
        assert stored.exists()
        response = await to_thread.run_sync(post)
        assert response.status_code == 409
        assert [path.name for path in stored.parent.iterdir()] == [stored.name]
    assert not stored.parent.exists()


async def test_a_form_as_aiohttp_writes_it_is_refused() -> None:
    async with serving() as caller:
        data = await policy(caller)
        form = aiohttp.FormData(form_fields(data, "a.wav"))
        form.add_field("file", wav(), filename="a.wav", content_type="audio/wav")
        async with caller.http.post(data["upload_host"], data=form) as response:
            assert response.status == 400
            assert b"MalformedPOSTRequest" in await response.read()


async def test_an_upload_beyond_the_size_leaves_nothing_behind() -> None:
    clock = [1_790_816_400.0]
    settings = INSTANT.replace(policy_max_file_size_mb=1)
    recognizer = EchoRecognizer()
    async with serving(settings=settings, recognizer=recognizer, clock=lambda: clock[0]) as caller:
        data = await policy(caller)

        def post(name: str, content: bytes) -> requests.Response:
            return requests.post(
                data["upload_host"],
                data=form_fields(data, name),
                files={"file": (name, content)},
                timeout=30,
            )

        large = await to_thread.run_sync(post, "large.wav", bytes(3 * 2**20))
        assert large.status_code == 400
        assert b"EntityTooLarge" in large.content
        assert (await to_thread.run_sync(post, "small.txt", b"small")).status_code == 200
        assert await caller.outcomes(f"oss://{data['upload_dir']}/small.txt") == ["small."]
        directory = recognizer.media[0].parent
        assert len(list(directory.iterdir())) == 1
        clock[0] += 48 * 3600
        await caller.call("GET", "/tasks")
        assert list(directory.iterdir()) == []


async def test_an_upload_that_breaks_off_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    recognizer = EchoRecognizer()
    async with origin({"/a.wav": answer(b"hello")}) as base, serving(recognizer=recognizer) as caller:
        url = URL((await policy(caller))["upload_host"])
        _, writer = await asyncio.open_connection(url.host, url.port)
        head = (
            f"POST {url.path} HTTP/1.1\r\nHost: emulator\r\nContent-Length: 10000000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        )
        writer.write(head.encode() + bytes(3 * 2**20))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert await caller.outcomes(base + "/a.wav") == ["hello."]
        directory = recognizer.media[0].parent
        with anyio.fail_after(30):
            while list(directory.iterdir()):  # noqa: ASYNC110
                await anyio.sleep(0.01)
    assert caplog.records == []
