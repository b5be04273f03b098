"""Hot words as values: what they may be, and the forms they may be given in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import HotWord, InvalidArgumentError, TranscriptionOptions, Vocabulary
from aiofunasr.vocabulary import check_prefix, hot_words
from aiofunasr.wire.messages import Reply
from aiofunasr.wire.replies import read_vocabularies, read_vocabulary


@pytest.mark.parametrize("text", ["a b c d e f g", "x" * 200, "十五个字十五个字十五个字十五个", "é" * 15])
def test_a_hot_word_as_long_as_it_may_be(text: str) -> None:
    assert HotWord(text) == HotWord(text, weight=4, lang=None)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a b c d e f g h",), "text=.*7 words"),
        (("十六个字十六个字十六个字十六个字",), "text=.*15 characters"),
        (("",), "text"),
        ((" ",), "text"),
        (("a\nb",), "text"),
        ((7,), "text"),
        (("a", 0), "weight=0.*1 to 5"),
        (("a", 6), "weight"),
        (("a", 2.5), "weight"),
        (("a", True), "weight"),
        (("a", 4, ""), "lang"),
        (("a", 4, "en us"), "lang"),
    ],
)
def test_limits_are_checked_where_a_hot_word_is_made(arguments: tuple[Any, ...], told: str) -> None:
    with pytest.raises(InvalidArgumentError, match=told):
        HotWord(*arguments)


@given(st.text(max_size=40))
def test_what_is_accepted_is_within_the_limits(text: str) -> None:
    try:
        word = HotWord(text)
    except InvalidArgumentError:
        return
    assert len(word.text.split()) <= 7 if text.isascii() else len(word.text) <= 15
    assert word.as_item() == {"text": text, "weight": 4}


def test_hot_words_may_be_given_in_many_forms() -> None:
    wanted = (HotWord("a"), HotWord("b", 2), HotWord("c", 3, "en"))
    assert hot_words([HotWord("a"), ("b", 2), {"text": "c", "weight": 3, "lang": "en"}]) == wanted
    assert hot_words({"a": 4, "b": 2}) == wanted[:2]
    assert hot_words(iter(["a"])) == wanted[:1]
    assert hot_words([["c", 3, "en"]]) == wanted[2:]  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("given_words", "told"),
    [
        ("word", "words='word'"),
        (7, "words"),
        ([], "at least one"),
        ([f"w{number}" for number in range(501)], "at most 500"),
        ([("a", 4, "en", "more")], "words"),
        ([{"txt": "a"}], "words"),
        ([{"text": "a", "weight": 9}], "weight=9"),
        ([None], "text=None"),
        ({"a": 6}, "weight=6"),
    ],
)
def test_what_is_no_list_of_hot_words_is_refused(given_words: Any, told: str) -> None:
    with pytest.raises(InvalidArgumentError, match=told):
        hot_words(given_words)


def test_five_hundred_are_allowed() -> None:
    assert len(hot_words([f"w{number}" for number in range(500)])) == 500


@pytest.mark.parametrize("prefix", ["a", "0", "abc123xyz"])
def test_a_prefix_that_may_be(prefix: str) -> None:
    check_prefix(prefix)


@pytest.mark.parametrize("prefix", ["", "abc1234567", "A", "a-b", "é", "a\n", 7, None])
def test_a_prefix_that_may_not_be(prefix: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="prefix"):
        check_prefix(prefix)


# --- as an option ---


def test_a_vocabulary_is_sent_as_its_id() -> None:
    vocabulary = Vocabulary(vocabulary_id="vocab-a-1", target_model="fun-asr-mtl")
    options = TranscriptionOptions(model="fun-asr-mtl", vocabulary_id=vocabulary)
    assert options.parameters() == {"vocabulary_id": "vocab-a-1"}
    assert TranscriptionOptions(vocabulary_id="vocab-a-1").parameters() == {"vocabulary_id": "vocab-a-1"}
    # Which model a listed one is for is not known.
    assert TranscriptionOptions(vocabulary_id=Vocabulary(vocabulary_id="vocab-a-1")).vocabulary_id is not None


def test_a_vocabulary_for_another_model_is_refused() -> None:
    vocabulary = Vocabulary(vocabulary_id="vocab-a-1", target_model="fun-asr-mtl")
    with pytest.raises(InvalidArgumentError, match=r"vocabulary_id='vocab-a-1'.*for fun-asr-mtl .* on fun-asr$"):
        TranscriptionOptions(vocabulary_id=vocabulary)
    with pytest.raises(InvalidArgumentError, match="vocabulary_id"):
        TranscriptionOptions(model="fun-asr-mtl", vocabulary_id=vocabulary).replace(model="fun-asr")


# --- as the service tells of them ---


def _reply(text: str) -> Reply:
    return Reply(status=200, body=text.encode())


def test_a_vocabulary_is_read_whatever_its_limits_are_by_then() -> None:
    found = read_vocabulary(
        _reply(
            '{"output": {"gmt_create": "2026-10-01 09:00:00", "gmt_modified": "2026-10-01 09:00:01", "status": "NEW",'
            '"target_model": "m", "owner": 7, "vocabulary": ['
            '{"text": "a b c d e f g h i", "weight": 50, "note": 1}, {"text": "x", "lang": "en"}]}}'
        ),
        "vocab-a-1",
    )
    assert [(word.text, word.weight, word.lang) for word in found.words] == [
        ("a b c d e f g h i", 50, None),
        ("x", 4, "en"),
    ]
    assert found.gmt_create is not None
    assert found.gmt_create.isoformat() == "2026-10-01T09:00:00+08:00"
    assert (found.status, found.is_usable, found.extra) == ("NEW", False, {"owner": 7})


def test_what_is_missing_from_a_vocabulary_is_none_and_an_odd_time_hides_nothing() -> None:
    found = read_vocabulary(_reply('{"output": {"gmt_create": "yesterday", "status": "OK"}}'), "vocab-a-1")
    assert found == Vocabulary(vocabulary_id="vocab-a-1", status="OK")
    assert found.is_usable


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{}", r"\$.output"),
        ('{"output": {}}', r"\$.output.vocabulary_list"),
        ('{"output": {"vocabulary_list": [{}]}}', r"\$.output.vocabulary_list\[0\]"),
        ('{"output": {"vocabulary_list": [7]}}', r"\$.output.vocabulary_list\[0\]"),
    ],
)
def test_what_is_no_page_of_vocabularies_is_told_with_its_place(text: str, path: str) -> None:
    with pytest.raises(Exception, match=path):
        read_vocabularies(_reply(text))
