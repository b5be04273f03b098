"""What a speech engine is: samples of one segment in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

from aiofunasr.emulator.speech.decode import Samples


@frozen
class HeardPiece:
    """A piece of text that the engine timed itself, in milliseconds from the segment's first sample.

    `text` is as the engine wrote it: a leading space says that a new word begins, and punctuation is included.
    """

    text: str
    begin_ms: int
    end_ms: int


@frozen
class Heard:
    """What an engine heard in a segment; empty text where it heard no words.

    `pieces`, joined, are the text; they are empty for an engine that does not time its words.
    """

    text: str
    pieces: tuple[HeardPiece, ...] = ()


class Engine(Protocol):
    """A loaded model. It is used by one thread at a time, not always by the same one.

    `name` is what the command line calls it, `languages` the codes of `language_hints` that it knows.
    """

    name: str
    languages: frozenset[str]

    def recognize_segment(self, samples: Samples, languages: Sequence[str] = ()) -> Heard:
        """Recognize at most 25 s of 16 kHz mono speech.

        It is in one of `languages`, all of which the engine knows; with none, the engine finds the language by itself.
        """
        ...

    def close(self) -> None:
        """Free the model."""
        ...
