"""When a task will be done: the wait in the queue and the processing, each learned by a life table.

The theory, in a paragraph. A task waits in the service's queue (PENDING), then it is worked on (RUNNING), and the two
have little to do with each other: the first depends on everybody's load, the second on the audio. So each has a life
table of its own, and where the length of the audio is known, the processing has another one in units of that length.
What a poller needs of them is how much delay a task has gathered unseen. A task last seen RUNNING ends within h
seconds with probability `p h` (p being the hazard), and is then late by half of h on average: `p h^2 / 2`. One last
seen PENDING must first begin and then end, `q p h^3 / 6`: nothing for a while, then quickly more. Set equal to the
price of a question and solved for h, these say when a task is worth asking about: `h = sqrt(2 price / p)` is the
classical law of inspection intervals.
"""

from __future__ import annotations

from math import exp, log1p, sqrt

from attrs import frozen

from aiofunasr.schedule.lifetimes import LifeTable

QUEUE = (8.0, 1.5)
"""Median in seconds and shape of the imagined waits in the queue."""

PROCESSING = (12.0, 1.7)
"""The same of the imagined processing: ten minutes of audio at a fiftieth of real time, give or take a lot."""

SPEED = (0.02, 3.5)
"""Processing in units of the audio's length."""

_EARLIER = 0.45
"""Where in the order of their beginnings the task stands that is late by about the average."""

KNOWN_AFTER = 3
"""Endings seen before an estimate is given."""


@frozen
class Estimate:
    """How much longer something takes, in seconds: one time in ten less than `low`, one in ten more than `high`."""

    low: float
    median: float
    high: float


class CompletionModel:
    """What the session has learned about how long tasks take."""

    def __init__(self) -> None:
        self.queue = LifeTable(*QUEUE)
        self.processing = LifeTable(*PROCESSING)
        self.speed = LifeTable(*SPEED, finest=1 / 4096)

    # --- learning ---

    def waited(self, begin: float, end: float) -> None:
        """Note that a task was still PENDING from one age to another."""
        self.queue.lived(begin, end)

    def began(self, age: float) -> None:
        """Note that a task left the queue at this age."""
        self.queue.ended(age)

    def ran(self, begin: float, end: float, length: float | None) -> None:
        """Note that a task ran on from `begin` to `end` seconds after it began; `length` is its audio's, if known."""
        self.processing.lived(begin, end)
        if length:
            self.speed.lived(begin / length, end / length)

    def ended(self, age: float, length: float | None) -> None:
        """Note that a task ended so many seconds after it began."""
        self.processing.ended(age)
        if length:
            self.speed.ended(age / length)

    # --- rates ---

    def end_hazard(self, age: float, length: float | None) -> float:
        """Return the chance, for each second, that a task that began `age` seconds ago ends."""
        return self.speed.hazard(age / length) / length if length else self.processing.hazard(age)

    def begin_hazard(self, age: float) -> float:
        """Return the chance, for each second, that a task that was submitted `age` seconds ago begins."""
        return self.queue.hazard(age)

    # --- what follows for asking ---

    def interval_running(self, age: float, length: float | None, price: float) -> float:
        """Return after how long a task last seen RUNNING, at this age, is worth a question."""
        if length:
            return self.speed.until_delay(age / length, price / length) * length
        return self.processing.until_delay(age, price)

    def interval_pending(self, begin_hazard: float, length: float | None, price: float) -> float:
        """Return after how long a task last seen PENDING is worth a question, that begins with this chance a second."""
        if length:
            return self.speed.until_delay_after(begin_hazard * length, price / length) * length
        return self.processing.until_delay_after(begin_hazard, price)

    def delay_running(self, age: float, since: float, length: float | None) -> float:
        """Return the delay a task gathered on average, `since` seconds after it was seen RUNNING at this age."""
        if length:
            return self.speed.delay(age / length, since / length) * length
        return self.processing.delay(age, since)

    def delay_pending(self, begin_hazard: float, since: float, length: float | None) -> float:
        """Return the same for a task seen PENDING, that begins with this chance each second."""
        begun = 1.0 - exp(-begin_hazard * since)
        # Those that have begun did so at all times until now; one from the earlier half stands for them.
        ran = since + log1p(-begun * _EARLIER) / begin_hazard
        return begun * self.delay_running(0.0, ran, length)

    # --- what follows for people ---

    @property
    def is_known(self) -> bool:
        """Whether enough tasks have ended for an estimate to mean something."""
        return self.processing.ended_count >= KNOWN_AFTER

    def time_left(self, *, waited: float, ran: float | None, length: float | None = None) -> Estimate | None:
        """Return how much longer a task takes; None while nothing is known yet.

        Args:
            waited: Seconds since it was submitted.
            ran: Seconds since it began, or None while it is PENDING.
            length: Seconds of audio, if known.
        """
        if not self.is_known:
            return None
        low, median, high = (self._run_left(share, ran or 0.0, length) for share in (0.1, 0.5, 0.9))
        if ran is not None:
            return Estimate(low, median, high)
        first, middle, last = (self.queue.quantile(share, age=waited) for share in (0.1, 0.5, 0.9))
        # Two independent waits: their medians add up, and their spreads add up like the sides of a right angle.
        below = sqrt((middle - first) ** 2 + (median - low) ** 2)
        above = sqrt((last - middle) ** 2 + (high - median) ** 2)
        middle += median
        return Estimate(max(middle - below, 0.0), middle, middle + above)

    def left(self, share: float, waited: float, ran: float | None, length: float | None) -> float:
        """Return after how much longer that share of such tasks is done, at most."""
        wait = self.queue.quantile(share, age=max(waited, 0.0)) if ran is None else 0.0
        return wait + self._run_left(share, ran or 0.0, length)

    def _run_left(self, share: float, ran: float, length: float | None) -> float:
        if length:
            return self.speed.quantile(share, age=ran / length) * length
        return self.processing.quantile(share, age=ran)
