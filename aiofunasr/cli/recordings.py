"""Where a page of a transcript finds the recording: beside it, at its URL, or inside of itself."""

from __future__ import annotations

import os
from base64 import b64encode
from mimetypes import guess_type
from pathlib import Path
from urllib.parse import quote

from aiofunasr.cli.running import CommandError
from aiofunasr.wire.urls import is_url

MOST_TO_EMBED = 50 * 1024 * 1024
"""Bytes; a page has to be read whole before any of it is shown."""


def locate(source: str, directory: Path, *, embed: bool = False) -> str | None:
    """Return what a page in a directory is to play for a source; None, which leaves it to the transcript, for a URL.

    Raises:
        CommandError: It is to be embedded, and is not here, or too large.
        OSError: It cannot be read.
    """
    if is_url(source):
        if embed:
            raise CommandError("only a file on this machine can be embedded")
        return None
    path = Path(source)
    if embed:
        if (size := path.stat().st_size) > MOST_TO_EMBED:
            raise CommandError(f"{size >> 20} MB are too many to embed; without --embed-audio the page refers to them")
        kind = guess_type(path.name)[0] or "audio/*"
        return f"data:{kind};base64,{b64encode(path.read_bytes()).decode()}"
    if not path.is_file():
        return None
    try:
        relative = os.path.relpath(path.absolute(), directory.absolute())
    except ValueError:
        # On another drive there is no way from here.
        return path.absolute().as_uri()
    # Before a name with a colon in it, the dot keeps it from being a scheme.
    return "./" + quote(Path(relative).as_posix())
