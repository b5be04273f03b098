"""What a fault does to the body of a reply, after the request was handled.

The large bodies are made piece by piece while they are sent, so that neither side of a test has to hold them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from attrs import evolve, frozen

from aiofunasr.emulator.faults import Fault
from aiofunasr.emulator.messages import HttpResponse

_PIECE: Final = b"0" * 2**16
_HEAD: Final = b'{"padding":"'
_TAIL: Final = b'"}'
# Magic, deflate, no flags, no time, no extra flags, unknown system.
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK: Final = b"\x03\x00"
_GARBAGE: Final = b"\x00\xff\xfe{]" * 20


@frozen
class HugeBody:
    """A JSON document of so many bytes, and a little more; iterate it for its pieces.

    Compressed, the pieces are those of one gzip stream, about a thousandth as long.
    """

    size: int
    compressed: bool = False

    def __iter__(self) -> Iterator[bytes]:
        pieces = self._pieces()
        return self._gzipped(pieces) if self.compressed else pieces

    def _pieces(self) -> Iterator[bytes]:
        yield _HEAD
        for _ in range(-(-self.size // len(_PIECE))):
            yield _PIECE
        yield _TAIL

    @staticmethod
    def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
        # All the long pieces are the same and flushed apart, so each needs to be compressed only once.
        known: dict[bytes, bytes] = {}
        checksum = length = 0
        yield _GZIP_HEADER
        for piece in pieces:
            if piece not in known:
                compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
                known[piece] = compressor.compress(piece) + compressor.flush(zlib.Z_FULL_FLUSH)
            checksum = zlib.crc32(piece, checksum)
            length += len(piece)
            yield known[piece]
        yield _LAST_BLOCK + struct.pack("<II", checksum, length % 2**32)


def damaged(response: HttpResponse, fault: Fault) -> HttpResponse:
    """Return the reply with its body spoiled as the fault says; its framing stays right."""
    match fault.damage:
        case None:
            return response
        case "cut":
            return evolve(response, body=response.body[: len(response.body) // 2])
        case "garbage":
            return evolve(response, body=_GARBAGE)
        case "nested":
            return evolve(response, body=b'{"output":' * fault.size + b"{}" + b"}" * fault.size)
        case "huge":
            return evolve(response, body=b"", stream=HugeBody(fault.size))
        case "bomb":
            headers = {**response.headers, "content-encoding": "gzip"}
            return evolve(response, headers=headers, body=b"", stream=HugeBody(fault.size, compressed=True))
