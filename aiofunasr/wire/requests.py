"""Requests to the service, built as values (the protocol notes, sections 1 to 4 and 7 to 9)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlencode

from attrs import field, frozen

from aiofunasr.options import TranscriptionOptions
from aiofunasr.options.models import Dialect
from aiofunasr.version import __version__
from aiofunasr.wire.messages import Kind, Request

SERVICE_ZONE = timezone(timedelta(hours=8))
"""The zone of every time the service writes or reads as text (section 3.3)."""

USER_AGENT = f"aiofunasr/{__version__}"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@frozen
class Caller:
    """Who asks, and where: what every request to the service has in common."""

    base_url: str
    api_key: str = field(repr=False)
    workspace: str | None = None

    def request(
        self,
        kind: Kind,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Request:
        """Build one request; `document` becomes the JSON body, `query` entries that are None are left out."""
        url = self.base_url + path
        if query is not None:
            url += "?" + urlencode({name: value for name, value in query.items() if value is not None})
        all_headers = {
            "Authorization": f"Bearer {self.api_key}",
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
        }
        if self.workspace is not None:
            all_headers["X-DashScope-WorkSpace"] = self.workspace
        body = None
        if document is not None:
            all_headers["Content-Type"] = "application/json"
            body = _encode(document).encode()
        if headers is not None:
            all_headers.update(headers)
        return Request(kind=kind, method=method, url=url, headers=all_headers, body=body)


def submit(caller: Caller, file_urls: Sequence[str], options: TranscriptionOptions) -> Request:
    """Build a submit; `parameters` is always there, because workspace hosts fail a task without it (1.2).

    Models of the other dialect take one file (2.6).
    """
    if options.dialect is Dialect.FILE_URL:
        (file_url,) = file_urls
        asked: dict[str, Any] = {"file_url": file_url}
    else:
        asked = {"file_urls": list(file_urls)}
    if options.context is not None:
        asked["context"] = [turn.to_wire() for turn in options.context]
    document: dict[str, Any] = {"model": options.model, "input": asked, "parameters": options.parameters()}
    if options.phrase_id is not None:
        document["resources"] = [{"resource_id": options.phrase_id, "resource_type": "asr_phrase"}]
    headers = {"X-DashScope-Async": "enable"}
    if any(url.startswith("oss://") for url in file_urls):
        headers["X-DashScope-OssResourceResolve"] = "enable"
    return caller.request(Kind.SUBMIT, "POST", "/services/audio/asr/transcription", document=document, headers=headers)


def query(caller: Caller, task_id: str) -> Request:
    """Build the query of one task."""
    return caller.request(Kind.QUERY, "GET", f"/tasks/{quote(task_id, safe='')}")


def cancel(caller: Caller, task_id: str) -> Request:
    """Build the cancel of one task; the service accepts it while the task is PENDING."""
    return caller.request(Kind.CANCEL, "POST", f"/tasks/{quote(task_id, safe='')}/cancel")


def list_tasks(
    caller: Caller,
    *,
    page_no: int = 1,
    page_size: int = 100,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    model_name: str | None = None,
    status: str | None = None,
    task_id: str | None = None,
    api_key_id: str | None = None,
    region: str | None = None,
) -> Request:
    """Build the request for one page of the task list; times are aware, their span at most 24 hours (4.2)."""
    return caller.request(
        Kind.LIST,
        "GET",
        "/tasks",
        query={
            "page_no": page_no,
            "page_size": page_size,
            "start_time": _list_time(start_time),
            "end_time": _list_time(end_time),
            "model_name": model_name,
            "status": status,
            "task_id": task_id,
            "api_key_id": api_key_id,
            "region": region,
        },
    )


def upload_policy(caller: Caller, model: str) -> Request:
    """Build the request for a permission to upload files for one model (7.1)."""
    return caller.request(Kind.UPLOAD_POLICY, "GET", "/uploads", query={"action": "getPolicy", "model": model})


def create_token(caller: Caller, expires_in: int) -> Request:
    """Build the request for a temporary token that lives so many seconds (section 8)."""
    return caller.request(Kind.TOKEN, "POST", "/tokens", query={"expire_in_seconds": expires_in})


def customize(caller: Caller, action: str, **arguments: Any) -> Request:
    """Build a request about vocabularies; arguments that are None are left out (section 9)."""
    given = {name: value for name, value in arguments.items() if value is not None}
    document = {"model": "speech-biasing", "input": {"action": action, **given}, "parameters": {}}
    return caller.request(Kind.VOCABULARY, "POST", "/services/audio/asr/customization", document=document)


def certificate(url: str) -> Request:
    """Build the download of the certificate that signs completion events."""
    return Request(kind=Kind.CERTIFICATE, method="GET", url=url, headers={"User-Agent": USER_AGENT})


def download(url: str) -> Request:
    """Build the download of a result: no key, and the URL as it came, because it is signed (3.6)."""
    return Request(kind=Kind.DOWNLOAD, method="GET", url=url, headers={"User-Agent": USER_AGENT})


def _list_time(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(SERVICE_ZONE).strftime("%Y%m%d%H%M%S")
