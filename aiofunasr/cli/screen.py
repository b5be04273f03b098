"""What a person sees on stderr while a command works: messages, and on a terminal a line that moves."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

import anyio
from attrs import field, frozen
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from aiofunasr.cli.wording import clock, megabytes, printable, tell
from aiofunasr.schedule.completion import Estimate
from aiofunasr.snapshots import TERMINAL

_FRAMES_A_SECOND = 5
_LONGEST_BAR = 20
_SHORTEST_BAR = 5


@frozen(kw_only=True)
class Progress:
    """How far a command is.

    Attributes:
        total: How many files there are, or None where that is not known.
        done, failed, in_flight: So many of them.
        states: How many tasks are in each state.
        time_left: How much longer it takes until the last task is done, or None where that is not known.
        uploads: While files are uploaded, how many bytes of them have left, and how many there are.
    """

    total: int | None
    done: int
    failed: int
    in_flight: int
    states: Mapping[str, int] = field(factory=dict)
    time_left: Estimate | None = None
    uploads: tuple[int, int] | None = None

    @property
    def is_ending(self) -> bool:
        """Whether all tasks seem to be done, so that there is nothing to wait for but downloads, if anything."""
        nothing_to_read = self.total is not None and self.done + self.in_flight >= self.total
        return self.done > 0 and nothing_to_read and TERMINAL.issuperset(self.states)


class Screen:
    """The messages of one command.

    Args:
        quiet: Show neither progress nor a summary; what went wrong is said all the same.
        verbose: Show what the library logs, and statistics, too.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet = quiet
        self._verbose = verbose
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

    def detail(self, text: str) -> None:
        """Say something for those who asked to hear more."""
        if self._verbose:
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
        for without in ((), ("range",), ("range", "states")):
            cells = self._texts(progress, without)
            room = self._console.width - 1 - sum(1 + cell.cell_len for cell in cells)
            # The bar may be short, and is left out before the states are.
            if room > _SHORTEST_BAR or ("range" in without and room >= 0):
                break
        line = Table.grid(padding=(0, 1))
        bar = []
        if progress.total and room > _SHORTEST_BAR:
            bar.append(ProgressBar(total=progress.total, completed=progress.done, width=min(room - 1, _LONGEST_BAR)))
        line.add_row(spinner, *bar, *cells)
        return line

    def _texts(self, progress: Progress, without: Sequence[str]) -> list[Text]:
        """Return what the line says, but for what a narrow terminal goes without."""
        total = "?" if progress.total is None else progress.total
        cells = [Text(f"{progress.done}/{total} files")]
        if progress.failed:
            cells.append(Text(f"{progress.failed} failed", style="red"))
        cells.append(Text(f"{progress.in_flight} in flight"))
        if progress.states and "states" not in without:
            states = ", ".join(f"{number} {status}" for status, number in sorted(progress.states.items()))
            cells.append(Text(printable(states), style="cyan"))
        if progress.uploads is not None:
            sent, size = progress.uploads
            cells.append(Text(f"uploaded {megabytes(sent)} of {megabytes(size)}", style="cyan"))
        cells.append(Text(clock(int(self.elapsed)), style="dim"))
        if left := _time_left(progress, with_range="range" not in without):
            cells.append(Text(left))
        return cells


def _time_left(progress: Progress, *, with_range: bool) -> str:
    """Say how much longer it takes, and how sure that is."""
    left = progress.time_left
    if progress.done == progress.total or (left is None and progress.is_ending):
        return ""
    if left is None:
        return "time left not known yet"
    uncertainty = f" ({clock(left.low)} to {clock(left.high)})" if with_range else ""
    return f"about {clock(left.median)} left{uncertainty}"


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
