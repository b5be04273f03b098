"""Where results go: to stdout, or each into a file of its own.

Writing is done in a thread, because a pipe may be full and a disk slow; an interrupted command does not wait for it.
"""

from __future__ import annotations

import secrets
import sys
from contextlib import nullcontext
from pathlib import Path

from anyio import to_thread

from aiofunasr.cli.names import NameBook
from aiofunasr.cli.running import CommandError
from aiofunasr.cli.screen import Screen, stdout_shares_terminal
from aiofunasr.cli.wording import name_of, shown
from aiofunasr.export import Format
from aiofunasr.results import SubtaskResult


class ToStdout:
    """Prints results as they complete.

    Where several texts would run into each other, each has a header line, `==> name <==`.
    """

    def __init__(self, format: Format, screen: Screen) -> None:
        self._format = format
        self._screen = screen
        self._printed = 0

    def expect(self, source: str) -> None:
        """Need no names beforehand."""

    def pass_over(self, result: SubtaskResult) -> None:
        """Print nothing of a result."""

    async def deliver(self, result: SubtaskResult, *, headed: bool) -> None:
        """Print a result."""
        text = self._format.write(shown(result))
        if headed and not self._format.stands_alone:
            between = "\n" if self._printed else ""
            text = f"{between}==> {name_of(result)} <==\n{text}"
        self._printed += 1
        with self._screen.cleared() if stdout_shares_terminal() else nullcontext():
            await print_text(text)


class ToDirectory:
    """Writes each result into a file of its own, under a name made from the input's, and prints the path.

    A file appears whole or not at all, and replaces one of an earlier run. Names are given in the order of the input,
    so that the same input gives the same names.
    """

    def __init__(self, format: Format, directory: Path, screen: Screen) -> None:
        self._format = format
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
        """Write a result and print where."""
        del headed
        name = self._expected.pop(result.index, None) if self._read else None
        path = self._directory / f"{name or self._names.take(result.source)}{self._format.extension}"
        await to_thread.run_sync(_write_whole, path, self._format.write(shown(result)), abandon_on_cancel=True)
        with self._screen.cleared() if stdout_shares_terminal() else nullcontext():
            await print_text(f"{path}\n")

    def pass_over(self, result: SubtaskResult) -> None:
        """Forget the name of a result that will not be written."""
        self._expected.pop(result.index, None)


def choose_delivery(format: Format, directory: Path | None, screen: Screen) -> ToStdout | ToDirectory:
    """Return the delivery for a run; a directory is made if it is not there.

    Raises:
        CommandError: There can be no files in that directory.
    """
    if directory is None:
        return ToStdout(format, screen)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / f".{secrets.token_hex(8)}.part"
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise CommandError(f"--output {directory}: {error.strerror}") from None
    return ToDirectory(format, directory, screen)


async def print_text(text: str) -> None:
    """Write to stdout, all of it or up to where it breaks.

    Raises:
        BrokenPipeError: Nobody reads it any more.
    """
    await to_thread.run_sync(_print, text, abandon_on_cancel=True)


def _print(text: str) -> None:
    # Not the text layer: over an unbuffered stream (PYTHONUNBUFFERED) it takes a part written for the whole.
    rest = memoryview(text.encode(sys.stdout.encoding, sys.stdout.errors or "strict"))
    while rest:
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("x", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.write(text)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
