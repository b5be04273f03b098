"""The figures as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.polling.figures import Figures
from benchmarks.polling.scenarios import Scenario

_HEAD: Final = ("", "mean s", "p95 s", "max s", "req/task", "pages/task", "429 %", "lost %", "seeds", "took s")
_WIDTHS: Final = (16, 9, 9, 9, 9, 11, 8, 8, 6, 8)
_SHOWN: Final = ("mean", "p95", None, "requests", None, "throttled", "lost")


def render(scenario: Scenario, rows: Sequence[Figures], ours: str) -> str:
    """Write one scenario's table; below our row stand the targets, and which of them were met."""
    lines = [f"{scenario.name}: {scenario.title}", _line(_HEAD)]
    for row in rows:
        lines.append(_line(_cells(row)))
        if row.policy == ours:
            lines += _against_targets(scenario, row)
        if row.problem is not None:
            lines.append(f"  {row.policy}: {row.problem}")
        if row.fairness is not None:
            lines.append(
                f"  {row.policy}: Jain's index {row.fairness:.3f}, {row.throttled_submits:.0f} submits throttled"
            )
    return "\n".join(lines) + "\n"


def _cells(row: Figures) -> tuple[str, ...]:
    return (
        row.policy,
        f"{row.mean:.2f}",
        f"{row.p95:.2f}",
        f"{row.largest:.2f}",
        f"{row.requests:.2f}",
        f"{row.pages:.2f}",
        f"{row.throttled:.1%}"[:-1],
        f"{row.lost:.1%}"[:-1],
        str(row.seeds),
        f"{row.seconds:.1f}",
    )


def _against_targets(scenario: Scenario, row: Figures) -> list[str]:
    targets = scenario.targets
    verdicts = row.verdicts(targets)
    if not verdicts:
        return []
    words = {name: "ok" if met else "MISSED" for name, met in verdicts.items()}
    most = [_most(targets, name) for name in _SHOWN]
    lines = [_line(("  target", *most)), _line(("", *(words.get(name or "", "") for name in _SHOWN)))]
    if targets.fairness is not None:
        lines.append(f"  Jain's index of at least {targets.fairness}: {words['fairness']}")
    return lines


def _most(targets: object, name: str | None) -> str:
    value = None if name is None else getattr(targets, name)
    if value is None:
        return ""
    return f"{100 * value:g}" if name in {"throttled", "lost"} else f"{value:g}"


def _line(cells: Sequence[str]) -> str:
    first, *others = cells
    padded = (cell.rjust(width) for cell, width in zip(others, _WIDTHS[1:], strict=False))
    return (first.ljust(_WIDTHS[0]) + "".join(padded)).rstrip()
