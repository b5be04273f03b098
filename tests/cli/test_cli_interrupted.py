"""Interrupted commands: nothing in flight is lost, and a status that says so."""

from __future__ import annotations

import re
import select
import signal
import time
from collections.abc import AsyncIterator, Iterator
from subprocess import PIPE, Popen

import pytest
from anyio import to_thread
from cli.processes import PATIENCE, HeldPlace, Variables, emulator, held_emulator, interrupt, run, started, tasks_of

from aiofunasr.emulator import EmulatorServer, EmulatorSettings, Fault, FaultPlan

A, B = "https://h/a-8s.wav", "https://h/b-8s.wav"


@pytest.fixture
def slow_place() -> Iterator[HeldPlace]:
    """An emulator whose tasks stay pending until they are let go."""
    with held_emulator() as place:
        yield place


@pytest.fixture
async def slow_submits() -> AsyncIterator[EmulatorServer]:
    """Give an emulator that takes submits and is slow to say so."""
    faults = FaultPlan().always("submit", Fault.delayed(60))
    async with EmulatorServer(settings=EmulatorSettings.instant(), faults=faults) as server:
        yield server


def wait_for_tasks(process: Popen[str], place: Variables, number: int) -> None:
    """Wait until the account has so many tasks."""
    deadline = time.monotonic() + PATIENCE
    while len(tasks_of(place)) < number:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def tokens_in(text: str) -> list[str]:
    return re.findall(r"fasr1\.[\w-]+", text)


def test_an_interrupt_names_the_tokens_and_they_work(slow_place: HeldPlace) -> None:
    before = len(tasks_of(slow_place))
    with started("transcribe", A, B, env=slow_place) as process:
        wait_for_tasks(process, slow_place, before + 2)
        stdout, stderr = interrupt(process)
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr
    assert "0 of 2 files" in stderr
    assert "aiofunasr attach" in stderr
    tokens = tokens_in(stderr)
    assert len(tokens) == 2

    with started("attach", *tokens, env=slow_place) as process:
        time.sleep(1)
        _, stderr = interrupt(process)
    assert process.returncode == 130
    assert set(tokens_in(stderr)) in ({*tokens}, set())  # interrupted before it had begun, it says nothing

    slow_place.let_go()
    again = run("attach", *tokens, env=slow_place)
    assert again.returncode == 0, again.stderr
    assert {line for line in again.stdout.splitlines() if line.startswith("==>")} == {f"==> {A} <==", f"==> {B} <=="}


def test_sigterm_does_the_same(slow_place: HeldPlace) -> None:
    before = len(tasks_of(slow_place))
    with started("transcribe", A, env=slow_place) as process:
        wait_for_tasks(process, slow_place, before + 1)
        _, stderr = interrupt(process, signal.SIGTERM)
    assert process.returncode == 143
    assert len(tokens_in(stderr)) == 1


def test_waiting_for_standard_input_can_be_interrupted(slow_place: HeldPlace) -> None:
    before = len(tasks_of(slow_place))
    with started("transcribe", "--manifest", "-", env=slow_place, stdin=PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(f"{A}\n")
        process.stdin.flush()
        wait_for_tasks(process, slow_place, before + 1)
        _, stderr = interrupt(process)
    assert process.returncode == 130
    assert len(tokens_in(stderr)) == 1


def test_a_full_pipe_can_be_interrupted() -> None:
    with (
        emulator("--instant") as place,
        started("transcribe", "-f", "json", "https://h/x-9000s.wav", env=place) as process,
    ):
        assert process.stdout is not None
        # Nobody reads, so the document fills the pipe and writing it blocks.
        assert select.select([process.stdout], [], [], PATIENCE)[0]
        time.sleep(0.5)
        assert process.poll() is None
        _, stderr = interrupt(process)
    assert process.returncode == 130
    assert len(tokens_in(stderr)) == 1


async def test_a_submit_without_a_reply_is_told(slow_submits: EmulatorServer) -> None:
    place = {"DASHSCOPE_API_KEY": slow_submits.api_key, "DASHSCOPE_BASE_URL": slow_submits.base_url}

    def leave() -> tuple[int, str]:
        with started("transcribe", A, B, env=place) as process:
            while slow_submits.service.ledger.requests["submit"] < 2 and process.poll() is None:
                time.sleep(0.05)
            _, stderr = interrupt(process)
        return process.returncode, stderr

    status, stderr = await to_thread.run_sync(leave)
    assert status == 130
    assert "2 submits had no reply yet" in stderr
    assert "aiofunasr tasks" in stderr


def test_closing_the_terminal_names_the_tokens(slow_place: HeldPlace) -> None:
    before = len(tasks_of(slow_place))
    with started("transcribe", A, env=slow_place) as process:
        wait_for_tasks(process, slow_place, before + 1)
        _, stderr = interrupt(process, signal.SIGHUP)
    assert process.returncode == 129
    assert len(tokens_in(stderr)) == 1
