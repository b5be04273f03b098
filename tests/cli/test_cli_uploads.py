"""`aiofunasr upload`, as a program."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.processes import Variables, run


def test_urls_go_to_stdout_in_the_order_given_and_their_life_to_stderr(place: Variables, tmp_path: Path) -> None:
    for name in ("b.wav", "a.wav"):
        (tmp_path / name).write_bytes(bytes(1_500_000))
    done = run("upload", tmp_path / "b.wav", tmp_path / "a.wav", "--model", "fun-asr-mtl", env=place)
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first.startswith("oss://")
    assert "/b-" in first
    assert "/a-" in second
    assert "1.5 MB, for fun-asr-mtl, until 20" in done.stderr
    used = run("transcribe", first, "--model", "fun-asr-mtl", "--quiet", env=place)
    assert used.returncode == 0
    assert used.stdout.strip()


def test_json_says_what_a_program_needs_to_know(place: Variables, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    done = run("upload", tmp_path / "a.wav", "--json", "--quiet", env=place)
    record = json.loads(done.stdout)
    assert record["url"].startswith("oss://")
    assert (record["model"], record["size"]) == ("fun-asr", 1)
    left = datetime.fromisoformat(record["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=47) < left <= timedelta(hours=48)
    assert not done.stderr


def test_all_files_are_looked_at_before_one_is_sent(place: Variables, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    for bad, told in [(tmp_path / "missing.wav", "no such file"), ("https://host/a.wav", "needs no upload")]:
        done = run("upload", tmp_path / "a.wav", bad, env=place)
        assert done.returncode == 2
        assert told in done.stderr
        assert not done.stdout
