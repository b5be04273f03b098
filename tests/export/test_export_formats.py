"""What all formats have in common: they are written in pieces, of which none is long, and keep nothing."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from export.spoken import transcripts
from hypothesis import given, settings

from aiofunasr import SubtaskResult, Transcript
from aiofunasr.export import FORMATS, Format, Style, render, result_record
from aiofunasr.sources import source_of
from benchmarks.transcripts.documents import Recording, document_of

HOURS = 2
WORDS = Style(level="words")


@pytest.fixture(scope="module")
def document() -> bytes:
    return document_of(Recording("long", 60 * HOURS))


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_a_long_text_comes_in_pieces_that_are_neither_long_nor_many(format: Format, document: bytes) -> None:
    transcript = Transcript.from_json(document)
    pieces = list(format.pieces(transcript, WORDS))
    assert "".join(pieces) == format.write(transcript, WORDS)
    # The text of the document is one string, and written in one go.
    longest = 64 * 1024 + len(transcript.text) + 1000
    assert all(64 * 1024 <= len(piece) <= longest for piece in pieces[:-1])
    assert pieces[-1]


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_writing_leaves_no_words_behind(format: Format, document: bytes) -> None:
    transcript = Transcript.from_json(document)
    assert format.write(transcript, WORDS)
    assert all("words" not in sentence.__getstate__() for sentence in transcript.sentences)
    assert source_of(transcript.sentences[0]) is not None


@pytest.mark.parametrize("name", ["json", "jsonl", "csv", "tsv", "ctm", "srt", "html"])
def test_writing_takes_less_room_than_the_document(name: str, document: bytes) -> None:
    transcript = Transcript.from_json(document)
    tracemalloc.start()
    try:
        for _ in FORMATS[name].pieces(transcript, WORDS):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(document)


@settings(max_examples=50, deadline=None)
@given(transcripts())
def test_a_line_is_the_record_of_a_result(transcript: Transcript) -> None:
    result = SubtaskResult(source="a.wav", index=0, transcript=transcript)
    assert json.loads(render(result, "jsonl")) == result_record(result)
