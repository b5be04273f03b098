"""Measure what it takes to read the transcript of a long recording, and who is held up by it.

    python -m benchmarks.transcripts

Three questions, for recordings of ten minutes, two hours and twelve hours. How long does it take to the text, to all
sentences and to all words, beside readers that take the document in one go? How much memory? And how long is the event
loop held at the longest while a session downloads and reads such documents? Ends with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from attrs import frozen

from benchmarks.transcripts import held, readers
from benchmarks.transcripts.documents import RECORDINGS, Recording, document_of
from benchmarks.transcripts.held import Holds
from benchmarks.transcripts.readers import Reader

_HALF_A_DAY = 720


@frozen
class Figures:
    """What was measured of one recording."""

    recording: Recording
    size: int
    readers: dict[str, Reader]
    holds: dict[str, Holds]


def measure(recording: Recording, *, rounds: int, files: int) -> Figures:
    """Measure one recording: so many rounds of reading, and a session with so many files."""
    document = document_of(recording)
    return Figures(
        recording, len(document), readers.measure(document, rounds), held.measure(document, files, min(rounds, 3))
    )


def missed(figures: Figures) -> list[str]:
    """Return which targets were missed, in words; those for time and memory are set for half a day of speech."""
    name = figures.recording.name
    sentences = figures.readers["aiofunasr, to all sentences"]
    hold, idle = figures.holds["aiofunasr.Session"], figures.holds["nothing at all"]
    found = []
    # Where a loop that does nothing is held up, too, others have the processor; then its own work has to do.
    held, by = (hold.high_of_own, " by its own work") if idle.high >= 1 else (hold.high, "")
    if held >= 10:
        found.append(
            f"{name}: the loop was held for {held:.1f} ms{by} at the 99.9th percentile, which should be under 10 ms"
        )
    if figures.recording.minutes < _HALF_A_DAY:
        return found
    if sentences.ratio > 1:
        found.append(f"{name}: all sentences took {sentences.ratio:.2f} times as long as json.loads, and may take 1")
    if sentences.room > 2:
        found.append(f"{name}: all sentences took {sentences.room:.2f} times the room of the document, and may take 2")
    return found


def table(figures: Figures) -> str:
    """Return what was measured, for people."""
    lines = [
        f"{figures.recording.name}: {figures.size / 1e6:.1f} MB",
        f"  {'processor time':30} {'ms':>8}  beside json.loads   peak memory / document",
    ]
    for name, reader in figures.readers.items():
        lines.append(f"  {name:30} {reader.ms:8.1f} {reader.ratio:18.2f} {reader.room:20.2f}")
    lines.append(
        f"  {'the loop was held, ms':30} {'p99.9':>8}  by its own work   longest  without the collector    ticks"
    )
    for name, holds in figures.holds.items():
        lines.append(
            f"  {name:30} {holds.high:8.1f} {holds.high_of_own:16.1f} {holds.longest:9.1f}"
            f" {holds.longest_without_collector:22.1f} {holds.ticks:8,}"
        )
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transcripts", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each one reads a document (default: 5)")
    parser.add_argument("--files", type=int, default=20, help="how many files a session transcribes (default: 20)")
    parser.add_argument("--minutes", type=int, nargs="+", help="recordings of these lengths instead (English)")
    given = parser.parse_args(arguments)
    recordings = [Recording(f"{minutes} minutes", minutes) for minutes in given.minutes or ()] or RECORDINGS
    failures: list[str] = []
    for recording in recordings:
        figures = measure(recording, rounds=given.rounds, files=given.files)
        print(table(figures))
        failures += missed(figures)
    print("\n".join(failures) or "All targets were met.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
