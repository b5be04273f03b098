"""Transcript documents as they are stored: without the secrets in them, and compressed.

A document names its file by the URL that was sent, signature and all. That is cut off; every other byte stays as it
came. Both directions take tenths of a second for the longest documents, so they belong into a thread.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

from aiofunasr.journal.secrets import has_secret, without_secrets
from aiofunasr.redaction import redact

_LEVEL = 6
_NAME = "file_url"

# Each letter of a key may be escaped in JSON. What matches is a key or a whole text: a quotation mark inside of a text
# has a backslash before it, here and at the end.
_KEY = re.compile(b'"' + b"".join(rb"(?:%c|\\u00(?i:%02x))" % (letter, letter) for letter in _NAME.encode()) + b'"')
_ESCAPE = rb"\u00"
_LONGEST_KEY = 2 + 6 * len(_NAME)
_COLON = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

_SLICE = 64 * 1024
"""Bytes looked through at a time: a search holds the interpreter's lock, and the event loop needs it."""


def pack(document: bytes) -> bytes:
    """Return a document without secrets, compressed."""
    # In slices and without a copy in between: what is done in one go under the interpreter's lock is short.
    packer = zlib.compressobj(_LEVEL)
    packed: list[bytes] = []
    for piece in _pieces(document):
        view = memoryview(piece)
        packed += (packer.compress(view[start : start + _SLICE]) for start in range(0, len(view), _SLICE))
    return b"".join([*packed, packer.flush()])


def unpack(packed: bytes) -> bytes:
    """Return a document that was packed.

    Raises:
        zlib.error: It is damaged.
    """
    return zlib.decompress(packed)


def without_signature(document: bytes) -> bytes:
    """Cut credentials and query off the URLs called `file_url` in a JSON document, and leave all else as it is."""
    return b"".join(_pieces(document))


def _pieces(document: bytes) -> list[bytes | memoryview]:
    """Return the parts of a document without secrets."""
    if not _is_plain(document):
        return [_rewritten(document)]
    pieces: list[bytes | memoryview] = []
    whole = memoryview(document)
    done = 0
    for start in _values(document):
        text = _TEXT.match(document, start)
        if text is None:
            if document[start : start + 1] in {b"[", b"{"}:
                return [_rewritten(document)]
            continue
        try:
            url: str = json.loads(text.group(), strict=False)
        except ValueError:
            return [_rewritten(document)]
        if has_secret(url):
            pieces += whole[done : text.start()], json.dumps(without_secrets(url)).encode()
            done = text.end()
    return [*pieces, whole[done:]]


def _values(document: bytes) -> list[int]:
    """Return where the values of all keys of that name begin."""
    found: list[int] = []
    for start in range(0, len(document), _SLICE):
        # A key that begins in this slice may end in the next.
        end = start + _SLICE + _LONGEST_KEY - 1
        # Few slices hold what could be one, which is found out much faster.
        if document.find(_NAME.encode(), start, end) < 0 and document.find(_ESCAPE, start, end) < 0:
            continue
        for key in _KEY.finditer(document, start, end):
            colon = _COLON.match(document, key.end())
            if key.start() < start + _SLICE and colon is not None:
                found.append(colon.end())
    return found


def _is_plain(document: bytes) -> bool:
    """Tell whether the bytes are those of ASCII where ASCII is meant: not UTF-16, not UTF-32."""
    return json.detect_encoding(document[:4]).startswith("utf-8")


def _rewritten(document: bytes) -> bytes:
    """Do the same with a document that cannot be worked on in place."""
    try:
        content = json.loads(document)
    except (ValueError, RecursionError):
        # No transcript, then; whatever it is, it goes without secrets.
        encoding = json.detect_encoding(document[:4])
        return redact(document.decode(encoding, "replace")).encode(encoding)
    clean = _clean(content, within=False)
    return document if clean == content else json.dumps(clean, separators=(",", ":")).encode()


def _clean(value: Any, *, within: bool) -> Any:
    match value:
        case str() if within and has_secret(value):
            return without_secrets(value)
        case list():
            return [_clean(item, within=within) for item in value]
        case dict():
            return {name: _clean(item, within=within or name == _NAME) for name, item in value.items()}
    return value
