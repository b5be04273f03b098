"""Reads transcription documents in the event loop, so that nobody waits for it longer than a few milliseconds.

Small ones are read in one go. A large one is read step by step while it arrives, and of all that are read at once one
takes a step between two turns of the loop. A thread would not do: two threads share one interpreter, and the one that
computes lets go of it only every five milliseconds.
"""

from __future__ import annotations

from io import BytesIO

import anyio

from aiofunasr.results import Transcript
from aiofunasr.wire.decoder import TranscriptDecoder
from aiofunasr.wire.documents import SMALL_DOCUMENT, read_transcript

_PIECE = 256 * 1024
"""Bytes of a document in memory that are put into a decoder at a time."""


class Reading:
    """The turns that documents take, one for a session or for a batch."""

    def __init__(self) -> None:
        self._turn = anyio.Lock()

    async def read(self, document: bytes) -> Transcript:
        """Read a document that is there.

        Raises:
            InvalidReplyError: It is none.
        """
        arriving = ArrivingDocument(self)
        await arriving.take(document)
        return await arriving.whole()

    async def put(self, decoder: TranscriptDecoder, piece: bytes) -> None:
        """Put a piece into a decoder, and have it do all it can, others in between."""
        # Whoever takes the lock lets the loop turn first.
        async with self._turn:
            decoder.put(piece)
        await self._work(decoder)

    async def close(self, decoder: TranscriptDecoder) -> Transcript:
        """Have a decoder take what it was given as all there is, and return what it says."""
        decoder.end()
        await self._work(decoder)
        async with self._turn:
            return decoder.close()

    async def _work(self, decoder: TranscriptDecoder) -> None:
        while decoder.is_busy:
            async with self._turn:
                decoder.step()


class ArrivingDocument:
    """A document that comes in pieces.

    Args:
        reading: Whose turns it takes.
        keep: Whether the document is wanted as well.
    """

    def __init__(self, reading: Reading, *, keep: bool = False) -> None:
        self._reading = reading
        self._keep = keep
        # All there is of a small one; of a large one all there is, if it is to be kept.
        self._body = BytesIO()
        self._decoder: TranscriptDecoder | None = None

    async def take(self, piece: bytes) -> None:
        """Take in the next piece."""
        if self._decoder is None:
            self._body.write(piece)
            if self._body.tell() <= SMALL_DOCUMENT:
                return
            self._decoder = TranscriptDecoder()
            piece = self._body.getvalue()
            if not self._keep:
                self._body = BytesIO()
        elif self._keep:
            self._body.write(piece)
        for start in range(0, len(piece), _PIECE):
            await self._reading.put(self._decoder, piece[start : start + _PIECE])

    async def whole(self) -> Transcript:
        """Take the document as whole, and return what it says.

        Raises:
            InvalidReplyError: It is no transcription document, or not all of it.
        """
        if self._decoder is None:
            return read_transcript(self._body.getvalue())
        return await self._reading.close(self._decoder)

    def document(self) -> bytes | None:
        """Return all bytes, if they were to be kept."""
        return self._body.getvalue() if self._keep else None
