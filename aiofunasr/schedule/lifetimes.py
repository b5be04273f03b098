"""How long things last, learned from those that ended and from those that have not ended yet.

The theory, in a paragraph. A life table is the actuary's way to say how long people live: for each age, how many were
seen to pass through it, for how long in all, and how many ended there. The second divided by the first is the hazard:
of those who have come this far, the share that ends within the next second. Nothing is assumed about the shape, so
heavy tails and several kinds of lives in one crowd come out by themselves; and somebody still alive counts as much as
somebody who ended, so that when everything suddenly takes ten times as long, the table learns it from those who wait,
before the first of them is done. The ages are cut into bins half an octave wide, because what matters about a wait is
its size, not its seconds. A few imagined lives, from a log-logistic law, stand in until real ones are seen, and old
lives are forgotten gradually, so that the table follows a service whose load changes.
"""

from __future__ import annotations

from bisect import bisect
from math import exp, expm1, inf, log1p, sqrt

BINS_PER_OCTAVE = 2
OCTAVES = 17
"""From `finest` to 131,072 times that; everything older shares the last bin."""

IMAGINED = 3.0
"""How many lives the first guess counts for where lives are common, and at least a twentieth of that anywhere."""

MEMORY = 250
"""About how many ended lives are remembered."""

_CHUNK = 25
"""How many endings go by between two forgettings."""


class LifeTable:
    """The hazard by age, in any unit of time.

    Args:
        median: The age half of the imagined lives reach.
        shape: How alike the imagined lives are; 1 is anything goes, 8 is nearly all the same.
        finest: The width of the first bin.
    """

    def __init__(self, median: float, shape: float, *, finest: float = 0.25) -> None:
        count = BINS_PER_OCTAVE * OCTAVES + 1
        self._edges = [0.0, *(finest * 2.0 ** (bin_ / BINS_PER_OCTAVE) for bin_ in range(count))]
        self._last = count - 1
        self.ended_count = 0
        # For each bin: time lived through it, and endings in it; imagined ones apart, because they are never forgotten.
        self._imagined_time: list[float] = []
        self._imagined_ends: list[float] = []
        for begin, end in zip(self._edges[:-1], self._edges[1:], strict=True):
            middle = (begin + end) / 2
            power = (middle / median) ** shape
            alive = 1.0 / (1.0 + power)
            time = IMAGINED * max(alive, 0.05) * (end - begin)
            self._imagined_time.append(time)
            self._imagined_ends.append(time * shape / middle * power / (1.0 + power))
        self._time = [0.0] * count
        self._ends = [0.0] * count
        self._hazards = [self._hazard_of(bin_) for bin_ in range(count)]
        # The last answer of `until_delay_after`, until something is learned: of many new tasks, all ask the same.
        self._answered: tuple[float, float, float] | None = None

    def hazard(self, age: float) -> float:
        """Return the share of those that have reached this age that ends within a unit of time."""
        return self._hazards[self._bin(age)]

    def lived(self, begin: float, end: float) -> None:
        """Note that somebody lived from one age to another without ending."""
        if end <= begin:
            return
        self._answered = None
        bin_ = self._bin(begin)
        while bin_ < self._last and end > (edge := self._edges[bin_ + 1]):
            self._time[bin_] += edge - begin
            self._hazards[bin_] = self._hazard_of(bin_)
            begin, bin_ = edge, bin_ + 1
        self._time[bin_] += end - begin
        self._hazards[bin_] = self._hazard_of(bin_)

    def ended(self, age: float) -> None:
        """Note that somebody ended at this age; the time until then was noted with `lived`."""
        self._answered = None
        bin_ = self._bin(age)
        self._ends[bin_] += 1.0
        self._hazards[bin_] = self._hazard_of(bin_)
        self.ended_count += 1
        if self.ended_count % _CHUNK == 0:
            self._forget()

    def quantile(self, share: float, *, age: float = 0.0) -> float:
        """Return how much longer than `age` it takes until that share of those alive then has ended."""
        left = -log1p(-share)
        bin_, at = self._bin(age), age
        while bin_ < self._last:
            edge = self._edges[bin_ + 1]
            if (step := self._hazards[bin_] * (edge - at)) >= left:
                return at + left / self._hazards[bin_] - age
            left -= step
            at, bin_ = edge, bin_ + 1
        # In the last bin the hazard falls with age, as it does for all lives with a heavy tail.
        return at * exp(min(left, 40.0)) - age

    def delay(self, age: float, since: float) -> float:
        """Return how long ago one that was alive at this age has ended on average, `since` later; 0 if it has not."""
        gathered, alive = 0.0, 1.0
        bin_, at, end = self._bin(age), age, age + since
        while at < end:
            edge = min(self._edges[bin_ + 1], end) if bin_ < self._last else end
            hazard, step = self._hazards[bin_], edge - at
            share = -expm1(-hazard * step)
            # Of the step, the part in which it was alive does not count.
            gathered += step - alive * share / hazard
            alive *= 1.0 - share
            at, bin_ = edge, bin_ + 1
        return gathered

    def until_delay(self, age: float, delay: float) -> float:
        """Return after how long one that was alive at this age has gathered so much delay; for small ones."""
        gathered = hazards = 0.0
        bin_, at = self._bin(age), age
        while True:
            hazard = self._hazards[bin_]
            step = self._edges[bin_ + 1] - at if bin_ < self._last else inf
            # The positive root of `hazard / 2 * x^2 + hazards * x = delay - gathered`.
            root = 2.0 * (delay - gathered) / (hazards + sqrt(hazards**2 + 2.0 * hazard * (delay - gathered)))
            if root <= step:
                return at + root - age
            gathered += hazards * step + hazard * step * step / 2.0
            hazards += hazard * step
            at, bin_ = at + step, bin_ + 1

    def until_delay_after(self, rate: float, delay: float) -> float:
        """Return the same for one whose life begins later, with this chance each second."""
        if self._answered is None or self._answered[:2] != (rate, delay):
            self._answered = rate, delay, self._until_delay_after(rate, delay)
        return self._answered[2]

    def _until_delay_after(self, rate: float, delay: float) -> float:
        wanted = delay / rate
        first = second = third = 0.0
        bin_, at = 0, 0.0
        while True:
            hazard = self._hazards[bin_]
            step = self._edges[bin_ + 1] - at if bin_ < self._last else inf
            reached = third + step * (second + step * (first / 2.0 + hazard * step / 6.0))
            if bin_ == self._last or reached >= wanted:
                break
            third = reached
            second += step * (first + hazard * step / 2.0)
            first += hazard * step
            at, bin_ = at + step, bin_ + 1
        # Newton's method, from above, where the function is convex.
        x = min(step, 2.0 * at + 1.0)
        for _ in range(4):
            value = third + x * (second + x * (first / 2.0 + hazard * x / 6.0)) - wanted
            x -= value / max(second + x * (first + hazard * x / 2.0), 1e-12)
        return at + max(x, 0.0)

    def _bin(self, age: float) -> int:
        # What is older than all edges is in the last bin, and what is not born yet in the first.
        return bisect(self._edges, age, 1, self._last + 1) - 1

    def _hazard_of(self, bin_: int) -> float:
        return (self._ends[bin_] + self._imagined_ends[bin_]) / (self._time[bin_] + self._imagined_time[bin_])

    def _forget(self) -> None:
        keep = 1.0 - _CHUNK / MEMORY
        self._time = [time * keep for time in self._time]
        self._ends = [ends * keep for ends in self._ends]
        self._hazards = [self._hazard_of(bin_) for bin_ in range(self._last + 1)]
