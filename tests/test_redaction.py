from __future__ import annotations

import pytest
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


@pytest.mark.parametrize(
    "text",
    [
        "https://h/a?Signature=SECRET",
        "https:\\/\\/h\\/a?x=1&Signature=SECRET",
        "oss://b/k?security-token=SECRET#SECRET",
        "https%3A%2F%2Fh%2Fa%3FSignature%3DSECRET",
        "/x.json?OSSAccessKeyId=SECRET&Signature=SECRET&x-oss-security-token=SECRET",
        '{"signature": "SECRET", "policy":"SECRET", \\"oss_access_key_id\\": \\"SECRET\\"}',
        "{'signature': 'SECRET', 'api_key': 'SECRET'}",
        "https://user:SECRET@h/a",
        "Authorization: Bearer SECRET",
        "Bearer%20sk-SECRET",
        "key=st-SECRET",
        "(sk-ws-SECRET)",
    ],
)
def test_a_secret_goes_whatever_it_stands_in(text: str) -> None:
    assert "SECRET" not in redact(text)
    assert redact(redact(text)) == redact(text)
