"""What the tests of the journal share: values to enter, and processes that have a journal open."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import anyio.to_thread

from aiofunasr.journal import Attempt, JournaledFile
from aiofunasr.journal.reader import JournalSummary, viewing

PATIENCE = 60
"""Seconds after which a process hangs rather than works."""

_PROGRAM = ["-m", "journal.journal_writer"]
_TESTS = str(Path(__file__).parents[1])


def attempt(*keys: str, **more: Any) -> Attempt:
    """Return a submit of files with these keys."""
    files = tuple(JournaledFile(key=key, source=f"https://h/{key}.wav", digest=f"digest-{key}") for key in keys)
    values: dict[str, Any] = {"files": files, "model": "fun-asr", "sent_at": 1000.0}
    return Attempt(**values | more)


async def look(path: Path) -> JournalSummary:
    """Look into a journal from outside."""

    def there() -> JournalSummary:
        with viewing(path) as view:
            return view.summary()

    return await anyio.to_thread.run_sync(there)


def names_in(directory: Path) -> set[str]:
    """Return the names of all files in a directory."""
    return {one.name for one in directory.iterdir()}


def document(words: int = 20) -> bytes:
    """Return a transcript document that compresses about as well as a real one."""
    said = [
        {
            "begin_time": place * 371,
            "end_time": place * 371 + 200 + place * 7919 % 150,
            "text": f"w{place * 2654435761 % 9973} ",
            "punctuation": "",
        }
        for place in range(words)
    ]
    sentences = [{"begin_time": 0, "end_time": 9, "text": "w", "sentence_id": 1, "words": said}]
    content = {"file_url": "https://h/a.wav", "transcripts": [{"channel_id": 0, "text": "w", "sentences": sentences}]}
    return json.dumps(content).encode()


@contextmanager
def writer(path: Path, *arguments: object) -> Iterator[Popen[str]]:
    """Start a process that writes into a journal, and leave nothing of it behind."""
    command = [sys.executable, *_PROGRAM, str(path), *map(str, arguments)]
    with Popen(command, stdin=PIPE, stdout=PIPE, encoding="utf-8", cwd=_TESTS) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()


def run_writer(path: Path, *arguments: object) -> list[str]:
    """Run such a process to its end and return the lines it printed."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, *_PROGRAM, str(path), *map(str, arguments)],
        stdout=PIPE,
        cwd=_TESTS,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    )
    return done.stdout.splitlines()
