from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import InvalidArgumentError, TaskExpiredError, TaskToken
from aiofunasr.token import digests

NOW = 1_790_000_000
text = st.text(max_size=20)


@given(
    st.text(min_size=1, max_size=40),
    st.none() | text,
    st.none() | text,
    st.none() | text,
    st.none() | st.integers(0, 2 * NOW),
    st.lists(st.tuples(text, st.integers(0, 10**6)), max_size=100),
)
def test_a_token_comes_back_as_it_went(
    task_id: str,
    region: str | None,
    workspace: str | None,
    model: str | None,
    submitted_at: int | None,
    files: list[tuple[str, int]],
) -> None:
    token = TaskToken(
        task_id=task_id,
        region=region,
        workspace=workspace,
        model=model,
        submitted_at=submitted_at,
        file_digests=digests([url for url, _ in files]),
        indexes=tuple(index for _, index in files),
    )
    encoded = token.encode()
    assert TaskToken.decode(encoded) == token
    assert TaskToken.decode(f" {encoded}\n") == token
    assert encoded.isascii()
    assert encoded.isprintable()


def test_a_token_of_a_full_task_is_short_and_holds_no_url() -> None:
    urls = [f"https://media.example.com/{n}.wav?Signature=SECRET{n}" for n in range(100)]
    token = TaskToken(task_id="t" * 36, file_digests=digests(urls), indexes=tuple(range(100)), submitted_at=NOW)
    assert len(token.encode()) < 1300
    assert "SECRET" not in token.encode()
    assert "SECRET" not in repr(token)


def test_a_bare_task_id_will_do() -> None:
    assert TaskToken.decode("6f0e2a2c-2d0b-4f6e") == TaskToken(task_id="6f0e2a2c-2d0b-4f6e")


GOOD = TaskToken(task_id="t", file_digests=digests(["a"]), indexes=(0,), submitted_at=NOW).encode()


@pytest.mark.parametrize(
    "token",
    ["", "  ", "a/b", "two words", "ключ", 17, None, "fasr1.", "fasr1.%%%", "fasr1.W10", GOOD[:-6], "x" * 100_000],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgumentError, match="token"):
        TaskToken.decode(token)


@given(st.binary(max_size=60))
def test_any_damage_is_our_error(junk: bytes) -> None:
    damaged = "fasr1." + junk.hex()
    with suppress(InvalidArgumentError):
        assert TaskToken.decode(damaged).encode()


def test_a_token_older_than_the_memory_of_the_service_is_refused_at_once() -> None:
    token = TaskToken(task_id="t", submitted_at=NOW)
    token.check_age(NOW + 23 * 3600)
    with pytest.raises(TaskExpiredError, match="24 hours") as caught:
        token.check_age(NOW + 28 * 3600)
    assert caught.value.token == token.encode()
    TaskToken(task_id="t").check_age(NOW)
