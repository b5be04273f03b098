"""Apply hot words to what was recognized: a near miss becomes the hot word (protocol notes, section 9).

How the service does it inside its model is not known. Here a run of words that reads almost like a hot word is taken
for a misheard one: the heavier the word, the more letters may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import evolve, frozen

from aiofunasr.emulator.recognizer import HotWord, Recognition, RecognizedSentence, RecognizedWord

# Letters that may differ, of a hot word's: 5 % for each point of weight, and never more than the last.
_TOLERANCE: Final = 0.05
_MOST_TOLERANCE: Final = 0.4


@frozen
class _Target:
    """A hot word ready to be compared; `letters` are folded and without spaces."""

    tokens: tuple[str, ...]
    letters: str
    slack: int


def with_hot_words(recognition: Recognition, hot_words: Iterable[HotWord]) -> Recognition:
    """Return a recognition in which near misses are the hot words they nearly are."""
    targets = _targets(hot_words)
    if not targets:
        return recognition
    tracks = tuple(
        evolve(track, sentences=tuple(_corrected(sentence, targets) for sentence in track.sentences))
        for track in recognition.tracks
    )
    return evolve(recognition, tracks=tracks)


def sentence_with_hot_words(sentence: RecognizedSentence, hot_words: Iterable[HotWord]) -> RecognizedSentence:
    """Return a sentence in which near misses are the hot words they nearly are."""
    return _corrected(sentence, _targets(hot_words))


def _targets(hot_words: Iterable[HotWord]) -> list[_Target]:
    """Make the targets, the most letters first, so that a phrase goes before the words in it."""
    targets: list[_Target] = []
    for word in sorted(hot_words, key=lambda word: (-len(word.text), -word.weight, word.text)):
        letters = _letters(word.text)
        if letters:
            # A script without spaces is divided into its characters, as recognizers may divide it anywhere.
            tokens = tuple(word.text.split()) if word.text.isascii() else tuple(word.text.replace(" ", ""))
            slack = int(len(letters) * min(_TOLERANCE * word.weight, _MOST_TOLERANCE))
            targets.append(_Target(tokens, letters, slack))
    return targets


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _corrected(sentence: RecognizedSentence, targets: Sequence[_Target]) -> RecognizedSentence:
    words: list[RecognizedWord] = []
    position = 0
    changed = False
    while position < len(sentence.words):
        hits = (_match(sentence.words, position, target) for target in targets)
        found = next((hit for hit in hits if hit is not None), None)
        if found is None:
            words.append(sentence.words[position])
            position += 1
        else:
            replaced, target = found
            words += _written(sentence.words[position : position + replaced], target)
            position += replaced
            changed = True
    if not changed:
        return sentence
    text = "".join(word.text + word.punctuation for word in words).strip()
    return evolve(sentence, text=text, words=tuple(words))


def _match(words: Sequence[RecognizedWord], begin: int, target: _Target) -> tuple[int, _Target] | None:
    """Return how many words from `begin` on are the target or nearly so, the nearest such number."""
    best: tuple[int, int] | None = None
    letters = ""
    for count, word in enumerate(words[begin:], start=1):
        letters += _letters(word.text)
        if len(letters) > len(target.letters) + target.slack:
            break
        distance = _distance(letters, target.letters, target.slack)
        if distance is not None and (best is None or distance < best[0]):
            best = (distance, count)
        if word.punctuation.strip():
            break
    return None if best is None else (best[1], target)


def _distance(one: str, other: str, most: int) -> int | None:
    """Return the letters to insert, delete or change, or None if they are more than `most`."""
    if abs(len(one) - len(other)) > most:
        return None
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, start=1):
        before, row[0] = row[0], number
        for place, wanted in enumerate(other, start=1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != wanted))
        if min(row) > most:
            return None
    return row[-1] if row[-1] <= most else None


def _written(heard: Sequence[RecognizedWord], target: _Target) -> list[RecognizedWord]:
    """Write the target's tokens over the time of the words it was heard as."""
    first, last = heard[0], heard[-1]
    before = first.text[: len(first.text) - len(first.text.lstrip())]
    after = last.text[len(last.text.rstrip()) :]
    # Between the words of a phrase stands the space that stands around it.
    inner = (after or " ") if target.letters.isascii() else ""
    if not target.letters.isascii() and len(heard) == 1:
        # One word heard stays one word.
        return [evolve(first, text=before + "".join(target.tokens) + after)]
    count = len(target.tokens)
    length = last.end_ms - first.begin_ms
    written: list[RecognizedWord] = []
    for index, token in enumerate(target.tokens):
        is_last = index == count - 1
        text = before + token + (after if is_last else "" if before else inner)
        if count == len(heard):
            begin, end = heard[index].begin_ms, heard[index].end_ms
        else:
            begin = first.begin_ms + length * index // count
            end = first.begin_ms + length * (index + 1) // count
        written.append(RecognizedWord(begin, end, text, last.punctuation if is_last else ""))
    return written
