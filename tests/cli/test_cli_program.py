"""The program itself: help, version, what it says when an extra is missing, and the emulator it starts."""

from __future__ import annotations

import os
import signal
import sys
from subprocess import CompletedProcess

import pytest
from cli.processes import interrupt, run, run_all, started

from aiofunasr.emulator.samples import SAMPLE_TEXT

COMMANDS = ("transcribe", "attach", "tasks", "cancel", "journal", "emulator")


def test_help_and_version() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)
    assert run("--version").stdout.startswith("aiofunasr 0.")


def test_every_command_has_help() -> None:
    for command, done in zip(COMMANDS, run_all(*((command, "--help") for command in COMMANDS)), strict=True):
        assert done.returncode == 0
        assert f"Usage: aiofunasr {command}" in done.stdout


def without(*modules: str, arguments: list[str]) -> CompletedProcess[str]:
    """Run the command line as if some packages were not installed."""
    code = (
        "import sys\n"
        f"for name in {modules!r}: sys.modules[name] = None\n"
        f"sys.argv = ['aiofunasr', *{arguments!r}]\n"
        "from aiofunasr.cli import main\n"
        "main()\n"
    )
    return run(code, program=[sys.executable, "-c"])


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_a_missing_command_line_extra(module: str) -> None:
    refused(without(module, arguments=["--help"]), 'pip install "aiofunasr[cli]"')


@pytest.mark.parametrize("module", ["av", "moonshine_voice"])
def test_a_missing_speech_extra(module: str) -> None:
    refused(without(module, arguments=["transcribe", "--local"]), 'pip install "aiofunasr[local]"')
    refused(without(module, arguments=["emulator", "--port", "0"]), 'pip install "aiofunasr[local]"')


def refused(done: CompletedProcess[str], advice: str) -> None:
    assert (done.returncode, done.stdout) == (2, "")
    assert advice in done.stderr
    assert "Traceback" not in done.stderr


def test_the_library_needs_no_extra() -> None:
    code = "import sys; sys.modules['typer'] = sys.modules['rich'] = None; import aiofunasr.export, aiofunasr.cli"
    assert run(code, program=[sys.executable, "-c"]).returncode == 0


def test_the_sample_is_transcribed_on_this_machine() -> None:
    done = run("transcribe", "--local")
    assert done.returncode == 0, done.stderr
    assert done.stdout == SAMPLE_TEXT + "\n"
    assert "sense_and_sensibility.wav" in done.stderr


def test_a_port_in_use_is_said_plainly() -> None:
    with started("emulator", "--scripted", "--port", 0) as process:
        assert process.stdout is not None
        port = process.stdout.readline() and process.stdout.readline().rsplit(":", 1)[1].split("/")[0]
        done = run("emulator", "--scripted", "--port", port)
        assert (done.returncode, done.stdout) == (1, "")
        assert port in done.stderr
        assert os.strerror(98) in done.stderr or "in use" in done.stderr
        assert "Traceback" not in done.stderr
        _, stderr = interrupt(process)
    assert process.returncode == 130
    assert "Traceback" not in stderr


def test_the_emulator_ends_on_sigterm() -> None:
    with started("emulator", "--scripted", "--port", 0, "--api-key", "sk-mine") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "export DASHSCOPE_API_KEY=sk-mine\n"
        interrupt(process, signal.SIGTERM)
    assert process.returncode == 143


def test_an_emulator_setting_that_cannot_be() -> None:
    done = run("emulator", "--scripted", "--port", 0, "--queue-seconds", 5, 1)
    assert done.returncode == 2
    assert "queue_seconds" in done.stderr
