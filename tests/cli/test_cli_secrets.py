"""What the commands print and write holds no key, no token and no signature."""

from __future__ import annotations

import json
from pathlib import Path

from cli.processes import Variables, run_all
from marks import KEY, MARK, TEMPORARY, assert_no_marks, signed

A, GONE = signed("https://h/a-8s.wav"), signed("https://h/404.wav")


def test_no_command_prints_a_secret(place: Variables, tmp_path: Path) -> None:
    manifest = tmp_path / "input" / "manifest.txt"
    manifest.parent.mkdir()
    manifest.write_text(f"{A}\n{GONE}\n")
    formats = ("txt", "json", "jsonl", "srt", "vtt")
    nowhere = ("--base-url", "http://127.0.0.1:9/api/v1")
    done = run_all(
        *[("transcribe", "--verbose", "-f", form, A, GONE) for form in formats],
        ("transcribe", "--verbose", "-f", "jsonl", "--output", tmp_path / "output", "--manifest", manifest),
        ("transcribe", "--verbose", "--api-key", KEY, A),
        ("transcribe", "--verbose", "--api-key", TEMPORARY, A),
        ("transcribe", "--api-key", f"{KEY} ", A),
        ("transcribe", "--api-key", KEY, *nowhere, A),
        ("tasks", "--api-key", KEY),
        ("tasks", "--api-key", KEY, "--base-url", f"https://user:{MARK}@h/?Signature={MARK}"),
        ("cancel", "--api-key", KEY, KEY),
        ("attach", "--api-key", KEY, A),
        env=place,
    )
    assert [each.returncode for each in done[:6]] == [1] * 6
    assert all(each.returncode for each in done[6:])
    for each in done:
        assert MARK not in each.stdout + each.stderr, each.args
    assert assert_no_marks([tmp_path / "output"]) == 2

    records = [json.loads(line) for line in done[2].stdout.splitlines()]
    assert {record["source"] for record in records} == {"https://h/a-8s.wav?***", "https://h/404.wav?***"}
    assert sorted(record["index"] for record in records) == [0, 1]
