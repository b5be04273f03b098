"""Names of files for results: from the input's own name, safe on any system, each once.

A source is anybody's text. What becomes of it is one path component: it cannot leave its directory, hide, be an option
of another program, or be a device of Windows; and no two results of a run have the same one, not even on a
file system that ignores case.
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath, PureWindowsPath
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from aiofunasr.results import Source
from aiofunasr.wire.urls import is_url

_LONGEST = 150
"""Bytes; with an extension, a number and what a temporary name needs, it stays below the usual limit of 255."""

_NOT_IN_NAMES = frozenset('/\\:*?"<>|')
_DEVICES = frozenset(
    {"aux", "con", "nul", "prn", "conin$", "conout$"}
    | {f"{port}{n}" for port in ("com", "lpt") for n in "0123456789\u00b9\u00b2\u00b3"}
)


def safe_stem(source: Source) -> str:
    """Return a name for the results of a source, without an extension."""
    text = os.fspath(source)
    if is_url(text):
        # What is escaped may be a separator, so it is unescaped before the last part is taken.
        try:
            name = PurePosixPath(unquote(urlsplit(text).path)).name
        except ValueError:
            name = ""
    else:
        name = PureWindowsPath(text).name if os.name == "nt" else PurePosixPath(text).name
    name = "".join(_safe(character) for character in normalize("NFC", name))
    stem, dot, extension = name.rpartition(".")
    stem = stem if dot and stem.strip(" .") and len(extension) <= 8 else name
    stem = stem.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore").lstrip(" .-").rstrip(" .") or "file"
    return f"_{stem}" if stem.partition(".")[0].rstrip().casefold() in _DEVICES else stem


def _safe(character: str) -> str:
    return "_" if character in _NOT_IN_NAMES or not character.isprintable() else character


class NameBook:
    """Gives out names, each once: the second `talk` becomes `talk-2`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._counters: dict[str, int] = {}

    def take(self, source: Source) -> str:
        """Return a name nobody has yet."""
        stem = safe_stem(source)
        name, key = stem, stem.casefold()
        while name.casefold() in self._taken:
            number = self._counters[key] = self._counters.get(key, 1) + 1
            name = f"{stem}-{number}"
        self._taken.add(name.casefold())
        return name
