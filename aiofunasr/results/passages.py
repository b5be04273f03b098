"""Parts of a transcript: who spoke after whom and for how long, and where a text is said.

Functions of sentences, each with the number of its channel where that matters. Times are integer milliseconds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from aiofunasr.errors import InvalidArgumentError

if TYPE_CHECKING:
    from aiofunasr.results.transcript import Sentence

# Neither letters, digits nor the marks on them; a class of ranges, because `\W` takes in the vowels of many scripts.
_NOT_SAID: Final = re.compile(
    r"[\x00-/:-@\[-`{-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\u060c\u061b\u061f\u0964\u0965\u2000-\u206f\u3000-\u303f"
    r"\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]+"
)
# Scripts that are written without spaces, so that one between two characters says nothing.
_UNSPACED: Final = (
    "[\u2e80-\u2fff\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_NEEDLESS: Final = re.compile(f" (?={_UNSPACED})|(?<={_UNSPACED}) ")
_IS_UNSPACED: Final = re.compile(_UNSPACED)


@frozen(repr=False)
class Turn:
    """What one speaker said until somebody else spoke.

    Attributes:
        channel_id: The track.
        speaker_id: The speaker, or None where the service named none.
        sentences: At least one, in time order.
    """

    channel_id: int
    speaker_id: int | None
    sentences: tuple[Sentence, ...] = field(hash=False)

    @property
    def begin_time(self) -> int:
        """When the first sentence begins, in milliseconds."""
        return self.sentences[0].begin_time

    @property
    def end_time(self) -> int:
        """When the last sentence ends, in milliseconds."""
        return max(sentence.end_time for sentence in self.sentences)

    @property
    def text(self) -> str:
        """What was said, with a space between two sentences of a script that has them."""
        return joined(self.sentences)

    def __repr__(self) -> str:
        who = "" if self.speaker_id is None else f", speaker {self.speaker_id}"
        return (
            f"<Turn {self.begin_time}-{self.end_time} ms, channel {self.channel_id}{who}: "
            f"{len(self.sentences)} {'sentence' if len(self.sentences) == 1 else 'sentences'}>"
        )


@frozen
class Passage:
    """Where a text was found.

    Attributes:
        channel_id: The track.
        begin_time: When the first word that is part of it begins, in milliseconds.
        end_time: When the last word that is part of it ends. Without words both times are those of the sentences.
        text: What stands there, whole words.
        sentences: The sentences it touches, in order.
    """

    channel_id: int
    begin_time: int
    end_time: int
    text: str
    sentences: tuple[Sentence, ...] = field(hash=False, repr=False)


def joined(sentences: Iterable[Sentence]) -> str:
    """Join what sentences say."""
    return join(sentence.text for sentence in sentences)


def join(texts: Iterable[str]) -> str:
    """Join texts, with a space between them unless there is one or their script needs none."""
    before = ""
    parts: list[str] = []
    for text in filter(None, texts):
        if before and not (before[-1].isspace() or text[0].isspace() or is_wide(before[-1])):
            parts.append(" ")
        before = text
        parts.append(text)
    return "".join(parts)


def is_wide(character: str) -> bool:
    """Tell whether a character is of a script without spaces, such as Chinese, or of its punctuation."""
    return unicodedata.east_asian_width(character) in "WF"


# --- Who, and for how long --------------------------------------------------------------------------------------------


def turns_of(spoken: Iterable[tuple[int, Sentence]]) -> tuple[Turn, ...]:
    """Group sentences in time order, each with its channel, into turns."""
    return tuple(
        Turn(channel_id, speaker_id, tuple(sentence for _, sentence in group))
        for (channel_id, speaker_id), group in groupby(spoken, key=_speaker)
    )


def speech_by_speaker(spoken: Iterable[tuple[int, Sentence]]) -> dict[tuple[int, int | None], int]:
    """Sum up how long each speaker spoke, by channel and speaker."""
    by_speaker: dict[tuple[int, int | None], list[Sentence]] = {}
    for one in spoken:
        by_speaker.setdefault(_speaker(one), []).append(one[1])
    return {speaker: total_speech(sentences) for speaker, sentences in by_speaker.items()}


def total_speech(sentences: Iterable[Sentence]) -> int:
    """Return how long there was speech: what overlaps counts once."""
    total, reached = 0, 0
    for begin, end in sorted((sentence.begin_time, sentence.end_time) for sentence in sentences):
        total += max(0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _speaker(one: tuple[int, Sentence]) -> tuple[int, int | None]:
    return one[0], one[1].speaker_id


# --- Where a text is said ---------------------------------------------------------------------------------------------


def find_passages(channel_id: int, sentences: Sequence[Sentence], text: str) -> Iterator[Passage]:
    """Go through the passages of a channel where a text is said; they do not overlap.

    Raises:
        InvalidArgumentError: The text has neither letters nor digits.
    """
    wanted = plain(text)
    if not wanted:
        raise InvalidArgumentError("text", text, "a text with letters or digits is needed")
    beginning = wanted.partition(" ")[0]
    if _IS_UNSPACED.search(beginning):
        beginning = beginning[0]
    # The sentence, and the place in it, where the next passage may begin.
    free = (0, 0)
    for number, sentence in enumerate(sentences):
        # Most are done with here: the rest takes ten times as long.
        if number < free[0] or beginning not in sentence.text.casefold():
            continue
        said, starts = _said_from(sentences, number, len(wanted))
        own = starts[1] if len(starts) > 1 else len(said)
        place = said.find(wanted, free[1] if number == free[0] else 0)
        while 0 <= place < own:
            end = place + len(wanted)
            last = max(ahead for ahead, start in enumerate(starts) if start < end)
            touched = sentences[number : number + last + 1]
            yield _passage(channel_id, touched, place, end - starts[last])
            free = (number + last, end - starts[last])
            place = said.find(wanted, end)


def plain(text: str) -> str:
    """Return the letters and digits of a text without their case, words a space apart: all that a search looks at."""
    return _NEEDLESS.sub("", _NOT_SAID.sub(" ", text.casefold()).strip())


def _said_from(sentences: Sequence[Sentence], number: int, length: int) -> tuple[str, list[int]]:
    """Return what a sentence says, and at least so many characters after it; and where each sentence begins in that."""
    said = plain(sentences[number].text)
    starts = [0]
    enough = len(said) + length
    for sentence in islice(sentences, number + 1, None):
        if len(said) >= enough:
            break
        more = plain(sentence.text)
        if said and more and not (_IS_UNSPACED.match(said[-1]) or _IS_UNSPACED.match(more)):
            said += " "
        starts.append(len(said))
        said += more
    return said, starts


def _passage(channel_id: int, sentences: Sequence[Sentence], begin: int, end: int) -> Passage:
    """Find the words of a passage: from a place in what the first sentence says up to one in what the last says."""
    first, last = sentences[0], sentences[-1]
    begins = _places(first)
    ends = begins if last is first else _places(last)
    if begins is None or ends is None:
        return Passage(channel_id, first.begin_time, last.end_time, joined(sentences), tuple(sentences))
    from_word = max((number for number, place in enumerate(begins[:-1]) if place <= begin), default=0)
    to_word = min((number for number, place in enumerate(ends[1:]) if place >= end), default=len(ends) - 2)
    parts = []
    for sentence in sentences:
        words = sentence.words[: to_word + 1] if sentence is last else sentence.words
        words = words[from_word:] if sentence is first else words
        parts.append("".join(word.text + word.punctuation for word in words).strip())
    begin_time, end_time = first.words[from_word].begin_time, last.words[to_word].end_time
    return Passage(channel_id, begin_time, end_time, join(parts), tuple(sentences))


def _places(sentence: Sentence) -> list[int] | None:
    """Return where each word begins in what a sentence says, and where the last one ends.

    None when its words do not make up its text; they do only near enough (the protocol notes, section 5.1).
    """
    said = plain(sentence.text)
    places, place = [], 0
    for word in sentence.words:
        part = plain(word.text + word.punctuation)
        if part and said[place : place + 1] == " ":
            place += 1
        if not said.startswith(part, place):
            return None
        places.append(place)
        place += len(part)
    return [*places, place] if places and place == len(said) else None
