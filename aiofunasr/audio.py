"""Files of the caller's input, with what is known about them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from datetime import datetime
from os import PathLike
from typing import Any

from attrs import Attribute, field, frozen

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.redaction import redact
from aiofunasr.results import Source


def _check_source(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, str | PathLike):
        raise InvalidArgumentError(attribute.name, value, "a URL or a path is needed, given as str or os.PathLike")


def _check_seconds(_: object, attribute: Attribute[Any], value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (number and 0 < value < float("inf")):
        raise InvalidArgumentError(attribute.name, value, "a number above 0 is needed, or None where it is not known")


@frozen
class AudioFile:
    """A file to transcribe; it stands wherever a URL or a path does.

    Who knows how long a file is does well to say so: the poller then knows better when its task will be done, and
    estimates of the time left are closer.

    Attributes:
        source: A URL or a local path.
        seconds: How long the audio is, or None where that is not known.
    """

    source: Source = field(validator=_check_source, repr=lambda source: redact(repr(source)))
    seconds: float | None = field(default=None, kw_only=True, validator=_check_seconds)


@frozen(kw_only=True)
class UploadedFile:
    """A file in the service's temporary store; it stands wherever a URL or a path does.

    Attributes:
        url: Its `oss://` URL.
        model: The only model it can be used with (the protocol notes, section 7.3).
        size: Its length in bytes.
        expires_at: Until when it can be used: 48 hours, as an aware datetime.
    """

    url: str
    model: str
    size: int
    expires_at: datetime

    def __str__(self) -> str:
        return self.url


GivenFile = Source | AudioFile | UploadedFile
"""What a caller may give for one file."""

GivenFiles = GivenFile | Iterable[GivenFile] | AsyncIterable[GivenFile]
"""What a caller may give for many."""
