from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import InvalidArgumentError, SpecialWordFilter
from aiofunasr.emulator.recognizer import RecognizedSentence
from aiofunasr.emulator.word_filter import WordFilter

WORDS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip), unique=True)


@given(masked=WORDS, removed=WORDS, reserved=st.booleans())
def test_whatever_is_asked_stands_in_the_document(masked: list[str], removed: list[str], reserved: bool) -> None:
    removed = [word for word in removed if word not in masked]
    document = json.loads(SpecialWordFilter(masked=masked, removed=removed, reserved=reserved).to_json())
    assert document.pop("system_reserved_filter") is reserved
    assert document.pop("filter_with_signed", {"word_list": []}) == {"word_list": masked}
    assert document.pop("filter_with_empty", {"word_list": []}) == {"word_list": removed}
    assert document == {}


def test_the_service_reads_it() -> None:
    asked = SpecialWordFilter(masked=["alpha"], removed="gamma").to_json()
    found = WordFilter.parse(asked, lenient=False, reserved_words=("secret",))
    heard = RecognizedSentence(0, 1, "alpha beta gamma secret", (), None)
    assert found.apply(heard).text.split() == ["*****", "beta", "******"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"masked": [""]}, "masked"),
        ({"masked": [1]}, "masked"),
        ({"masked": {"alpha": 1}}, "masked"),
        ({"removed": ["\ud800"]}, "removed"),
        ({"masked": ["alpha", "beta"], "removed": ["beta"]}, "removed"),
        ({"reserved": "no"}, "reserved"),
    ],
)
def test_what_cannot_be_filtered_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        SpecialWordFilter(**wrong)
    assert caught.value.argument == named
