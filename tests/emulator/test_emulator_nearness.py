from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.emulator.hot_words import with_hot_words
from aiofunasr.emulator.recognizer import (
    HotWord,
    Recognition,
    RecognizedSentence,
    RecognizedTrack,
    RecognizedWord,
)

TOKEN = re.compile(r"([\u4e00-\u9fff]|[^\s,.:\u3002\u4e00-\u9fff]+)([,.:\u3002]*)(\s?)")


def heard(text: str, *hot_words: str | HotWord, language: str | None = None) -> str:
    """Return the text of what becomes of a sentence."""
    found = sentence_heard(text, *hot_words, language=language)
    assert is_whole(found, len(TOKEN.findall(text)))
    return found.text


def is_whole(found: RecognizedSentence, words: int) -> bool:
    """Tell whether the words of a sentence are its text, and their times in order over those of so many words."""
    times = [time for word in found.words for time in (word.begin_ms, word.end_ms)]
    written = "".join(word.text + word.punctuation for word in found.words)
    ends = times[:1] + times[-1:]
    return (times, ends, written.strip()) == (sorted(times), [0, 100 * words] if words else [], found.text.strip())


def sentence_heard(text: str, *hot_words: str | HotWord, language: str | None = None) -> RecognizedSentence:
    """Return what becomes of a sentence of 100 ms a word."""
    words = tuple(
        RecognizedWord(n * 100, n * 100 + 100, word + space * (not mark), (mark + space) * bool(mark))
        for n, (word, mark, space) in enumerate(TOKEN.findall(text))
    )
    sentence = RecognizedSentence(0, 100 * len(words), text, words)
    listed = [word if isinstance(word, HotWord) else HotWord(word) for word in hot_words]
    recognition = Recognition("mp3", (0,), 8000, 900, (RecognizedTrack(0, 700, (sentence,)),))
    (found,) = with_hot_words(recognition, listed, [language] if language else []).tracks[0].sentences
    return found


@pytest.mark.parametrize(
    ("text", "hot_words", "expected"),
    [
        ("He was not an ill-sposed young man.", ["ill-disposed"], "He was not an ill-disposed young man."),
        ("I'm ava gal claflin. Call me.", ["Abigail Claflin"], "I'm Abigail Claflin. Call me."),
        ("Use pie torch, please.", ["PyTorch"], "Use PyTorch, please."),
        ("Set the high per parameters now.", ["hyperparameter"], "Set the hyperparameter now."),
        ("Mister John Dash would had leisure.", [HotWord("Dashwood", 5)], "Mister John Dashwood had leisure."),
        ("The quen model and the kwen model.", ["Qwen"], "The Qwen model and the Qwen model."),
        ("大家来体验达魔院推出的模型。", ["达摩院"], "大家来体验达摩院推出的模型。"),
    ],
)
def test_what_is_near_to_a_hot_word_becomes_it(text: str, hot_words: list[str], expected: str) -> None:
    assert heard(text, *hot_words) == expected


@pytest.mark.parametrize(
    ("text", "hot_words"),
    [
        ("We went there when they sent one.", ["Qwen"]),
        ("All of them will go on.", ["Alan", "Gorn"]),
        ("The Dashwoods had met Dashwood's son.", ["Dashwood"]),
        ("A bridge over the quiet river in the morning.", ["Cambridge University", "Riverside"]),
        ("It was a session like any other.", ["Siobhan"]),
        ("大家来体验科学院推出的模型。", ["达摩院"]),
        ("He sat on the mat.", ["Mad", "Cat"]),
    ],
)
def test_what_is_not_near_stays(text: str, hot_words: list[str]) -> None:
    assert heard(text, *hot_words) == text


def test_a_hot_words_own_spelling_is_used() -> None:
    assert heard("She lives near aliyun, by ALIYUN.", "Aliyun") == "She lives near Aliyun, by Aliyun."


def test_a_sentence_still_begins_with_a_capital() -> None:
    assert heard("Hyperparamaters matter.", "hyperparameter") == "Hyperparameter matter."


def test_the_weight_bounds_how_near_is_near() -> None:
    texts = {weight: heard("This is ava gal.", HotWord("Abigail", weight)) for weight in (1, 2, 3, 4, 5, 50)}
    assert [weight for weight, text in texts.items() if text == "This is Abigail."] == [4, 5, 50]
    assert set(texts.values()) == {"This is ava gal.", "This is Abigail."}
    assert heard("The stranger left.", HotWord("Schwarzenegger", 5)) == "The stranger left."
    assert heard("The stranger left.", HotWord("Schwarzenegger", 50)) == "The Schwarzenegger left."


def test_a_hot_word_for_another_language_is_left_out() -> None:
    assert heard("This is ava gal.", HotWord("Abigail", 4, "zh"), language="en") == "This is ava gal."
    assert heard("This is ava gal.", HotWord("Abigail", 4, "en-US"), language="en") == "This is Abigail."
    assert heard("This is ava gal.", HotWord("Abigail", 4, "zh")) == "This is Abigail."


def test_no_name_reaches_over_a_mark() -> None:
    assert heard("Use pie. Torch it.", "PyTorch").startswith("Use pie. ")


def test_what_stands_before_a_near_miss_is_not_swallowed() -> None:
    assert heard("It was a dashwud in the house.", "Dashwood") == "It was a Dashwood in the house."


def test_the_nearest_hot_word_wins() -> None:
    assert heard("Say parish now.", "Paris", "Parrish") == "Say Parrish now."
    assert heard("Say parish now.", "Parrish", "Paris") == "Say Parrish now."


@given(
    st.lists(st.sampled_from(["quen", "ava", "gal", "torch", "pie", "dash", "would,", "the.", "alone"]), max_size=12),
    st.lists(
        st.builds(
            HotWord,
            st.sampled_from(["Qwen", "Abigail", "PyTorch", "Dash Wood", "Dashwood"])
            | st.text("abgqwenil ä达", max_size=9),
            st.sampled_from([1, 3, 4, 5, 50]),
        ),
        max_size=5,
    ),
)
def test_times_stay_in_order_whatever_the_words(texts: list[str], hot_words: list[HotWord]) -> None:
    text = " ".join(texts)
    assert is_whole(sentence_heard(text, *hot_words), len(TOKEN.findall(text)))
