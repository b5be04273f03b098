"""`aiofunasr token`, `vocabulary` and `tasks`, as programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.processes import Variables, run, run_all

from aiofunasr import TaskToken


def test_a_token_goes_to_stdout_alone_and_works_as_a_key(place: Variables) -> None:
    done = run("token", "--expires-in", "300", env=place)
    assert done.returncode == 0
    (token,) = done.stdout.splitlines()
    assert token.startswith("st-")
    assert token not in done.stderr
    assert done.stderr.startswith("until 20")
    used, described, bad = run_all(
        ("transcribe", "-q", "https://h/a-5s.wav", "--api-key", token),
        ("token", "--json", "--quiet"),
        ("token", "--expires-in", "1801"),
        env=place,
    )
    assert used.returncode == 0
    assert used.stdout.strip()
    assert set(json.loads(described.stdout)) == {"token", "expires_at"}
    assert (bad.returncode, bad.stdout) == (2, "")


def test_a_vocabulary_from_its_making_to_its_end(place: Variables, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("Goncharov\t5\ten\n\n冈察洛夫\t\tzh\n", encoding="utf-8")
    made = run(
        "vocabulary", "create", "Ilya Ilyich", "--file", tmp_path / "words.txt", "--prefix", "clitest",
        "--model", "fun-asr-mtl", "--weight", "3", env=place,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    vocabulary_id = made.stdout.strip()
    assert vocabulary_id.startswith("vocab-clitest-")
    assert "3 hot words for fun-asr-mtl" in made.stderr
    listed, shown, described = run_all(
        ("vocabulary", "list", "--prefix", "clitest"),
        ("vocabulary", "show", vocabulary_id),
        ("vocabulary", "show", vocabulary_id, "--json"),
        env=place,
    )
    (row,) = listed.stdout.splitlines()
    assert row.split("\t")[:2] == [vocabulary_id, "OK"]
    assert shown.stdout == "Ilya Ilyich\t3\nGoncharov\t5\ten\n冈察洛夫\t3\tzh\n"
    assert f"{vocabulary_id}: OK, fun-asr-mtl, 3 hot words" in shown.stderr
    record = json.loads(described.stdout)
    assert (record["model"], len(record["words"])) == ("fun-asr-mtl", 3)
    # What it prints, it reads.
    changed = run("vocabulary", "update", vocabulary_id, "Stolz", "--file", "-", env=place, input=shown.stdout)
    assert changed.returncode == 0, changed.stderr
    assert run("vocabulary", "show", vocabulary_id, env=place).stdout == f"Stolz\t4\n{shown.stdout}"
    gone = run("vocabulary", "delete", vocabulary_id, "vocab-none-1", env=place)
    assert gone.returncode == 1
    assert gone.stdout == f"deleted: {vocabulary_id}\n"
    assert "not deleted: vocab-none-1" in gone.stderr
    assert run("vocabulary", "list", "--prefix", "clitest", env=place).stdout == ""
    assert run("vocabulary", "show", vocabulary_id, env=place).returncode == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("one two three four five six seven eight", "line 2: text="),
        ("word\t6", "line 2: weight=6"),
        ("word\tmuch", "line 2: weight='much'"),
        ("word\t4\ten\tmore", "line 2: line="),
    ],
)
def test_a_line_that_is_no_hot_word_is_named_before_anything_is_sent(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "words.txt").write_text(f"fine\n{line}\n", encoding="utf-8")
    nowhere = {"DASHSCOPE_API_KEY": "sk-x", "DASHSCOPE_BASE_URL": "http://127.0.0.1:9"}
    done = run("vocabulary", "create", "--file", tmp_path / "words.txt", env=nowhere)
    assert done.returncode == 2
    assert told in done.stderr


def test_tasks_are_listed_by_time_and_shown_and_cancelled(place: Variables) -> None:
    submitted = run("transcribe", "-q", "-f", "jsonl", "https://h/b-5s.wav?Signature=secret", env=place)
    token = json.loads(submitted.stdout)["token"]
    task_id = TaskToken.decode(token).task_id
    listed, by_id, before, week, shown, described, unknown, cancelled, both = run_all(
        ("tasks", "list", "--json", "--limit", "1"),
        ("tasks", "list", "--task", token),
        ("tasks", "list", "--to", "2020-01-02", "--from", "2020-01-01"),
        ("tasks", "--since", "100", "--task", task_id),
        ("tasks", "show", token),
        ("tasks", "show", task_id, "--json"),
        ("tasks", "show", "00000000-no-such-task"),
        ("tasks", "cancel", task_id),
        ("tasks", "list", "--since", "1", "--from", "2020-01-01"),
        env=place,
    )
    assert len(listed.stdout.splitlines()) == 1
    assert by_id.stdout.startswith(f"{task_id}\tSUCCEEDED\tfun-asr\t")
    assert week.stdout == by_id.stdout
    assert (before.returncode, before.stdout) == (0, "")
    assert f"task id: {task_id}\nstatus: SUCCEEDED\n" in shown.stdout
    assert "SUCCEEDED\thttps://h/b-5s.wav?***" in shown.stdout
    record = json.loads(described.stdout)
    assert (record["status"], record["results"][0]["file_url"]) == ("SUCCEEDED", "https://h/b-5s.wav?***")
    assert "secret" not in shown.stdout + described.stdout
    assert unknown.returncode == 1
    assert "status: UNKNOWN" in unknown.stdout
    assert cancelled.returncode == 1
    assert "UnsupportedOperation" in cancelled.stderr
    assert both.returncode == 2
