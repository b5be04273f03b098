"""RSA public keys: read from PEM, and used to check signatures.

Only what anybody may know is handled here, so there is nothing to keep secret and no timing to hide: a check is one
modular power and a comparison. The padding is not taken apart but built and compared, which leaves a forger no room
(RFC 8017, section 8.2.2). A certificate is only the envelope of its key: whose it is follows from where it was got.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

from attrs import frozen

_PEM = re.compile(
    rb"-----BEGIN (CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY)-----\s(?P<text>[A-Za-z0-9+/=\s]+)-----END \1-----"
)
_LARGEST_PEM = 64 * 1024

_INTEGER, _BIT_STRING, _OBJECT_ID, _SEQUENCE, _VERSION = 0x02, 0x03, 0x06, 0x30, 0xA0
_RSA = bytes.fromhex("2a864886f70d010101")
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")

_SHORTEST_KEY, _LONGEST_KEY = 1024, 8192


@frozen
class PublicKey:
    """An RSA public key."""

    modulus: int
    exponent: int

    @property
    def length(self) -> int:
        """The length of what it signs, in bytes."""
        return (self.modulus.bit_length() + 7) // 8

    def has_signed(self, signature: bytes, text: bytes) -> bool:
        """Tell whether a signature (PKCS #1 v1.5 with SHA-256) is of this text and by this key's other half."""
        digest = _SHA256 + hashlib.sha256(text).digest()
        wanted = b"\x00\x01" + b"\xff" * (self.length - len(digest) - 3) + b"\x00" + digest
        return hmac.compare_digest(self._raised(signature), wanted)

    def opened(self, block: bytes) -> bytes | None:
        """Return what the other half of the key has put into a block (PKCS #1 v1.5, type 1), or None."""
        raised = self._raised(block)
        end = raised.find(b"\x00", 2)
        if not raised.startswith(b"\x00\x01") or end < 10 or raised[2:end].strip(b"\xff"):
            return None
        return raised[end + 1 :]

    def _raised(self, block: bytes) -> bytes:
        number = int.from_bytes(block)
        if len(block) != self.length or number >= self.modulus:
            return b""
        return pow(number, self.exponent, self.modulus).to_bytes(self.length)


def read_public_key(pem: bytes | str) -> PublicKey:
    """Read the RSA key of a certificate, or of a public key, in PEM.

    Raises:
        ValueError: There is none.
    """
    text = pem.encode("ascii", "replace") if isinstance(pem, str) else bytes(pem)
    found = _PEM.search(text) if len(text) <= _LARGEST_PEM else None
    if found is None:
        raise ValueError("this is neither a certificate nor a public key in PEM")
    try:
        data = base64.b64decode(found["text"])
        whole = _children(_only(data, _SEQUENCE))
        if found[1] == b"RSA PUBLIC KEY":
            return _key(whole)
        if found[1] == b"CERTIFICATE":
            fields = _children(_expect(whole, 0, _SEQUENCE))
            # Version (which may be missing), number, algorithm, issuer, validity, subject, and then the key.
            at = 6 if fields[0][0] == _VERSION else 5
            whole = _children(_expect(fields, at, _SEQUENCE))
        algorithm = _children(_expect(whole, 0, _SEQUENCE))
        if _expect(algorithm, 0, _OBJECT_ID) != _RSA:
            raise ValueError("its key is not an RSA key")
        bits = _expect(whole, 1, _BIT_STRING)
        return _key(_children(_only(bits[1:], _SEQUENCE)))
    except (IndexError, binascii.Error):
        raise ValueError("it is damaged") from None


def _key(numbers: list[tuple[int, bytes]]) -> PublicKey:
    key = PublicKey(
        int.from_bytes(_expect(numbers, 0, _INTEGER), signed=True),
        int.from_bytes(_expect(numbers, 1, _INTEGER), signed=True),
    )
    if not _SHORTEST_KEY <= key.modulus.bit_length() <= _LONGEST_KEY or key.modulus < 0:
        raise ValueError(f"a key of {_SHORTEST_KEY} to {_LONGEST_KEY} bits is needed")
    if not 3 <= key.exponent < 2**32 or key.exponent % 2 == 0:
        raise ValueError("its exponent cannot be")
    return key


def _children(data: bytes) -> list[tuple[int, bytes]]:
    """Return the parts of a DER sequence, each with its tag."""
    found = []
    while data:
        tag, content, data = _part(data)
        found.append((tag, content))
    return found


def _only(data: bytes, tag: int) -> bytes:
    found, content, rest = _part(data)
    if found != tag or rest:
        raise ValueError("it is damaged")
    return content


def _expect(parts: list[tuple[int, bytes]], at: int, tag: int) -> bytes:
    found, content = parts[at]
    if found != tag:
        raise ValueError("it is damaged")
    return content


def _part(data: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag and the content of the first part, and what comes after it."""
    tag, length, at = data[0], data[1], 2
    if length & 0x80:
        at += length & 0x7F
        length = int.from_bytes(data[2:at])
    if at > 10 or at + length > len(data):
        raise ValueError("it is damaged")
    return tag, data[at : at + length], data[at + length :]
