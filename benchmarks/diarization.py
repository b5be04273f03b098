"""Measure how well speakers are told apart: the diarization error rate, and the time it takes.

    python -m benchmarks.diarization ../shared/audio/diar

The argument is a directory with recordings (`*.wav`) and a reference beside each (`*.rttm`). What is scored are the
sentences that come out, from the first word's begin to the last one's end, with their `speaker_id`: what a user
sees. References count the short pauses within a turn as speech and sentences leave some out, so most of what is
missed is silence; `confused` is speech that was given to another speaker. A collar of 0.25 s forgives that much on
both sides of every change.

Each recording is recognized twice, without and with the number of speakers as a hint.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import spyder
from attrs import frozen

from aiofunasr.emulator.recognizer import Recognition, RecognitionRequest
from aiofunasr.emulator.speech import SpeechRecognizer, default_recognizer

_COLLARS: Final = (0.0, 0.25)

Turn = tuple[str, float, float]
"""A speaker, and from when to when it speaks, in seconds."""


@frozen
class Score:
    """What share of the reference's speech went wrong, and how."""

    missed: float
    invented: float
    confused: float

    @classmethod
    def of(cls, reference: Sequence[Turn], found: Sequence[Turn], collar: float) -> Score:
        metrics = spyder.DER(list(reference), list(found), collar=collar)
        return cls(metrics.miss, metrics.falarm, metrics.conf)

    @property
    def error_rate(self) -> float:
        return self.missed + self.invented + self.confused


def read_reference(path: Path) -> list[Turn]:
    """Read the speaker turns of an RTTM file."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row[7], float(row[3]), float(row[3]) + float(row[4])) for row in rows if row and row[0] == "SPEAKER"]


def turns_of(recognition: Recognition) -> list[Turn]:
    """Return the sentences as turns."""
    return [
        (str(sentence.speaker_id), sentence.begin_ms / 1000, sentence.end_ms / 1000)
        for track in recognition.tracks
        for sentence in track.sentences
    ]


async def _recognize(recognizer: SpeechRecognizer, path: Path, speaker_count: int | None) -> tuple[Recognition, float]:
    request = RecognitionRequest(path.as_uri(), diarization_enabled=True, speaker_count=speaker_count)
    started = time.perf_counter()
    recognition = await recognizer.recognize(request, path)
    return recognition, time.perf_counter() - started


async def measure(paths: Sequence[Path]) -> None:
    print(
        f"{'recording':16} {'hint':>5} {'speakers':>9} {'RTF':>6}"
        f" {'collar':>7} {'DER':>7} {'missed':>7} {'invented':>9} {'confused':>9}"
    )
    recognizer = default_recognizer(workers=1)
    try:
        await _recognize(recognizer, paths[0], None)  # loads the models
        for path in paths:
            reference = read_reference(path.with_suffix(".rttm"))
            speakers = len({speaker for speaker, _, _ in reference})
            for hint in (None, speakers):
                recognition, seconds = await _recognize(recognizer, path, hint)
                found = turns_of(recognition)
                heard = len({speaker for speaker, _, _ in found})
                for collar in _COLLARS:
                    score = Score.of(reference, found, collar)
                    print(
                        f"{path.stem:16} {hint or '-':>5} {f'{heard} of {speakers}':>9}"
                        f" {seconds * 1000 / recognition.duration_ms:6.3f} {collar:6.2f}s {score.error_rate:7.1%}"
                        f" {score.missed:7.1%} {score.invented:9.1%} {score.confused:9.1%}"
                    )
    finally:
        await recognizer.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diarization", description=__doc__.split("\n")[0])
    parser.add_argument(
        "directory",
        type=Path,
        nargs="?",
        default=Path("../shared/audio/diar"),
        help="a directory with recordings and their references in RTTM (default: %(default)s)",
    )
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.directory.resolve().glob("*.wav") if path.with_suffix(".rttm").exists())
    if not paths:
        parser.error(f"{arguments.directory} has no recordings with a reference beside them")
    asyncio.run(measure(paths))


if __name__ == "__main__":
    main()
