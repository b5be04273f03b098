"""Transcripts as tables: rows for pandas, polars and pyarrow, and text for everything else.

frame = pandas.DataFrame(rows(transcript, "words")).astype(schema("words", "pandas"))
frame = polars.DataFrame(rows(transcript, "words"), schema=schema("words"))
table = pyarrow.Table.from_pylist(rows(transcript, "words"), schema=pyarrow.schema(schema("words", "pyarrow")))
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args, get_type_hints, overload

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.export.characters import clean
from aiofunasr.export.utterances import Utterance, utterances
from aiofunasr.results import Transcript, Word

if TYPE_CHECKING:
    from aiofunasr.export.style import Style

Level = Literal["sentences", "words"]
Library = Literal["polars", "pandas", "pyarrow"]

_DTYPES: dict[str, dict[Any, Any]] = {
    "polars": {int: int, int | None: int, str: str},
    "pandas": {int: "int64", int | None: "Int64", str: "object"},
    "pyarrow": {int: "int64", int | None: "int64", str: "string"},
}


class SentenceRow(TypedDict):
    """A sentence; times are milliseconds from the start of the file."""

    channel_id: int
    sentence_id: int | None
    speaker_id: int | None
    begin_time: int
    end_time: int
    text: str


class WordRow(SentenceRow):
    """A word with the mark after it, both without spaces around them."""

    punctuation: str


def check_level(level: str) -> None:
    """Make sure that there is such a level.

    Raises:
        InvalidArgumentError: There is not.
    """
    if level not in get_args(Level):
        raise InvalidArgumentError("level", level, f"there are {', '.join(get_args(Level))}")


def schema(level: Level = "sentences", library: Library = "polars") -> dict[str, Any]:
    """Return the types of the columns of `rows`, by name, as a library takes them.

    polars and others get Python's own (`int`, `str`); pandas and pyarrow the names of theirs. Numbers of sentences and
    speakers may be missing.

    Raises:
        InvalidArgumentError: There is no such level, or it is none of these libraries.
    """
    check_level(level)
    if library not in _DTYPES:
        raise InvalidArgumentError("library", library, f"there are {', '.join(_DTYPES)}")
    hints = get_type_hints(WordRow if level == "words" else SentenceRow)
    return {name: _DTYPES[library][hint] for name, hint in hints.items()}


@overload
def rows(transcript: Transcript, level: Literal["sentences"] = "sentences") -> list[SentenceRow]: ...
@overload
def rows(transcript: Transcript, level: Literal["words"]) -> list[WordRow]: ...
@overload
def rows(transcript: Transcript, level: Level) -> list[SentenceRow] | list[WordRow]: ...
def rows(transcript: Transcript, level: Level = "sentences") -> list[SentenceRow] | list[WordRow]:
    """Return all sentences, or all words, of a transcript in time order, each as a row of a table.

    Rows are plain dictionaries with always the same keys in the same order, which the DataFrames of pandas and polars
    take as they are. Words stay with their sentence.

    All words of half a day of speech take a third of a second and 60 MB: then call this in a thread.

    Raises:
        InvalidArgumentError: There is no such level.
    """
    check_level(level)
    found: list[Any] = list(_rows(transcript, level))
    return found


def _rows(transcript: Transcript, level: Level) -> Iterator[SentenceRow | WordRow]:
    for utterance in utterances(transcript):
        sentence = _sentence(utterance)
        if level == "words":
            yield from _words(sentence, utterance.sentence.words)
        else:
            yield sentence


def _sentence(utterance: Utterance) -> SentenceRow:
    sentence = utterance.sentence
    return SentenceRow(
        channel_id=utterance.channel_id,
        sentence_id=sentence.sentence_id,
        speaker_id=sentence.speaker_id,
        begin_time=sentence.begin_time,
        end_time=sentence.end_time,
        text=clean(sentence.text),
    )


def _words(sentence: SentenceRow, words: Iterable[Word]) -> Iterator[WordRow]:
    for word in words:
        yield WordRow(
            channel_id=sentence["channel_id"],
            sentence_id=sentence["sentence_id"],
            speaker_id=sentence["speaker_id"],
            begin_time=word.begin_time,
            end_time=word.end_time,
            text=clean(word.text),
            punctuation=clean(word.punctuation),
        )


def csv_table(transcript: Transcript, style: Style) -> Iterator[str]:
    """Write the rows with commas between (RFC 4180), below a line with the names; what is missing is empty.

    Texts are written as they are. A program that takes a text such as `=1+1` for a formula must be told not to.
    """
    return _table(transcript, style, quoting=csv.QUOTE_MINIMAL, delimiter=",")


def tsv_table(transcript: Transcript, style: Style) -> Iterator[str]:
    """Write the rows with tabs between and no quotes, below a line with the names; no text has a tab in it."""
    return _table(transcript, style, quoting=csv.QUOTE_NONE, delimiter="\t", quotechar=None)


def _table(transcript: Transcript, style: Style, **dialect: Any) -> Iterator[str]:
    # What writes a row returns what the stream it is written to returns.
    writer: Any = csv.DictWriter(_Line(), list(schema(style.level)), lineterminator="\n", **dialect)
    yield writer.writeheader()
    for row in _rows(transcript, style.level):
        yield writer.writerow(row)


class _Line:
    """A stream that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text
