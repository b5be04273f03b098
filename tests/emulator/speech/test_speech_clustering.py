from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.emulator.speech import clustering
from aiofunasr.emulator.speech.clustering import group_voices, nearest_speakers


def voices(*speakers: int, spread: float = 0.25, seed: int = 0) -> Any:
    """Return a voice for each number, near those of the same number and at right angles to the others."""
    chance = np.random.default_rng(seed)
    made = np.eye(64, dtype=np.float32)[list(speakers)]
    away = chance.normal(size=made.shape).astype(np.float32)
    made += spread * away / np.linalg.norm(away, axis=1, keepdims=True)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def partition(labels: object) -> set[frozenset[int]]:
    found: dict[int, set[int]] = {}
    for place, label in enumerate(np.asarray(labels).tolist()):
        found.setdefault(label, set()).add(place)
    return {frozenset(places) for places in found.values()}


def ones(count: int) -> np.ndarray:
    return np.ones(count)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(0, 1000))
def test_voices_of_one_speaker_get_one_number_and_others_another(speakers: list[int], seed: int) -> None:
    labels = group_voices(voices(*speakers, seed=seed), ones(len(speakers)))
    assert partition(labels) == partition(speakers)
    assert sorted(set(labels.tolist())) == list(range(len(set(speakers))))


def test_the_hint_merges_speakers_down_to_its_number() -> None:
    # Three, of whom the second and third are somewhat alike.
    known = voices(0, 1, 2, 0, 1, 2, spread=0.05)
    known[[2, 5]] += 0.35 * known[[1, 4]]
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    assert len(partition(group_voices(known, ones(6)))) == 3
    assert partition(group_voices(known, ones(6), 2)) == {frozenset({0, 3}), frozenset({1, 2, 4, 5})}


def test_the_hint_parts_voices_that_are_not_surely_the_same() -> None:
    one, other = voices(0, 0, 0, spread=0.05), voices(1, 1, 1, spread=0.05)
    near = other + 0.6 * one
    both = np.concatenate((one, near / np.linalg.norm(near, axis=1, keepdims=True)))
    assert len(partition(group_voices(both, ones(6)))) == 1
    assert partition(group_voices(both, ones(6), 2)) == {frozenset({0, 1, 2}), frozenset({3, 4, 5})}


def test_the_hint_does_not_part_what_is_surely_one_voice() -> None:
    assert len(partition(group_voices(voices(0, 0, 0, 1, 1), ones(5), 5))) == 2


def test_a_long_turn_counts_for_more_than_a_short_one() -> None:
    """The first two are one speaker's; the third is like the first and unlike the second."""
    known = np.array([[1, 0, 0], [0.7, 0.714, 0], [0.5, -0.21, 0.84]], np.float32)
    assert partition(group_voices(known, [9, 1, 1])) == {frozenset({0, 1, 2})}
    assert partition(group_voices(known, [1, 9, 1])) == {frozenset({0, 1}), frozenset({2})}


def test_more_voices_than_are_compared_at_once_are_put_together_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "_MOST_AT_ONCE", 16)
    speakers = np.random.default_rng(0).integers(0, 5, 500).tolist()
    assert partition(group_voices(voices(*speakers), ones(500))) == partition(speakers)


def test_very_many_unlike_voices_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "_MOST_AT_ONCE", 8)
    assert len(partition(group_voices(voices(*range(50)), ones(50)))) == 50


def test_one_voice_is_one_speaker() -> None:
    assert group_voices(voices(3), ones(1)).tolist() == [0]
    assert group_voices(voices(3), ones(1), 2).tolist() == [0]


def test_a_voice_goes_to_the_speaker_it_is_most_like() -> None:
    known = voices(0, 1, 0, 2)
    assert nearest_speakers(voices(2, 0, 1, spread=0.9), known, ones(4), np.array([0, 1, 0, 2])).tolist() == [2, 0, 1]
