"""`aiofunasr transcribe`: what goes where, and the status."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE

import pytest
from cli.processes import PATIENCE, Variables, run, run_all, script, started, tasks_of

from aiofunasr import AudioFile
from aiofunasr.cli.inputs import open_inputs
from aiofunasr.cli.running import CommandError

A, B, GONE, SILENT = "https://h/a-8s.wav", "https://h/b-8s.wav", "https://h/404.wav", "https://h/silence.wav"


def test_one_file_is_its_text_and_nothing_else(place: Variables) -> None:
    done = run("transcribe", A, env=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(".\n")
    assert "==>" not in done.stdout


def test_as_a_module() -> None:
    done = run("--version", program=[sys.executable, "-m", "aiofunasr.cli"])
    assert done.stdout.startswith("aiofunasr ")


def test_several_files_have_headers_and_failures_go_to_stderr(place: Variables) -> None:
    signed = "https://h/b-8s.wav?OSSAccessKeyId=me&Signature=tellnobody"
    everything = ("transcribe", A, signed, GONE, SILENT)
    done, quiet = run_all(everything, (*everything, "--quiet"), env=place)
    assert done.returncode == 1
    headers = {line for line in done.stdout.splitlines() if line.startswith("==>")}
    assert headers == {f"==> {A} <==", "==> https://h/b-8s.wav?*** <==", f"==> {SILENT} <=="}
    assert f"failed: {GONE}: FILE_404_NOT_FOUND" in done.stderr
    assert f"no speech: {SILENT}" in done.stderr
    assert "4 files" in done.stderr
    assert "1 failed" in done.stderr
    assert "tellnobody" not in done.stdout + done.stderr
    assert quiet.returncode == 1
    assert [line for line in quiet.stderr.splitlines() if not line.startswith(f"failed: {GONE}: ")] == []


def test_jsonl_has_a_line_for_each_file(place: Variables) -> None:
    done = run("transcribe", "-f", "jsonl", A, GONE, SILENT, env=place)
    records = sorted((json.loads(line) for line in done.stdout.splitlines()), key=lambda record: int(record["index"]))
    assert [(record["source"], record["ok"]) for record in records] == [(A, True), (GONE, False), (SILENT, True)]
    assert records[1]["error"]["code"] == "FILE_404_NOT_FOUND"
    assert records[2]["no_speech"]
    assert all(record["token"].startswith("fasr1.") for record in records)
    assert done.returncode == 1


def test_what_is_asked_for_reaches_the_service(place: Variables) -> None:
    asked = ("--language", "zh", "--speakers", "3", "--model", "fun-asr-mtl")
    tracks = ("--channel", "0", "--channel", "1", "--mask", "river")
    one, two = run_all(
        ("transcribe", "-f", "json", *asked, "https://h/talk-60s.wav"),
        ("transcribe", "-f", "json", *tracks, "https://h/talk-600s.wav"),
        env=place,
    )
    sentences = json.loads(one.stdout)["transcripts"][0]["sentences"]
    assert {sentence.get("speaker_id") for sentence in sentences} >= {0, 1, 2}
    assert "\u3002" in sentences[0]["text"]
    document = json.loads(two.stdout)
    assert [channel["channel_id"] for channel in document["transcripts"]] == [0, 1]
    assert "*****" in document["transcripts"][0]["text"]
    assert "river" not in document["transcripts"][0]["text"].lower()


def test_subtitles(place: Variables) -> None:
    srt, vtt = run_all(("transcribe", "--format", "srt", A), ("transcribe", "--format", "vtt", A), env=place)
    assert srt.stdout.startswith("1\n00:00:00,000 --> ")
    assert vtt.stdout.startswith("WEBVTT\n\n00:00:00.000 --> ")


def test_local_files_are_uploaded_whatever_their_names(place: Variables, tmp_path: Path) -> None:
    names = ["my talk.wav", "\u4f60\u597d.wav"]
    # Not UTF-8; some file systems take no such name.
    with suppress(OSError):
        name = os.fsdecode(b"caf\xe9.wav")
        (tmp_path / name).write_bytes(b"RIFF")
        names.append(name)
    for name in names:
        (tmp_path / name).write_bytes(b"RIFF")
    done = run("transcribe", "-f", "jsonl", *names, env=place, cwd=tmp_path)
    records = sorted((json.loads(line) for line in done.stdout.splitlines()), key=lambda record: int(record["index"]))
    assert [record["source"] for record in records] == names
    assert all(record["file_url"].startswith("oss://") for record in records)


def test_a_manifest(place: Variables, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"\ufeff# the first of May\n{A}\n\n  {B}  \r\n/no/such/file.wav\n", encoding="utf-8")
    done = run("transcribe", "-f", "jsonl", "--manifest", "list", SILENT, env=place, cwd=tmp_path)
    by_index = {record["index"]: record for record in map(json.loads, done.stdout.splitlines())}
    assert [by_index[index]["source"] for index in range(4)] == [SILENT, A, B, "/no/such/file.wav"]
    assert [by_index[index]["ok"] for index in range(4)] == [True, True, True, False]
    assert done.returncode == 1


def test_a_manifest_may_say_how_long_the_audio_is(place: Variables, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"{A}\t8\n#\tno length\n{B} \t 7.5 \n\t{SILENT}\t\n", encoding="utf-8")
    command = ("transcribe", "-f", "jsonl", "--manifest", tmp_path / "list")
    done, helped = run_all(command, ("transcribe", "--help"), env=place)
    records = sorted((json.loads(line) for line in done.stdout.splitlines()), key=lambda record: int(record["index"]))
    assert [record["source"] for record in records] == [A, B, SILENT]
    assert done.returncode == 0
    assert "length of the audio in seconds" in " ".join(helped.stdout.replace("\u2502", " ").split())


@pytest.mark.parametrize("column", ["long", "0", "-3", "nan", "inf", "8\t9", "1:20"])
async def test_a_line_with_something_else_after_a_tab_is_named(tmp_path: Path, column: str) -> None:
    manifest = tmp_path / "list"
    manifest.write_text(f"# first\n{A}\t8\n\n{B}\t{column}\n{B}\t?\n", encoding="utf-8")
    with pytest.raises(CommandError) as caught:
        await open_inputs([], str(manifest))
    assert f"--manifest {manifest}: line 4: {column!r} is no length" in str(caught.value)
    assert caught.value.status == 2


async def test_the_lengths_of_a_manifest_are_given_on(tmp_path: Path) -> None:
    manifest = tmp_path / "list"
    manifest.write_text(f"{A}\t8\n{B}\n", encoding="utf-8")
    seen: list[str] = []
    inputs = await open_inputs([SILENT], str(manifest), seen.append)
    assert [file async for file in inputs] == [SILENT, AudioFile(A, seconds=8.0), B]
    assert seen == [SILENT, A, B]


def test_a_wrong_line_stops_a_manifest_before_anything_is_sent(place: Variables, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"{A}\n{B}\t12 minutes\n", encoding="utf-8")
    before = len(tasks_of(place))
    done = run("transcribe", "--manifest", "list", env=place, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--manifest list: line 2: '12 minutes' is no length" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(tasks_of(place)) == before


def test_a_wrong_line_from_standard_input_lets_those_before_it_be_done(place: Variables) -> None:
    done = run("transcribe", "--manifest", "-", env=place, input=f"{A}\t8\n{B}\tlong\n{SILENT}\n")
    assert done.returncode == 1
    assert done.stdout.endswith(".\n")
    assert "--manifest -: line 2: 'long' is no length" in done.stderr
    assert "Traceback" not in done.stderr
    assert SILENT not in done.stdout + done.stderr


def test_a_manifest_from_standard_input(place: Variables) -> None:
    done = run("transcribe", "--manifest", "-", env=place, input=f"{A}\n# no\n{B}\n")
    assert done.returncode == 0
    assert done.stdout.count("==>") == 2


def test_a_manifest_is_used_while_it_is_still_written(place: Variables) -> None:
    with started("transcribe", "--manifest", "-", env=place, stdin=PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{A}\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"==> {A} <==\n"
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_what_is_wrong_on_the_command_line_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    nowhere = {"DASHSCOPE_API_KEY": "sk-x", "DASHSCOPE_BASE_URL": "http://127.0.0.1:9"}
    done = run("transcribe", A, "missing.wav", ".", "ftp://h/x.wav", env=nowhere, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(name in done.stderr for name in ("missing.wav", "  .: ", "ftp://h/x.wav"))
    assert A not in done.stderr


USAGE: list[tuple[list[str], str]] = [
    ([], "nothing to transcribe"),
    ([A], "no API key"),
    ([A, "--api-key", "sk-x", "--speakers", "1"], "--speakers"),
    ([A, "--api-key", "sk-x", "--region", "moon"], "moon"),
    ([A, "--files-per-task", "101"], "--files-per-task"),
    ([A, "--format", "doc"], "--format"),
    ([A, "--engine", "whisper"], "--local"),
    ([A, "--local", "--api-key", "sk-x"], "--local"),
    (["--local", "--engine", "whisper"], "model"),
    ([A, "--api-key", "sk-x", "--output", "/dev/null/here"], "--output"),
    (["--manifest", "/no/such/list", "--api-key", "sk-x"], "/no/such/list"),
    (["--manifest", os.devnull, "--api-key", "sk-x"], "no files"),
]


def test_usage() -> None:
    for (arguments, said), done in zip(USAGE, run_all(*(["transcribe", *each] for each, _ in USAGE)), strict=True):
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert said in done.stderr, arguments
        assert "Traceback" not in done.stderr, arguments


def test_a_refused_key_fails_and_is_not_repeated(place: Variables) -> None:
    done = run("transcribe", A, "--api-key", "sk-wrong", env=place)
    assert (done.returncode, done.stdout) == (1, "")
    assert "InvalidApiKey" in done.stderr
    assert "sk-wrong" not in done.stderr


def test_a_closed_pipe_ends_it_quietly(place: Variables) -> None:
    command = f'set -o pipefail; "{script()}" transcribe -f json https://h/long-3000s.wav | head -c 20'
    done = run(command, program=["bash", "-c"], env=place)
    assert done.returncode == 141
    assert done.stdout.startswith("{\n")
    assert done.stderr == ""


def test_a_manifest_with_nothing_in_it_is_a_mistake(place: Variables) -> None:
    found = run("transcribe", "--manifest", "-", env=place, input="# nothing\n\n")
    assert found.returncode == 2
    assert "no files in it" in found.stderr
