"""Replies about tokens and vocabularies, whatever stands in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import FunASRError, TemporaryToken
from aiofunasr.wire.messages import Reply
from aiofunasr.wire.replies import (
    read_stored,
    read_token,
    read_vocabularies,
    read_vocabulary,
    read_vocabulary_id,
)

NAMES = st.sampled_from(
    ["output", "vocabulary_list", "vocabulary", "vocabulary_id", "token", "expires_at", "status", "text", "weight"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2026-10-01 09:00:00")
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=15
)

READERS: list[Callable[[Reply], Any]] = [
    read_vocabularies,
    read_vocabulary_id,
    read_stored,
    lambda reply: read_vocabulary(reply, "vocab-a-1"),
    lambda reply: read_token(reply, 60, 0.0),
]


@pytest.mark.parametrize("read", READERS)
@given(
    body=st.binary(max_size=40)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | VALUES.map(lambda value: json.dumps({"output": value}).encode()),
    status=st.sampled_from([200, 200, 200, 204, 302, 400, 409, 500]),
    date=st.text(max_size=8) | st.just("Thu, 01 Oct 2026 01:00:00 GMT"),
)
def test_whatever_is_replied_is_read_or_is_an_error_of_ours(
    read: Callable[[Reply], Any], body: bytes, status: int, date: str
) -> None:
    try:
        found = read(Reply(status=status, headers={"date": date}, body=body))
    except FunASRError:
        return
    assert status in {200, 204}
    if isinstance(found, TemporaryToken):
        assert 0 < found.lifetime <= 60
        assert found.expires_at.tzinfo is not None


@given(st.floats() | st.integers())
def test_a_token_lives_as_long_as_can_be_believed(expires_at: float) -> None:
    body = json.dumps({"token": "st-x", "expires_at": expires_at}).encode()
    found = read_token(Reply(status=200, headers={"date": "Thu, 01 Oct 2026 01:00:00 GMT"}, body=body), 60, 0.0)
    assert 0 < found.lifetime <= 60
