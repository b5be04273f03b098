"""Runs a command's coroutine: signals cancel it, errors become a line and a status.

The statuses: 0 for success, 1 when something failed, 2 when nothing was begun because it could not be, 128 and the
signal's number when a signal ended it: 130 for Ctrl-C, 143 for SIGTERM, 141 for a closed output pipe.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import anyio
from anyio.abc import TaskStatus
from attrs import define

from aiofunasr.cli.wording import complain
from aiofunasr.errors import ConfigurationError, FunASRError, InvalidArgumentError
from aiofunasr.options.misfits import OptionsWarning

Command = Callable[[], Awaitable[int]]

FAILED = 1
NOT_BEGUN = 2
_SIGPIPE = 13

# A terminal that is closed says SIGHUP, where there is such a thing.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))


class CommandError(Exception):
    """A command cannot do what it was asked; the message is for the person who asked."""

    def __init__(self, message: str, status: int = NOT_BEGUN) -> None:
        super().__init__(message)
        self.status = status


def run_command(command: Command) -> int:
    """Run a command to its end and return its status."""
    warnings.showwarning = _show_warning
    # A stream that was closed before the start is None.
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        _never_fail_to_encode(stream)
    try:
        status = anyio.run(_supervise, command, backend="asyncio")
    except KeyboardInterrupt:
        # Where the loop has no signal handlers, as on Windows.
        status = 128 + signal.SIGINT
    return _settle(status)


def _show_warning(  # noqa: PLR0917  (the signature is the interpreter's)
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Say what a model will ignore to a person, who has no use for a line of code; others as ever."""
    if issubclass(category, OptionsWarning):
        complain(f"note: {message}")
    elif file is None:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def _never_fail_to_encode(stream: TextIO) -> None:
    """Write UTF-8 into files and pipes, whatever the locale; a terminal knows what it can show.

    A lone surrogate, as in the name of a file that is not UTF-8, is written as its escape.
    """
    # A test may have put something else in the place of a stream.
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace", **({} if stream.isatty() else {"encoding": "utf-8"}))


@define
class _Ending:
    """How a command came to its end; `signal` is what interrupted it."""

    status: int = FAILED
    signal: int | None = None


async def _supervise(command: Command) -> int:
    ending = _Ending()
    scope = anyio.CancelScope()
    async with anyio.create_task_group() as group:
        await group.start(_watch_signals, ending, scope)
        with scope:
            ending.status = await _report_errors(command)
        group.cancel_scope.cancel()
    if ending.signal is not None and scope.cancelled_caught:
        return 128 + ending.signal
    return ending.status


async def _watch_signals(ending: _Ending, scope: anyio.CancelScope, *, task_status: TaskStatus[None]) -> None:
    """Cancel the scope at the first signal; leave at once at the second, for who cannot wait for the clean-up."""
    # Without handlers in the loop, Ctrl-C still cancels the main task.
    with suppress(NotImplementedError), anyio.open_signal_receiver(*_SIGNALS) as signals:
        task_status.started()
        async for number in signals:
            if ending.signal is not None:
                complain("left without waiting for the clean-up")
                os._exit(128 + number)
            ending.signal = number
            scope.cancel()
        return
    task_status.started()


async def _report_errors(command: Command) -> int:
    try:
        return await command()
    except Exception as error:
        found = _first(error)
        match found:
            case CommandError():
                complain(str(found))
                return found.status
            case ConfigurationError() | InvalidArgumentError():
                complain(str(found))
                return NOT_BEGUN
            case FunASRError():
                complain(f"{type(found).__name__}: {found}\n{found.advice}")
                return FAILED
            case BrokenPipeError():
                return 128 + _SIGPIPE
            case OSError():
                complain(f"{found.strerror or found}")
                return FAILED
        raise


def _first(error: Exception) -> Exception:
    """Return the error itself, or the first in a group of them."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _settle(status: int) -> int:
    """Make sure that the interpreter can leave quietly and at once."""
    try:
        sys.stdout.flush()
    except OSError:
        # It would try again on its way out, and complain.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # A thread that reads an idle standard input, or writes into a full pipe, cannot be interrupted, and the
    # interpreter would wait for it.
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    for thread in others:
        if not thread.daemon:
            thread.join(0.5)
            if thread.is_alive():
                with suppress(OSError):
                    sys.stderr.flush()
                os._exit(status)
    return status
