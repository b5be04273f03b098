"""What all formats have in common: they are written in pieces, of which none is long, and keep nothing."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from export.spoken import transcripts
from hypothesis import given, settings

from aiofunasr import Channel, Sentence, SubtaskResult, Transcript, Word
from aiofunasr.export import FORMATS, Format, Style, render, result_record
from aiofunasr.results.sources import source_of
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


@pytest.mark.parametrize("source", ["calls/my talk.wav", Path("calls") / "my talk.wav", "https://h/my%20talk.wav?x=1"])
def test_a_recording_is_called_what_the_caller_calls_it(source: str | Path) -> None:
    uploaded = "oss://bucket/2026/my%20talk-4f6c.wav" if "http" not in str(source) else str(source)
    words = (Word(0, 900, "Hello"),)
    transcript = Transcript(uploaded, channels=(Channel(0, "Hello", None, (Sentence(0, 900, "Hello", words=words),)),))
    result = SubtaskResult(source=source, index=0, transcript=transcript)
    assert render(result, "ctm").startswith("my_talk 1 ")
    assert render(result, "rttm").startswith("SPEAKER my_talk 1 ")
    assert "<title>my talk.wav</title>" in render(result, "html")
    assert json.loads(render(result, "json"))["file_url"] == uploaded


def test_a_file_whose_name_is_no_text_can_be_written() -> None:
    result = SubtaskResult(source="a\udcff.wav", index=0, transcript=Transcript("oss://b/a.wav"))
    assert "<title>a" in render(result, "html")


@settings(max_examples=50, deadline=None)
@given(transcripts())
def test_a_line_is_the_record_of_a_result(transcript: Transcript) -> None:
    result = SubtaskResult(source="a.wav", index=0, transcript=transcript)
    assert json.loads(render(result, "jsonl")) == result_record(result)
