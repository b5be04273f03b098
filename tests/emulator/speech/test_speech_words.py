# ruff: noqa: RUF001  # Chinese marks are a part of what is tested
from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.emulator.speech.activity import Region
from aiofunasr.emulator.speech.engine import HeardPiece
from aiofunasr.emulator.speech.words import TimedWord, estimate_times, split_words, words_from_pieces

TEXT = st.text(alphabet="abcdefgXYZ é1290.,?!-'\"…你好世界。，カナ 안녕%", max_size=80)


@st.composite
def regions_of_speech(draw: st.DrawFn) -> list[Region]:
    times = draw(st.lists(st.integers(1, 4000), min_size=2, max_size=12).filter(lambda steps: len(steps) % 2 == 0))
    now, regions = draw(st.integers(0, 10_000_000)), []
    for pause, length in zip(times[::2], times[1::2], strict=True):
        regions.append(Region(now + pause, now + pause + length))
        now += pause + length
    return regions


def join(words: list[TimedWord]) -> str:
    return "".join(word.text + word.marks + (" " if word.spaced else "") for word in words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello world, this is.", [("Hello", ""), ("world", ","), ("this", ""), ("is", ".")]),
        ("It's 3.5 % of $10,000...", [("It's", ""), ("3.5", ""), ("%", ""), ("of", ""), ("$10,000", "...")]),
        ('He said: "Go!"', [("He", ""), ("said", ":"), ('"Go', '!"')]),
        ("ill-disposed readers' ", [("ill-disposed", ""), ("readers", "'")]),
        ("one - two", [("one", " -"), ("two", "")]),
        ("- one", [("- one", "")]),
        ("你好，世界。", [("你", ""), ("好", "，"), ("世", ""), ("界", "。")]),
        ("用Python写。", [("用", ""), ("Python", ""), ("写", "。")]),
        ("안녕 하세요.", [("안녕", ""), ("하세요", ".")]),
        ("...", []),
        ("", []),
    ],
)
def test_words_and_their_marks(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(word.text, word.marks) for word in split_words(text)] == expected


@given(TEXT)
def test_joining_the_words_gives_the_text_back(text: str) -> None:
    words = split_words(text)
    if words:
        assert join(words).strip() == " ".join(text.split())
        assert all(any(not letter.isspace() for letter in word.text) for word in words)


@given(TEXT, regions_of_speech())
def test_estimated_times_are_in_order_within_the_speech(text: str, regions: list[Region]) -> None:
    untimed = split_words(text)
    words = estimate_times(untimed, regions)
    assert join(words) == join(untimed)
    for word in words:
        assert any(region.begin_ms <= word.begin_ms <= word.end_ms <= region.end_ms for region in regions)
    assert all(before.end_ms <= after.begin_ms for before, after in pairwise(words))


def test_long_words_take_longer() -> None:
    short, long = estimate_times(split_words("a extraordinary"), [Region(1000, 2000)])
    assert (short.begin_ms, long.end_ms) == (1000, 2000)
    assert short.end_ms - short.begin_ms < (long.end_ms - long.begin_ms) / 4


def test_digits_take_as_long_as_their_names() -> None:
    year, other = estimate_times(split_words("1813 sixteenletters"), [Region(0, 1000)])
    assert year.end_ms == pytest.approx(other.end_ms / 2, abs=40)


def test_no_word_lies_in_a_pause() -> None:
    regions = [Region(0, 1000), Region(3000, 3500)]
    words = estimate_times(split_words("as you know it goes on"), regions)
    assert not [word for word in words if word.begin_ms < 3000 and word.end_ms > 1000]


def test_a_pause_goes_to_a_mark_that_is_near() -> None:
    regions = [Region(0, 1000), Region(3000, 4000)]
    words = estimate_times(split_words("Ask not what, your country can do."), regions)
    assert [word.begin_ms >= 3000 for word in words] == [False, False, False, True, True, True, True]


def test_the_mark_at_the_end_draws_no_pause() -> None:
    words = estimate_times(split_words("for you."), [Region(0, 500), Region(1000, 1400)])
    assert [word.begin_ms for word in words] == [0, 1000]


def test_the_times_of_an_engine_are_taken() -> None:
    pieces = [HeardPiece(" Hello", 100, 400), HeardPiece(",", 400, 400), HeardPiece(" big world.", 500, 1400)]
    assert words_from_pieces(pieces, 10_000, 12_000) == [
        TimedWord("Hello", ",", True, 10_100, 10_400),
        TimedWord("big", "", True, 10_500, 10_850),
        TimedWord("world", ".", False, 10_850, 11_400),
    ]


def test_chinese_pieces_share_their_time_among_the_characters() -> None:
    pieces = [HeardPiece("你好，", 100, 500), HeardPiece("世", 900, 1900)]
    assert words_from_pieces(pieces, 0, 2000) == [
        TimedWord("你", "", False, 100, 300),
        TimedWord("好", "，", False, 300, 500),
        TimedWord("世", "", False, 900, 1900),
    ]


@given(
    st.lists(st.builds(HeardPiece, TEXT, st.integers(-500, 30_000), st.integers(-500, 30_000)), max_size=8),
    st.integers(0, 10**7),
)
def test_the_times_of_an_engine_are_put_in_order(pieces: list[HeardPiece], begin_ms: int) -> None:
    words = words_from_pieces(pieces, begin_ms, begin_ms + 25_000)
    times = [time for word in words for time in (word.begin_ms, word.end_ms)]
    assert times == sorted(times)
    assert all(begin_ms <= time <= begin_ms + 25_000 for time in times)
