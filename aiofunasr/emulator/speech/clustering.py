"""Put voices together that belong to one speaker: agglomerative clustering with average linkage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SAME_SPEAKER: Final = 0.6
"""Cosine distance up to which two groups of voices are one speaker's.

Groups of one reader were 0.55 apart at most, over a telephone and with noise, those of two readers 0.78 at least; two
women in one telephone call 0.63.
"""
_SURELY_SAME: Final = 0.45
"""Groups nearer than this are one speaker's, even if that makes fewer than the number hinted at."""
_NEAR: Final = 0.35
"""Distance for putting a long recording's voices together part by part, before all of it is looked at."""
_MOST_AT_ONCE: Final = 600
"""Voices that are compared each with each: the time grows with the third power."""

Labels = NDArray[np.intp]


def group_voices(
    voices: NDArray[np.float32], seconds: Sequence[float] | NDArray[np.float64], speaker_count: int | None = None
) -> Labels:
    """Return the number of each voice's speaker, from 0 on.

    `voices` are vectors of length 1, one a row, and `seconds` how much speech is behind each. A `speaker_count` is a
    hint (the protocol notes, section 2.3): it decides unless it would part voices that are surely the same.
    """
    weights = np.asarray(seconds, np.float64)
    labels: Labels = np.arange(len(voices))
    # Part by part, until few enough are left; a part of nobody alike would go on for ever.
    for limit in (_NEAR, _SAME_SPEAKER):
        if labels.max(initial=0) >= _MOST_AT_ONCE:
            labels = _group_parts(voices, weights, labels, limit)
    centres, totals = _centres(voices, weights, labels)
    merged = _merge(_distances(centres), totals, _SAME_SPEAKER, speaker_count)
    return merged[labels]


def nearest_speakers(
    voices: NDArray[np.float32],
    known: NDArray[np.float32],
    seconds: Sequence[float] | NDArray[np.float64],
    labels: Labels,
) -> Labels:
    """Return for each voice the speaker, out of those of the `known` voices, that it is most like."""
    centres, _ = _centres(known, np.asarray(seconds, np.float64), labels)
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    found: Labels = np.argmax(voices @ (centres / np.maximum(lengths, 1e-9)).T, axis=1)
    return found


def _group_parts(voices: NDArray[np.float32], weights: NDArray[np.float64], labels: Labels, limit: float) -> Labels:
    centres, totals = _centres(voices, weights, labels)
    merged: Labels = np.empty(len(centres), np.intp)
    count = 0
    for start in range(0, len(centres), _MOST_AT_ONCE):
        part = slice(start, start + _MOST_AT_ONCE)
        merged[part] = _merge(_distances(centres[part]), totals[part], limit, None) + count
        count = int(merged[part].max()) + 1
    return merged[labels]


def _centres(
    voices: NDArray[np.float32], weights: NDArray[np.float64], labels: Labels
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each group's weighted mean and its weight; the product of two means is their average likeness."""
    totals = np.bincount(labels, weights).astype(np.float64)
    order = np.argsort(labels, kind="stable")
    firsts = np.searchsorted(labels[order], np.arange(len(totals)))
    sums = np.add.reduceat((voices * weights[:, None])[order], firsts)
    return sums / totals[:, None], totals


def _distances(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = 1.0 - centres @ centres.T
    np.fill_diagonal(distances, np.inf)
    return distances


def _merge(
    distances: NDArray[np.float64], weights: NDArray[np.float64], limit: float, speaker_count: int | None
) -> Labels:
    """Merge the nearest two again and again; change `distances`, whose diagonal is infinite."""
    sizes = weights.copy()
    owner = np.arange(len(sizes))
    left = len(sizes)
    while left > 1:
        one, other = divmod(int(np.argmin(distances)), len(sizes))
        nearest = distances[one, other]
        enough = left <= speaker_count if speaker_count is not None else True
        if enough and nearest > (limit if speaker_count is None else min(limit, _SURELY_SAME)):
            break
        share = sizes[one] / (sizes[one] + sizes[other])
        mean = distances[one] * share + distances[other] * (1.0 - share)
        distances[one], distances[:, one] = mean, mean
        distances[one, one] = np.inf
        distances[other], distances[:, other] = np.inf, np.inf
        sizes[one] += sizes[other]
        owner[owner == other] = one
        left -= 1
    return np.unique(owner, return_inverse=True)[1].astype(np.intp)
