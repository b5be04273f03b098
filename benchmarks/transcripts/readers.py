"""Those who read a document: this library as it comes in pieces, and others in one go when all of it is there."""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, Final

import msgspec
import orjson
from attrs import frozen

from aiofunasr import Transcript
from aiofunasr.wire.decoder import TranscriptDecoder
from aiofunasr.wire.structure import structure

PIECE: Final = 64 * 1024


class _Word(msgspec.Struct):
    begin_time: int = 0
    end_time: int = 0
    text: str = ""
    punctuation: str = ""


class _Sentence(msgspec.Struct):
    begin_time: int = 0
    end_time: int = 0
    text: str = ""
    sentence_id: int | None = None
    speaker_id: int | None = None
    words: list[_Word] = []


class _Track(msgspec.Struct):
    channel_id: int = 0
    text: str = ""
    sentences: list[_Sentence] = []


class _Document(msgspec.Struct):
    file_url: str = ""
    transcripts: list[_Track] = []


_typed: Final = msgspec.json.Decoder(_Document)


def in_pieces(document: bytes) -> Transcript:
    decoder = TranscriptDecoder()
    for start in range(0, len(document), PIECE):
        decoder.feed(document[start : start + PIECE])
    return decoder.close()


READERS: Final[Mapping[str, Callable[[bytes], Any]]] = {
    "json.loads": json.loads,
    "aiofunasr, to the text": lambda document: in_pieces(document).text,
    "aiofunasr, to all sentences": lambda document: in_pieces(document).sentences,
    "aiofunasr, to all words": lambda document: in_pieces(document).words,
    "json.loads and cattrs": lambda document: structure(json.loads(document), Transcript),
    "orjson.loads": orjson.loads,
    "msgspec, as it comes": msgspec.json.decode,
    "msgspec, to structs": _typed.decode,
}
IN_PIECES: Final = "aiofunasr, "


@frozen
class Reader:
    """What reading a document took.

    Attributes:
        ms: Processor time, the median.
        ratio: That over the time of `json.loads` in the same round, the median.
        room: The peak of memory over the size of the document, which is part of it where it must be there as a whole.
    """

    ms: float
    ratio: float
    room: float


def measure(document: bytes, rounds: int) -> dict[str, Reader]:
    """Have all of them read a document, in turns."""
    times: dict[str, list[float]] = {name: [] for name in READERS}
    for _ in range(rounds):
        for name, read in READERS.items():
            gc.collect()
            started = time.thread_time()
            found = read(document)
            times[name].append(time.thread_time() - started)
            del found
    base = times["json.loads"]
    return {
        name: Reader(
            1e3 * median(own), median(one / other for one, other in zip(own, base, strict=True)), _room(name, document)
        )
        for name, own in times.items()
    }


def _room(name: str, document: bytes) -> float:
    gc.collect()
    tracemalloc.start()
    try:
        found = READERS[name](document)
        _, peak = tracemalloc.get_traced_memory()
        del found
    finally:
        tracemalloc.stop()
    return peak / len(document) + (0 if name.startswith(IN_PIECES) else 1)
