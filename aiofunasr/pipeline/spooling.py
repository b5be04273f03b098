"""Whatever a caller wants uploaded, made into something of a known length that can be sent more than once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePath
from typing import IO, Any

import anyio
import anyio.to_thread

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.pipeline.inputs import inspect
from aiofunasr.pipeline.uploads import LARGEST_FILE
from aiofunasr.results import Source

Uploadable = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | AsyncIterable[bytes]
"""A path, the bytes themselves, a binary file that is open, or an async iterable of bytes."""

_PIECE = 256 * 1024

_WHAT_IS_NEEDED = "a path, bytes, an open binary file, or an async iterable of bytes is needed"


@asynccontextmanager
async def spooled(file: Uploadable, name: str | None) -> AsyncIterator[tuple[Path | bytes, PurePath]]:
    """Enter with a path or bytes, and the name they go by; a stream is written to a temporary file for so long.

    Raises:
        InvalidArgumentError: It is nothing of the kind, or a stream is longer than the service takes.
        InvalidFileError: A path cannot be read.
    """
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise InvalidArgumentError("name", name, "the name of a file is needed, such as call.wav")
    if isinstance(file, bytes | bytearray | memoryview):
        yield bytes(file), PurePath(name or "audio")
    elif isinstance(file, str | os.PathLike):
        path = await path_of(file)
        yield path, PurePath(name or path)
    elif isinstance(file, AsyncIterable) or callable(getattr(file, "read", None)):
        pieces = file if isinstance(file, AsyncIterable) else _read(file)
        # Its length must be known before the first byte is sent, and a try that fails is made again.
        temporary = await anyio.to_thread.run_sync(_make_temporary)
        try:
            await _write(pieces, temporary)
            yield temporary, PurePath(name or _own_name(file))
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(temporary.unlink)
    else:
        raise InvalidArgumentError("file", file, _WHAT_IS_NEEDED)


async def path_of(file: Source) -> Path:
    """Return the path of a local file that can be uploaded.

    Raises:
        InvalidArgumentError: It is no path, or the URL of something that is not on this machine.
        InvalidFileError: The file cannot be read.
    """
    place = await inspect(file)
    if isinstance(place, Path):
        return place
    raise InvalidArgumentError("file", file, "a URL needs no upload: the service can be given it as it is")


async def _write(pieces: AsyncIterable[bytes], path: Path) -> None:
    size = 0
    async with await anyio.open_file(path, "wb") as out:
        async for piece in pieces:
            if not isinstance(piece, bytes | bytearray | memoryview):
                raise InvalidArgumentError("file", piece, "the stream must give bytes")
            size += len(piece)
            if size > LARGEST_FILE:
                raise InvalidArgumentError("file", f"<over {LARGEST_FILE} bytes>", "the service takes up to 2 GB")
            await out.write(piece)


async def _read(file: IO[bytes]) -> AsyncIterator[bytes]:
    # A pipe may never give anything, which must not hang whoever gave up waiting for it.
    while piece := await anyio.to_thread.run_sync(file.read, _PIECE, abandon_on_cancel=True):
        yield piece


def _make_temporary() -> Path:
    handle, path = tempfile.mkstemp(prefix="aiofunasr-")
    os.close(handle)
    return Path(path)


def _own_name(file: Any) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) and name.strip("<>") == name and name else "audio"
