"""The scripted service as a transport: no socket, no server, so that the library is measured alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiofunasr.transport import OpenReply
from aiofunasr.wire.messages import Kind, Request
from benchmarks.overhead import script

_RESULTS = "https://results.example"
_HEADERS = {"content-type": "application/json"}


class Loopback:
    """Answers everything at once.

    Args:
        done: Whether a task is done when it is first asked about; otherwise it never is.
        sentences: How many each transcript has.
    """

    def __init__(self, *, done: bool, sentences: int = 1) -> None:
        self._done = done
        self._transcript = script.document("https://media.example/call.wav", sentences)
        self._tasks: dict[str, list[str]] = {}
        self._results: dict[str, str] = {}
        self._submitted = 0

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[OpenReply]:
        yield _Whole(self._answer(request))

    async def aclose(self) -> None:
        pass

    def _answer(self, request: Request) -> bytes:
        if request.kind is Kind.DOWNLOAD:
            return script.about(self._transcript, self._results.pop(request.url))
        if request.kind is Kind.LIST:
            return b'{"data": [], "total": 0}'
        if request.kind is Kind.SUBMIT:
            self._submitted += 1
            task_id = f"{self._submitted:08x}-cafe-4a2b-9c1d-0123456789ab"
            if self._done:
                assert isinstance(request.body, bytes)
                self._tasks[task_id] = json.loads(request.body)["input"]["file_urls"]
            return script.accepted(task_id)
        task_id = request.url.rpartition("/")[2]
        if not self._done:
            return script.pending(task_id)
        file_urls = self._tasks.pop(task_id)
        self._results |= {f"{_RESULTS}/{task_id}/{number}": url for number, url in enumerate(file_urls)}
        return script.succeeded(task_id, file_urls, _RESULTS)


class _Whole:
    status = 200
    headers = _HEADERS

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._body
