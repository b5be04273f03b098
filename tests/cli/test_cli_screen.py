"""The progress display: on a terminal only, on standard error only, with what is known of the time left."""

from __future__ import annotations

import os
import pty
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from subprocess import DEVNULL, PIPE, Popen

import pytest
from cli.processes import PATIENCE, Variables, emulator, environment, run_all, script, tasks_of
from rich.console import Console
from rich.spinner import Spinner

from aiofunasr.cli.screen import Progress, Screen
from aiofunasr.cli.transcribe import _of_all
from aiofunasr.cli.wording import clock
from aiofunasr.schedule.completion import Estimate

FILES = ("https://h/a-8s.wav", "https://h/404.wav", "https://h/b-8s.wav")
STAGGERED = [f"https://h/{number}-{length}s.wav" for number, length in enumerate([8, 8, 8, 8, 100, 120, 150])]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LEFT = re.compile(r"about \d+:\d\d left \(\d+:\d\d to \d+:\d\d\)")


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


def run_on_terminal(*arguments: object, env: Variables) -> tuple[str, str, int]:
    """Run a command whose standard error is a terminal, and return what that showed, its output and its status."""
    terminal, its_end = pty.openpty()
    variables = environment({"TERM": "xterm-256color", **env})
    command = [script(), *map(str, arguments)]
    with Popen(command, stdin=DEVNULL, stdout=PIPE, stderr=its_end, env=variables) as process:  # noqa: S603
        os.close(its_end)
        shown = read_all(terminal)
        assert process.stdout is not None
        results = process.stdout.read().decode()
        return shown, results, process.wait(PATIENCE)


def frames_of(shown: str) -> list[str]:
    return [frame for frame in re.split(r"[\r\n]+", shown) if " in flight " in frame]


def test_a_terminal_shows_how_far_it_is(place: Variables) -> None:
    shown, results, status = run_on_terminal("transcribe", *FILES, env=place)
    assert status == 1
    assert re.search(r"\d/3 files", shown)
    assert "in flight" in shown
    assert "1 failed" in shown
    assert "PENDING" in shown or "RUNNING" in shown
    assert "in flight" not in results
    assert results.count("==>") == 2


def test_a_pipe_gets_lines_and_no_display(place: Variables) -> None:
    quiet, verbose = run_all(("transcribe", *FILES), ("transcribe", "-v", *FILES), env=place)
    for done in (quiet, verbose):
        assert "in flight" not in done.stderr
        assert "\x1b" not in done.stderr + done.stdout
        assert "left" not in done.stderr + done.stdout
        assert "3 files" in done.stderr
    assert "statistics" not in quiet.stderr
    told = r"statistics: 3 submits, (\d+) queries, \d+ list pages, 0 throttled, ends noticed after \d+\.\d s \(median\)"
    found = re.match(told, verbose.stderr.splitlines()[-1])
    assert found
    assert int(found[1]) >= 3


def test_the_time_left_is_shown_once_it_is_known_here_and_where_tasks_are_attached() -> None:
    with emulator("--no-limits", "--queue-seconds", 0.5, 0.5) as place, ThreadPoolExecutor(1) as beside:
        wide = {**place, "COLUMNS": "110"}
        transcribing = beside.submit(run_on_terminal, "transcribe", *STAGGERED, env=wide)
        while len(rows := tasks_of(place)) < len(STAGGERED):
            assert not transcribing.done()
        shown = run_on_terminal("attach", "-v", *(row["task_id"] for row in rows), env=wide), transcribing.result()
    for text, _, status in shown:
        assert status == 0
        frames = frames_of(text)
        assert any("time left not known yet" in frame for frame in frames)
        known = [number for number, frame in enumerate(frames) if LEFT.search(frame)]
        assert known
        # Once known it stays so, until there is nothing left but to fetch the last results.
        assert not [frame for frame in frames[known[0] :] if "not known" in frame]
        assert "left" not in frames[-1]
    assert re.search(r"statistics: 0 submits, \d+ queries, \d+ list pages, 0 throttled\s+$", shown[0][0])


def drawn(width: int, **changes: object) -> str:
    """Return the line for a run that is in full swing."""
    values: dict[str, object] = {
        "total": 1000,
        "done": 123,
        "failed": 0,
        "in_flight": 200,
        "states": {"PENDING": 150, "RUNNING": 50},
        "time_left": Estimate(80, 129.5, 240),
    }
    screen = Screen()
    screen._console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)
    table = screen._draw(Spinner("dots"), Progress(**(values | changes)))  # type: ignore[arg-type]
    with screen._console.capture() as capture:
        screen._console.print(table)
    return capture.get().rstrip()


def test_a_narrow_terminal_goes_without_the_range_first() -> None:
    wide = drawn(120)
    assert "about 2:10 left (1:20 to 4:00)" in wide
    assert "━━" in wide
    assert "150 PENDING, 50 RUNNING" in wide
    usual = drawn(80)
    assert "about 2:10 left" in usual
    assert "150 PENDING, 50 RUNNING" in usual
    assert "(" not in usual
    narrow = drawn(60)
    assert "about 2:10 left" in narrow
    assert "PENDING" not in narrow
    short: Mapping[str, object] = {"total": 13, "done": 8, "in_flight": 5, "states": {"RUNNING": 5}}
    assert "about 2:10 left (1:20 to 4:00)" in drawn(80, **short)


@pytest.mark.parametrize("width", [70, 80, 100, 120, 200])
@pytest.mark.parametrize("failed", [0, 12])
@pytest.mark.parametrize("left", [None, Estimate(80, 130, 240), Estimate(5000, 7000, 40_000)])
def test_it_is_one_line(width: int, failed: int, left: Estimate | None) -> None:
    for total in (1000, None):
        line = drawn(width, failed=failed, time_left=left, total=total)
        assert "\n" not in line
        assert len(line) <= width
        assert ("not known yet" if left is None else "left") in line


def test_nothing_is_said_of_the_time_left_when_there_is_none() -> None:
    assert "left" not in drawn(120, done=1000, in_flight=0, states={}, time_left=None)
    assert "left" not in drawn(120, done=900, in_flight=100, states={}, time_left=None)
    assert "left" not in drawn(120, done=900, in_flight=100, states={"SUCCEEDED": 3}, time_left=None)
    # More is to come, or may be: somebody still writes the manifest.
    assert "time left not known yet" in drawn(120, done=0, in_flight=0, states={}, time_left=None)
    assert "time left not known yet" in drawn(120, done=123, in_flight=200, states={}, time_left=None)
    assert "time left not known yet" in drawn(120, total=None, states={}, time_left=None)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"),
        (0.2, "0:01"),
        (59.5, "1:00"),
        (130, "2:10"),
        (3600, "1:00:00"),
        (3723, "1:02:03"),
        (100_000, "27:46:40"),
        (400_000, "5 days"),
        (1e12, "11574074 days"),
    ],
)
def test_long_times_have_hours(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_several_tasks_take_as_long_as_the_longest() -> None:
    assert _of_all([]) is None
    assert _of_all([None]) is None
    assert _of_all([Estimate(1, 5, 9), None, Estimate(2, 3, 10)]) == Estimate(2, 5, 10)
