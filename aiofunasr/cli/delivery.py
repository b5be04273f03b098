"""Where results go: to stdout, or each into files of its own.

Writing is done in a thread, because a pipe may be full, a disk slow and a transcript long; an interrupted command does
not wait for it.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from anyio import to_thread
from attrs import evolve, field, frozen

from aiofunasr.cli.names import NameBook
from aiofunasr.cli.recordings import locate
from aiofunasr.cli.running import CommandError
from aiofunasr.cli.screen import Screen, stdout_shares_terminal
from aiofunasr.cli.wording import name_of, shown
from aiofunasr.export import Format, Style
from aiofunasr.results import SubtaskResult


@frozen(kw_only=True)
class Writing:
    """How results are written, and where.

    Attributes:
        formats: At least one; several only into a directory.
        style: What else there is to choose.
        directory: Where the files go; None is stdout.
        overwrite: Whether a file that is there is replaced.
        embed_audio: Whether pages have the recording in them.
        audio: The recording of all results, where it is not their source.
    """

    formats: Sequence[Format]
    style: Style = field(factory=Style)
    directory: Path | None = None
    overwrite: bool = True
    embed_audio: bool = False
    audio: str | None = None

    def of(self, result: SubtaskResult) -> list[Format]:
        """Return the formats a result can be written in."""
        return [each for each in self.formats if result.ok or each.takes_failures]

    def pieces(self, result: SubtaskResult, format: Format) -> Iterator[str]:
        """Go through a result as text; this may take a second, and reads the recording if it is to be embedded.

        Raises:
            OSError, CommandError: The recording cannot be embedded.
        """
        style = self.style
        if format.refers_to_audio:
            source = os.fspath(result.source) if self.audio is None else self.audio
            found = locate(source, self.directory or Path(), embed=self.embed_audio)
            style = evolve(style, audio=self.audio if found is None else found)
        return format.pieces(shown(result), style)


class ToStdout:
    """Prints results as they complete.

    Where several texts would run into each other, each has a header line, `==> name <==`.
    """

    def __init__(self, writing: Writing, screen: Screen) -> None:
        self._writing = writing
        (self._format,) = writing.formats
        self._screen = screen
        self._printed = 0

    def expect(self, source: str) -> None:
        """Need no names beforehand."""

    def pass_over(self, result: SubtaskResult) -> None:
        """Print nothing of a result."""

    async def deliver(self, result: SubtaskResult, *, headed: bool) -> None:
        """Print a result."""
        # All of it, so that nothing is printed of what cannot be written.
        text = await to_thread.run_sync(self._text, result, abandon_on_cancel=True)
        if headed and not self._format.stands_alone:
            between = "\n" if self._printed else ""
            text = [f"{between}==> {name_of(result)} <==\n", *text]
        self._printed += 1
        with self._screen.cleared() if stdout_shares_terminal() else nullcontext():
            await print_text(*text)

    def _text(self, result: SubtaskResult) -> list[str]:
        return list(self._writing.pieces(result, self._format))


class ToDirectory:
    """Writes each result into files of its own, one for each format, under a name made from the input's.

    Each path is printed when its file is there. A file appears whole or not at all. Names are given in the order of
    the input, so that the same input gives the same names, and a second run replaces the files of the first.
    """

    def __init__(self, writing: Writing, directory: Path, screen: Screen) -> None:
        self._writing = writing
        self._directory = directory
        self._screen = screen
        self._names = NameBook()
        self._expected: dict[int, str] = {}
        self._read = 0

    def expect(self, source: str) -> None:
        """Give the next source of the input its name."""
        self._expected[self._read] = self._names.take(source)
        self._read += 1

    async def deliver(self, result: SubtaskResult, *, headed: bool) -> None:
        """Write a result and print where; one format that cannot be written keeps no other from being.

        Raises:
            OSError, CommandError: A file could not be written.
        """
        del headed
        name = self._expected.pop(result.index, None) if self._read else None
        name = name or self._names.take(result.source)
        failed: OSError | CommandError | None = None
        for each in self._writing.of(result):
            path = self._directory / f"{name}{each.extension}"
            try:
                await to_thread.run_sync(self._write, path, result, each, abandon_on_cancel=True)
            except (OSError, CommandError) as error:
                failed = failed or error
                continue
            with self._screen.cleared() if stdout_shares_terminal() else nullcontext():
                await print_text(f"{path}\n")
        if failed is not None:
            raise failed

    def _write(self, path: Path, result: SubtaskResult, format: Format) -> None:
        write_whole(path, self._writing.pieces(result, format), overwrite=self._writing.overwrite)

    def pass_over(self, result: SubtaskResult) -> None:
        """Forget the name of a result that will not be written."""
        self._expected.pop(result.index, None)


def choose_delivery(writing: Writing, screen: Screen) -> ToStdout | ToDirectory:
    """Return the delivery for a run; a directory is made if it is not there.

    Raises:
        CommandError: There can be no files in that directory.
    """
    directory = writing.directory
    if directory is None:
        return ToStdout(writing, screen)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / f".{secrets.token_hex(8)}.part"
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise CommandError(f"--output {directory}: {error.strerror}") from None
    return ToDirectory(writing, directory, screen)


async def print_text(*pieces: str) -> None:
    """Write to stdout, all of it or up to where it breaks.

    Raises:
        BrokenPipeError: Nobody reads it any more.
    """
    await to_thread.run_sync(_print, pieces, abandon_on_cancel=True)


def _print(pieces: Iterable[str]) -> None:
    for piece in pieces:
        # Not the text layer: over an unbuffered stream (PYTHONUNBUFFERED) it takes a part written for the whole.
        rest = memoryview(piece.encode(sys.stdout.encoding, sys.stdout.errors or "strict"))
        while rest:
            rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


def write_whole(path: Path, pieces: Iterable[str], *, overwrite: bool = True) -> None:
    """Write a file so that its name never stands for half of it, not after a power cut either.

    The text is on the disk before it gets its name. That the name is, too, is not waited for: a result without one is
    missing, which is plain to see, and is written again by the next run.

    Raises:
        FileExistsError: There is such a file, and it is not to be replaced.
        OSError: It cannot be written; nothing is left of it.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("x", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        _name(part, path, overwrite=overwrite)
    except FileExistsError as error:
        raise FileExistsError(error.errno, f"{path} is there already") from None
    finally:
        part.unlink(missing_ok=True)


def _name(part: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        part.replace(path)
        return
    try:
        # Unlike a rename, this fails where something has the name.
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links: the name is taken first, so that still nothing is replaced.
        path.touch(exist_ok=False)
        part.replace(path)
