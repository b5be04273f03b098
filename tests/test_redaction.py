from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.redaction import excerpt, redact


@given(st.text(max_size=300))
def test_redacting_never_fails_and_is_idempotent(text: str) -> None:
    assert redact(redact(text)) == redact(text)
    assert len(excerpt(text, 50)) <= 50


def test_what_is_no_secret_stays() -> None:
    text = "GET https://host:80/a/b.wav failed: task-id 12 risk-free"
    assert redact(text) == text


def test_a_secret_at_the_cut_does_not_show() -> None:
    assert "SECRET" not in excerpt("x" * 40 + " https://h/a?Signature=SECRET", 60)
