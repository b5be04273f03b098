"""What may be written down of what a caller gave."""

from __future__ import annotations

import json
import os
import re
from typing import Any
from urllib.parse import urlsplit

from aiofunasr.redaction import redact
from aiofunasr.results import Source
from aiofunasr.wire.urls import is_url

_TOKEN = re.compile(r"fasr1\.[A-Za-z0-9_\-=]+")


def has_secret(url: str) -> bool:
    """Tell whether a URL has parts that may hold a secret: credentials, a query, a fragment.

    Such a URL is not stored whole, so its file cannot be submitted from a journal alone.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return "?" in url or "#" in url or "@" in parts.netloc


def without_secrets(source: Source) -> str:
    """Return a URL without credentials, query and fragment, or a path, with what looks like a key masked in either.

    >>> without_secrets("https://user:word@host/a.wav?Signature=x")
    'https://host/a.wav'
    """
    text = os.fspath(source)
    if not is_url(text):
        return redact(text)
    text = re.split("[?#]", text, maxsplit=1)[0]
    head, mark, rest = text.partition("//")
    netloc, slash, path = rest.partition("/")
    return redact(f"{head}{mark}{netloc.rpartition('@')[2]}{slash}{path}")


def is_token(text: str) -> bool:
    """Tell a task's token: it holds no secret, and what looks like one in it is chance."""
    return _TOKEN.fullmatch(text) is not None


def redact_json(text: str) -> str:
    """Redact every text in a JSON document, or a text that is none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return redact(text)
    clean = _redact_in(content)
    return text if clean == content else json.dumps(clean, ensure_ascii=False, separators=(",", ":"))


def _redact_in(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case list():
            return [_redact_in(item) for item in value]
        case dict():
            return {redact(name): _redact_in(item) for name, item in value.items()}
    return value
