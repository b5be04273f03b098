"""A caller of the emulated service in virtual time, for the tests of its core."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiofunasr.emulator import HttpRequest, HttpResponse, Service

START = 1_790_816_400.0  # 2026-10-01 01:00:00 UTC, 09:00:00 in the service's zone
SUBMIT_PATH = "/api/v1/services/audio/asr/transcription"


class Caller:
    """Calls a service and lets time pass only when told to."""

    def __init__(self, service: Service, *, now: float = START, api_key: str = "sk-emulator") -> None:
        self.service = service
        self.now = now
        self.api_key = api_key

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def send(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        authorized: bool = True,
    ) -> HttpResponse:
        sent = {"Authorization": f"Bearer {self.api_key}"} if authorized else {}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = HttpRequest(method, path, query, {**sent, **(headers or {})}, raw)
        return self.service.handle(request, self.now)

    def submit_raw(self, body: Any, **headers: str) -> HttpResponse:
        sent = {"X-DashScope-Async": "enable", "Content-Type": "application/json"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self.send("POST", SUBMIT_PATH, headers=sent, body=body)

    def submit(self, *urls: str, model: str = "fun-asr", parameters: dict[str, Any] | None = None) -> HttpResponse:
        body = {"model": model, "input": {"file_urls": list(urls)}, "parameters": parameters or {}}
        return self.submit_raw(body, X_DashScope_OssResourceResolve="enable")

    def submitted(self, *urls: str, model: str = "fun-asr", parameters: dict[str, Any] | None = None) -> str:
        response = self.submit(*urls, model=model, parameters=parameters)
        assert response.status == 200, response.body
        task_id = load(response)["output"]["task_id"]
        assert isinstance(task_id, str)
        return task_id

    def query(self, task_id: str) -> dict[str, Any]:
        response = self.send("GET", f"/api/v1/tasks/{task_id}")
        assert response.status == 200, response.body
        return load(response)

    def output(self, task_id: str) -> dict[str, Any]:
        output: dict[str, Any] = self.query(task_id)["output"]
        return output

    def cancel(self, task_id: str) -> HttpResponse:
        return self.send("POST", f"/api/v1/tasks/{task_id}/cancel")

    def list(self, **filters: object) -> dict[str, Any]:
        response = self.send("GET", "/api/v1/tasks/", urlencode(filters))
        assert response.status == 200, response.body
        return load(response)

    def download(self, url: str, **headers: str) -> HttpResponse:
        path, _, query = url.removeprefix(self.service.public_url).partition("?")
        return self.send("GET", path, query, headers=headers, authorized=False)

    def document(self, url: str) -> dict[str, Any]:
        response = self.download(url)
        assert response.status == 200, response.body
        return load(response)


def load(response: HttpResponse) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(response.body)
    return body


def error_of(response: HttpResponse) -> tuple[int, str]:
    """Return the status and the code of an error body, JSON or XML."""
    if response.body.startswith(b"<?xml"):
        return response.status, response.body.split(b"<Code>")[1].split(b"</Code>")[0].decode()
    return response.status, load(response)["code"]
