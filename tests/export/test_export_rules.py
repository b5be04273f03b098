"""The rules of subtitles: each can be set and holds, and it is settled which gives way."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from export.spoken import SCRIPTS, said, squeezed, transcripts
from hypothesis import given, settings
from hypothesis import strategies as st

from aiofunasr import Channel, InvalidArgumentError, Sentence, Transcript, Word
from aiofunasr.export import Cue, CueRules, make_cues
from aiofunasr.export.graphemes import boundaries, width
from aiofunasr.export.lines import fold


@st.composite
def rules(draw: st.DrawFn) -> CueRules:
    shortest = draw(st.integers(1, 3000))
    return CueRules(
        columns=draw(st.integers(2, 60)),
        wide_columns=draw(st.integers(2, 60)),
        lines=draw(st.integers(1, 4)),
        speed=draw(st.floats(1, 100)),
        shortest=shortest,
        longest=draw(st.integers(shortest, 9000)),
        gap=draw(st.integers(0, 500)),
    )


def one(text: str, begin: int = 0, end: int = 3000, words: tuple[Word, ...] = ()) -> Sentence:
    return Sentence(begin, end, text, words=words)


def cues_of(*sentences: Sentence, **rules: Any) -> list[Cue]:
    return make_cues(Transcript(channels=(Channel(0, "", None, sentences),)), CueRules(**rules))


def lines_of(*sentences: Sentence, **rules: Any) -> list[str]:
    return [line for cue in cues_of(*sentences, **rules) for line in cue.lines]


@settings(max_examples=300, deadline=None)
@given(transcripts(), rules())
def test_whatever_the_rules_they_hold_and_nothing_is_lost(transcript: Transcript, rules: CueRules) -> None:
    cues = make_cues(transcript, rules)
    assert sorted(squeezed("".join(line for cue in cues for line in cue.lines))) == said(transcript)
    for cue, following in pairwise(cues):
        assert cue.end_time + rules.gap <= following.begin_time
    for cue, after in zip(cues, [*cues[1:], None], strict=True):
        duration = cue.end_time - cue.begin_time
        assert rules.shortest <= duration <= rules.longest
        assert 1 <= len(cue.lines) <= rules.lines
        assert all(line and width(line) <= rules.columns for line in cue.lines)
        # Too quick to read only where there is no more time to be had.
        if duration < int(rules.reading_time(sum(map(width, cue.lines)))) and duration < rules.longest:
            assert after is not None
            assert cue.end_time + rules.gap == after.begin_time


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(SCRIPTS["Chinese"]), min_size=1, max_size=60), st.integers(2, 40))
def test_wide_characters_have_a_width_of_their_own(texts: list[str], columns: int) -> None:
    assert all(width(line) <= columns for line in lines_of(one("".join(texts)), wide_columns=columns))


def test_a_cue_stays_until_it_can_be_read() -> None:
    sentences = (one("Twenty columns of it.", 0, 500), one("And as much once more", 3000, 3200))
    assert [(cue.begin_time, cue.end_time) for cue in cues_of(*sentences, speed=10)] == [(0, 2100), (3000, 5100)]


def test_the_reading_speed_gives_way_to_the_next_cue() -> None:
    sentences = (one("Twenty columns of it.", 0, 1000), one("And as much once more", 1000, 2000))
    assert [(cue.begin_time, cue.end_time) for cue in cues_of(*sentences, speed=10)] == [(0, 920), (1000, 3100)]


def test_a_cue_that_could_never_be_read_in_the_longest_time_is_cut() -> None:
    words = tuple(Word(n * 500, n * 500 + 500, f"word{n} ") for n in range(8))
    text = "".join(word.text for word in words)
    slow = cues_of(one(text, 0, 4000, words), speed=4, longest=5000)
    assert len(slow) > 2
    assert all(sum(map(width, cue.lines)) <= 20 for cue in slow)
    assert len(cues_of(one(text, 0, 4000, words))) == 1


def test_short_sentences_of_one_speaker_share_a_cue_rather_than_come_late() -> None:
    cues = cues_of(one("Yes.", 0, 200), one("No.", 250, 400), one("Well.", 500, 700), one("Later.", 5000, 6000))
    assert [(cue.begin_time, cue.lines) for cue in cues] == [(0, ("Yes. No. Well.",)), (5000, ("Later.",))]


def test_a_delay_is_made_good_at_the_next_pause() -> None:
    channels = [Channel(n, "", None, (one(f"Number {n}.", 100 * n, 100 * n + 90),)) for n in range(4)]
    late = Channel(4, "", None, (one("Later.", 9000, 10_000),))
    cues = make_cues(Transcript(channels=(*channels, late)))
    assert [cue.begin_time for cue in cues] == [0, 913, 1826, 2739, 9000]


def test_lines_break_after_a_mark_rather_than_in_the_middle() -> None:
    assert lines_of(one("Well, if it is so, then we should leave the house at once.")) == [
        "Well, if it is so,",
        "then we should leave the house at once.",
    ]


def test_without_a_mark_lines_are_about_as_long() -> None:
    first, second = lines_of(one("the quick brown fox jumps over a lazy dog and runs away"))
    assert abs(len(first) - len(second)) <= 6


def test_a_word_longer_than_a_line_is_cut_and_no_other() -> None:
    assert lines_of(one("a Donaudampfschiff here"), columns=10, lines=4) == ["a", "Donaudampf", "schiff", "here"]


def test_japanese_lines_do_not_begin_with_a_small_kana_or_a_long_vowel() -> None:
    lines = lines_of(one("チェックポイントでカメラーをチェックしてください、ちょっとまって" * 3), wide_columns=14)
    assert all(line[0] not in "ェッョャー、" for line in lines)


def test_thai_vowels_stay_with_their_consonant_where_no_words_are_known() -> None:
    lines = lines_of(one("เก็บแม่น้ำไว้" * 6), columns=5, lines=4)
    assert "".join(lines) == "เก็บแม่น้ำไว้" * 6
    assert all(line[-1] not in "เแไ" for line in lines)
    assert all(line[0] not in "็่้ำ" for line in lines)


@pytest.mark.parametrize("picture", ["👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "e\u0301", "❤️", "น้ำ"])
def test_what_a_reader_takes_for_one_character_is_never_torn(picture: str) -> None:
    lines = lines_of(one(picture * 50), columns=3, lines=3)
    assert "".join(lines) == picture * 50
    assert all(set(line.split(picture)) == {""} for line in lines)


@given(st.text(alphabet=st.sampled_from("a \u0301\u200d👩🇩🇪เกำ你ー"), max_size=30))
def test_boundaries_cover_a_text_and_width_never_grows_by_joining(text: str) -> None:
    places = boundaries(text)
    assert places == sorted(set(places))
    assert (places[0], places[-1]) == (0, len(text))
    assert width(text) <= sum(map(width, text))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 10), max_size=40), st.integers(10, 30))
def test_folding_loses_nothing_and_needs_no_more_lines_than_it_must(sizes: list[int], columns: int) -> None:
    pieces = ["x" * size + " " for size in sizes]
    lines = fold(pieces, columns)
    assert " ".join(lines) == "".join(pieces).strip()
    assert all(0 < len(line) <= columns for line in lines)
    least = 0
    room = 0
    for size in sizes:
        if room < size:
            least, room = least + 1, columns
        room -= size + 1
    assert len(lines) == least


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("columns", 1),
        ("lines", 0),
        ("speed", 0),
        ("shortest", 0),
        ("longest", 0),
        ("gap", -1),
        ("columns", "wide"),
        ("speed", float("nan")),
        ("shortest", 8000),
    ],
)
def test_a_rule_out_of_range_is_named(argument: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        CueRules(**{argument: value})
    assert caught.value.argument == argument


def test_sentences_of_two_widths_do_not_share_a_cue() -> None:
    cues = cues_of(one("Yes.", 0, 200), one("\u4f60\u597d" * 6, 300, 500), wide_columns=10)
    assert cues[0].lines == ("Yes.",)
    assert all(width(line) <= 10 for cue in cues[1:] for line in cue.lines)
