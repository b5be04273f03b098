"""The same file has one key, whoever signed its URL when; two files have two."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aiofunasr import InvalidArgumentError, TranscriptionOptions
from aiofunasr.journal.identity import file_key, has_secret, without_secrets

PLAIN = TranscriptionOptions()


def key(source: str | Path, **more: Any) -> str:
    return file_key(source, PLAIN, **more)


# Two signatures of each scheme, of the same file.
SIGNED = {
    "oss 1": (
        "Expires=1700000000&OSSAccessKeyId=LTAI1&Signature=a%2Bb%3D",
        "OSSAccessKeyId=LTAI2&Expires=1800000000&Signature=c%2Fd%3D&security-token=CAIS",
    ),
    "oss 4": (
        (
            "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential=a%2F2024&x-oss-date=20240101T000000Z"
            "&x-oss-expires=900&x-oss-signature=00ff"
        ),
        (
            "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential=b%2F2025&x-oss-date=20250101T000000Z"
            "&x-oss-expires=60&x-oss-signature=11ee&x-oss-security-token=CAIS&x-oss-additional-headers=host"
        ),
    ),
    "aws 2": (
        "AWSAccessKeyId=AKIA1&Expires=1700000000&Signature=a%3D",
        "AWSAccessKeyId=AKIA2&Expires=1800000000&Signature=b%3D&x-amz-security-token=t",
    ),
    "aws 4": (
        (
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA1%2F20240101%2Fs3&X-Amz-Date=20240101T000000Z"
            "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=00ff"
        ),
        (
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA2%2F20250101%2Fs3&X-Amz-Date=20250101T000000Z"
            "&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=t&X-Amz-Signature=11ee"
        ),
    ),
    "google 2": (
        "GoogleAccessId=a%40b&Expires=1700000000&Signature=a",
        "GoogleAccessId=c%40d&Expires=1800000000&Signature=b",
    ),
    "google 4": (
        (
            "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=a&X-Goog-Date=20240101T000000Z&X-Goog-Expires=9"
            "&X-Goog-SignedHeaders=host&X-Goog-Signature=00"
        ),
        (
            "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=b&X-Goog-Date=20250101T000000Z&X-Goog-Expires=8"
            "&X-Goog-SignedHeaders=host&X-Goog-Signature=11"
        ),
    ),
    "azure": (
        "sv=2022-11-02&st=2024-01-01T00%3A00Z&se=2024-01-02T00%3A00Z&sr=b&sp=r&sig=a%3D",
        (
            "sv=2023-01-03&se=2025-01-02T00%3A00Z&sr=b&sp=r&spr=https&sip=1.2.3.4&skoid=o&sktid=t&skt=1&ske=2&sks=b"
            "&skv=2022-11-02&sig=b%3D"
        ),
    ),
    "tencent": (
        (
            "q-sign-algorithm=sha1&q-ak=AKID1&q-sign-time=1%3B2&q-key-time=1%3B2&q-header-list=&q-url-param-list="
            "&q-signature=00"
        ),
        (
            "q-sign-algorithm=sha1&q-ak=AKID2&q-sign-time=3%3B4&q-key-time=3%3B4&q-header-list=host&q-url-param-list="
            "&q-signature=11&x-cos-security-token=t"
        ),
    ),
    "cloudfront": (
        "Expires=1700000000&Signature=a__&Key-Pair-Id=K1",
        "Policy=eyJ9&Signature=b__&Key-Pair-Id=K2",
    ),
    "huawei": ("AccessKeyId=A&Expires=1&Signature=a", "AccessKeyId=B&Expires=2&Signature=b&x-obs-security-token=t"),
    "volcengine": (
        (
            "X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Credential=a&X-Tos-Date=1&X-Tos-Expires=1&X-Tos-SignedHeaders=host"
            "&X-Tos-Signature=0"
        ),
        (
            "X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Credential=b&X-Tos-Date=2&X-Tos-Expires=2&X-Tos-SignedHeaders=host"
            "&X-Tos-Signature=1&X-Tos-Security-Token=t"
        ),
    ),
}


@pytest.mark.parametrize("scheme", SIGNED)
def test_a_file_signed_anew_is_the_same(scheme: str) -> None:
    first, second = SIGNED[scheme]
    url = "https://bucket.example/a.wav"
    assert key(f"{url}?{first}") == key(f"{url}?{second}") == key(url)
    assert key(f"{url}?versionId=1&{first}") == key(f"{url}?{second}&versionId=1") == key(f"{url}?versionId=1")
    assert key(f"{url}?versionId=2&{first}") != key(f"{url}?versionId=1&{first}")
    assert key(f"https://bucket.example/b.wav?{first}") != key(f"{url}?{first}")


@given(scheme=st.sampled_from(sorted(SIGNED)), seed=st.integers(), case=st.booleans())
def test_the_order_of_a_signature_does_not_matter(scheme: str, seed: int, case: bool) -> None:
    parameters = SIGNED[scheme][0].split("&")
    random.Random(seed).shuffle(parameters)
    query = "&".join(parameters)
    if case:
        query = re.sub("(^|&)([^=]*)", lambda found: found[0].upper(), query)
    assert key(f"https://h/a?{query}") == key("https://h/a")


@given(scheme=st.sampled_from(sorted(SIGNED)), missing=st.data())
def test_part_of_a_signature_is_none(scheme: str, missing: st.DataObject) -> None:
    """Without the signature itself the same names may mean anything."""
    parameters = [pair for pair in SIGNED[scheme][0].split("&") if not re.match("(?i)([a-z-]*signature|sig)=", pair)]
    chosen = missing.draw(st.lists(st.sampled_from(parameters), min_size=1, unique=True))
    assert key("https://h/a?" + "&".join(chosen)) != key("https://h/a")


@pytest.mark.parametrize(
    "query",
    [
        "id=1",
        "Signature=a",
        "Signature=a&Expires=1",
        "sig=a&id=1",
        "sv=1&se=2",
        "x-oss-process=audio",
        "token=1",
        "a",
        "a=",
    ],
)
def test_every_other_parameter_counts(query: str) -> None:
    assert key(f"https://h/a?{query}") != key("https://h/a")


def test_what_makes_another_file_of_it_counts_beside_a_signature() -> None:
    signed = f"https://h/a?{SIGNED['oss 4'][0]}"
    assert key(f"{signed}&x-oss-process=audio/mono") != key(signed)
    assert key(f"https://h/a?{SIGNED['azure'][0]}&snapshot=1") != key("https://h/a")
    assert key(f"https://h/a?{SIGNED['aws 4'][0]}&sp=1") != key("https://h/a")


@pytest.mark.parametrize(
    "same",
    [
        "https://host.example/a%20b/c.wav?x=1&y=a%20b",
        "https://host.example/a b/c.wav?x=1&y=a b",
        "https://HOST.Example:443/a%20b/c.wav?y=a%20b&x=1#part ",
        "HTTPS://host.example/%61%20b/c%2Ewav?%78=1&y=a%20b&",
        "https://host.example/a%20b/c.wav?x=%31&&y=a%20b",
    ],
)
def test_ways_to_write_a_url(same: str) -> None:
    assert key(same) == key("https://host.example/a%20b/c.wav?x=1&y=a%20b")


@pytest.mark.parametrize(
    "other",
    [
        "http://host/a/b?x=1&x=2",
        "https://host:8443/a/b?x=1&x=2",
        "https://hosts/a/b?x=1&x=2",
        "https://host/A/b?x=1&x=2",
        "https://host/a%2Fb?x=1&x=2",
        "https://host/a/b/?x=1&x=2",
        "https://host/a/b?x=2&x=1",
        "https://host/a/b?x=1%26x=2",
        "https://host/a/b?x=1&x=2+",
        "https://host/a/b?x=1&x=2%2B",
        "https://host/a/b?x=1&x=2%20",
        "https://host/a/b%3Fx=1&x=2",
        "https://who@host/a/b?x=1&x=2",
        "oss://host/a/b?x=1&x=2",
    ],
)
def test_other_files(other: str) -> None:
    others = ["https://host/a/b?x=1&x=2", "https://host/a/b?x=1&x=2+"]
    assert key(other) not in {key(one) for one in others if one != other}


def test_hosts_in_other_alphabets() -> None:
    assert key("https://b\u00fccher.example/a") == key("https://xn--bcher-kva.example/a")
    assert key("https://host") == key("https://host/")
    assert key("https://user:one@h/a") == key("https://user:two@h/a")


@given(
    path=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    safe=st.sampled_from(["", "/", "/!$&'()*+,;=:@~"]),
)
def test_escaping_does_not_matter(path: str, safe: str) -> None:
    assume("/" not in path)
    written = key(f"https://h/{quote(path, safe='')}")
    assert key(f"https://h/{quote(path, safe=safe)}") == written


@given(first=st.text(max_size=12), second=st.text(max_size=12))
def test_different_names_are_different_files(first: str, second: str) -> None:
    assume(first != second)
    one, other = (quote(text.encode("utf-8", "surrogatepass"), safe="") for text in (first, second))
    assert key(f"https://h/{one}") != key(f"https://h/{other}")
    assert key(f"https://h/?n={one}") != key(f"https://h/?n={other}")


@given(st.text())
def test_every_text_has_a_key_or_is_refused(text: str) -> None:
    for source in (text, f"https://{text}", f"https://h/{text}", f"oss://{text}", f"file:{text}"):
        try:
            found = key(source)
        except InvalidArgumentError:
            continue
        assert re.fullmatch("[0-9a-f]{32}", found)


# --- Paths ------------------------------------------------------------------------------------------------------


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a b.wav"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    ways: list[str | Path] = [path, str(path), "a b.wav", "./x/../a b.wav", "~/a b.wav", path.as_uri()]
    assert len({key(way, size=1, mtime_ns=2) for way in ways}) == 1
    assert key(path, size=1, mtime_ns=3) != key(path, size=1, mtime_ns=2) != key(path, size=2, mtime_ns=2)
    assert key(path) != key(path, size=1, mtime_ns=2)
    assert key("a%20b.wav") != key("a b.wav")
    assert key("caf\udce9.wav") != key("caf.wav")


# --- Options ----------------------------------------------------------------------------------------------------


def test_options_count() -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"model": "paraformer-v2"},
        {"phrase_id": "p"},
        {"vocabulary_id": "p"},
        {"language_hints": ["en"]},
        {"language_hints": ["en", "zh"]},
        {"language_hints": ["zh", "en"]},
        {"diarization_enabled": True},
        {"diarization_enabled": False},
        {"speech_noise_threshold": 0.5},
        {"speech_noise_threshold": 0},
        {"channel_id": [0]},
        {"channel_id": [1]},
        {"extra_parameters": {"new": True}},
        {"extra_parameters": {"new": {"a": 1, "b": [None]}}},
    ]
    assert len({file_key("https://h/a", TranscriptionOptions(**one)) for one in variants}) == len(variants)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ({"speech_noise_threshold": 0.0}, {"speech_noise_threshold": 0}),
        ({"language_hints": ["en"]}, {"extra_parameters": {"language_hints": ("en",)}}),
        (
            {"extra_parameters": {"a": 1, "b": {"c": 2, "d": 3}}},
            {"extra_parameters": {"b": {"d": 3.0, "c": 2}, "a": 1}},
        ),
        ({"extra_parameters": {1: 2, "a": 3}}, {"extra_parameters": {"a": 3, "1": 2}}),
    ],
)
def test_what_is_sent_the_same_is_the_same(one: dict[str, Any], same: dict[str, Any]) -> None:
    assert file_key("https://h/a", TranscriptionOptions(**one)) == file_key("https://h/a", TranscriptionOptions(**same))


def test_keys_stay_what_they_are() -> None:
    """Of another form, every file of every journal would be submitted once more."""
    options = TranscriptionOptions(language_hints=["en"])
    assert file_key("https://h/a.wav?id=1", options) == "2575b64b58b655f3237df470023ed85c"
    assert file_key("/media/a.wav", options, size=10, mtime_ns=20) == "89e9510c0dd49c3dbbe87fe481ce1b82"


# --- Secrets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://h/a.wav", "https://h/a.wav"),
        ("https://h/a.wav?x=1", "https://h/a.wav"),
        ("https://h/a.wav?", "https://h/a.wav"),
        ("https://h/a.wav#x?y", "https://h/a.wav"),
        ("https://user:word@h:81/a@b.wav", "https://h:81/a@b.wav"),
        ("https://h/a@b.wav", "https://h/a@b.wav"),
        ("oss://bucket/a.wav?Signature=x", "oss://bucket/a.wav"),
    ],
)
def test_secrets_in_urls(url: str, clean: str) -> None:
    assert without_secrets(url) == clean
    assert has_secret(url) is (url != clean)


def test_a_path_is_no_url() -> None:
    assert without_secrets(Path("/media/what?#.wav")) == "/media/what?#.wav"
    assert has_secret("https://[h/a.wav")
