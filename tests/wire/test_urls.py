from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import InvalidArgumentError
from aiofunasr.wire.urls import encode_file_url, is_url


@pytest.mark.parametrize(
    ("given_url", "sent"),
    [
        ("https://h/a.wav", "https://h/a.wav"),
        ("https://h/a b.wav", "https://h/a%20b.wav"),
        ("https://h/会议.wav", "https://h/%E4%BC%9A%E8%AE%AE.wav"),
        ("https://h/100%.wav", "https://h/100%25.wav"),
        ("https://h/a%20b.wav", "https://h/a%20b.wav"),
        ("https://h/a%3Ab%2fc", "https://h/a%3Ab%2fc"),
        ("https://h/a?Signature=x%2By%3D&Expires=1", "https://h/a?Signature=x%2By%3D&Expires=1"),
        ("https://h/[a]{b}|c", "https://h/[a]%7Bb%7D%7Cc"),
        ("https://bücher.example:8443/ä", "https://xn--bcher-kva.example:8443/%C3%A4"),
        ("  https://h/a.wav\n", "https://h/a.wav"),
        ("oss://dashscope-instant/abc/a b.wav", "oss://dashscope-instant/abc/a%20b.wav"),
    ],
)
def test_only_what_needs_it_is_encoded(given_url: str, sent: str) -> None:
    assert encode_file_url(given_url) == sent


@pytest.mark.parametrize(
    "url", ["ftp://h/a.wav", "s3://bucket/a.wav", "data:audio/wav;base64,AAAA", "https://", "http:///a", "https://[::1"]
)
def test_what_the_service_cannot_fetch_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="file_urls"):
        encode_file_url(url)


def test_a_refused_url_shows_no_signature() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        encode_file_url("ftp://h/a.wav?Signature=secret")
    assert "secret" not in str(caught.value)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_encoding_is_idempotent_and_loses_nothing(tail: str) -> None:
    url = "https://host.example/" + tail
    encoded = encode_file_url(url)
    assert encoded.isascii()
    assert " " not in encoded
    assert encode_file_url(encoded) == encoded
    assert unquote(encoded) == unquote(url.strip())
    assert urlsplit(encoded).netloc == "host.example"


bits = st.sampled_from([*"aZ7.-_~/?#@:[]\\% \t", "//", "&x=", "%2b", "%4", ":0", "ü"])


@given(
    st.sampled_from(["http://", "https://", "oss://", "HTTPS://", "ftp://", "http:/", ""]),
    st.sampled_from(["host", "host.example", "192.168.1.1", "a-b", "-a", "a.", "host:80", "host:0", "user@host", ""]),
    st.lists(bits, max_size=12).map("".join),
)
def test_urls_that_look_harmless_are_treated_as_all_others(scheme: str, host: str, tail: str) -> None:
    def encoded(url: str) -> str:
        try:
            return encode_file_url(url)
        except InvalidArgumentError as error:
            return str(error)

    url = (scheme + host + "/" + tail).strip()
    # With a blank before it, which is taken off, none looks harmless.
    assert encoded(url) == encoded(" " + url)


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("https://h/a", True),
        ("file:///tmp/a", True),
        ("C:\\audio\\a.wav", False),
        ("a.wav", False),
        ("/tmp/a:b.wav", False),
        ("audio/2026:01.wav", False),
    ],
)
def test_urls_are_told_from_paths(source: str, answer: bool) -> None:
    assert is_url(source) is answer
