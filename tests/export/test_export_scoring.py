"""CTM and RTTM: one word of a name, channels from 1, seconds, and nothing a scoring tool trips over."""

from __future__ import annotations

import pytest

from aiofunasr import Channel, Sentence, Transcript, Word
from aiofunasr.export import render
from aiofunasr.export.scoring import recording_name


def talk(*sentences: Sentence, url: str = "https://h/my%20talk.wav?x=1") -> Transcript:
    return Transcript(url, channels=(Channel(0, "", None, sentences),))


def test_a_word_is_a_line_without_its_mark() -> None:
    words = (Word(80, 560, "Hello "), Word(560, 1010, "world", ", "))
    assert render(talk(Sentence(0, 1100, "Hello world,", words=words)), "ctm") == (
        "my_talk 1 0.080 0.480 Hello\nmy_talk 1 0.560 0.450 world\n"
    )


def test_a_word_with_a_space_is_two_that_share_its_time() -> None:
    words = (Word(0, 700, "New York "), Word(700, 900, ";;"))
    assert render(talk(Sentence(0, 900, "New York ;;", words=words)), "ctm").splitlines() == [
        "my_talk 1 0.000 0.300 New",
        "my_talk 1 0.300 0.400 York",
        "my_talk 1 0.700 0.200 <unk>",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Well, he said: no!", ["Well", "he", "said", "no"]),
        ("我们有iPhone手机。", ["我", "们", "有", "iPhone", "手", "机"]),
        ("한국어 문장.", ["한국어", "문장"]),
        ("مرحبا بالعالم، كيف؟", ["مرحبا", "بالعالم", "كيف"]),
    ],
)
def test_a_sentence_without_words_is_cut_where_its_script_says(text: str, words: list[str]) -> None:
    lines = render(talk(Sentence(0, 1000, text)), "ctm").splitlines()
    assert [line.split(" ")[4] for line in lines] == words
    assert sum(float(line.split(" ")[3]) for line in lines) == pytest.approx(1.0)


def test_channels_follow_each_other_and_count_from_one() -> None:
    left = Channel(0, "", None, (Sentence(0, 100, "a"), Sentence(200, 300, "c")))
    right = Channel(1, "", None, (Sentence(100, 200, "b"),))
    ctm = render(Transcript(channels=(left, right)), "ctm")
    assert [line.split(" ")[1::3] for line in ctm.splitlines()] == [["1", "a"], ["1", "c"], ["2", "b"]]


def test_sentences_of_one_speaker_that_touch_are_one_turn() -> None:
    sentences = (
        Sentence(0, 1000, "a", 1, 0),
        Sentence(1000, 2000, "b", 2, 0),
        Sentence(1500, 1800, "c", 3, 1),
        Sentence(2500, 3000, "d", 4, 0),
        Sentence(3000, 3000, "e", 5, None),
    )
    assert render(talk(*sentences), "rttm").splitlines() == [
        "SPEAKER my_talk 1 0.000 2.000 <NA> <NA> speaker0 <NA> <NA>",
        "SPEAKER my_talk 1 1.500 0.300 <NA> <NA> speaker1 <NA> <NA>",
        "SPEAKER my_talk 1 2.500 0.500 <NA> <NA> speaker0 <NA> <NA>",
    ]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h/a/b.c.wav", "b.c"),
        ("", "recording"),
        ("https://h/.wav", ".wav"),
        ("https://h/;;a%0A b.wav", "a_b"),
        ("https://[h", "recording"),
        ("https://h/x%2Fy.wav", "y"),
    ],
)
def test_a_recording_is_named_by_one_word(url: str, name: str) -> None:
    assert recording_name(Transcript(url)) == name
