"""An emulator on a socket, a caller of it, an origin of files, and a recognizer that reads them."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import anyio
from anyio import to_thread
from yarl import URL

from aiofunasr.emulator import (
    EmulatorServer,
    EmulatorSettings,
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
