"""`aiofunasr tasks`, `attach` and `cancel`."""

from __future__ import annotations

import json
import re

import pytest
from cli.processes import Variables, run, run_all

from aiofunasr import TaskToken

A, GONE = "https://h/a-8s.wav", "https://h/404.wav"


@pytest.fixture(scope="module")
def tokens(place: Variables) -> dict[str, str]:
    """The tokens of two tasks that are done, one of them failed, by their file."""
    done = run("transcribe", "-q", "-f", "jsonl", A, GONE, env=place)
    return {record["source"]: record["token"] for record in map(json.loads, done.stdout.splitlines())}


@pytest.mark.usefixtures("tokens")
def test_tasks_are_listed(place: Variables) -> None:
    plain, failed, first, others = run_all(
        ("tasks",),
        ("tasks", "--status", "failed", "--json"),
        ("tasks", "--limit", 1),
        ("tasks", "--model", "x"),
        env=place,
    )
    rows = [line.split("\t") for line in plain.stdout.splitlines()]
    assert {len(row) for row in rows} == {6}
    assert {row[1] for row in rows} == {"FAILED", "SUCCEEDED"}
    assert {json.loads(line)["status"] for line in failed.stdout.splitlines()} == {"FAILED"}
    assert len(first.stdout.splitlines()) == 1
    assert (others.returncode, others.stdout) == (0, "")


def test_tasks_are_attached_by_token_and_by_id(place: Variables, tokens: dict[str, str]) -> None:
    by_id = TaskToken.decode(tokens[A]).task_id
    one, same, several = run_all(
        ("attach", tokens[A]), ("attach", by_id), ("attach", *tokens.values(), "00000000-no-such-task"), env=place
    )
    assert (one.returncode, one.stderr) == (0, "")
    assert one.stdout == same.stdout
    assert one.stdout.endswith(".\n")
    assert several.returncode == 1
    assert several.stdout == f"==> {A} <==\n{one.stdout}"
    assert f"failed: {GONE}: FILE_404_NOT_FOUND" in several.stderr
    assert "00000000-no-such-task" in several.stderr


def test_cancelling(place: Variables, tokens: dict[str, str]) -> None:
    done = run("cancel", tokens[A], env=place)
    assert (done.returncode, done.stdout) == (1, "")
    assert "UnsupportedOperation" in done.stderr


def test_a_damaged_token_is_refused_before_anything_is_sent() -> None:
    nowhere = {"DASHSCOPE_API_KEY": "sk-x", "DASHSCOPE_BASE_URL": "http://127.0.0.1:9"}
    for done in run_all(("attach", "fasr1.damaged"), ("cancel", "fasr1.damaged"), env=nowhere):
        assert done.returncode == 2
        assert re.search("token.*damaged", done.stderr)
