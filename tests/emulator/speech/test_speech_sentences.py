# ruff: noqa: RUF001  # Chinese marks are a part of what is tested
from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.emulator.recognizer import RecognizedSentence
from aiofunasr.emulator.speech.activity import Region
from aiofunasr.emulator.speech.sentences import SentenceBuilder
from aiofunasr.emulator.speech.words import estimate_times, split_words


def build(*segments: tuple[str, int, int]) -> list[RecognizedSentence]:
    """Build the sentences of (text, begin, end) segments, in seconds."""
    builder = SentenceBuilder()
    sentences: list[RecognizedSentence] = []
    for text, begin, end in segments:
        words = estimate_times(split_words(text), [Region(begin * 1000, end * 1000)])
        sentences.extend(builder.add(words))
    return [*sentences, *builder.finish()]


def texts(*segments: tuple[str, int, int]) -> list[str]:
    return [sentence.text for sentence in build(*segments)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Hello there.", "How are you?", "Fine!", "Good..."],
        ["Mr. Smith met Dr. Jones of St. Louis.", "They talked."],
        ["It costs 3.5 dollars, i.e. nothing.", "No. 5 is alive.", "No.", "It is not."],
        ["J. R. R. Tolkien lived in the U.K. for long.", "So do I.", "Do you?"],
        ["It ended at five p.m. on a Monday.", "Then it rained."],
        ['He said "go!" and went.', '"Why?" she asked.', '"Because."', "That was all."],
        ["I was... going home.", "Then…", "Nothing."],
        ["One - two.", "Three."],
        ["没有标点的一句"],
    ],
)
def test_sentences_end_where_they_should(sentences: list[str]) -> None:
    assert texts((" ".join(sentences), 0, 10)) == sentences


def test_chinese_sentences_need_no_space() -> None:
    assert texts(("你好，世界。你好吗？好！", 0, 5)) == ["你好，世界。", "你好吗？", "好！"]


def test_the_words_carry_their_spaces_as_the_service_does() -> None:
    (sentence,) = build(("Hello world, this ends.", 1, 2))
    assert [(word.text, word.punctuation) for word in sentence.words] == [
        ("Hello ", ""),
        ("world", ", "),
        ("this ", ""),
        ("ends", "."),
    ]
    assert (sentence.begin_ms, sentence.end_ms) == (1000, 2000)


def test_a_cut_inside_a_sentence_does_not_end_it() -> None:
    assert texts(("We went down to the.", 0, 10), ("river and swam.", 10, 12)) == [
        "We went down to the river and swam."
    ]
    assert texts(("We went down to the", 0, 10), ("Thames and swam.", 11, 12)) == [
        "We went down to the Thames and swam."
    ]
    assert texts(("我们去", 0, 10), ("河边。", 10, 12)) == ["我们去河边。"]
    assert texts(("우리는", 0, 10), ("강으로.", 10, 12)) == ["우리는 강으로."]


def test_a_cut_between_sentences_keeps_them_apart() -> None:
    assert texts(("We went home.", 0, 10), ("It rained.", 10, 12)) == ["We went home.", "It rained."]


def test_a_long_pause_ends_a_sentence_whatever_its_marks() -> None:
    assert texts(("We went home", 0, 10), ("and it rained.", 15, 17)) == ["We went home", "and it rained."]


def test_text_without_marks_does_not_make_one_endless_sentence() -> None:
    sentences = build(*((f"part {number} and more", 20 * number, 20 * number + 20) for number in range(20)))
    assert len(sentences) == 10
    assert max(sentence.end_ms - sentence.begin_ms for sentence in sentences) <= 55_000


def test_segments_without_words_change_nothing() -> None:
    assert texts(("", 0, 1), ("Hello.", 1, 2), ("...", 2, 3), ("Bye.", 3, 4)) == ["Hello.", "Bye."]


@given(st.lists(st.text(alphabet="abcXYZ .?!,…。？你好'\"1", max_size=60), max_size=6), st.integers(1, 4))
def test_sentences_are_in_order_and_their_words_rebuild_them(segments: list[str], pause: int) -> None:
    placed = [(text, number * (10 + pause), number * (10 + pause) + 10) for number, text in enumerate(segments)]
    sentences = build(*placed)
    for sentence in sentences:
        assert sentence.text == "".join(word.text + word.punctuation for word in sentence.words)
        assert sentence.text == sentence.text.strip()
        assert sentence.begin_ms == sentence.words[0].begin_ms
        assert sentence.end_ms == sentence.words[-1].end_ms
        assert all(word.begin_ms <= word.end_ms for word in sentence.words)
        assert all(before.end_ms <= after.begin_ms for before, after in pairwise(sentence.words))
    assert all(before.end_ms <= after.begin_ms for before, after in pairwise(sentences))
    kept = "".join(sentence.text for sentence in sentences)
    spoken = "".join(word.text for text in segments for word in split_words(text))
    letters = [letter for letter in spoken if letter.isalnum()]
    assert [letter for letter in kept if letter.isalnum()] == letters
