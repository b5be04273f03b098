"""The findings as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from benchmarks.faults.run import OURS, Outcome

_HEAD: Final = (
    "",
    "twice",
    "forgotten",
    "wrong",
    "doubled",
    "missing",
    "unknown",
    "errors",
    "virtual s",
    "req/file",
    "faults",
    "took s",
)
_WIDTHS: Final = (16, 7, 11, 7, 9, 9, 9, 8, 11, 10, 9, 8)
_SHOWN_SAMPLES: Final = 6
_UNKNOWN: Final = "AmbiguousSubmissionError"


def head(share: float, files: int, seeds: int) -> str:
    """Write the lines above a share's rows."""
    return f"{share:.0%} of requests go wrong: {files} files, {seeds} seeds\n" + _line(_HEAD)


def row(program: str, outcomes: Sequence[Outcome], files: int) -> str:
    """Write what came of a program's runs; the sums over the seeds, then means."""
    found = [outcome.findings for outcome in outcomes]
    errors: Counter[str] = sum((one.errors for one in found), Counter())
    ours = program == OURS
    cells = (
        program,
        str(sum(one.twice for one in found)),
        str(sum(one.forgotten for one in found)),
        *(str(sum(getattr(one, name) for one in found)) if ours else "" for name in ("wrong", "doubled", "missing")),
        str(errors.pop(_UNKNOWN, 0)) if ours else "",
        str(errors.total()),
        f"{fmean(outcome.seconds for outcome in outcomes):.0f}",
        f"{fmean(outcome.requests for outcome in outcomes) / files:.2f}",
        f"{fmean(outcome.faults for outcome in outcomes):.0f}",
        f"{fmean(outcome.took for outcome in outcomes):.1f}",
    )
    lines = [_line(cells)]
    if ours and errors:
        lines.append("  errors: " + ", ".join(f"{name} {count}" for name, count in errors.most_common()))
    if alone := sum(one.told_by_files_alone for one in found):
        lines.append(f"  accepted, and told of by their files alone: {alone} tasks")
    if ours:
        lines += [f"  MUST NOT BE: {sample}" for one in found for sample in one.samples][:_SHOWN_SAMPLES]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    first, *others = cells
    return (first.ljust(_WIDTHS[0]) + "".join(map(str.rjust, others, _WIDTHS[1:]))).rstrip()
