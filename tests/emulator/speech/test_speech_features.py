from __future__ import annotations

import numpy as np

from aiofunasr.emulator.speech.decode import Samples
from aiofunasr.emulator.speech.features import filter_bank

# What kaldi-native-fbank 1.22 makes of it (80 bands, Hamming window, no dither), every 9th frame and 16th band.
KALDI: list[list[float]] = [
    [1.731, -0.639, -4.076, -2.078, -0.931],
    [0.902, -0.750, -0.443, -1.671, -1.103],
    [-0.906, -1.637, -0.463, 0.118, 0.806],
    [-0.348, -0.976, -1.884, 10.714, 1.714],
]


def sweep() -> Samples:
    time = np.arange(4800) / 16000
    tones = 0.3 * np.sin(2 * np.pi * (200 * time + 4000 * time * time)) + 0.05 * np.sin(2 * np.pi * 3000 * time)
    swept: Samples = tones.astype(np.float32)
    return swept


def test_the_features_are_kaldis() -> None:
    features = filter_bank(sweep())
    assert features.shape == (28, 80)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features[::9, ::16], KALDI, atol=2e-3)


def test_loudness_does_not_matter() -> None:
    assert np.abs(filter_bank(sweep()) - filter_bank(sweep() / np.float32(8))).max() < 0.05


def test_the_least_that_has_features_is_25_ms() -> None:
    assert filter_bank(np.zeros(400, np.float32)).shape == (1, 80)
