"""A request and a reply, as values; the transport carries them, the rest of `wire` makes and reads them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from attrs import field, frozen

from aiofunasr.redaction import redact


class Kind(StrEnum):
    """The kinds of request, each with a budget of its own."""

    SUBMIT = "submit"
    QUERY = "query"
    LIST = "list"
    CANCEL = "cancel"
    UPLOAD_POLICY = "upload policy"
    UPLOAD = "upload"
    DOWNLOAD = "download"


@frozen
class FileBody:
    """A body that is a file between two strings of bytes; it is streamed, never held whole."""

    head: bytes = field(repr=False)
    path: Path
    file_size: int
    tail: bytes = field(repr=False)

    @property
    def length(self) -> int:
        """The length of the whole body in bytes."""
        return len(self.head) + self.file_size + len(self.tail)


@frozen(kw_only=True)
class Request:
    """One HTTP request; the URL is sent byte for byte, because some of them are signed."""

    kind: Kind
    method: str
    url: str = field(repr=redact)
    headers: Mapping[str, str] = field(factory=dict, repr=False, hash=False)
    body: bytes | FileBody | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Reply:
    """One whole HTTP reply; its headers are found by their names in lower case."""

    status: int
    headers: Mapping[str, str] = field(factory=dict, repr=False, hash=False)
    body: bytes = field(default=b"", repr=lambda body: f"<{len(body)} bytes>")
