"""Keep secrets out of everything a person may read.

Keys, temporary tokens and signed query strings reach log lines and tracebacks through the texts of others: an
error message of the service, an exception of the HTTP library, a URL in a repr. Each such text passes through
`redact` before it is stored or shown.
"""

from __future__ import annotations

import re

_MASK = "***"

# `sk-...` are long-term keys, `st-...` temporary tokens (the protocol notes, sections 1.2 and 8). A key of the real
# service is long; short words such as "sk-1" in a test's message are masked too, which costs nothing.
_KEY = re.compile(r"(?<![A-Za-z])(s[kt]-)[A-Za-z0-9_\-.]+")
_BEARER = re.compile(r"(?i)\b(bearer\s+)\S+")
# A query string may carry a signature under any name a storage service likes, so all of it goes. JSON may escape "/".
_QUERY = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]{0,15}:(?:\\?/){2}[^\s\"'<>?#]*)[?#][^\s\"'<>]*")
# The same where it stands alone, is escaped, or is a field of a JSON text.
_NAMED = re.compile(
    r"(?i)((?:signature|security[-_]?token|credential|access_?key_?id|access_?key_?secret|api_?key|authorization|policy)"
    r"(?:=|%3D|\\?[\"']\s*:\s*\\?[\"']))(?!\*\*\*)[^\s\"'&<>\\]+"
)
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]{0,15}:(?:\\?/){2})[^/\s\"'<>@]*@")


def redact(text: str) -> str:
    """Replace keys, tokens, URL credentials and query strings in a text by `***`.

    >>> redact("GET https://host/a.wav?Signature=abc failed for sk-123")
    'GET https://host/a.wav?*** failed for sk-***'
    """
    text = _QUERY.sub(rf"\1?{_MASK}", text)
    text = _USERINFO.sub(rf"\1{_MASK}@", text)
    text = _NAMED.sub(rf"\1{_MASK}", text)
    text = _BEARER.sub(rf"\1{_MASK}", text)
    return _KEY.sub(rf"\1{_MASK}", text)


def excerpt(text: str, limit: int = 200) -> str:
    """Redact a text and cut it to `limit` characters, for the message of an error."""
    clean = redact(text[: limit * 4])
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
