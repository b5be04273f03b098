"""The command line as a user has it: processes of the installed script, and an emulator for them to talk to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess, Popen, TimeoutExpired
from typing import Any
from urllib.request import Request, urlopen

from anyio.from_thread import start_blocking_portal

from aiofunasr.emulator import EmulatorServer, EmulatorSettings

PATIENCE = 60
"""Seconds after which a process hangs rather than works."""

Variables = Mapping[str, str]


def script() -> str:
    found = shutil.which("aiofunasr", path=str(Path(sys.executable).parent))
    assert found, "the package is not installed in the environment of the tests"
    return found


def environment(more: Variables | None = None) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DASHSCOPE_")}
    return clean | {"COLUMNS": "100", "NO_COLOR": "1"} | dict(more or {})


def run(
    *arguments: object, program: Sequence[str] | None = None, env: Variables | None = None, **more: Any
) -> CompletedProcess[str]:
    """Run the script, or another program, to its end."""
    if "input" not in more:
        more.setdefault("stdin", DEVNULL)
    return subprocess.run(  # noqa: S603
        [*(program or [script()]), *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        env=environment(env),
        timeout=PATIENCE,
        check=False,
        **more,
    )


def run_all(*commands: Sequence[object], env: Variables | None = None) -> list[CompletedProcess[str]]:
    """Run several commands side by side, because each mostly waits."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda command: run(*command, env=env), commands))


@contextmanager
def started(*arguments: object, env: Variables | None = None, **more: Any) -> Iterator[Popen[str]]:
    """Start the script in a process group of its own, and leave nothing of it behind."""
    with Popen(  # noqa: S603
        [script(), *map(str, arguments)],
        stdin=more.pop("stdin", DEVNULL),
        stdout=PIPE,
        stderr=PIPE,
        encoding="utf-8",
        env=environment(env),
        start_new_session=True,
        **more,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except TimeoutExpired:
                process.kill()


def interrupt(process: Popen[str], number: int = signal.SIGINT) -> tuple[str, str]:
    """Send a signal to all of the group, as a terminal does, and return stdout and stderr."""
    os.killpg(process.pid, number)
    return process.communicate(timeout=PATIENCE)


@contextmanager
def emulator(*arguments: object) -> Iterator[dict[str, str]]:
    """Start a scripted emulator and yield the environment it prints."""
    with started("emulator", "--scripted", "--port", 0, *arguments) as process:
        assert process.stdout is not None
        variables: dict[str, str] = {}
        for _ in range(3):
            line = process.stdout.readline()
            assert line.startswith("export "), process.communicate()
            name, _, value = line.removeprefix("export ").strip().partition("=")
            variables[name] = value
        yield variables


class HeldPlace(dict[str, str]):
    """The environment of an emulator whose tasks stay pending until the test lets them go."""

    def __init__(self) -> None:
        super().__init__()
        self._let_go_at: float | None = None

    def let_go(self) -> None:
        """Have ten minutes pass in less than a second, from now on."""
        self._let_go_at = self._let_go_at or time.time()

    def clock(self) -> float:
        now = time.time()
        return now if self._let_go_at is None else now + (now - self._let_go_at) * 1000.0


@contextmanager
def held_emulator() -> Iterator[HeldPlace]:
    """Serve from this process, by a clock of its own: how slow the machine is does not matter."""
    place = HeldPlace()
    settings = EmulatorSettings.instant(queue_seconds=(600.0, 600.0), limits_enabled=False)
    server = EmulatorServer(settings=settings, clock=place.clock)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(server):
        place.update(DASHSCOPE_API_KEY=server.api_key, DASHSCOPE_BASE_URL=server.base_url)
        yield place


def tasks_of(place: Variables) -> list[dict[str, Any]]:
    """List the tasks of the emulator's account without starting a process for it."""
    request = Request(  # noqa: S310
        f"{place['DASHSCOPE_BASE_URL']}/tasks/?page_size=100",
        headers={"Authorization": f"Bearer {place['DASHSCOPE_API_KEY']}"},
    )
    with urlopen(request, timeout=PATIENCE) as reply:  # noqa: S310
        found: list[dict[str, Any]] = json.load(reply)["data"]
        return found
