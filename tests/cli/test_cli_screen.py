"""The progress display: on a terminal only, on standard error only."""

from __future__ import annotations

import os
import pty
import re
from subprocess import DEVNULL, PIPE, Popen

from cli.processes import PATIENCE, Variables, environment, run, script

FILES = ("https://h/a-8s.wav", "https://h/404.wav", "https://h/b-8s.wav")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def read_all(terminal: int) -> str:
    """Read a terminal until whoever writes to it has left, which Linux reports as an error."""
    shown = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    os.close(terminal)
    return ESCAPES.sub("", shown.decode("utf-8", "replace"))


def test_a_terminal_shows_how_far_it_is(place: Variables) -> None:
    terminal, its_end = pty.openpty()
    variables = environment(place) | {"TERM": "xterm-256color"}
    command = [script(), "transcribe", *FILES]
    with Popen(command, stdin=DEVNULL, stdout=PIPE, stderr=its_end, env=variables) as process:  # noqa: S603
        os.close(its_end)
        shown = read_all(terminal)
        assert process.stdout is not None
        results = process.stdout.read().decode()
        assert process.wait(PATIENCE) == 1
    assert re.search(r"\d/3 files", shown)
    assert "in flight" in shown
    assert "1 failed" in shown
    assert "PENDING" in shown or "RUNNING" in shown
    assert "in flight" not in results
    assert results.count("==>") == 2


def test_a_pipe_gets_lines_and_no_display(place: Variables) -> None:
    done = run("transcribe", *FILES, env=place)
    assert "in flight" not in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert "3 files" in done.stderr
