"""A transcription document that is read as it comes, in small steps (the protocol notes, section 5).

A recording of half a day comes back as a document of 13 MB. Parsed in one go it would hold the interpreter for tenths
of a second, in whatever thread that is done. Here it is read in windows of 64 KiB, each in about a millisecond, and
what stays of it is its own bytes, sentence by sentence.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from typing import Any

from aiofunasr.results.transcript import Transcript
from aiofunasr.wire.assembly import BEGINNING, assemble, check_form, is_too_dense, not_whole, too_dense
from aiofunasr.wire.scanner import WINDOW, Parsing, Scanner, Step
from aiofunasr.wire.sentences import Sentences


class TranscriptDecoder:
    """Reads one document, whatever pieces it comes in.

        decoder = TranscriptDecoder()
        for piece in pieces:
            decoder.feed(piece)
        transcript = decoder.close()

    A feed takes about a millisecond for each 64 KiB. Whoever must not be held up so long even by a large piece puts it
    in, and has the decoder work `step` by step as long as it `is_busy`, before and after the `end`.
    """

    def __init__(self, *, encoding: str | None = None, window: int = WINDOW) -> None:
        """Begin.

        Args:
            encoding: That of the pieces; by default it is found out by the first bytes, as JSON allows.
            window: How many bytes are read in one go, and how many there must be before any is; at least 4.
        """
        self._window = window
        self._encoding = encoding
        self._pending = bytearray()
        self._beginning = b""
        self._length = 0
        self._objects = 0
        self._scan = Scanner(window)
        self._parsing: Parsing[Any] = parse_document(self._scan)
        self._decode: Callable[[bytes, bool], bytes] | None = None
        self._paused = False
        self._ended = False
        self._is_through = False
        self._is_whole = False
        self._content: Any = None

    def feed(self, data: bytes) -> None:
        """Take in the next piece of the document, and read it."""
        self.put(data)
        while self.is_busy:
            self.step()

    def close(self) -> Transcript:
        """Take the document as whole, and return what it says.

        Raises:
            InvalidReplyError: It is no transcription document, or not all of it; the error names the path.
        """
        self.end()
        while self.is_busy:
            self.step()
        if is_too_dense(self._objects, self._length):
            raise too_dense(self._beginning)
        if not self._is_whole:
            raise not_whole(self._beginning)
        return assemble(check_form(self._content, self._beginning))

    # --- Step by step -------------------------------------------------------------------------------------------------

    def put(self, data: bytes) -> None:
        """Take in the next piece of the document, and leave it for later."""
        if len(self._beginning) < BEGINNING:
            self._beginning += data[: BEGINNING - len(self._beginning)]
        self._length += len(data)
        self._objects += data.count(b"{") + data.count(b"[")
        self._pending += data

    def end(self) -> None:
        """Take what was put in as all there is."""
        self._ended = True

    @property
    def is_busy(self) -> bool:
        """Whether there is something to do before more is put in."""
        if self._paused:
            return True
        if is_too_dense(self._objects, self._length):
            # It is not read before it has proved to be thinner: it might take all memory.
            return False
        return len(self._pending) > self._window or (self._ended and not self._is_through)

    def step(self) -> None:
        """Work for a millisecond or a few."""
        try:
            if not self._paused:
                piece = bytes(self._pending[: self._window])
                del self._pending[: self._window]
                self._is_through = last = self._ended and not self._pending
                self._scan.put(self._in_utf8(piece, last=last), last=last)
            self._paused = next(self._parsing) is Step.PAUSE
        except StopIteration as end:
            self._content, self._is_whole, self._paused = end.value, True, False
        except (ValueError, RecursionError):
            self._is_whole, self._paused = False, False
            self._parsing = _nothing()

    def _in_utf8(self, piece: bytes, *, last: bool) -> bytes:
        """Make sure that bytes are UTF-8, or else make them so."""
        if self._decode is None:
            encoding = self._encoding or json.detect_encoding(piece)
            self._decode = _utf8_of(encoding)
            if encoding == "utf-8-sig":
                piece = piece[len(codecs.BOM_UTF8) :]
        return self._decode(piece, last)


def parse_document(scan: Scanner) -> Parsing[Any]:
    """Parse a document, with a `Sentences` for each array of sentences where they belong."""
    if (yield from scan.peek()) == ord("{"):
        content: Any = yield from scan.object({"transcripts": lambda: _tracks(scan)})
    else:
        content = yield from scan.value()
    yield from scan.ending()
    return content


def _tracks(scan: Scanner) -> Parsing[list[Any]]:
    tracks: list[Any] = []
    yield from scan.array(lambda: _track(scan, tracks))
    return tracks


def _track(scan: Scanner, tracks: list[Any]) -> Parsing[None]:
    if (yield from scan.peek()) != ord("{"):
        tracks.append((yield from scan.value()))
        return
    at = f"$.transcripts[{len(tracks)}].sentences"
    tracks.append((yield from scan.object({"sentences": lambda: Sentences(at).read(scan)})))


def _nothing() -> Parsing[Any]:
    """Look at nothing any more."""
    while True:
        yield Step.MORE


def _utf8_of(encoding: str) -> Callable[[bytes, bool], bytes]:
    """Return what makes pieces of an encoding UTF-8, lone surrogates included; the last piece is said to be so."""
    decoder = codecs.getincrementaldecoder("utf-8" if encoding == "utf-8-sig" else encoding)("surrogatepass")
    if not encoding.startswith("utf-8"):
        return lambda piece, last: decoder.decode(piece, last).encode("utf-8", "surrogatepass")

    def check(piece: bytes, last: bool) -> bytes:
        decoder.decode(piece, last)
        return piece

    return check
