"""What the schedule knows of one task, and of many together."""

from __future__ import annotations

from math import sqrt

from attrs import frozen


class Watched:
    """One task that is waited for; all times are on one clock, in seconds.

    Attributes:
        task_id: The service's id.
        since: When it was submitted.
        length: Seconds of audio, where known.
        began_at: When it left the queue, as well as that is known; None while it is believed PENDING.
        known_at: The latest moment at which it is known not to have been done.
        credited_at: Until when its life was told to the completion model.
        hazard: The chance, for each second, that it begins or ends; as it was when last seen.
        listed_at: When it was last seen in a list, alive; None before the first time.
        missed: How many lists in a row it was missing from.
        form: In which form those lists were read.
        answered_at: When it was last asked about with an answer, or first watched.
        failures: How many questions in a row failed.
        place: Its place in the heap, which is the time it stands for there, or None while it is being asked about or
            waits to be confirmed. Any other object in the heap, even of the same time, is an outdated place.
        suspected: Whether something says that it is done.
        by_list: Whether that something is the task list.
        hinted: Whether that was heard while it was being asked about.
        in_line: Whether it waits to be confirmed.
        hidden: Whether the list lacks it although it is old and alive.
    """

    __slots__ = (
        "answered_at",
        "began_at",
        "by_list",
        "credited_at",
        "failures",
        "form",
        "hazard",
        "hidden",
        "hinted",
        "in_line",
        "known_at",
        "length",
        "listed_at",
        "missed",
        "place",
        "since",
        "suspected",
        "task_id",
    )

    def __init__(self, task_id: str, since: float, length: float | None, now: float) -> None:
        self.task_id = task_id
        self.since = since
        self.length = length
        self.began_at: float | None = None
        self.known_at = since
        # What happened before it came to us is not known, so nothing is learned from it.
        self.credited_at = now
        self.hazard = 0.0
        self.listed_at: float | None = None
        self.missed = 0
        self.form: object = None
        self.answered_at = now
        self.failures = 0
        self.place: float | None = None
        self.suspected = False
        self.by_list = False
        self.hinted = False
        self.in_line = False
        self.hidden = False

    def __lt__(self, other: Watched) -> bool:
        """Go before those that were submitted later, where two come up at the same time."""
        return self.since < other.since


@frozen
class Ended:
    """What a look at many tasks shows, on average.

    Attributes:
        tasks: How many have ended.
        gathered: Seconds of delay they have gathered, as far as a look could have ended them.
        late: Seconds by which they are late in all, the lag of the look included.
    """

    tasks: float
    gathered: float
    late: float


_HAZARD = 2.0**-60
_MOMENT = 2.0**-20
"""The units in which hazards and times are summed up: whole numbers are taken away as exactly as they were added."""

NOTHING = Ended(0.0, 0.0, 0.0)


class Unseen:
    """How long ago many tasks were last seen, each with the weight of its hazard: two sums tell mean and spread.

    Adding, taking away and reading each cost the same however many tasks there are. Where it matters, the times are
    taken to be spread evenly: those of tasks seen on one page are the same, those of tasks asked about one by one are
    strewn between now and the oldest. A group may live for days without ever being empty, and the sums are of whole
    numbers, so that no rounding gathers in them.
    """

    def __init__(self) -> None:
        self._origin = 0.0
        self.count = 0
        self._weights = self._first = self._second = 0

    @property
    def hazards(self) -> float:
        """All hazards together."""
        return self._weights * _HAZARD

    @property
    def hazard(self) -> float:
        """The average hazard."""
        return self.hazards / self.count if self.count else 0.0

    @property
    def known_at(self) -> float:
        """The average moment they were seen at."""
        return self._origin + (self._first / self._weights * _MOMENT if self._weights else 0.0)

    @property
    def spread(self) -> float:
        """By how much the first and the last of those moments differ from the average."""
        if not self._weights:
            return 0.0
        variance = (self._second * self._weights - self._first * self._first) / (self._weights * self._weights)
        return sqrt(3.0 * variance) * _MOMENT

    def add(self, task: Watched) -> None:
        """Take a task in."""
        if self.count == 0:
            # Small numbers are summed up more quickly.
            self._origin = task.known_at
        self._change(1, task)

    def remove(self, task: Watched) -> None:
        """Take a task out, which must not have changed meanwhile."""
        self._change(-1, task)

    def ended(self, now: float, lag: float) -> Ended:
        """Return what a look at all of them shows that is of `lag` seconds ago."""
        middle, spread = now - self.known_at, max(self.spread, 1e-6)
        first, last = max(middle - spread, lag), middle + spread
        if last <= first:
            return NOTHING
        weight = self.hazards / (2.0 * spread)
        return Ended(
            weight * ((last - lag) ** 2 - (first - lag) ** 2) / 2.0,
            weight * ((last - lag) ** 3 - (first - lag) ** 3) / 6.0,
            weight * ((last**3 - first**3) / 3.0 - lag * lag * (last - first)) / 2.0,
        )

    def _change(self, count: int, task: Watched) -> None:
        at = int((task.known_at - self._origin) / _MOMENT)
        weight = count * int(task.hazard / _HAZARD)
        self.count += count
        self._weights += weight
        self._first += weight * at
        self._second += weight * at * at
