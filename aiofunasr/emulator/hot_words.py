"""Put hot words where they were nearly heard (the protocol notes, section 9).

The service biases its decoder. The recognizers here have no such handle, so a word, or a few in a row, that is near
enough to a hot word becomes it. How near depends on its weight.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from attrs import evolve

from aiofunasr.emulator.nearness import HotWordFinder, Target
from aiofunasr.emulator.recognizer import HotWord, Recognition, RecognizedSentence, RecognizedWord


def with_hot_words(
    recognition: Recognition, hot_words: Iterable[HotWord], languages: Collection[str] = ()
) -> Recognition:
    """Return a recognition in which near misses are the hot words they nearly are.

    `languages` are those of the file, where they are known: hot words for others are left out.
    """
    hot_words = tuple(hot_words)
    if not hot_words:
        return recognition
    finder = HotWordFinder(hot_words, languages)
    tracks = tuple(
        evolve(track, sentences=tuple(_corrected(sentence, finder) for sentence in track.sentences))
        for track in recognition.tracks
    )
    return evolve(recognition, tracks=tracks)


def _corrected(sentence: RecognizedSentence, finder: HotWordFinder) -> RecognizedSentence:
    heard = sentence.words
    # No name goes on after a mark, save the hyphen that may stand in it.
    matches = finder.find([word.text for word in heard], [bool(word.punctuation.strip(" -")) for word in heard])
    if not matches:
        return sentence
    words: list[RecognizedWord] = []
    position = 0
    for match in matches:
        words += heard[position : match.first]
        words += _written(heard[match.first : match.end], match.target)
        position = match.end
    words += heard[position:]
    text = "".join(word.text + word.punctuation for word in words).strip()
    return evolve(sentence, text=text, words=tuple(words))


def _written(heard: Sequence[RecognizedWord], target: Target) -> list[RecognizedWord]:
    """Write the hot word over the time of the words it was heard as."""
    first, last = heard[0], heard[-1]
    core = first.text.strip()
    before = first.text[: len(first.text) - len(first.text.lstrip())]
    after = last.text[len(last.text.rstrip()) :]
    texts = list(target.words)
    if target.is_spaceless and len(heard) == 1:
        # One word heard stays one word.
        texts = ["".join(texts)]
    # A sentence still begins with a capital.
    if core[:1].isupper() and texts[0][:1].islower():
        texts[0] = texts[0][:1].upper() + texts[0][1:]
    # Between the words of a phrase stands the space that stands around it.
    inner = "" if target.is_spaceless or before else after or " "
    bounds = _bounds(heard, len(texts))
    return [
        RecognizedWord(begin, end, before + text + (after if number == len(texts) else inner), last.punctuation)
        if number == len(texts)
        else RecognizedWord(begin, end, before + text + inner)
        for number, (text, (begin, end)) in enumerate(zip(texts, bounds, strict=True), start=1)
    ]


def _bounds(heard: Sequence[RecognizedWord], count: int) -> list[tuple[int, int]]:
    """Return the times of so many words: those heard if they are as many, else equal shares of their time."""
    if count == len(heard):
        return [(word.begin_ms, word.end_ms) for word in heard]
    begin, length = heard[0].begin_ms, heard[-1].end_ms - heard[0].begin_ms
    return [(begin + length * place // count, begin + length * (place + 1) // count) for place in range(count)]
