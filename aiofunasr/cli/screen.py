"""What a person sees on stderr while a command works: messages, and on a terminal a line that moves."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import anyio
from attrs import field, frozen
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from aiofunasr.cli.wording import printable, tell

_FRAMES_A_SECOND = 5


@frozen(kw_only=True)
class Progress:
    """How far a command is, in files; `total` is None where it is not known, `states` counts tasks by their status."""

    total: int | None
    done: int
    failed: int
    in_flight: int
    states: Mapping[str, int] = field(factory=dict)


class Screen:
    """The messages of one command.

    Args:
        quiet: Show neither progress nor a summary; what went wrong is said all the same.
        verbose: Show what the library logs, too.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._live: Live | None = None
        self._started = time.monotonic()
        if verbose:
            _show_logs(self.say)

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """Say something that must be known."""
        self.show(printable(text))

    def show(self, text: str) -> None:
        """Show a text exactly as it is."""
        with self.cleared():
            tell(text)

    def note(self, text: str) -> None:
        """Say something that is good to know, unless told to be quiet."""
        if not self._quiet:
            self.say(text)

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Take the moving line away while something else is written to the terminal."""
        live = self._live
        if live is None:
            yield
            return
        live.stop()
        try:
            yield
        finally:
            if self._live is live:
                live.start(refresh=True)

    @asynccontextmanager
    async def following(self, progress: Callable[[], Progress]) -> AsyncIterator[None]:
        """Keep a line with the progress on the terminal; without a terminal, or told to be quiet, do nothing."""
        # Asked of the stream itself: rich takes a pipe for a terminal when FORCE_COLOR is set.
        if self._quiet or not sys.stderr.isatty() or self._console.is_dumb_terminal:
            yield
            return
        spinner = Spinner("dots")
        live = Live(
            get_renderable=lambda: self._draw(spinner, progress()),
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live = live
        try:
            async with anyio.create_task_group() as group:
                live.start(refresh=True)
                group.start_soon(self._refresh)
                yield
                group.cancel_scope.cancel()
        finally:
            self._live = None
            live.stop()

    async def _refresh(self) -> None:
        while True:
            await anyio.sleep(1 / _FRAMES_A_SECOND)
            if self._live is not None and self._live.is_started:
                self._live.refresh()

    def _draw(self, spinner: Spinner, progress: Progress) -> Table:
        line = Table.grid(padding=(0, 1))
        total = "?" if progress.total is None else progress.total
        cells = [Text(f"{progress.done}/{total} files")]
        if progress.failed:
            cells.append(Text(f"{progress.failed} failed", style="red"))
        cells.append(Text(f"{progress.in_flight} in flight"))
        states = ", ".join(f"{number} {status}" for status, number in sorted(progress.states.items()))
        cells.append(Text(printable(states), style="cyan"))
        minutes, seconds = divmod(int(self.elapsed), 60)
        cells.append(Text(f"{minutes}:{seconds:02}", style="dim"))
        bar = ProgressBar(total=progress.total, completed=progress.done, width=20)
        line.add_row(spinner, *([bar] if progress.total else []), *cells)
        return line


class _Shown(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).splitlines():
            self._say(line)


def _show_logs(say: Callable[[str], None]) -> None:
    logger = logging.getLogger("aiofunasr")
    logger.addHandler(_Shown(say))
    logger.setLevel(logging.DEBUG)


def stdout_shares_terminal() -> bool:
    """Tell whether what is written to stdout lands between the lines of stderr."""
    return sys.stdout.isatty()
