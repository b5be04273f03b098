"""A document is stored without its URL's signature, and otherwise byte for byte."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal.journals import document

from aiofunasr.journal import documents
from aiofunasr.journal.documents import pack, unpack, without_signature

URL = "https://h/a.wav"
SIGNED = f"{URL}?Expires=1&Signature=SECRET"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"file_url":"https://h/a.wav","transcripts":[]}',
        b'{ "file_url" : "https:\\/\\/h\\/a.wav" , "n": 1.50, "t": "caf\xc3\xa9 \\u4f60" }\n',
        b'{"file_url": null}',
        b'{"text": "file_url", "more": "say \\"file_url\\": \\"https://h/a?b\\"", "url": "https://h/a?b"}',
        b"[]",
        b"",
        b"not JSON ? at all",
    ],
)
def test_without_a_query_nothing_changes(raw: bytes) -> None:
    assert without_signature(raw) == raw
    assert unpack(pack(raw)) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1.50, "file_url":"https://h/a.wav?Expires=1&Signature=SECRET", "b": "\xe4\xbd\xa0"}',
        b'{"a": 1.50, "file_url" \t\r\n:\n "https:\\/\\/h\\/a.wav?E=1\\u0026Signature=SECRET", "b": "\xe4\xbd\xa0"}',
        b'{"a": 1.50, "file_url":"https://h/a.wav\\u003FExpires=1&Signature=SECRET", "b": "\xe4\xbd\xa0"}',
        b'{"a": 1.50, "file_url":"\\u0068ttps://h/a.wav\\u003fSignature=SECRET\\\\\\"", "b": "\xe4\xbd\xa0"}',
        b'{"a": 1.50, "file_url":"https://user:SECRET@h/a.wav", "b": "\xe4\xbd\xa0"}',
        b'{"a": 1.50, "file_url":"https://h/a.wav#SECRET", "b": "\xe4\xbd\xa0"}',
        b'{"a": 1.50, "f\\u0069le_\\u0075r\\u006C":"https://h/a.wav?SECRET", "b": "\xe4\xbd\xa0"}',
    ],
)
def test_a_signature_is_cut_off(raw: bytes) -> None:
    clean = without_signature(raw)
    assert b"SECRET" not in clean
    assert clean.startswith(b'{"a": 1.50, "f')
    assert clean.endswith(b'", "b": "\xe4\xbd\xa0"}')
    assert json.loads(clean) == {"a": 1.5, "file_url": URL, "b": "\u4f60"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings(encoding: str) -> None:
    clean = without_signature(json.dumps({"file_url": SIGNED, "text": "a?b"}).encode(encoding))
    assert json.loads(clean) == {"file_url": URL, "text": "a?b"}
    assert b"SECRET" not in clean.replace(b"\0", b"")


@pytest.mark.parametrize("value", [[SIGNED], {"url": SIGNED}, [{"deep": [SIGNED, 1]}]])
def test_urls_in_a_form_nobody_expects(value: Any) -> None:
    clean = without_signature(json.dumps({"file_url": value, "text": "a?b"}).encode())
    assert b"SECRET" not in clean
    assert json.loads(clean)["text"] == "a?b"


@pytest.mark.parametrize("value", [SIGNED, [SIGNED], {"url": SIGNED, "file_url": SIGNED}])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_no_document_is_parsed_as_a_whole(value: Any, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """That would hold the interpreter for tenths of a second, which is why it is avoided wherever it can be."""
    longest = 0
    loads = json.loads

    def measured(text: Any, **more: Any) -> Any:
        nonlocal longest
        longest = max(longest, len(text))
        return loads(text, **more)

    monkeypatch.setattr(json, "loads", measured)
    raw = json.dumps({"text": "x" * 200_000, "file_url": value, "more": [1.5] * 10}).encode(encoding)
    clean = without_signature(raw)
    monkeypatch.undo()
    assert b"SECRET" not in clean.replace(b"\0", b"")
    assert len(clean) > 200_000
    assert longest < 1000
    assert json.loads(clean)["more"] == [1.5] * 10


def test_a_damaged_one_is_no_document() -> None:
    packed = pack(document(1000))
    for damaged in (packed[:-1], packed[:5], b"", b"x" * 100):
        with pytest.raises(zlib.error):
            unpack(damaged)


def test_what_is_no_json_goes_without_secrets_too() -> None:
    assert b"SECRET" not in without_signature(f'{{"file_url": ["{SIGNED}"'.encode())
    assert b"SECRET" not in without_signature(b'{"file_url": "\xff' + SIGNED.encode() + b'"}')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    content=st.dictionaries(st.text(), JSON, max_size=4), ascii_only=st.booleans(), signed=st.booleans(), data=st.data()
)
def test_only_that_changes(content: dict[str, Any], ascii_only: bool, signed: bool, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(content)))
    items = [*content.items()]
    whole = dict([*items[:place], ("file_url", SIGNED if signed else URL), *items[place:]]) | {
        "file_url": SIGNED if signed else URL
    }
    try:
        raw = json.dumps(whole, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        raw = json.dumps(whole).encode()
    clean = without_signature(raw)
    assert json.loads(clean) == whole | {"file_url": URL}
    assert clean == raw.replace(b"?Expires=1&Signature=SECRET", b"")


@given(before=st.integers(0, 300), size=st.integers(1, 80))
def test_wherever_the_slices_end(before: int, size: int) -> None:
    raw = json.dumps({"x": "y" * before, "file_url": SIGNED, "z": 1}).encode()
    whole, documents._SLICE = documents._SLICE, size
    try:
        clean = without_signature(raw)
        assert clean == raw.replace(b"?Expires=1&Signature=SECRET", b"")
        assert unpack(pack(raw)) == clean
    finally:
        documents._SLICE = whole


def test_a_long_one_takes_little_room() -> None:
    long = document(100_000)
    assert len(pack(long)) < len(long) / 4
    assert unpack(pack(long)) == long
