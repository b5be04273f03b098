"""RSA keys in PEM, and signatures checked with them, against another implementation."""

from __future__ import annotations

import base64
import functools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.wire.certificates import PublicKey, read_public_key


@functools.cache
def private_key(bits: int = 2048) -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def certificate_of(key: Any) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a certificate")])
    begin = datetime(2026, 10, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def public_pem(key: Any, form: PublicFormat) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, form)
    return pem


@pytest.mark.parametrize("bits", [1024, 2048, 3072])
def test_a_key_is_read_from_whatever_it_comes_in(bits: int) -> None:
    key = private_key(bits)
    numbers = key.public_key().public_numbers()
    wanted = PublicKey(numbers.n, numbers.e)
    for pem in (
        certificate_of(key),
        public_pem(key, PublicFormat.SubjectPublicKeyInfo),
        public_pem(key, PublicFormat.PKCS1),
        b"a comment\r\n" + certificate_of(key).replace(b"\n", b"\r\n"),
    ):
        assert read_public_key(pem) == read_public_key(pem.decode()) == wanted


@given(st.binary(max_size=300))
def test_a_signature_is_of_its_text_alone(text: bytes) -> None:
    key = private_key()
    public = read_public_key(public_pem(key, PublicFormat.SubjectPublicKeyInfo))
    signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    assert public.has_signed(signature, text)
    assert not public.has_signed(signature, text + b"\0")
    assert not public.has_signed(signature[:-1] + bytes([signature[-1] ^ 1]), text)


def test_what_is_signed_otherwise_is_no_signature() -> None:
    key = private_key()
    public = read_public_key(certificate_of(key))
    signature = key.sign(b"x", padding.PKCS1v15(), hashes.SHA256())
    pss = key.sign(b"x", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    sha512 = key.sign(b"x", padding.PKCS1v15(), hashes.SHA512())
    other = private_key(3072).sign(b"x", padding.PKCS1v15(), hashes.SHA256())
    for bad in (pss, sha512, other, b"", b"\0" * 256, b"\xff" * 256, b"\0" + signature, signature[1:], signature * 2):
        assert not public.has_signed(bad, b"x")


def test_a_forged_padding_is_no_signature() -> None:
    """With a small exponent, whoever looks for the digest behind some padding can be shown what was never signed."""
    modulus = private_key(3072).public_key().public_numbers().n
    public = PublicKey(modulus, 3)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"x")
    prefix = bytes.fromhex("3031300d060960864801650304020105000420") + digest.finalize()
    wanted = int.from_bytes((b"\x00\x01" + b"\xff" * 8 + b"\x00" + prefix).ljust(public.length, b"\xff"))
    root = _cube_root(wanted)
    opened = pow(root, 3).to_bytes(public.length)
    assert opened.startswith(b"\x00\x01" + b"\xff" * 8 + b"\x00" + prefix)
    assert not public.has_signed(root.to_bytes(public.length), b"x")


def _cube_root(number: int) -> int:
    low, high = 0, 1 << (number.bit_length() // 3 + 2)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle)
    return low


def _closed(content: bytes, *, kind: bytes = b"\x01", fill: bytes = b"\xff") -> bytes:
    numbers = private_key().private_numbers()
    block = b"\x00" + kind + fill * (253 - len(content)) + b"\x00" + content
    closed: int = pow(int.from_bytes(block), numbers.d, numbers.public_numbers.n)
    return closed.to_bytes(256)


def test_a_block_is_opened_if_it_is_closed_right() -> None:
    public = read_public_key(certificate_of(private_key()))
    assert public.opened(_closed(b"secret")) == b"secret"
    assert public.opened(_closed(b"")) == b""
    for bad in (_closed(b"secret", kind=b"\x02"), _closed(b"secret", fill=b"\xfe"), _closed(b"x" * 247), b"\0" * 256):
        assert public.opened(bad) is None
    assert public.opened(b"short") is None


def _pem(kind: str, data: bytes) -> bytes:
    return f"-----BEGIN {kind}-----\n".encode() + base64.encodebytes(data) + f"-----END {kind}-----\n".encode()


def _data(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


@pytest.mark.parametrize("kind", ["CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY"])
@given(data=st.data())
def test_a_damaged_key_is_told_and_never_anything_else(kind: str, data: st.DataObject) -> None:
    key = private_key()
    whole = {
        "CERTIFICATE": certificate_of(key),
        "PUBLIC KEY": public_pem(key, PublicFormat.SubjectPublicKeyInfo),
        "RSA PUBLIC KEY": public_pem(key, PublicFormat.PKCS1),
    }[kind]
    damaged = bytearray(_data(whole))
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(1, len(damaged)))]
    try:
        found = read_public_key(_pem(kind, bytes(damaged)))
    except ValueError:
        return
    assert found.modulus > 0


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        (b"", "neither"),
        (b"<html>", "neither"),
        ("no key: é", "neither"),
        (_pem("PRIVATE KEY", b"x"), "neither"),
        (_pem("PUBLIC KEY", b"x"), "damaged"),
        (b"x" * 100_000, "neither"),
        (certificate_of(ec.generate_private_key(ec.SECP256R1())), "not an RSA key"),
        (_pem("RSA PUBLIC KEY", bytes.fromhex("3006020103020103")), "bits"),
        (_pem("RSA PUBLIC KEY", b"\x30\x81\x87\x02\x81\x81\x00" + b"\xff" * 128 + b"\x02\x01\x04"), "exponent"),
    ],
)
def test_what_is_no_key_is_told(pem: bytes | str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_public_key(pem)
