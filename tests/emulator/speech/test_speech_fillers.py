from __future__ import annotations

import pytest

from aiofunasr.emulator.speech.activity import Region
from aiofunasr.emulator.speech.fillers import remove_fillers
from aiofunasr.emulator.speech.words import TimedWord, estimate_times, split_words


def timed(text: str) -> list[TimedWord]:
    return estimate_times(split_words(text), [Region(0, 5000)])


def cleaned(text: str) -> str:
    return "".join(word.text + word.marks + " " * word.spaced for word in remove_fillers(timed(text))).strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well, at least, um, you know.", "Well, at least, you know."),
        ("Um, you know it.", "You know it."),
        ("Uh, er, they went.", "They went."),
        ("I know, uhm.", "I know."),
        ("Is it so, hmm?", "Is it so?"),
        ("I went. Um, they stayed.", "I went. They stayed."),
        ("Um. They stayed.", "They stayed."),
        ("Uhhh mmm um.", ""),
        ("嗯，我们开始呃一个项目。", "我们开始一个项目。"),  # noqa: RUF001
        ("The drum and the ermine hummed: oh, ah!", "The drum and the ermine hummed: oh, ah!"),
        ("", ""),
    ],
)
def test_fillers_go_and_everything_else_stays(text: str, expected: str) -> None:
    assert cleaned(text) == expected


def test_the_times_of_the_other_words_stay() -> None:
    before = timed("They, um, went.")
    after = remove_fillers(before)
    assert [(word.begin_ms, word.end_ms) for word in after] == [
        (word.begin_ms, word.end_ms) for word in (before[0], before[2])
    ]
