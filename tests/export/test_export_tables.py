"""Tables: pandas, polars and pyarrow take them as they are, with the types that were promised."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from aiofunasr import Channel, InvalidArgumentError, Sentence, Transcript, Word
from aiofunasr.export import SentenceRow, Style, WordRow, render, rows, schema
from aiofunasr.export.tables import Level

WORDS = (Word(0, 400, "Hello "), Word(400, 900, "world", ". "))
TALK = Transcript(
    channels=(
        Channel(0, "", None, (Sentence(0, 900, "Hello world.", 1, 0, WORDS), Sentence(2000, 2100, "Bye.", 2))),
        Channel(
            1,
            "",
            None,
            (Sentence(1000, 1500, "\u4f60\u597d\u3002", None, 1, (Word(1000, 1500, "\u4f60\u597d", "\u3002"),)),),
        ),
    )
)
LEVELS = get_args(Level)


def test_a_row_is_a_sentence_in_time_order() -> None:
    assert [list(row.values()) for row in rows(TALK)] == [
        [0, 1, 0, 0, 900, "Hello world."],
        [1, None, 1, 1000, 1500, "\u4f60\u597d\u3002"],
        [0, 2, None, 2000, 2100, "Bye."],
    ]


def test_a_row_is_a_word_with_what_its_sentence_has() -> None:
    assert [list(row.values()) for row in rows(TALK, "words")] == [
        [0, 1, 0, 0, 400, "Hello", ""],
        [0, 1, 0, 400, 900, "world", "."],
        [1, None, 1, 1000, 1500, "\u4f60\u597d", "\u3002"],
    ]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("transcript", [TALK, Transcript()], ids=["talk", "empty"])
def test_polars_takes_rows_with_the_schema(level: Level, transcript: Transcript) -> None:
    frame = pl.DataFrame(rows(transcript, level), schema=schema(level))
    assert frame.schema == {name: pl.Int64 if kind is int else pl.String for name, kind in schema(level).items()}
    assert frame.to_dicts() == rows(transcript, level)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("transcript", [TALK, Transcript()], ids=["talk", "empty"])
def test_pandas_takes_rows_and_the_types_of_the_schema(level: Level, transcript: Transcript) -> None:
    types = schema(level, "pandas")
    frame = pd.DataFrame(rows(transcript, level), columns=list(types)).astype(types)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == types
    found = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert found == rows(transcript, level)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("transcript", [TALK, Transcript()], ids=["talk", "empty"])
def test_pyarrow_takes_rows_with_the_schema(level: Level, transcript: Transcript) -> None:
    wanted = pa.schema(schema(level, "pyarrow"))
    table = pa.Table.from_pylist(rows(transcript, level), schema=wanted)
    assert table.schema == wanted
    assert table.to_pylist() == rows(transcript, level)


@pytest.mark.parametrize(("level", "kind"), [("sentences", SentenceRow), ("words", WordRow)])
def test_rows_are_what_their_types_say(level: Level, kind: Any) -> None:
    for row in rows(TALK, level):
        assert row.keys() == schema(level).keys() == get_type_hints(kind).keys()
        for name, hint in get_type_hints(kind).items():
            assert isinstance(row[name], hint)  # type: ignore[literal-required]


def test_an_unknown_level_or_library_is_named() -> None:
    with pytest.raises(InvalidArgumentError, match="sentences, words"):
        rows(TALK, "letters")  # type: ignore[call-overload]
    with pytest.raises(InvalidArgumentError, match="polars, pandas, pyarrow"):
        schema("words", "excel")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="sentences, words"):
        Style(level="letters")  # type: ignore[arg-type]


def test_csv_and_tsv_are_the_rows_below_their_names() -> None:
    assert render(TALK, "csv").split("\n")[:2] == [
        "channel_id,sentence_id,speaker_id,begin_time,end_time,text",
        "0,1,0,0,900,Hello world.",
    ]
    assert render(TALK, "tsv", Style(level="words")).split("\n")[3] == "1\t\t1\t1000\t1500\t\u4f60\u597d\t\u3002"
