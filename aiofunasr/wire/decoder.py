"""A transcription document that is read as it comes, in small steps (the protocol notes, section 5).

A recording of half a day comes back as a document of 13 MB. Parsed in one go it would hold the interpreter for tenths
of a second, in whatever thread that is done. Here it is read in windows of 64 KiB, each in about a millisecond, and
what stays of it is its own bytes, sentence by sentence.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from aiofunasr.transcript import Transcript
from aiofunasr.wire.assembly import BEGINNING, assemble, check_form, is_too_dense, not_whole, too_dense
from aiofunasr.wire.scanner import WINDOW, BrokenError, Parsing, Scanner, Step
from aiofunasr.wire.sentences import Sentences


class TranscriptDecoder:
    """Reads one document, whatever pieces it comes in.

        decoder = TranscriptDecoder()
        for piece in pieces:
            decoder.feed(piece)
        transcript = decoder.close()

    A feed takes about a millisecond for each 64 KiB. Whoever must not be held up even by a large piece goes through
    `steps` and `last_steps` instead, and lets others run in between.
    """

    def __init__(self, *, encoding: str | None = None) -> None:
        """Begin.

        Args:
            encoding: That of the pieces; by default it is found out by the first bytes, as JSON allows.
        """
        self._encoding = encoding
        self._pending = bytearray()
        self._beginning = b""
        self._length = 0
        self._objects = 0
        self._scan = Scanner()
        self._parsing = self._document()
        self._content: list[Any] = []
        self._decode: Callable[[bytes, bool], bytes] | None = None
        self._broken = False

    def feed(self, data: bytes) -> None:
        """Take in the next piece of the document."""
        for _ in self.steps(data):
            pass

    def close(self) -> Transcript:
        """Take the document as whole, and return what it says.

        Raises:
            InvalidReplyError: It is no transcription document, or not all of it; the error names the path.
        """
        for _ in self.last_steps():
            pass
        if is_too_dense(self._objects, self._length):
            raise too_dense(self._beginning)
        if self._broken or not self._content:
            raise not_whole(self._beginning)
        return assemble(check_form(self._content[0], self._beginning))

    def steps(self, data: bytes) -> Iterator[None]:
        """Take in the next piece, a few milliseconds at a time; all of it only when the iterator ends."""
        if len(self._beginning) < BEGINNING:
            self._beginning += data[: BEGINNING - len(self._beginning)]
        for start in range(0, len(data), WINDOW):
            piece = data[start : start + WINDOW]
            self._length += len(piece)
            self._objects += piece.count(b"{") + piece.count(b"[")
            self._pending += piece
            # What is too dense so far is not parsed before it has proved to be thinner: that might take all memory.
            while len(self._pending) > WINDOW and not is_too_dense(self._objects, self._length):
                yield from self._window(last=False)

    def last_steps(self) -> Iterator[None]:
        """Read what is left, a few milliseconds at a time, so that `close` has little to do."""
        while not is_too_dense(self._objects, self._length) and not self._scan.last:
            yield from self._window(last=len(self._pending) <= WINDOW)

    def _window(self, *, last: bool) -> Iterator[None]:
        piece = bytes(self._pending[:WINDOW])
        del self._pending[:WINDOW]
        try:
            self._scan.put(self._in_utf8(piece, last=last), last=last)
            while not self._content and next(self._parsing) is Step.PAUSE:
                yield
        except StopIteration:
            pass
        except (ValueError, RecursionError):
            self._broken = True
            self._parsing = self._nothing()
        yield

    def _in_utf8(self, piece: bytes, *, last: bool) -> bytes:
        """Make sure that bytes are UTF-8, or else make them so."""
        if self._decode is None:
            encoding = self._encoding or json.detect_encoding(piece)
            self._decode = _utf8_of(encoding)
            if encoding == "utf-8-sig":
                piece = piece[len(codecs.BOM_UTF8) :]
        return self._decode(piece, last)

    def _document(self) -> Parsing[None]:
        scan = self._scan
        if (yield from scan.peek()) == ord("{"):
            content = yield from scan.object({"transcripts": self._tracks})
        else:
            content = yield from scan.value()
        yield from scan.ending()
        self._content.append(content)

    def _tracks(self) -> Parsing[list[Any]]:
        tracks: list[Any] = []
        yield from self._scan.array(lambda: self._track(tracks))
        return tracks

    def _track(self, tracks: list[Any]) -> Parsing[None]:
        scan = self._scan
        if (yield from scan.peek()) != ord("{"):
            tracks.append((yield from scan.value()))
            return
        at = f"$.transcripts[{len(tracks)}].sentences"
        tracks.append((yield from scan.object({"sentences": lambda: Sentences(at).read(scan)})))

    def _nothing(self) -> Parsing[None]:
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
