from __future__ import annotations

import re

import pytest

from aiofunasr.emulator.fillers import remove_fillers, without_fillers
from aiofunasr.emulator.recognizer import Recognition, RecognizedSentence, RecognizedTrack, RecognizedWord


def sentence(text: str) -> RecognizedSentence:
    """Make a sentence of 100 ms a word: text, mark and space as the service divides them."""
    found = re.findall(r"([A-Za-z]+|[\u4e00-\u9fff])([^\w\s]*)( ?)", text)
    words = tuple(
        RecognizedWord(n * 100, n * 100 + 100, word + (space if not mark else ""), mark + space if mark else "")
        for n, (word, mark, space) in enumerate(found)
    )
    return RecognizedSentence(0, len(words) * 100, text, words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well, at least, um, you know.", "Well, at least, you know."),
        ("Um, you know it.", "You know it."),
        ("Uh, er, they went.", "They went."),
        ("I know, uhm.", "I know."),
        ("I know, um, er!", "I know!"),
        ("Is it so hmm?", "Is it so?"),
        ("嗯，我们开始呃一个项目。", "我们开始一个项目。"),  # noqa: RUF001
    ],
)
def test_fillers_go_with_their_marks(text: str, expected: str) -> None:
    cleaned = remove_fillers(sentence(text))
    assert cleaned is not None
    assert cleaned.text == expected
    assert "".join(word.text + word.punctuation for word in cleaned.words).strip() == expected


@pytest.mark.parametrize("text", ["The drum and the ermine hummed: oh, ah!", "They went.", ""])
def test_everything_else_stays(text: str) -> None:
    assert remove_fillers(sentence(text)) == sentence(text)


def test_the_other_words_keep_their_times() -> None:
    cleaned = remove_fillers(sentence("Um, they, uh, went, er."))
    assert cleaned is not None
    assert [(word.begin_ms, word.end_ms) for word in cleaned.words] == [(100, 200), (300, 400)]
    assert (cleaned.begin_ms, cleaned.end_ms) == (100, 400)


def test_a_sentence_of_fillers_alone_is_left_out() -> None:
    sentences = (sentence("Um, uh."), sentence("They went."), sentence("Hmm?"))
    recognition = Recognition("mp3", (0,), 8000, 900, (RecognizedTrack(0, 700, sentences),))
    (track,) = without_fillers(recognition).tracks
    assert track.sentences == (sentence("They went."),)
    assert track.speech_ms == 700
