"""Every block of the README does what it says."""

from __future__ import annotations

import ast
import builtins
import inspect
import os
import re
import signal
import socket
import sys
import wave
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser

import aiofunasr
from aiofunasr import errors
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, ScriptedRecognizer
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


def console_lines() -> list[str]:
    """Return what is typed, but for what installs, in order."""
    lines = [line for example in blocks("console") for line in str(example.parsed).splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith(("$ aiofunasr", "$ curl"))]


async def test_every_command_runs_in_order(tmp_path: Path) -> None:
    """In one directory, against one emulator; emulators that are begun run until the end."""
    make_recordings(tmp_path)
    recognizer = ScriptedRecognizer(queue_seconds=lambda url, _: 3600.0 if "pending" in url else 0.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        free_port = str(free.getsockname()[1])
    lines = console_lines()
    assert len(lines) >= 13
    async with EmulatorServer(recognizer=recognizer) as server, AsyncExitStack() as running:
        async with aiofunasr.Session(server.api_key, base_url=server.base_url) as session:
            pending = await session.submit(urls(1, "pending"))
            done = await session.submit(urls(1))
            await done
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DASHSCOPE_API_KEY": server.api_key,
            "DASHSCOPE_BASE_URL": server.base_url,
        }
        for line in lines:
            typed = line.replace("TASK_ID", pending.task_id).replace("TOKEN", done.token).replace("8901", free_port)
            if re.match(r"aiofunasr emulator\b(?!.*--help)", line):
                words = [*typed.split("#")[0].split(), *(["--port", "0"] if "--port" not in typed else [])]
                emulator = await anyio.open_process(words, cwd=tmp_path, env=environment)
                running.push_async_callback(stopped, emulator)
                assert emulator.stdout is not None
                assert b"DASHSCOPE_API_KEY" in await emulator.stdout.receive()
                continue
            finished = await anyio.run_process(["sh", "-c", typed], cwd=tmp_path, env=environment, check=False)
            assert finished.returncode == 0, (line, finished.stderr.decode())
    assert {path.suffix for path in (tmp_path / "subtitles").iterdir()} == {".srt"}
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 2


async def stopped(process: Process) -> None:
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 130


def make_recordings(directory: Path) -> None:
    """Put what the commands name into a directory: half a second of silence on two tracks, under any name."""
    for name in ("meeting.m4a", "interview.mp3", "call.wav"):
        with wave.open(str(directory / name), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes(bytes(4 * 8000))
    (directory / "urls.txt").write_text("https://example.com/a.wav\nhttps://example.com/b.wav\t12\n")


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
