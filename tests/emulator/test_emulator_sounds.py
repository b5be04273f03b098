from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.emulator.sounds import distance, plain_letters, sound_of, weight_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("philip", "fillip"),
        ("knight", "nite"),
        ("wright", "rite"),
        ("quick", "kwik"),
        ("psalm", "salm"),
        ("exceed", "ekseed"),
        ("which", "wich"),
        ("judge", "juj"),
    ],
)
def test_words_that_sound_alike_have_one_sound(one: str, other: str) -> None:
    assert sound_of(one) == sound_of(other)


@pytest.mark.parametrize(("one", "other"), [("paris", "london"), ("when", "went"), ("cat", "chat"), ("thin", "fin")])
def test_others_do_not(one: str, other: str) -> None:
    assert sound_of(one) != sound_of(other)


def test_only_letters_and_digits_count() -> None:
    assert plain_letters("Café-Ole' 3") == "cafeole3"
    assert plain_letters("达摩院。") == "达摩院"


def test_vowels_and_kin_are_half_a_difference() -> None:
    assert distance("ban", "pan", 9) == 0.5
    assert distance("ban", "bn", 9) == 0.5
    assert distance("ban", "kan", 9) == 1
    assert distance("ban", "banar", 9) == 1.5


def test_what_is_beyond_the_limit_is_infinitely_far() -> None:
    assert distance("banan", "kostak", 2) == float("inf")
    assert distance("b", "bkrst", 2) == float("inf")


sounds = st.text("abkpst", max_size=8)


@given(sounds, sounds, sounds)
def test_the_distance_is_a_metric(one: str, other: str, third: str) -> None:
    assert distance(one, one, 99) == 0
    assert distance(one, other, 99) == distance(other, one, 99) <= weight_of(one) + weight_of(other)
    assert distance(one, third, 99) <= distance(one, other, 99) + distance(other, third, 99) + 1e-9


@given(sounds, sounds, st.floats(0, 8))
def test_a_limit_changes_nothing_within_it(one: str, other: str, limit: float) -> None:
    whole = distance(one, other, 99)
    assert distance(one, other, limit) == (whole if whole <= limit else float("inf"))
