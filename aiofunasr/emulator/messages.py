"""Requests and replies as plain values, so that the service knows neither sockets nor clocks.

A front end (the aiohttp application, or an in-memory transport) turns what it received into an `HttpRequest`,
hands it to `Service.handle` and does what the `HttpResponse` says, faults included.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from attrs import field, frozen

Drop = Literal["before", "after", "truncate", "silence"]

API_PREFIX: Final = "/api/v1"
OSS_PREFIX: Final = "/oss/"
RESULTS_PREFIX: Final = "/results/"


def _lower_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@frozen
class UploadedForm:
    """An OSS upload form: its fields, and the file as bytes or as a path (protocol notes, section 7.2).

    `problem` says what made the body no well-formed form; the other values are then meaningless.
    """

    fields: Mapping[str, str] = field(factory=dict)
    content: bytes | Path = b""
    size: int = 0
    problem: str | None = None


@frozen
class HttpRequest:
    """A request as it came over the wire.

    `path` and `query` are raw: nothing in them is decoded, because signed links are compared byte for byte.
    Header names are folded to lower case. A front end that streams an upload to disk passes `upload` and
    leaves `body` empty; one that had a result written in a thread (`Service.unwritten`) passes its `document`.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(factory=dict, converter=_lower_names)
    body: bytes = b""
    upload: UploadedForm | None = None
    document: bytes | None = None

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string; `name` in any case."""
        return self.headers.get(name.lower(), "")

    def arguments(self) -> dict[str, str]:
        """Return the decoded query arguments; of a repeated name the last one counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@frozen
class HttpResponse:
    """A reply, and what a front end must do to it.

    `delay`: seconds to wait before anything is sent. `drop`: `"before"` closes the connection as if the
    request had never been read (it was not handled), `"after"` closes it though the request was handled,
    `"truncate"` sends the header with the whole length, half of the body, and then closes, `"silence"` sends nothing
    and leaves the connection open. `stream` is sent in place of `body`, piece by piece, and is too large to be held.
    """

    status: int
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""
    delay: float = 0.0
    drop: Drop | None = None
    stream: Iterable[bytes] | None = None


class RefusalError(Exception):
    """A request is answered with an error body of the protocol notes, section 6.1, and changes nothing.

    `headers` are added to the reply (`Retry-After`).
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class StorageRefusalError(RefusalError):
    """The same, from the object storage, which answers in XML."""


def json_bytes(body: Any) -> bytes:
    """Serialize a body the way the service does: UTF-8, no spaces, nothing escaped needlessly."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def xml_error(code: str, message: str, request_id: str, host: str) -> bytes:
    """Build the error body of the object storage (protocol notes, sections 3.6 and 7.2)."""
    parts = {"Code": code, "Message": message, "RequestId": request_id, "HostId": host}
    inner = "".join(f"  <{name}>{escape(value)}</{name}>\n" for name, value in parts.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n{inner}</Error>\n'.encode()
