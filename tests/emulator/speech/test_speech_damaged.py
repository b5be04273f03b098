"""Files that are cut off, damaged, mislabelled or strange: each has an outcome, and none stops the service."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest
from speech.speech_media import DISPOSED, FORMATS, encode, mono, read

from aiofunasr.emulator.recognizer import FileProblemError
from aiofunasr.emulator.speech.activity import DetectorSource, SpeechFinder, SpeechSegment
from aiofunasr.emulator.speech.decode import MediaFile, Samples

NO_MEDIA = {"FILE_CHECK_FAILED", "FILE_PARSE_FAILED", "UNSUPPORTED_FORMAT", "NO_VALID_AUDIO_ERROR"}
# Their index stands at the end, and nothing can be read without it.
INDEX_LAST = {"m4a", "mov", "mp4"}
# The header alone takes up a good part of a short file.
PICTURES = {"avi", "mkv", "mp4", "mpeg"}


def outcome(path: Path, channel_id: int = 0) -> int | str:
    """Return how many samples come out of a file, or the code it fails with."""
    try:
        with MediaFile(path) as media:
            return sum(len(block.samples) for block in media.blocks([channel_id]))
    except FileProblemError as error:
        return error.code


@pytest.fixture(scope="module")
def speech() -> Samples:
    return mono(read(DISPOSED))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, speech: Samples) -> dict[str, bytes]:
    """A whole file in each container, some with a picture."""
    folder = tmp_path_factory.mktemp("whole")
    return {
        extension: encode(
            folder / f"a.{extension}", [speech], container, codec, video=extension in PICTURES
        ).read_bytes()
        for extension, (container, codec) in FORMATS.items()
    }


@pytest.mark.parametrize("extension", FORMATS)
def test_what_is_there_of_a_cut_off_file_is_kept(tmp_path: Path, files: dict[str, bytes], extension: str) -> None:
    path = tmp_path / f"cut.{extension}"
    counts = []
    for part in (0.6, 0.97):
        path.write_bytes(files[extension][: int(len(files[extension]) * part)])
        counts.append(outcome(path))
    if extension in INDEX_LAST:
        assert set(counts) <= NO_MEDIA
    else:
        some, most = counts
        assert isinstance(some, int)
        assert isinstance(most, int)
        assert 16000 * 0.9 < some < most
        assert 16000 * 1.9 < most < 16000 * 3.1


@pytest.mark.parametrize("extension", FORMATS)
def test_an_empty_file_has_no_audio(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"empty.{extension}"
    path.touch()
    assert outcome(path) == "NO_VALID_AUDIO_ERROR"


@pytest.mark.parametrize(
    "content",
    [bytes(50_000), b"<!DOCTYPE html><p>Not found</p>" * 500, *(random.Random(n).randbytes(50_000) for n in range(2))],
    ids=["zeros", "page", "chance", "other chance"],
)
@pytest.mark.parametrize("extension", FORMATS)
def test_garbage_under_a_right_name_is_no_media(tmp_path: Path, content: bytes, extension: str) -> None:
    path = tmp_path / f"garbage.{extension}"
    path.write_bytes(content)
    assert outcome(path) in NO_MEDIA


def wav(path: Path, rate: int, channels: int, content: bytes, code: int = 1, bits: int = 16) -> Path:
    frame = channels * bits // 8
    layout = struct.pack("<IHHIIHH", 16, code, channels, rate, rate * frame % 2**32, frame, bits)
    sizes = struct.pack("<I", len(content) + 36), struct.pack("<I", len(content))
    path.write_bytes(b"RIFF" + sizes[0] + b"WAVEfmt " + layout + b"data" + sizes[1] + content)
    return path


@pytest.mark.parametrize("rate", [4000, 11_025, 192_000, 768_000])
def test_unusual_sampling_rates_are_resampled(tmp_path: Path, rate: int) -> None:
    assert outcome(wav(tmp_path / "a.wav", rate, 1, bytes(rate))) == pytest.approx(8000, abs=40)


@pytest.mark.parametrize("rate", [0, 1, 10, 999, 1_000_001, 10**8, 2**31 - 1, 2**32 - 1])
def test_sampling_rates_that_no_audio_has_are_refused(tmp_path: Path, rate: int) -> None:
    """A rate of 10 would make 100 kB of samples hours long, one of two billion take all memory."""
    assert outcome(wav(tmp_path / "a.wav", rate, 1, bytes(100_000))) in NO_MEDIA


@pytest.mark.parametrize("channels", [3, 8, 9, 16, 32, 64])
def test_each_of_many_channels_is_a_track(tmp_path: Path, channels: int) -> None:
    levels = np.tile(np.arange(1, channels + 1, dtype="<i2") * 256, 16000)
    path = wav(tmp_path / "a.wav", 16000, channels, levels.tobytes())
    for channel_id in {0, channels // 2, channels - 1}:
        with MediaFile(path) as media:
            assert media.properties.channels == tuple(range(channels))
            samples = np.concatenate([block.samples for block in media.blocks([channel_id])])
        assert samples == pytest.approx((channel_id + 1) / 128, abs=1e-4)
    assert outcome(path, channels) == "NO_VALID_AUDIO_ERROR"


@pytest.mark.parametrize("channels", [65, 256, 65_535])
def test_more_channels_than_can_be_resampled_are_refused(tmp_path: Path, channels: int) -> None:
    path = wav(tmp_path / "a.wav", 16000, channels, bytes(100_000), bits=8)
    assert outcome(path) == "UNSUPPORTED_FORMAT"


def test_samples_that_are_no_numbers_are_silence(tmp_path: Path, speech: Samples) -> None:
    """The speech after them is still found."""
    odd = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30] * 200, "<f4")
    samples = np.concatenate((speech[0], odd, np.zeros(48_000), speech[0])).astype("<f4")
    path = wav(tmp_path / "a.wav", 16000, 1, samples.tobytes(), code=3, bits=32)
    finder = SpeechFinder(DetectorSource().detector())
    found: list[SpeechSegment] = []
    with MediaFile(path) as media:
        for block in media.blocks([0]):
            assert np.abs(block.samples).max() <= 1
            found += finder.feed(block.samples)
    found += finder.finish()
    assert found[-1].begin_ms > 6000
    assert found[-1].speech_ms > 2000


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Change a few bytes anywhere or in the header, put in or take out a stretch, or cut off."""
    changed = bytearray(content)
    kind = chance.randrange(4)
    if kind < 2:
        end = len(changed) if kind else min(len(changed), 400)
        for _ in range(chance.choice([1, 3, 20])):
            changed[chance.randrange(end)] = chance.randrange(256)
    elif kind == 2:
        place, length = chance.randrange(len(changed)), chance.randrange(1, 3000)
        changed[place : place + length] = chance.randbytes(chance.choice([0, length, 2 * length]))
    else:
        del changed[chance.randrange(1, len(changed)) :]
    return bytes(changed)


@pytest.mark.parametrize("extension", FORMATS)
def test_damage_of_any_kind_has_an_outcome(tmp_path: Path, files: dict[str, bytes], extension: str) -> None:
    known = NO_MEDIA | {"DECODE_ERROR", "AUDIO_DURATION_TOO_LONG"}
    path = tmp_path / f"damaged.{extension}"
    outcomes: list[int | str] = []
    for seed in range(30):
        path.write_bytes(damaged(files[extension], random.Random(f"{extension} {seed}")))
        outcomes.append(outcome(path))
    assert {found for found in outcomes if isinstance(found, str)} <= known
    # No damage makes hours out of three seconds.
    assert max(found for found in outcomes if isinstance(found, int)) < 16000 * 60


def test_streams_that_come_up_late_do_no_harm(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Two tags of a flv name other codecs: streams that were not there when the file was opened."""
    content = bytearray(files["flv"])
    tags = [place for place in range(13, len(content) - 11) if content[place : place + 12 : 11] == b"\x08\x2e"]
    content[tags[len(tags) // 3] + 11], content[tags[len(tags) // 2] + 11] = 0x56, 0xDE
    path = tmp_path / "late.flv"
    path.write_bytes(content)
    found = outcome(path)
    assert isinstance(found, int)
    assert found > 16000 * 2.5
