"""JSON in pieces: the same text as in one go, and what is made while it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.jsontext import json_pieces

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.none(), inner, max_size=4)
    ),
    max_leaves=40,
)


@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans(), st.integers(0, 5))
def test_pieces_are_what_json_writes(value: Any, indent: int | None, ensure_ascii: bool, depth: int) -> None:
    pieces = json_pieces(value, indent=indent, ensure_ascii=ensure_ascii, depth=depth)
    assert "".join(pieces) == json.dumps(value, indent=indent, ensure_ascii=ensure_ascii)


@pytest.mark.parametrize("indent", [None, 2])
def test_an_iterator_is_an_array_whose_items_are_made_in_their_turn(indent: int | None) -> None:
    made: list[int] = []

    def items() -> Any:
        for number in range(3):
            made.append(number)
            yield {"n": number}

    seen = [list(made) for _ in json_pieces({"all": items(), "none": iter(())}, indent=indent)]
    assert seen[0] == []
    assert [0] in seen
    text = "".join(json_pieces({"all": items(), "none": iter(())}, indent=indent))
    assert text == json.dumps({"all": [{"n": 0}, {"n": 1}, {"n": 2}], "none": []}, indent=indent)


@pytest.mark.parametrize("value", [{"a": {1, 2}}, {(1, 2): 3}, [[[[object()]]]]])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        list(json_pieces(value))
