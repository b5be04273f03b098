"""What the service and its object storage put around an answer: headers, error bodies, compression.

The headers are those of the protocol notes, section 1.4. `Date` is the service's own clock, which need not be the
caller's.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Final

from attrs import evolve, frozen

from aiofunasr.emulator.faults import Fault
from aiofunasr.emulator.messages import HttpRequest, HttpResponse, StorageRefusalError, json_bytes, xml_error
from aiofunasr.emulator.routes import Kind
from aiofunasr.emulator.settings import EmulatorSettings

_HTML: Final = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>%d</h1></body></html>"
# The object storage leaves small files alone, and compressing large ones would hold an event loop up.
_GZIP_RESULT_BYTES: Final = range(1024, 2**20)


@frozen
class Call:
    """A request on its way through the service; `now` is the service's time."""

    request: HttpRequest
    kind: Kind
    argument: str
    request_id: str
    now: float
    fault: Fault


def json_reply(
    call: Call, settings: EmulatorSettings, status: int, body: Any, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Frame a reply of the API."""
    milliseconds = str(int(call.now * 1000))
    sent = {
        "x-request-id": call.request_id,
        "x-dashscope-call-gateway": "true",
        "req-cost-time": "1",
        "req-arrive-time": milliseconds,
        "resp-start-time": milliseconds,
        "x-envoy-upstream-service-time": "1",
        "server": "istio-envoy",
        **(headers or {}),
    }
    if status < 400 or settings.error_content_type:
        sent["content-type"] = "application/json;charset=UTF-8"
    return HttpResponse(status, sent, json_bytes(body))


def storage_reply(call: Call, status: int, body: bytes, content_type: str = "application/json") -> HttpResponse:
    """Frame a reply of the object storage."""
    headers = {"server": "AliyunOSS", "x-oss-request-id": _storage_id(call.request_id)}
    if body:
        headers["content-type"] = content_type
    return HttpResponse(status, headers, body)


def storage_refusal(call: Call, refusal: StorageRefusalError, host: str) -> HttpResponse:
    """Frame a refusal of the object storage, which is XML."""
    body = xml_error(refusal.code, refusal.message, _storage_id(call.request_id), host)
    return storage_reply(call, refusal.status, body, "application/xml")


def gateway_reply(call: Call, settings: EmulatorSettings, status: int) -> HttpResponse:
    """Frame what a gateway says in place of the service, as the fault has it.

    An error body has the request's own id: a submit that was handled all the same is listed under it.
    """
    fault = call.fault
    if fault.html:
        return HttpResponse(status, {"content-type": "text/html"}, _HTML % (status, status))
    body = error_body(call, settings, fault.code, fault.message)
    headers = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
    return json_reply(call, settings, status, body, headers)


def error_body(call: Call, settings: EmulatorSettings, code: str, message: str) -> dict[str, Any]:
    """Build the body of an error in one of the forms there are (section 6.1); a few have a message and no code."""
    said = {"msg" if settings.error_form == "msg" else "message": message}
    error: dict[str, Any] = {"code": code, **said} if code else dict(said)
    if settings.error_form == "bare":
        return error
    if settings.error_form == "nested":
        error = {"error": {**error, "type": code or "error"}}
    return {**error, "request_id": call.request_id}


def dated(response: HttpResponse, now: float) -> HttpResponse:
    """Add the `Date` header."""
    return evolve(response, headers={**response.headers, "date": _http_date(int(now))})


def compressed(call: Call, response: HttpResponse, settings: EmulatorSettings) -> HttpResponse:
    """Compress the body where the client takes that and the service does it."""
    wanted = settings.gzip and "gzip" in call.request.header("Accept-Encoding").lower()
    if not wanted or not response.body:
        return response
    if call.kind == "result" and len(response.body) not in _GZIP_RESULT_BYTES:
        return response
    headers = {**response.headers, "content-encoding": "gzip", "vary": "Accept-Encoding"}
    return evolve(response, headers=headers, body=gzip.compress(response.body, 1, mtime=0))


@lru_cache(maxsize=64)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _storage_id(request_id: str) -> str:
    return request_id.replace("-", "")[:24].upper()
