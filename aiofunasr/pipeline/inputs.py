"""The files of a caller's input: looked at before anything is sent, and given a URL the service can read."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sized
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from aiofunasr.audio import AudioFile, GivenFile, GivenFiles, UploadedFile
from aiofunasr.errors import InvalidArgumentError
from aiofunasr.pipeline.uploads import file_size
from aiofunasr.results import Source
from aiofunasr.schedule.packing import MOST_FILES
from aiofunasr.wire.urls import encode_file_url, is_url

_WHAT_IS_NEEDED = "URLs or paths are needed: one, or any iterable or async iterable of them"


def as_iterable(files: GivenFiles) -> Iterable[GivenFile] | AsyncIterable[GivenFile]:
    """Make sure that there is something to iterate over; one file alone stands for a list of one.

    Raises:
        InvalidArgumentError: It is nothing of the kind, or a collection with nothing in it.
    """
    if isinstance(files, str | os.PathLike | AudioFile | UploadedFile):
        return [files]
    if isinstance(files, bytes | bytearray) or not isinstance(files, Iterable | AsyncIterable):
        raise InvalidArgumentError("files", files, _WHAT_IS_NEEDED)
    if isinstance(files, Sized) and len(files) == 0:
        raise InvalidArgumentError("files", files, "at least one file is needed")
    return files


def one_task_of(files: GivenFiles) -> list[GivenFile]:
    """Return the files of one task as a list.

    Raises:
        InvalidArgumentError: There are none, more than a task takes, or they come from an async iterable.
    """
    sources = as_iterable(files)
    if not isinstance(sources, Iterable):
        raise InvalidArgumentError("files", files, "a task takes a list; Session.transcribe takes async iterables")
    listed = []
    for source in sources:
        listed.append(source)
        if len(listed) > MOST_FILES:
            count = len(sources) if isinstance(sources, Sized) else f"over {MOST_FILES}"
            raise InvalidArgumentError(
                "files",
                f"<{count} files>",
                f"a task takes 1 to {MOST_FILES}; Session.transcribe takes any number",
            )
    if not listed:
        raise InvalidArgumentError("files", listed, "at least one file is needed")
    return listed


def is_local(source: object) -> bool:
    """Tell whether a source has to be looked at on disk."""
    return not is_url(source) or str(source).lower().startswith("file:")


async def iterate(sources: Iterable[GivenFile] | AsyncIterable[GivenFile]) -> AsyncGenerator[GivenFile, None]:
    """Go through either kind of iterable."""
    if isinstance(sources, AsyncIterable):
        async for source in sources:
            yield source
    else:
        for source in sources:
            yield source


async def inspect(source: Source) -> str | Path:
    """Return a source as the URL to send or the path to upload, once it is known to be usable.

    Raises:
        InvalidArgumentError: It is no URL the service takes.
        InvalidFileError: It is a path that cannot be uploaded.
    """
    if isinstance(source, str) and not is_local(source):
        return encode_file_url(source)
    if isinstance(source, str) and is_url(source):
        path = Path(url2pathname(unquote(urlsplit(source).path)))
    elif isinstance(source, str | os.PathLike) and isinstance(text := os.fspath(source), str) and text.strip():
        path = Path(os.path.expanduser(text))  # noqa: ASYNC240, PTH111  (it looks at the environment only)
    else:
        raise InvalidArgumentError("files", source, "each file is a URL or a path, given as str or os.PathLike")
    await file_size(path)
    return path


def check_upload(file: GivenFile, model: str, now: float) -> None:
    """Make sure that a file in the temporary store can be used for a model; of any other nothing is known here.

    Raises:
        InvalidArgumentError: It was uploaded for another model, or too long ago: its task would fail.
    """
    if not isinstance(file, UploadedFile):
        return
    if file.model != model:
        raise InvalidArgumentError(
            "files", file.url, f"it was uploaded for {file.model} and cannot be used with {model}: upload it again"
        )
    if now >= file.expires_at.timestamp():
        raise InvalidArgumentError("files", file.url, f"it could be used until {file.expires_at:%Y-%m-%d %H:%M} UTC")


def source_of(file: GivenFile) -> Source:
    """Return the URL or path of a file."""
    if isinstance(file, UploadedFile):
        return file.url
    return file.source if isinstance(file, AudioFile) else file


def seconds_of(file: GivenFile) -> float | None:
    """Return how long a file is, where the caller said so."""
    return file.seconds if isinstance(file, AudioFile) else None
