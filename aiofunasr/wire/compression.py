"""Compressed reply bodies, unpacked piece by piece.

A body of zeros grows a thousandfold when it is unpacked, so nothing is unpacked further than the next piece: whoever
reads the pieces can stop when there are too many.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PIECE = 64 * 1024
"""The most bytes that are unpacked at once."""

ACCEPTED = "gzip, deflate"
"""What a request may say it accepts; both are in the standard library."""

_MOST_MEMBERS = 100
"""A gzip file may be several in a row; more than a few are a way to keep a reader busy."""


class Unpacker:
    """Unpacks one body.

    Args:
        encoding: What the `Content-Encoding` header says.

    Raises:
        ValueError: It is nothing that was said to be accepted.
    """

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in {"gzip", "x-gzip", "deflate"}:
            raise ValueError(f"the reply is compressed as {encoding[:40]!r}, which was not asked for")
        self._gzip = encoding != "deflate"
        self._unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if self._gzip else None
        self._members = 1

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Unpack the next part of the body, into pieces of at most `PIECE` bytes.

        Raises:
            ValueError: It is not what it says it is.
        """
        if self._unpack is None and data:
            # Some servers send a bare stream, without the zlib header that the name stands for.
            self._unpack = zlib.decompressobj(zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS)
        if self._unpack is None:
            return
        piece = b""
        # A full piece may leave more output inside even when all of the input is.
        while data or len(piece) == PIECE:
            if self._unpack.eof and not self._next_member(data):
                return
            try:
                piece = self._unpack.decompress(data, PIECE)
            except zlib.error as error:
                raise ValueError(f"the compressed reply is damaged: {error}") from None
            data = self._unpack.unused_data if self._unpack.eof else self._unpack.unconsumed_tail
            if piece:
                yield piece

    def close(self) -> None:
        """Make sure that the body was whole.

        Raises:
            ValueError: It broke off.
        """
        if self._unpack is not None and not self._unpack.eof:
            raise ValueError("the compressed reply broke off")

    def _next_member(self, data: bytes) -> bool:
        """Begin another member, unless what follows the last one is nothing, or only padding."""
        if not self._gzip or not data.strip(b"\0"):
            return False
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise ValueError("the compressed reply has too many parts")
        self._unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
        return True
