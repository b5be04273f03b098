"""What this process holds, sampled, and whether it grows."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression, median
from typing import Final

from attrs import frozen

_DESCRIPTORS: Final = Path("/proc/self/fd")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
WARM_UP: Final = 1 / 3
"""The share of the run that is left out."""

_FACTORS: Final = {"memory": (1.05, 0.0), "tasks": (1.2, 10.0), "descriptors": (1.2, 10.0), "sockets": (1.2, 10.0)}
"""What must not grow beyond its first half times this, plus that."""


@frozen
class Sample:
    """One look: `at` in seconds, `memory` in MB, all others counted."""

    at: float
    memory: float
    objects: int
    tasks: int
    descriptors: int
    sockets: int
    threads: int


@frozen
class Trend:
    """The medians of both halves after the warm-up, and the slope an hour."""

    name: str
    first: float
    second: float
    slope: float

    @property
    def grows(self) -> bool:
        """Whether it grows more than it may; always False for what is only shown."""
        if self.name not in _FACTORS:
            return False
        factor, more = _FACTORS[self.name]
        return self.second > self.first * factor + more


def look(at: float) -> Sample:
    """Sample the process that this runs in; needs a running event loop."""
    gc.collect()
    _give_back()
    links = [_target(link) for link in _DESCRIPTORS.iterdir()]
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Sample(
        at=at,
        memory=resident * _PAGE_BYTES / 2**20,
        objects=len(gc.get_objects()),
        tasks=len(asyncio.all_tasks()),
        # The one that lists them is among them, and gone.
        descriptors=len(links) - 1,
        sockets=sum(link.startswith("socket:") for link in links),
        threads=threading.active_count(),
    )


def trends(samples: Sequence[Sample]) -> list[Trend]:
    """Compare the halves of what comes after the warm-up.

    Raises:
        ValueError: There are too few samples to say anything.
    """
    warm = [sample for sample in samples if sample.at >= samples[-1].at * WARM_UP]
    if len(warm) < 4:
        raise ValueError(f"{len(warm)} samples after the warm-up say nothing: run for longer")
    middle = len(warm) // 2
    found = []
    for name in ("memory", "objects", "tasks", "descriptors", "sockets", "threads"):
        values = [float(getattr(sample, name)) for sample in warm]
        slope = linear_regression([sample.at for sample in warm], values).slope * 3600
        found.append(Trend(name, median(values[:middle]), median(values[middle:]), slope))
    return found


def _give_back() -> None:
    """Have the allocator return what is free: what it keeps for later depends on the largest reply so far."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""
