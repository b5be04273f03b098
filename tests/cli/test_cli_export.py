"""`aiofunasr export`: stored transcripts in other formats, and the options that say how."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from cli.processes import run, run_all
from export.talks import talk

from aiofunasr.cli.options import FormatName
from aiofunasr.export import FORMATS, render

SIGNED = "https://h/talk.wav?Signature=tellnobody"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "talk.json"
    path.write_text(render(talk(60, speakers=2, url=SIGNED), "json"), encoding="utf-8")
    return path


def test_every_format_can_be_asked_for() -> None:
    assert [str(name) for name in FormatName] == list(FORMATS)


def test_a_document_is_written_in_all_formats_at_once(document: Path, tmp_path: Path) -> None:
    formats = [argument for name in FORMATS for argument in ("-f", name)]
    done = run("export", document, *formats, "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()}
    assert written.keys() == {f"talk{each.extension}" for each in FORMATS.values()}
    assert "talk.TextGrid" in written
    assert {Path(line).name for line in done.stdout.splitlines()} == written.keys()
    assert all(written.values())
    assert "tellnobody" not in "".join(written.values())


def test_one_document_goes_to_stdout_and_comes_from_stdin(document: Path) -> None:
    wanted = render(talk(60, speakers=2, url=SIGNED), "srt")
    assert run("export", document, "-f", "srt").stdout == wanted
    assert run("export", "-", "-f", "srt", input=document.read_text(encoding="utf-8")).stdout == wanted


def test_subtitles_obey_the_options(document: Path) -> None:
    usual, narrow, named, words = (
        done.stdout
        for done in run_all(
            ("export", document, "-f", "srt"),
            ("export", document, "-f", "srt", "--columns", 20, "--lines", 1, "--gap", 0, "--longest", 2, "--no-names"),
            ("export", document, "-f", "txt", "--times"),
            ("export", document, "-f", "tsv", "--rows", "words"),
        )
    )
    lines = [line for line in narrow.splitlines() if line and not line.isdigit() and "-->" not in line]
    assert max(map(len, lines)) <= 20
    assert narrow.count("-->") == len(lines) > usual.count("-->")
    assert "Speaker" in usual
    assert "Speaker" not in narrow
    assert named.startswith("[0:00:00] Speaker 0: ")
    assert len(words.splitlines()) == len(talk(60, speakers=2).words) + 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--reading-speed", "0"), "--reading-speed"),
        (("--shortest", "8"), "--shortest"),
        (("--columns", "1"), "--columns"),
        (("--rows", "letters"), "--rows"),
        (("-f", "srt", "-f", "vtt"), "--output"),
        (("--embed-audio",), "--audio"),
        (("-f", "docx"), "docx"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_written(
    document: Path, arguments: tuple[str, ...], problem: str
) -> None:
    done = run("export", document, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(document: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_bytes(document.read_bytes()[:500])
    done = run("export", tmp_path / "gone.json", broken, document, "-f", "rttm", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert f"not read: {tmp_path / 'gone.json'}: No such file" in done.stderr
    assert f"not read: {broken}: " in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["talk.rttm"]


def test_documents_of_one_name_are_kept_apart(document: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "TALK.json"
    other.parent.mkdir()
    other.write_bytes(document.read_bytes())
    run("export", document, other, "-f", "ctm", "-o", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["TALK-2.ctm", "talk.ctm"]


def test_a_document_is_never_replaced_by_itself(document: Path) -> None:
    before = document.read_bytes()
    done = run("export", document, "-f", "json", "-o", document.parent)
    assert done.returncode == 2
    assert "would be replaced" in done.stderr
    assert document.read_bytes() == before


def test_a_page_plays_what_it_is_given(document: Path, tmp_path: Path) -> None:
    audio = tmp_path / "my #1 talk.wav"
    audio.write_bytes(b"RIFF")
    pages: Any = run_all(
        ("export", document, "-f", "html"),
        ("export", document, "-f", "html", "-o", tmp_path / "out", "--audio", audio),
        ("export", document, "-f", "html", "--audio", audio, "--embed-audio"),
        ("export", document, "-f", "html", "--audio", "https://h/b.mp3?id=5"),
        ("export", document, "-f", "html", "--audio", "https://h/b.mp3", "--embed-audio"),
    )
    assert 'src="https://h/talk.wav"' in pages[0].stdout
    assert 'src="./../my%20%231%20talk.wav"' in (tmp_path / "out" / "talk.html").read_text(encoding="utf-8")
    assert f"base64,{b64encode(b'RIFF').decode()}" in pages[2].stdout
    assert 'src="https://h/b.mp3?id=5"' in pages[3].stdout
    assert pages[4].returncode == 1
    assert "only a file on this machine can be embedded" in pages[4].stderr


def test_json_is_the_document_but_for_its_signature(document: Path, tmp_path: Path) -> None:
    run("export", document, "-f", "json", "-o", tmp_path / "out")
    found = json.loads((tmp_path / "out" / "talk.json").read_text(encoding="utf-8"))
    wanted = json.loads(document.read_text(encoding="utf-8"))
    assert found["file_url"] == "https://h/talk.wav?***"
    assert found | {"file_url": SIGNED} == wanted
