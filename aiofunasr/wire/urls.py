"""The URLs of input files: which are accepted, and how they are written (the protocol notes, sections 2.2 and 7)."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

from aiofunasr.errors import InvalidArgumentError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")
_SUPPORTED = ("http", "https", "oss")

# What nearly all URLs are: nothing in them can be wrong, and nothing has to be written otherwise.
_PLAIN = re.compile(r"https?://[a-z0-9]++(?:[.-]++[a-z0-9]++)*+/(?:[A-Za-z0-9/._~=&?+:,;@!$()*-]++|%[0-9A-Fa-f]{2})*+")

# What may not stand in a URL as it is: the service then fails with InvalidFile.DownloadFailed. Everything else is
# left byte for byte, since a signature may cover it.
_UNSAFE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]")


def is_url(source: object) -> bool:
    """Tell a URL from a path: a URL has a scheme of two letters or more (one letter is a Windows drive)."""
    return isinstance(source, str) and _SCHEME.match(source) is not None


def encode_file_url(url: str) -> str:
    """Percent-encode what the service cannot read in a URL and leave the rest as it is.

    Existing escapes stay, a `%` that begins none becomes `%25`, and a host with non-ASCII letters becomes its ASCII
    form.

    Raises:
        InvalidArgumentError: The URL has another scheme than http, https or oss, or no host.
    """
    return url if _PLAIN.fullmatch(url) else _encode(url.strip())


def _encode(url: str) -> str:
    try:
        url.encode()  # a lone surrogate has no escape
        parts = urlsplit(url)
        host = parts.hostname
        host_is_bad = not host or (parts.scheme != "oss" and parts.port == 0)
    except ValueError as error:
        raise InvalidArgumentError("file_urls", url, f"not a URL: {error}") from error
    if parts.scheme not in _SUPPORTED:
        raise InvalidArgumentError(
            "file_urls", url, "http://, https:// and oss:// URLs and local paths can be given, no others"
        )
    if host_is_bad or host is None:
        raise InvalidArgumentError("file_urls", url, "the URL has no usable host")
    if not host.isascii():
        url = url.replace(parts.netloc, _ascii_netloc(parts.netloc, host, url), 1)
    return _UNSAFE.sub(lambda match: quote(match.group(), safe=""), url)


def name_same_file(one: str, other: str) -> bool:
    """Tell whether two URLs may be the same one, which the service echoes and may write otherwise.

    It may escape it otherwise, leave out its signature, or name the place that stands behind one of `oss://`. What
    stays is the path.
    """
    return one == other or _path_of(one) == _path_of(other)


def _path_of(url: str) -> str:
    try:
        return unquote(urlsplit(url).path)
    except ValueError:
        return url


def _ascii_netloc(netloc: str, host: str, url: str) -> str:
    try:
        ascii_host = host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidArgumentError("file_urls", url, f"the host name cannot be written in ASCII: {error}") from error
    before, at, host_and_port = netloc.rpartition("@")
    port = host_and_port[host_and_port.rindex(":") :] if ":" in host_and_port else ""
    return before + at + ascii_host + port
