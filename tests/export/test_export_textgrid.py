"""TextGrid: tiers that Praat opens, quotes doubled, no interval empty or on top of another."""

from __future__ import annotations

import re

from aiofunasr import AudioProperties, Channel, Sentence, Transcript, Word
from aiofunasr.export import render


def intervals(text: str) -> list[tuple[str, str, str]]:
    return re.findall(r'xmin = (\S+)\n +xmax = (\S+)\n +text = "(.*)"', text)


def test_sentences_keep_their_marks_words_do_not_and_quotes_are_doubled() -> None:
    words = (Word(100, 400, "Say "), Word(400, 900, '"no"', "."))
    text = render(
        Transcript(channels=(Channel(0, "", None, (Sentence(100, 900, 'Say "no".', words=words),)),)), "textgrid"
    )
    assert intervals(text) == [
        ("0", "0.100", ""),
        ("0.100", "0.900", 'Say ""no"".'),
        ("0", "0.100", ""),
        ("0.100", "0.400", "Say"),
        ("0.400", "0.900", '""no""'),
    ]


def test_what_overlaps_or_takes_no_time_is_moved_and_lasts() -> None:
    sentences = (Sentence(0, 1000, "a"), Sentence(500, 800, "b"), Sentence(1001, 1001, "c"))
    text = render(Transcript(channels=(Channel(0, "", None, sentences),)), "textgrid")
    assert intervals(text) == [("0", "1", "a"), ("1", "1.001", "b"), ("1.001", "1.002", "c")]


def test_each_who_speaks_has_tiers_as_long_as_the_recording() -> None:
    sentences = (Sentence(0, 1000, "a", 1, 0), Sentence(1000, 2000, "b", 2, 1))
    properties = AudioProperties(original_duration_in_milliseconds=5000)
    text = render(Transcript("", properties, (Channel(0, "", None, sentences),)), "textgrid")
    assert re.findall(r'name = "(.*)"', text) == ["Speaker 0", "Speaker 1"]
    assert "size = 2\n" in text
    assert [end for _, end, _ in intervals(text)] == ["1", "5", "1", "2", "5"]
