"""Every block of the README does what it says."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser

import aiofunasr
from aiofunasr import errors
from aiofunasr.emulator import EmulatorServer, EmulatorSettings
from aiofunasr.testing import run_in_virtual_time
from support import urls

README = Path(__file__).parent.parent / "README.md"


def blocks(language: str) -> list[Example]:
    parser = CodeBlockParser(language=language, evaluator=lambda example: None)
    return list(Document.parse(str(README), parser))


async def run_block(source: str, line: int, names: dict[str, Any]) -> None:
    """Run a block as the body of an async program would."""
    code = compile(
        "\n" * (line - 1) + source, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
    )
    outcome = eval(  # noqa: S307  (the README is ours)
        compile(code, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names
    )
    if inspect.iscoroutine(outcome):
        await outcome


async def test_every_python_block_runs_in_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each block is read with what the ones before it have made."""
    monkeypatch.chdir(tmp_path)
    found = blocks("python")
    assert len(found) >= 8
    async with EmulatorServer(settings=EmulatorSettings.instant()) as server:
        monkeypatch.setenv("DASHSCOPE_API_KEY", server.api_key)
        monkeypatch.setenv("DASHSCOPE_BASE_URL", server.base_url)
        async with aiofunasr.Session() as session:
            names: dict[str, Any] = {"aiofunasr": aiofunasr, "urls": urls(4)}
            for example in found:
                names["session"] = session
                await run_block(str(example.parsed), example.line, names)
        assert capsys.readouterr().out.count("call-") >= 4

    class App:
        session: aiofunasr.Session

    async with names["lifespan"](App()):
        assert isinstance(names["results"], list)
    billed = await anyio.to_thread.run_sync(run_in_virtual_time, names["a_night_shift"])
    assert billed > 0


def commands() -> list[str]:
    lines = [line for example in blocks("console") for line in str(example.parsed).splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ aiofunasr")]


@pytest.mark.parametrize("command", commands())
def test_every_command_and_flag_exists(command: str) -> None:
    _, name, *rest = shlex.split(command.partition(">")[0])
    shown = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "aiofunasr.cli", name, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PATH": ""},
    ).stdout
    for flag in [word for word in rest if word.startswith("--")]:
        assert flag in shown


def test_the_two_commands_are_the_ones_that_ci_runs() -> None:
    text = README.read_text(encoding="utf-8")
    assert '$ pip install ".[local]" && aiofunasr transcribe --local\n' in text
    assert '$ pip install ".[test]" && pytest\n' in text


def test_the_error_table_is_complete() -> None:
    table = README.read_text(encoding="utf-8").partition("## Errors")[2].partition("## Measures")[0]
    named = set(re.findall(r"\b\w+Error\b", table))
    public = {name for name in aiofunasr.__all__ if name.endswith("Error")}
    abstract = {"ServiceError", "TaskError"}
    assert public - abstract <= named
    for row in table.splitlines():
        if row.startswith("| `"):
            _, ours, builtin, *_ = row.split("|")
            kinds = [getattr(errors, name) for name in re.findall(r"`(\w+)`", ours)]
            for name in re.findall(r"`(\w+)`", builtin):
                assert any(issubclass(kind, getattr(builtins, name)) for kind in kinds), row
