"""How things are said to a person: redacted, on one line, nothing in it that moves the cursor."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from math import ceil
from unicodedata import category

from attrs import evolve

from aiofunasr.errors import FunASRError
from aiofunasr.redaction import redact
from aiofunasr.results import SubtaskResult
from aiofunasr.wire.urls import is_url

_NOT_SHOWN = frozenset({"Cc", "Cf", "Zl", "Zp"})

_DAYS = 3
"""From so many days on nobody wants to know the seconds."""


def printable(text: str) -> str:
    """Redact a text, and replace what a terminal would obey or hide rather than show."""
    return "".join("?" if category(character) in _NOT_SHOWN else character for character in redact(text))


def name_of(result: SubtaskResult) -> str:
    """Return what a result is called in front of a person: the file as it was given, without what is secret in it."""
    return printable(os.fspath(result.source)) or f"task {result.task_id}"


def shown(result: SubtaskResult) -> SubtaskResult:
    """Return a result as the command line writes it: what signs a URL goes into no terminal, log or file.

    A record is matched with its input by `index`, or by what is left of the URL.
    """
    transcript = result.transcript
    return evolve(
        result,
        source=_unsigned(os.fspath(result.source)),
        file_url=None if result.file_url is None else _unsigned(result.file_url),
        transcript=None if transcript is None else evolve(transcript, file_url=_unsigned(transcript.file_url)),
    )


def _unsigned(source: str) -> str:
    # The name of a file may look like a key, and is none.
    return redact(source) if is_url(source) else source


def describe(error: FunASRError) -> str:
    """Return an error with its code, or where it has none with its kind."""
    text = printable(str(error))
    return text if getattr(error, "code", "") else f"{type(error).__name__}: {text}"


def count(number: int, what: str) -> str:
    """Return a number with its noun.

    >>> count(1, "file"), count(2, "file")
    ('1 file', '2 files')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def megabytes(size: int) -> str:
    """Return a number of bytes as a person reads it.

    >>> megabytes(0), megabytes(1_234_567), megabytes(123_456_789)
    ('0.0 MB', '1.2 MB', '123 MB')
    """
    return f"{size / 1e6:.1f} MB" if size < 10_000_000 else f"{size / 1e6:.0f} MB"


def clock(seconds: float) -> str:
    """Return a span of time as a clock shows it, begun seconds counted as whole ones.

    >>> clock(0.2), clock(130), clock(3723), clock(400_000)
    ('0:01', '2:10', '1:02:03', '5 days')
    """
    if seconds >= _DAYS * 86400:
        return f"{seconds / 86400:.0f} days"
    minutes, rest = divmod(ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def complain(text: str) -> None:
    """Say on stderr why a command ends."""
    tell("aiofunasr: " + "\n".join(printable(line) for line in text.splitlines()))


def tell(text: str) -> None:
    """Write a line to stderr as it is; where nobody listens, that is no reason to fail."""
    with suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
