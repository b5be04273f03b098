"""`--output`: a file for each result, whatever the inputs are called."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest
from attrs import evolve
from cli.processes import Variables, run, run_all, tasks_of
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import SubtaskResult, Transcript
from aiofunasr.cli.delivery import Writing, write_whole
from aiofunasr.cli.names import NameBook, safe_stem
from aiofunasr.cli.recordings import MOST_TO_EMBED
from aiofunasr.cli.running import CommandError
from aiofunasr.export import FORMATS


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
        "https://h/..%5c..%5cwindows.wav",
        "https://h/%2Fetc%2Fpasswd",
        "https://h/aux.txt.wav",
        "https://h/LPT%C2%B9.wav",
        "https://h/dots...%20.wav",
        "https://h/%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80.wav",
        "https://h/" + "%E4%BD%A0" * 100 + ".wav",
        "https://h/a%E2%80%AEvaw.wav",
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
        "_.._windows.txt",
        "passwd.txt",
        "_aux.txt.txt",
        "_LPT\u00b9.txt",
        "dots.txt",
        "\U0001f469_\U0001f680.txt",
        "\u4f60" * 50 + ".txt",
        "a_vaw.txt",
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


def test_each_format_is_a_file_and_each_path_a_line(place: Variables, tmp_path: Path) -> None:
    formats = ("-f", "srt", "-f", "html", "-f", "jsonl", "-f", "srt")
    done = run("transcribe", "-o", tmp_path, *formats, "https://h/a-8s.wav", "https://h/404.wav", env=place)
    assert done.returncode == 1
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"a-8s.srt", "a-8s.html", "a-8s.jsonl", "404.jsonl"}
    assert sorted(done.stdout.splitlines()) == sorted(str(tmp_path / name) for name in names)


def test_a_file_that_is_there_can_be_kept(place: Variables, tmp_path: Path) -> None:
    (tmp_path / "old-8s.txt").write_text("mine", encoding="utf-8")
    done = run(
        "transcribe", "-o", tmp_path, "--no-overwrite", "https://h/old-8s.wav", "https://h/new-8s.wav", env=place
    )
    assert done.returncode == 1
    assert f"not written: https://h/old-8s.wav: {tmp_path / 'old-8s.txt'} is there already" in done.stderr
    assert (tmp_path / "old-8s.txt").read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new-8s.txt", "old-8s.txt"]


def test_a_disk_that_is_full_leaves_no_half_of_a_file(place: Variables, tmp_path: Path) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))

    files = ("https://h/a-60s.wav", "https://h/b-2s.wav")
    done = run("transcribe", "-o", tmp_path, "-f", "json", "-f", "txt", *files, env=place, preexec_fn=little_room)
    assert done.returncode == 1
    assert "not written: https://h/a-60s.wav: File too large; it can be had again with: aiofunasr attach" in done.stderr
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert "b-2s.txt" in written
    assert "a-60s.json" not in written
    assert all(text.endswith("\n") for text in written.values())
    assert not any(name.endswith(".part") for name in written)


@pytest.mark.parametrize("where", ["/proc/nowhere", "a-file/deeper"])
def test_a_directory_that_cannot_be_written_is_said_before_anything_is_sent(
    place: Variables, tmp_path: Path, where: str
) -> None:
    (tmp_path / "a-file").write_text("", encoding="utf-8")
    before = len(tasks_of(place))
    done = run("transcribe", "-o", where, "https://h/unwritten-8s.wav", env=place, cwd=tmp_path)
    assert done.returncode == 2
    assert f"aiofunasr: --output {where}: " in done.stderr
    assert len(tasks_of(place)) == before


def test_two_runs_into_one_directory_leave_whole_files(place: Variables, tmp_path: Path) -> None:
    files = [f"https://h/call-{number}-8s.wav" for number in range(8)]
    command = ("transcribe", "-o", tmp_path, "-f", "srt", "-f", "json", *files)
    assert [done.returncode for done in run_all(command, command, command, env=place)] == [0, 0, 0]
    alone = tmp_path / "alone"
    run("transcribe", "-o", alone, "-f", "srt", "-f", "json", *files, env=place)
    for path in alone.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2 * len(files) + 1


def test_a_local_file_is_played_from_where_it_is(tmp_path: Path) -> None:
    recording = tmp_path / "recordings" / "a talk.wav"
    recording.parent.mkdir()
    result = SubtaskResult(source=str(recording), index=0, transcript=Transcript("oss://b/a.wav"))
    writing = Writing(formats=[FORMATS["html"]], directory=tmp_path / "out")
    assert " src=" not in "".join(writing.pieces(result, FORMATS["html"])).partition("<audio")[2].partition(">")[0]
    recording.write_bytes(b"RIFF")
    assert 'src="./../recordings/a%20talk.wav"' in "".join(writing.pieces(result, FORMATS["html"]))
    embedded = evolve(writing, embed_audio=True)
    assert "base64,UklGRg==" in "".join(embedded.pieces(result, FORMATS["html"]))
    with recording.open("wb") as file:
        file.truncate(MOST_TO_EMBED + 1)
    with pytest.raises(CommandError, match="50 MB are too many"):
        "".join(embedded.pieces(result, FORMATS["html"]))


def test_a_file_system_without_links_keeps_what_is_there_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_whole(tmp_path / "a", ["o", "ne"], overwrite=False)
    with pytest.raises(FileExistsError, match="is there already"):
        write_whole(tmp_path / "a", ["two"], overwrite=False)
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [("a", "one")]


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
        assert stem.partition(".")[0].casefold() not in {"con", "nul", "prn", "aux", "com1", "lpt\u00b9"}


@pytest.mark.parametrize(
    "source", ["calls/monday/call.wav", "../call.wav", "https://h/monday/call.wav?x=/y.wav", "call"]
)
def test_a_name_is_the_last_part_of_its_source(source: str) -> None:
    assert safe_stem(source) == "call"


@given(st.lists(st.sampled_from(["a.wav", "A.wav", "a-2.wav", "a.mp3", "dir/a.wav", "a-2-2.wav"])))
def test_no_two_names_are_the_same(sources: list[str]) -> None:
    book = NameBook()
    names = [book.take(source).casefold() for source in sources]
    assert len(set(names)) == len(names)
