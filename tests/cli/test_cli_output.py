"""`--output`: a file for each result, whatever the inputs are called."""

from __future__ import annotations

import json
from pathlib import Path

from cli.processes import Variables, run, run_all
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.cli.names import NameBook, safe_stem


def test_hostile_names_stay_in_the_directory_and_apart(place: Variables, tmp_path: Path) -> None:
    hostile = [
        "https://one/talk.wav",
        "https://two/talk.wav",
        "https://three/TALK.mp3",
        "https://h/..%2f..%2fescaped.wav",
        "https://h/%2e%2e",
        "https://h/.hidden.wav",
        "https://h/CON.wav",
        "https://h/-rf.wav",
        "https://h/" + "x" * 300 + ".wav",
        "https://h/\u4f60\u597d.wav",
        "https://h/a%00b%0Ac.wav",
        "https://h",
    ]
    directory = tmp_path / "deep" / "out"
    done = run("transcribe", "-o", directory, "-f", "txt", *hostile, env=place)
    assert done.returncode == 0, done.stderr
    written = {path.name for path in directory.iterdir()}
    assert written == {
        "talk.txt",
        "talk-2.txt",
        "TALK-3.txt",
        "escaped.txt",
        "file.txt",
        "hidden.txt",
        "_CON.txt",
        "rf.txt",
        "x" * 150 + ".txt",
        "\u4f60\u597d.txt",
        "a_b_c.txt",
        "file-2.txt",
    }
    assert {Path(line) for line in done.stdout.splitlines()} == set(directory.iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert all(path.read_text(encoding="utf-8").endswith(".\n") for path in directory.iterdir())


def test_a_failed_file_writes_nothing_unless_the_format_says_so(place: Variables, tmp_path: Path) -> None:
    files = ("https://h/404.wav", "https://h/a-8s.wav")
    txt, jsonl = run_all(
        ("transcribe", "-o", tmp_path / "txt", *files),
        ("transcribe", "-o", tmp_path / "jsonl", "-f", "jsonl", *files),
        env=place,
    )
    assert (txt.returncode, jsonl.returncode) == (1, 1)
    assert [path.name for path in (tmp_path / "txt").iterdir()] == ["a-8s.txt"]
    assert json.loads((tmp_path / "jsonl" / "404.jsonl").read_text(encoding="utf-8"))["ok"] is False


def test_what_is_there_is_replaced_where_it_can_be(place: Variables, tmp_path: Path) -> None:
    directory, outside = tmp_path / "out", tmp_path / "outside.txt"
    outside.write_text("not yours", encoding="utf-8")
    (directory / "blocked-8s.txt").mkdir(parents=True)
    (directory / "linked-8s.txt").symlink_to(outside)
    (directory / "old-8s.txt").write_text("old", encoding="utf-8")
    names = ("blocked-8s", "linked-8s", "old-8s")
    done = run("transcribe", "-o", directory, *(f"https://h/{name}.wav" for name in names), env=place)
    assert done.returncode == 1
    assert "not written: https://h/blocked-8s.wav" in done.stderr
    assert "aiofunasr attach fasr1." in done.stderr
    assert sorted(path.name for path in directory.iterdir()) == [f"{name}.txt" for name in names]
    assert not (directory / "linked-8s.txt").is_symlink()
    assert outside.read_text(encoding="utf-8") == "not yours"
    assert (directory / "old-8s.txt").read_text(encoding="utf-8") != "old"


@given(st.text(max_size=400) | st.text("./\\:%2eCON\u202e\u4f60", max_size=30))
def test_a_name_is_one_harmless_component(source: str) -> None:
    for text in (source, f"https://h/{source}"):
        stem = safe_stem(text)
        assert stem
        assert Path(stem).name == stem
        assert stem.isprintable()
        assert not stem.startswith((".", "-", " "))
        assert not stem.endswith((".", " "))
        assert not set(stem) & set('/\\:*?"<>|')
        assert len(stem.encode()) <= 151
        assert stem.partition(".")[0].casefold() not in {"con", "nul", "prn", "aux"}


@given(st.lists(st.sampled_from(["a.wav", "A.wav", "a-2.wav", "a.mp3", "dir/a.wav", "a-2-2.wav"])))
def test_no_two_names_are_the_same(sources: list[str]) -> None:
    book = NameBook()
    names = [book.take(source).casefold() for source in sources]
    assert len(set(names)) == len(names)
