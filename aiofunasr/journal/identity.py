"""Which file is which: a digest of what the caller gave and of what is asked for.

Two runs over the same manifest must agree on it, though its URLs were signed anew in between; and two files must never
share one, because the second would be given the result of the first. So of a signed URL exactly that is left out which
is known to be signature, and everything else counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from hashlib import blake2b
from typing import Any
from urllib.parse import SplitResult, quote_from_bytes, unquote, unquote_to_bytes, urlsplit
from urllib.request import url2pathname

from attrs import frozen

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.journal.secrets import has_secret, without_secrets
from aiofunasr.options import TranscriptionOptions
from aiofunasr.results import Source
from aiofunasr.wire.urls import is_url

__all__ = ["file_key", "has_secret", "without_secrets"]

_DIGEST_BYTES = 16
_FORM = 1
"""Of the text that is digested; another one makes every file of every journal a new one."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


def file_key(
    source: Source, options: TranscriptionOptions, *, size: int | None = None, mtime_ns: int | None = None
) -> str:
    """Return the key of a file in a journal, 32 hexadecimal digits.

    A relative path is one of the working directory, which the system is asked for: give absolute ones on an event loop.

    Args:
        source: The URL or path as the caller gave it.
        options: What is asked for; the same file with other options is another one.
        size: Bytes of a local file; one that changed is another one.
        mtime_ns: When it was modified, nanoseconds since the epoch.

    Raises:
        InvalidArgumentError: It is no URL.
    """
    text = os.fspath(source)
    if is_url(text) and not text.lower().startswith("file:"):
        place: list[Any] = ["url", *_canonical_url(text)]
    else:
        place = ["path", _absolute(text), size, mtime_ns]
    content = [_FORM, place, _canonical_options(options)]
    written = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return blake2b(written.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def _absolute(text: str) -> str:
    if is_url(text):
        text = url2pathname(unquote(urlsplit(text).path))
    text = os.path.expanduser(text)  # noqa: PTH111  (as text: what is no Unicode, or odd, stays what it is)
    if not os.path.isabs(text):  # noqa: PTH117
        text = os.path.join(os.getcwd(), text)  # noqa: PTH109, PTH118
    # Links are not followed, which would be a matter for the disk.
    return os.path.normcase(os.path.normpath(text))


def _canonical_options(options: TranscriptionOptions) -> Any:
    parameters, phrase_id, *context = options.asked()
    asked = {"model": options.model, "phrase_id": phrase_id, "parameters": parameters}
    if context:
        asked["context"] = context
    # There and back, so that keys are texts and can be sorted.
    return _plain_numbers(json.loads(json.dumps(asked)))


def _plain_numbers(value: Any) -> Any:
    """Write 1.0 as 1, which a caller and a command line may well tell apart but the service does not."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_plain_numbers(item) for item in value]
        case dict():
            return {name: _plain_numbers(item) for name, item in value.items()}
    return value


# --- URLs -------------------------------------------------------------------------------------------------------


def _canonical_url(url: str) -> list[Any]:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = _ascii(parts.hostname or "")
    except ValueError as error:
        raise InvalidArgumentError("source", url, f"not a URL: {error}") from error
    return [
        parts.scheme,
        # Whose file it may be, but not the password.
        _escaped(parts.username or ""),
        host,
        None if port == _DEFAULT_PORTS.get(parts.scheme) else port,
        [_escaped(segment) for segment in (parts.path or "/").split("/")],
        _canonical_query(parts),
    ]


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return _escaped(host)


def _escaped(text: str) -> str:
    """Return a text in the one escaped form of all that mean the same bytes."""
    return quote_from_bytes(unquote_to_bytes(text.encode("utf-8", "surrogatepass")), safe="")


def _canonical_query(parts: SplitResult) -> list[list[str]]:
    """Return the parameters that say which file it is, by name; those of one name keep their order."""
    pairs = [pair.partition("=") for pair in parts.query.split("&") if pair]
    names = [unquote(name).lower() for name, _, _ in pairs]
    signing = [scheme for scheme in _SCHEMES if scheme.signs(names)]
    kept = [
        # A plus sign may mean a space and may mean itself, so it is neither here.
        [_escaped(name), mark, *(_escaped(part) for part in value.split("+"))]
        for (name, mark, value), plain in zip(pairs, names, strict=True)
        if not any(scheme.owns(plain) for scheme in signing)
    ]
    return sorted(kept, key=lambda pair: pair[0])


@frozen
class _Scheme:
    """A way to sign a URL: the parameters that show it is in use, and those that belong to it, in lower case."""

    marks: frozenset[str]
    names: frozenset[str]
    prefix: str | None = None

    def signs(self, names: Collection[str]) -> bool:
        return self.marks.issubset(names)

    def owns(self, name: str) -> bool:
        return name in self.marks or name in self.names or (self.prefix is not None and name.startswith(self.prefix))


def _scheme(marks: str, names: str = "", *, prefix: str | None = None) -> _Scheme:
    return _Scheme(frozenset(marks.split()), frozenset(names.split()), prefix)


_SAS = "sv st se sr sp spr sip ss srt si skoid sktid skt ske sks skv saoid suoid scid sdd ses sduoid skdutid"

_SCHEMES = (
    # Alibaba OSS, versions 1 and 4. Not all of `x-oss-`: `x-oss-process` makes another file of it.
    _scheme("ossaccesskeyid signature", "expires security-token"),
    _scheme(
        "x-oss-signature",
        "x-oss-signature-version x-oss-credential x-oss-date x-oss-expires x-oss-additional-headers "
        "x-oss-security-token security-token",
    ),
    # Amazon S3 and what speaks its language, versions 2 and 4.
    _scheme("awsaccesskeyid signature", "expires x-amz-security-token"),
    _scheme("x-amz-signature", prefix="x-amz-"),
    # CloudFront, with a policy or without.
    _scheme("key-pair-id signature", "expires policy hash-algorithm"),
    # Google Cloud Storage, versions 2 and 4.
    _scheme("googleaccessid signature", "expires"),
    _scheme("x-goog-signature", prefix="x-goog-"),
    # A shared access signature of Azure: its parameters are too short to mean anything by themselves, but it has a
    # version, and an expiry or the name of a stored policy.
    _scheme("sig sv", _SAS),
    _scheme("sig se", _SAS),
    _scheme("sig si", _SAS),
    # Tencent COS.
    _scheme(
        "q-signature",
        "q-sign-algorithm q-ak q-sign-time q-key-time q-header-list q-url-param-list x-cos-security-token",
    ),
    # Huawei OBS and Volcengine TOS.
    _scheme("accesskeyid signature", "expires x-obs-security-token"),
    _scheme(
        "x-tos-signature",
        "x-tos-algorithm x-tos-credential x-tos-date x-tos-expires x-tos-signedheaders x-tos-security-token",
    ),
)
