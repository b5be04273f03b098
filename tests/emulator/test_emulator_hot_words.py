from __future__ import annotations

from aiofunasr.emulator import HotWord, Recognition, RecognizedSentence, RecognizedTrack, RecognizedWord
from aiofunasr.emulator.hot_words import with_hot_words


def sentence(text: str, *, leading: bool = False) -> RecognizedSentence:
    """Make a sentence of a word a hundred milliseconds; a mark after a word is its punctuation."""
    words: list[RecognizedWord] = []
    for index, token in enumerate(text.split(" ")):
        letters = token.rstrip(",.")
        mark = token[len(letters) :]
        before = " " if leading and index else ""
        after = "" if leading or mark == "." else " "
        gap = "" if mark else after
        words.append(
            RecognizedWord(index * 100, index * 100 + 100, before + letters + gap, mark + after if mark else "")
        )
    return RecognizedSentence(0, 100 * len(words), text, tuple(words))


def fix(heard: RecognizedSentence, *hot_words: HotWord) -> RecognizedSentence:
    recognition = Recognition("pcm_s16le", (0,), 16000, 400, (RecognizedTrack(0, 400, (heard,)),))
    return with_hot_words(recognition, hot_words).tracks[0].sentences[0]


def corrected(text: str, *hot_words: HotWord, leading: bool = False) -> RecognizedSentence:
    return fix(sentence(text, leading=leading), *hot_words)


def test_a_near_miss_becomes_the_hot_word_with_its_mark_and_times() -> None:
    fixed = corrected("We use cubernetes, daily.", HotWord("Kubernetes", 4))
    assert fixed.text == "We use Kubernetes, daily."
    assert fixed.words[2] == RecognizedWord(200, 300, "Kubernetes", ", ")
    assert fixed.words[3].text == "daily"


def test_the_heavier_the_word_the_more_may_differ() -> None:
    heard = "We use cuvernettis daily."
    assert "Kubernetes" not in corrected(heard, HotWord("Kubernetes", 2)).text
    assert "Kubernetes" in corrected(heard, HotWord("Kubernetes", 4)).text
    far = "We use cooberneckis daily."
    assert "Kubernetes" not in corrected(far, HotWord("Kubernetes", 4)).text
    assert "Kubernetes" in corrected(far, HotWord("Kubernetes", 50)).text


def test_words_are_joined_and_split_to_fit_the_hot_word() -> None:
    joined = corrected("We use cuber netes daily.", HotWord("Kubernetes"))
    assert joined.text == "We use Kubernetes daily."
    assert [(word.begin_ms, word.end_ms) for word in joined.words] == [(0, 100), (100, 200), (200, 400), (400, 500)]
    split = corrected("At seedickbale, today.", HotWord("Seediq Bale", 5))
    assert split.text == "At Seediq Bale, today."
    assert [(word.begin_ms, word.end_ms) for word in split.words] == [(0, 100), (100, 150), (150, 200), (200, 300)]


def test_spaces_before_words_are_kept_before_them() -> None:
    fixed = corrected("We use seedick bale today.", HotWord("Seediq Bale", 5), leading=True)
    assert [word.text for word in fixed.words] == ["We", " use", " Seediq", " Bale", " today"]
    assert fixed.text == "We use Seediq Bale today."


def test_no_match_goes_over_a_mark() -> None:
    assert corrected("We cuber, netes daily.", HotWord("Kubernetes")).text == "We cuber, netes daily."


def test_a_phrase_goes_before_the_words_in_it() -> None:
    fixed = corrected("The new yorc times came.", HotWord("Yorck", 5), HotWord("New York Times", 5))
    assert fixed.text == "The New York Times came."
    assert corrected("The new yorc times came.", HotWord("New", 5), HotWord("New York Times", 5)).text == fixed.text


def test_the_nearest_number_of_words_is_taken() -> None:
    assert corrected("In new york s rain.", HotWord("New York", 4)).text == "In New York s rain."


def test_scripts_without_spaces_are_matched_across_words() -> None:
    words = (
        RecognizedWord(0, 400, "\u5f20\u4e09"),
        RecognizedWord(400, 600, "\u5230"),
        RecognizedWord(600, 1000, "\u5317\u4eac\u7ad9", "\u3002"),
    )
    heard = RecognizedSentence(0, 1000, "\u5f20\u4e09\u5230\u5317\u4eac\u7ad9\u3002", words)
    fixed = fix(heard, HotWord("\u5f20\u6c99\u5230\u5317\u4eac\u7ad9", 4, "zh"))
    assert fixed.text == "\u5f20\u6c99\u5230\u5317\u4eac\u7ad9\u3002"
    assert fixed.words[0].begin_ms == 0
    assert fixed.words[-1].end_ms == 1000


def test_what_is_far_from_every_hot_word_is_left_as_it_is() -> None:
    heard = sentence("Nothing of the kind.")
    assert fix(heard, HotWord("Kubernetes", 5), HotWord("...", 5)) is heard
    recognition = Recognition("pcm_s16le", (0,), 16000, 400, (RecognizedTrack(0, 400, (heard,)),))
    assert with_hot_words(recognition, ()) is recognition
