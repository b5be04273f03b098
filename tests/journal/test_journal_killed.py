"""A process is killed, and what it was told is written is there."""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from journal.journals import PATIENCE, document, writer

from aiofunasr import SqliteJournal
from aiofunasr.journal import AttemptState, FileState

ROUNDS = 8


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "batch.db"
    chance = random.Random(seed)
    known: dict[str, tuple[FileState, int]] = {}
    states = {"began": FileState.UNKNOWN, "accepted": FileState.ACCEPTED, "done": FileState.DONE}
    for turn in range(ROUNDS):
        for line in work_and_be_killed(path, f"turn{turn}", chance.uniform(0.0, 0.3)):
            said, key, entered = line.split()
            known[key] = (states[said], int(entered))
        assert whole(path)
        async with SqliteJournal(path) as journal:
            numbers = {number for _, number in known.values()}
            assert len(numbers) == len(known)
            opened = {one.id: one for one in await journal.open_attempts()}
            # What was under way may have been written, too: one file in each of six lanes of each round.
            assert len(opened.keys() - numbers) <= 6 * (turn + 1)
            for key, (state, number) in known.items():
                entry = await journal.file(key)
                assert entry is not None
                assert entry.attempt == number
                order = list(states.values())
                assert order.index(entry.state) >= order.index(state)
                if entry.state is FileState.DONE:
                    result = await journal.result(key)
                    assert result is not None
                    assert result.document == document(int(key.rpartition("-")[2]) % 400)
                elif entry.state is FileState.ACCEPTED:
                    assert opened[number].task_id == f"task-{key}"
                    assert opened[number].state is AttemptState.ACCEPTED
    assert known


def work_and_be_killed(path: Path, prefix: str, seconds: float) -> list[str]:
    with writer(path, "work", prefix) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(seconds)
        process.kill()
        process.wait(PATIENCE)
        text = process.stdout.read()
        # The last line may be cut.
        return text[: text.rfind("\n") + 1].splitlines()


def whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        checks = [connection.execute(f"PRAGMA {name}").fetchall() for name in ("integrity_check", "foreign_key_check")]
    return checks == [[("ok",)], []]
