"""A request and a reply, as values; the transport carries them, the rest of `wire` makes and reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    TOKEN = "token"  # noqa: S105  (a kind of request)
    VOCABULARY = "vocabulary"
    CERTIFICATE = "certificate"
    DOWNLOAD = "download"


@frozen
class FileBody:
    """A body that is a file between two strings of bytes; one on disk is streamed, never held whole.

    Attributes:
        head: What goes before the file.
        content: Where the file is, or what is in it.
        file_size: Its length in bytes.
        tail: What goes after it.
        on_sent: Called with a number of bytes of the file each time so many more have left.
    """

    head: bytes = field(repr=False)
    content: Path | bytes = field(repr=lambda content: repr(content) if isinstance(content, Path) else "<bytes>")
    file_size: int
    tail: bytes = field(repr=False)
    on_sent: Callable[[int], None] | None = field(default=None, repr=False, eq=False)

    def count(self, sent: int) -> None:
        """Say that so many more bytes of the file have left."""
        if self.on_sent is not None:
            self.on_sent(sent)

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
