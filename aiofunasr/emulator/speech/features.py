"""The features that the speaker model was trained on: log mel energies as Kaldi computes them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiofunasr.emulator.speech.decode import SAMPLE_RATE, Samples

HOP: Final = SAMPLE_RATE // 100
"""Samples from one frame of features to the next: 10 ms."""
WINDOW: Final = SAMPLE_RATE // 40
"""Samples that a frame of features is made of: 25 ms."""
_BANDS: Final = 80
_FFT: Final = 512
_LOWEST_HERTZ: Final = 20.0
_PREEMPHASIS: Final = 0.97
_INTEGER_SCALE: Final = 32768.0
"""Kaldi takes samples as 16-bit integers."""


def filter_bank(samples: Samples) -> Samples:
    """Return the features of at least 25 ms: one row of 80 for every 10 ms, each column with its mean taken off."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP] * np.float32(_INTEGER_SCALE)
    frames -= frames.mean(axis=1, keepdims=True)
    before = np.concatenate((frames[:, :1], frames[:, :-1]), axis=1)
    frames = (frames - np.float32(_PREEMPHASIS) * before) * np.hamming(WINDOW).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(frames, _FFT))).astype(np.float32)
    energies = np.log(np.maximum(power @ _mel_filters(), np.finfo(np.float32).eps))
    centred: Samples = energies - energies.mean(axis=0)
    return centred


@cache
def _mel_filters() -> Samples:
    """Return the triangular filters, one column each, spaced evenly on the mel scale."""
    lowest, highest = _mel(np.array([_LOWEST_HERTZ, SAMPLE_RATE / 2]))
    edges = np.linspace(lowest, highest, _BANDS + 2)
    places = _mel(np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE))
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    filters = np.minimum((places - lower) / (centre - lower), (upper - places) / (upper - centre))
    found: Samples = np.maximum(filters, 0.0).T.astype(np.float32)
    return found


def _mel(hertz: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    places: NDArray[np.floating[Any]] = 1127.0 * np.log1p(hertz / 700.0)
    return places
