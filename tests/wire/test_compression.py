from __future__ import annotations

import gzip
import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.wire.compression import PIECE, Unpacker


def unpacked(encoding: str, *parts: bytes) -> bytes:
    unpacker = Unpacker(encoding)
    pieces = [piece for part in parts for piece in unpacker.feed(part)]
    unpacker.close()
    assert max(map(len, pieces), default=0) <= PIECE
    return b"".join(pieces)


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


bodies = st.builds(lambda data, times: data * times, st.binary(min_size=0, max_size=300), st.integers(1, 2000))


@given(bodies, st.lists(st.integers(0, 5000), max_size=5), st.sampled_from(["gzip", "deflate", "bare"]))
def test_what_was_packed_is_unpacked_however_it_is_cut(body: bytes, cuts: list[int], form: str) -> None:
    packed = gzip.compress(body) if form == "gzip" else zlib.compress(body) if form == "deflate" else bare(body)
    places = [0, *sorted(cut % (len(packed) + 1) for cut in cuts), len(packed)]
    parts = [packed[begin:end] for begin, end in itertools.pairwise(places)]
    assert unpacked("gzip" if form == "gzip" else "deflate", *parts) == body


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_nothing_stays_inside_at_the_edge_of_a_piece(size: int) -> None:
    for packed in (zlib.compress(bytes(size)), bare(bytes(size))):
        assert unpacked("deflate", packed) == bytes(size)


def test_several_members_and_padding_are_one_body() -> None:
    body = gzip.compress(b"a" * 100_000) + gzip.compress(b"b") + bytes(20)
    assert unpacked("GZIP", body) == b"a" * 100_000 + b"b"


@given(st.binary(max_size=500), st.integers(0, 100))
def test_what_is_damaged_is_an_error_or_a_body(noise: bytes, at: int) -> None:
    packed = gzip.compress(b"hello " * 30)
    for body in (noise, packed[:at], packed[:at] + noise):
        try:
            unpacked("gzip", body)
        except ValueError as error:
            assert "compressed reply" in str(error)  # noqa: PT017


def test_what_was_not_asked_for_is_refused() -> None:
    for encoding in ("br", "zstd", "gzip, gzip", "x" * 5000):
        with pytest.raises(ValueError, match="not asked for"):
            Unpacker(encoding)
    with pytest.raises(ValueError, match="too many"):
        unpacked("gzip", gzip.compress(b"") * 101)
