"""Files of hours and gigabytes, which are made of holes: what is read of them, and what memory that takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from speech.speech_media import sparse_wav

from aiofunasr.emulator.recognizer import FileProblemError
from aiofunasr.emulator.speech.decode import MediaFile, refuse_too_long

TWELVE_HOURS = 12 * 3600
MEGABYTE = 2**20

PROGRAM = """
import json, resource, sys
from pathlib import Path
from aiofunasr.emulator.recognizer import FileProblemError
from aiofunasr.emulator.speech.decode import MediaFile

def read_so_far():
    return int(Path("/proc/self/io").read_text().split()[1])

def peak_kilobytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

with MediaFile(Path(sys.argv[2])) as media:  # loads libav
    list(media.blocks([0]))
read, peak, code, samples = read_so_far(), peak_kilobytes(), None, 0
try:
    with MediaFile(Path(sys.argv[1])) as media:
        for block in media.blocks([0]):
            samples += len(block.samples)
            if samples > 160_000:
                break
except FileProblemError as error:
    code = error.code
print(json.dumps({"code": code, "samples": samples, "read": read_so_far() - read, "kB": peak_kilobytes() - peak}))
"""


def measure(path: Path, tmp_path: Path) -> dict[str, Any]:
    """Open a file in a process of its own and take its first 10 s; say what came of it and what it cost."""
    if not Path("/proc/self/io").exists():
        pytest.skip("this system does not say how many bytes a process has read")
    small = sparse_wav(tmp_path / "small.wav", 1)
    done = subprocess.run(  # noqa: S603  # our own interpreter and program
        [sys.executable, "-c", PROGRAM, str(path), str(small)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_file_over_12_hours_is_refused_by_its_header(tmp_path: Path) -> None:
    path = sparse_wav(tmp_path / "long.wav", TWELVE_HOURS + 1, rate=16000)
    assert path.stat().st_size > 1_300 * MEGABYTE
    found = measure(path, tmp_path)
    assert found["code"] == "AUDIO_DURATION_TOO_LONG"
    assert found["samples"] == 0
    assert found["read"] < MEGABYTE
    assert found["kB"] < 20_000


def test_a_file_of_12_hours_is_accepted_and_read_bit_by_bit(tmp_path: Path) -> None:
    found = measure(sparse_wav(tmp_path / "long.wav", TWELVE_HOURS, rate=8000), tmp_path)
    assert found["code"] is None
    assert found["samples"] > 160_000
    assert found["read"] < MEGABYTE
    assert found["kB"] < 20_000


def test_a_file_of_two_gigabytes_is_accepted_and_read_bit_by_bit(tmp_path: Path) -> None:
    path = sparse_wav(tmp_path / "large.wav", (2**31 - 44) // (48000 * 8), rate=48000, channels=4)
    assert 2**31 - MEGABYTE < path.stat().st_size <= 2**31
    found = measure(path, tmp_path)
    assert found["code"] is None
    assert found["samples"] > 160_000
    assert found["read"] < 8 * MEGABYTE
    assert found["kB"] < 40_000


def far_apart(path: Path, container: str, codec: str, seconds: int) -> Path:
    """Write a file with sound at its beginning, and at its end after so many seconds."""
    with av.open(str(path), "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=44100, layout="mono")
        stream.bit_rate = 64_000
        for start in (0, seconds * 44100):
            for number in range(8):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                frame.sample_rate = 44100
                frame.pts, frame.time_base = start + number * 1024, Fraction(1, 44100)
                output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def verdict(look: Callable[[], None]) -> str | None:
    """Return the code that a look at a file refuses it with, None if it lets it pass."""
    try:
        look()
    except FileProblemError as problem:
        return problem.code
    return None


@pytest.mark.parametrize(
    ("container", "codec"), [("matroska", "aac"), ("ipod", "aac"), ("mov", "aac"), ("asf", "wmav2"), ("flv", "aac")]
)
def test_every_header_that_tells_the_duration_is_believed(tmp_path: Path, container: str, codec: str) -> None:
    with MediaFile(far_apart(tmp_path / "long", container, codec, TWELVE_HOURS + 1)) as media:
        assert verdict(media.refuse_by_header) == "AUDIO_DURATION_TOO_LONG"
    with MediaFile(far_apart(tmp_path / "short", container, codec, TWELVE_HOURS - 60)) as media:
        assert verdict(media.refuse_by_header) is None


@pytest.mark.parametrize("container", ["matroska", "wav"])
def test_the_beginning_of_a_file_is_enough_to_refuse_it(tmp_path: Path, container: str) -> None:
    if container == "wav":
        path = sparse_wav(tmp_path / "whole", TWELVE_HOURS + 1, rate=8000)
    else:
        path = far_apart(tmp_path / "whole", container, "aac", TWELVE_HOURS + 1)
    head = tmp_path / "head"
    with path.open("rb") as whole:
        head.write_bytes(whole.read(2000))
    os.truncate(head, path.stat().st_size)
    assert verdict(lambda: refuse_too_long(head)) == "AUDIO_DURATION_TOO_LONG"


@pytest.mark.parametrize("content", [b"", b"\0" * 4000, b"no media at all " * 100, b"RIFF\4\0\0\0WAVE"])
def test_a_beginning_that_tells_nothing_refuses_nothing(tmp_path: Path, content: bytes) -> None:
    head = tmp_path / "head"
    head.write_bytes(content)
    assert verdict(lambda: refuse_too_long(head)) is None
