"""Recordings for the tests: where they are, and how to put them in other containers."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from aiofunasr.emulator.speech.decode import SAMPLE_RATE, MediaFile, Samples

AUDIO = Path(__file__).parent / "audio"
MARRIED = AUDIO / "librivox_0920.wav"
MARRIED_TEXT = "had he married a more amiable woman he might have been made still more respectable than he was"
DISPOSED = AUDIO / "librivox_0880.wav"
CARDS = AUDIO / "cards_005.wav"

# Container and codec as libav's encoders are called, for every extension that the service lists.
FORMATS = {
    "aac": ("adts", "aac"),
    "amr": ("amr", "libopencore_amrnb"),
    "avi": ("avi", "mp3"),
    "flac": ("flac", "flac"),
    "flv": ("flv", "mp3"),
    "m4a": ("ipod", "aac"),
    "mkv": ("matroska", "mp3"),
    "mov": ("mov", "pcm_s16le"),
    "mp3": ("mp3", "mp3"),
    "mp4": ("mp4", "aac"),
    "mpeg": ("mpeg", "mp2"),
    "ogg": ("ogg", "libopus"),
    "opus": ("ogg", "libopus"),
    "wav": ("wav", "pcm_s16le"),
    "webm": ("webm", "libopus"),
    "wma": ("asf", "wmav2"),
    "wmv": ("asf", "wmav2"),
}
RATES = {"libopencore_amrnb": 8000, "libopus": 48000, "pcm_s16le": 16000, "flac": 16000}


def shared_audio(name: str) -> Path:
    """Return a recording that may not be committed; the test is skipped where it is not."""
    path = Path(__file__).parents[4] / "shared" / "audio" / name
    if not path.exists():
        pytest.skip(f"needs ../shared/audio/{name}, which is not a part of the project")
    return path


def read(path: Path, channel_id: int = 0) -> Samples:
    with MediaFile(path) as media:
        return np.concatenate([block.samples for block in media.blocks([channel_id])])


def encode(
    path: Path,
    streams: Sequence[Samples],
    container: str = "wav",
    codec: str = "pcm_s16le",
    *,
    rate: int | None = None,
    video: bool = False,
    seconds: float | None = None,
) -> Path:
    """Write 16 kHz samples, one array of shape (channels, samples) for each audio stream."""
    rate = rate or RATES.get(codec, 44100)
    with av.open(str(path), "w", format=container) as output:
        picture = output.add_stream("mpeg1video" if container == "mpeg" else "mpeg4", rate=25) if video else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        targets: list[Any] = []
        for samples in streams:
            layout = "stereo" if len(samples) == 2 else "mono"
            target: Any = output.add_stream(codec, rate=rate, layout=layout)
            if codec == "wmav2":  # has no default
                target.bit_rate = 64_000
            targets.append(target)
        if picture is not None:
            for number in range(int((seconds or len(streams[0][0]) / SAMPLE_RATE) * 25)):
                image = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number % 256, np.uint8), format="rgb24")
                image.pts, image.time_base = number, Fraction(1, 25)
                output.mux(picture.encode(image))
            output.mux(picture.encode(None))
        for target, samples in zip(targets, streams, strict=True):
            for start in range(0, samples.shape[1], 1600):
                piece = np.ascontiguousarray(samples[:, start : start + 1600], np.float32)
                frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=target.layout.name)
                frame.sample_rate = SAMPLE_RATE
                frame.pts, frame.time_base = start, Fraction(1, SAMPLE_RATE)
                output.mux(target.encode(frame))
            output.mux(target.encode(None))
    return path


def mono(samples: Samples) -> Samples:
    return samples.reshape(1, -1)


def wav_header(seconds: int, rate: int = 16000, channels: int = 1) -> tuple[bytes, int]:
    """Return the header of a wav file of 16-bit samples, and the size of the whole file."""
    frame = 2 * channels
    size = seconds * rate * frame
    layout = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * frame, frame, 16)
    return b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + layout + b"data" + struct.pack("<I", size), size + 44


def sparse_wav(path: Path, seconds: int, rate: int = 16000, channels: int = 1) -> Path:
    """Write a wav file of silence that takes no room on the disk, however long it is."""
    header, size = wav_header(seconds, rate, channels)
    path.write_bytes(header)
    os.truncate(path, size)
    return path
