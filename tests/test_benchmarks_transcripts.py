"""The benchmark of long transcripts: that it runs, on short ones, and that its targets can be missed."""

from __future__ import annotations

import pytest
from attrs import evolve

from benchmarks.transcripts import __main__ as benchmark
from benchmarks.transcripts.documents import RECORDINGS, Recording, document_of
from benchmarks.transcripts.held import Holds
from benchmarks.transcripts.readers import READERS, Reader, in_pieces

GOOD = benchmark.Figures(
    Recording("12 hours", 720),
    13_000_000,
    {"json.loads": Reader(150, 1, 6), "aiofunasr, to all sentences": Reader(100, 0.7, 1.4)},
    {"aiofunasr.Session": Holds(1000, 3, 2, 40, 4), "nothing at all": Holds(1000, 0.2, 0.1, 1, 1)},
)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_documents_are_what_the_service_would_send(language: str) -> None:
    transcript = in_pieces(document_of(Recording("an hour", 60, language)))
    assert len(transcript.words) == 10_020
    assert "".join(word.text + word.punctuation for word in transcript.sentences[0].words).strip() == (
        transcript.sentences[0].text
    )
    assert transcript.text == (" " if language == "en" else "").join(one.text for one in transcript.sentences)
    assert max(recording.minutes for recording in RECORDINGS) == 720


def test_it_measures_everybody_and_the_session(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(["--minutes", "6", "--rounds", "1", "--files", "3"])
    printed = capsys.readouterr().out
    for name in (*READERS, "aiofunasr.Session", "json.loads in the loop"):
        assert name in printed


def test_a_target_that_is_met_is_not_missed() -> None:
    assert benchmark.missed(GOOD) == []


@pytest.mark.parametrize(
    ("part", "name", "change", "words"),
    [
        ("readers", "aiofunasr, to all sentences", {"ratio": 1.2}, "1.20 times as long"),
        ("readers", "aiofunasr, to all sentences", {"room": 2.1}, "2.10 times the room"),
        ("holds", "aiofunasr.Session", {"high": 11.0}, "held for 11.0 ms"),
    ],
)
def test_a_target_that_is_missed_is_named(part: str, name: str, change: dict[str, float], words: str) -> None:
    measured = getattr(GOOD, part)
    figures = evolve(GOOD, **{part: measured | {name: evolve(measured[name], **change)}})
    (said,) = benchmark.missed(figures)
    assert words in said


def test_on_a_busy_machine_the_work_of_the_loop_itself_counts() -> None:
    session = evolve(GOOD.holds["aiofunasr.Session"], high=30.0)
    busy = evolve(GOOD, holds={"aiofunasr.Session": session, "nothing at all": Holds(1000, 20, 0.1, 40, 40)})
    assert benchmark.missed(busy) == []
    hard = evolve(busy, holds=busy.holds | {"aiofunasr.Session": evolve(session, high_of_own=12.0)})
    assert "held for 12.0 ms by its own work" in benchmark.missed(hard)[0]
