"""What is to be transcribed: the arguments, then the lines of a manifest, read as they are needed.

A line of a manifest is a URL or a path, and after a tab it may have the length of the audio in seconds. Empty lines,
and those that begin with `#`, are passed over.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TextIO

from anyio import to_thread
from attrs import frozen

from aiofunasr.audio import AudioFile
from aiofunasr.cli.running import FAILED, NOT_BEGUN, CommandError
from aiofunasr.errors import InvalidArgumentError
from aiofunasr.pipeline.inputs import inspect

STANDARD_INPUT = "-"
_LINES_AT_ONCE = 500

# Names of files are bytes, and come through whole, whatever they mean.
_ENCODING, _ERRORS = "utf-8-sig", "surrogateescape"


def nothing(_: str) -> None:
    """Do nothing with a source that is read."""


@frozen
class Inputs:
    """The files of a run, to be gone through once.

    Attributes:
        arguments: URLs and paths.
        manifest: A path, `-` for standard input, or None.
        on_read: Called with each source when it is read, in order.
    """

    arguments: Sequence[str]
    manifest: str | None = None
    on_read: Callable[[str], None] = nothing

    async def __aiter__(self) -> AsyncIterator[str | AudioFile]:
        """Go through them; what the manifest has is read as it is asked for, however long it is.

        Raises:
            CommandError: A line of the manifest has something else after a tab than a length.
        """
        for source in self.arguments:
            self.on_read(source)
            yield source
        if self.manifest is not None:
            async for file in _read_manifest(self.manifest):
                self.on_read(file if isinstance(file, str) else str(file.source))
                yield file


@frozen
class CountedInputs(Inputs):
    """Inputs whose number is known beforehand."""

    count: int = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return self.count


async def open_inputs(
    arguments: Sequence[str], manifest: str | None, on_read: Callable[[str], None] = nothing
) -> Inputs:
    """Open what there is to do; a file of a manifest that turns out to be wrong is that file's failure.

    Raises:
        CommandError: The manifest cannot be read, has a line that is none, or has nothing in it.
    """
    if manifest == STANDARD_INPUT:
        return Inputs(arguments, manifest, on_read)
    count = len(arguments)
    if manifest is not None:
        try:
            count += await to_thread.run_sync(_count, Path(manifest), abandon_on_cancel=True)
        except OSError as error:
            raise CommandError(f"--manifest {manifest}: {error.strerror}") from None
    if count == 0:
        raise CommandError(f"--manifest {manifest}: there are no files in it")
    return CountedInputs(arguments, manifest, on_read, count)


async def check_sources(arguments: Sequence[str]) -> None:
    """Make sure that everything on the command line can be used: a wrong argument is a slip of the hand.

    Raises:
        CommandError: Something cannot; it names all that cannot.
    """
    problems = []
    for source in arguments:
        try:
            await inspect(source)
        except InvalidArgumentError as error:
            reason = str(error).removeprefix(f"{error.argument}={error.value!r}: ")
            problems.append(f"{source}: {reason}")
    if problems:
        raise CommandError("nothing was sent, because of\n" + "\n".join(f"  {problem}" for problem in problems))


def _entries(stream: TextIO, manifest: str) -> Iterator[str | AudioFile]:
    for number, line in enumerate(stream, 1):
        entry = line.strip()
        if entry and not entry.startswith("#"):
            source, tab, length = entry.partition("\t")
            try:
                yield AudioFile(source.rstrip(), seconds=float(length)) if tab else source
            except ValueError:
                # What was read before it is on its way already; of a file nothing is, because all of it is read first.
                status = FAILED if manifest == STANDARD_INPUT else NOT_BEGUN
                raise CommandError(
                    f"--manifest {manifest}: line {number}: {length.strip()!r} is no length: "
                    "after the tab the seconds of audio are needed, a number above 0",
                    status,
                ) from None


def _open(path: Path) -> TextIO:
    return path.open(encoding=_ENCODING, errors=_ERRORS)


def _count(path: Path) -> int:
    with _open(path) as stream:
        return sum(1 for _ in _entries(stream, str(path)))


async def _read_manifest(manifest: str) -> AsyncIterator[str | AudioFile]:
    if manifest == STANDARD_INPUT:
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(encoding=_ENCODING, errors=_ERRORS)
        entries = _entries(sys.stdin, manifest)
        # One line at a time: whoever writes them may take hours over it.
        while found := await to_thread.run_sync(lambda: list(islice(entries, 1)), abandon_on_cancel=True):
            yield found[0]
        return
    with await to_thread.run_sync(_open, Path(manifest)) as stream:
        entries = _entries(stream, manifest)
        while found := await to_thread.run_sync(lambda: list(islice(entries, _LINES_AT_ONCE))):
            for file in found:
                yield file
