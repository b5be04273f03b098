"""Transcript documents as they are stored: without the secrets in them, and compressed.

A document names its file by the URL that was sent, signature and all. That is cut off; every other byte stays as it
came. Both directions take tenths of a second for the longest documents, so they belong into a thread; and because
threads share an interpreter, nothing here holds it for long.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from io import BytesIO
from json.decoder import JSONDecoder
from typing import Any

from aiofunasr.journal.secrets import has_secret, without_secrets
from aiofunasr.redaction import redact

_LEVEL = 6
_DECODER = JSONDecoder(strict=False)
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
    # In slices: to grow one result, and to copy it at the end, would hold the interpreter for milliseconds.
    unpacker = zlib.decompressobj()
    document = BytesIO()
    for start in range(0, len(packed), _SLICE):
        document.write(unpacker.decompress(packed[start : start + _SLICE]))
    if not unpacker.eof:
        raise zlib.error("it is cut")
    return document.getvalue()


def without_signature(document: bytes) -> bytes:
    """Cut credentials and query off the URLs called `file_url` in a JSON document, and leave all else as it is."""
    return b"".join(_pieces(document))


def _pieces(document: bytes) -> list[bytes | memoryview]:
    """Return the parts of a document without secrets."""
    encoding = json.detect_encoding(document[:4])
    if not encoding.startswith("utf-8"):
        # No bytes of it are those of ASCII where ASCII is meant.
        try:
            pieces = _pieces(_in_utf8(document, encoding))
        except ValueError:
            return [_rewritten(document)]
        return pieces if len(pieces) > 1 else [document]
    pieces = []
    whole = memoryview(document)
    done = 0
    for start in _values(document):
        if start < done:
            continue
        text = _TEXT.match(document, start)
        try:
            if text is not None:
                end, value = text.end(), json.loads(text.group(), strict=False)
            elif document[start : start + 1] in {b"[", b"{"}:
                end, value = _nested(document, start)
            else:
                continue
        except (ValueError, RecursionError):
            return [_rewritten(document)]
        clean = _clean(value, within=True)
        if clean != value:
            pieces += whole[done:start], json.dumps(clean).encode()
            done = end
    return [*pieces, whole[done:]]


def _nested(document: bytes, start: int) -> tuple[int, Any]:
    """Read an array or object, and return where it ends and what it is.

    Raises:
        ValueError: It is none, or it is larger than a slice.
    """
    text, _ = codecs.utf_8_decode(document[start : start + _SLICE], "surrogatepass", False)
    value, end = _DECODER.raw_decode(text)
    return start + len(text[:end].encode("utf-8", "surrogatepass")), value


def _in_utf8(document: bytes, encoding: str) -> bytes:
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    found = BytesIO()
    for start in range(0, len(document), _SLICE):
        text = decoder.decode(document[start : start + _SLICE], start + _SLICE >= len(document))
        found.write(text.encode("utf-8", "surrogatepass"))
    return found.getvalue()


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
