"""Sign events the way EventBridge signs what it pushes to an HTTP target.

The text that is signed is the target's URL as it was configured, query and all, then the official headers in this
order, as `name: value` with names in lower case, then the body, with a newline between all of them:

    version 1                                  version 2
    x-eventbridge-signature-timestamp          x-eventbridge-signature-timestamp
    x-eventbridge-signature-method             x-eventbridge-hash-method
    x-eventbridge-signature-version            x-eventbridge-signature-version
    x-eventbridge-signature-url                x-eventbridge-signature-url
    x-eventbridge-signature-token              x-eventbridge-signature-token

The token is there only if the event rule has one. The page ends the text with the body; the official code and
receivers in the wild end it with one more newline, which is a switch. The timestamp is in milliseconds, and 60 seconds
is what a receiver allows; the version is `1.0` in both.

Version 1: the method is `HMAC-SHA1`. `x-eventbridge-signature` is the HMAC-SHA1 of the text under a secret made for
the request; `x-eventbridge-signature-secret` is that secret, encrypted with the private RSA key (PKCS #1 v1.5, block
type 1), so that the public key opens it. Version 2: the hash method is `SHA256`, and `x-eventbridge-signature-v2` the
RSA signature (PKCS #1 v1.5) of the text's SHA-256. All three are in Base64. `x-eventbridge-signature-url` is where the
X.509 certificate of the key is found in PEM; that of the real service begins with
`https://{region}-eventbridge.oss-accelerate.aliyuncs.com/`.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from attrs import field, frozen

from aiofunasr.emulator.settings import EmulatorSettings

CERTIFICATE_PATH: Final = "/eventbridge/x509_public_certificate.pem"

_PREFIX: Final = "x-eventbridge-signature"
_KEY_BITS: Final = 2048
_YEARS: Final = 10


class MissingCryptographyError(RuntimeError):
    """Events are to be signed, and the library for it is not installed."""


@frozen
class EventSigner:
    """A key pair and the certificate of it, made anew for each emulator.

    The key is a `cryptography` RSA private key.
    """

    certificate: bytes
    _key: Any = field(repr=False)

    @classmethod
    def create(cls) -> Self:
        """Make a key and a certificate, which takes a good part of a second.

        Raises:
            MissingCryptographyError: the library for it is not installed.
        """
        try:
            from cryptography import x509  # noqa: PLC0415 (wanted for signed events alone)
            from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
            from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
        except ImportError:
            message = 'signing events needs another library: pip install "aiofunasr[emulator]", or sign none'
            raise MissingCryptographyError(message) from None
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "aiofunasr emulator")])
        begin = datetime.now(UTC) - timedelta(days=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=365 * _YEARS))
            .sign(key, hashes.SHA256())
        )
        return cls(certificate.public_bytes(serialization.Encoding.PEM), key)

    def headers(
        self, url: str, body: bytes, now: float, certificate_url: str, settings: EmulatorSettings
    ) -> dict[str, str]:
        """Return the headers that sign a request sent to `url` now, seconds since the epoch."""
        timestamp = {f"{_PREFIX}-timestamp": str(int(now * 1000))}
        rest = {f"{_PREFIX}-version": "1.0", f"{_PREFIX}-url": certificate_url}
        if settings.event_token is not None:
            rest[f"{_PREFIX}-token"] = settings.event_token
        end = b"\n" if settings.event_final_newline else b""
        signed: dict[str, str] = {}
        if settings.event_signature in {"v1", "both"}:
            official = {**timestamp, f"{_PREFIX}-method": "HMAC-SHA1", **rest}
            secret = secrets.token_hex(16).encode()
            signature = hmac.digest(secret, string_to_sign(url, official, body) + end, "sha1")
            signed |= official
            signed |= {f"{_PREFIX}-secret": _base64(self._encrypted(secret)), _PREFIX: _base64(signature)}
        if settings.event_signature in {"v2", "both"}:
            official = {**timestamp, "x-eventbridge-hash-method": "SHA256", **rest}
            signature = self._signed(string_to_sign(url, official, body) + end)
            signed |= {**official, f"{_PREFIX}-v2": _base64(signature)}
        return signed

    def _signed(self, text: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

        signature: bytes = self._key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return signature

    def _encrypted(self, secret: bytes) -> bytes:
        """Encrypt with the private key, which no library offers, as it is a signature without a hash."""
        numbers = self._key.private_numbers()
        modulus = numbers.public_numbers.n
        length = (modulus.bit_length() + 7) // 8
        block = b"\x00\x01" + b"\xff" * (length - len(secret) - 3) + b"\x00" + secret
        encrypted: int = pow(int.from_bytes(block), numbers.d, modulus)
        return encrypted.to_bytes(length)


def string_to_sign(url: str, official: dict[str, str], body: bytes) -> bytes:
    """Return the text that is signed, without a newline at its end."""
    lines = [url, *(f"{name}: {value}" for name, value in official.items())]
    return "\n".join(lines).encode() + b"\n" + body


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
