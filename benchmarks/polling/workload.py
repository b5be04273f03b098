"""What is to be transcribed: how long each file's task queues and runs, the same for every policy.

The laws, all log-normal: a file's length has a median of ten minutes (sigma 1, from 10 s to 4 h), it is processed in a
median of 0.02 of that (sigma 0.4), and its task queues for a median that the scenario chooses (sigma 1).
"""

from __future__ import annotations

from math import log
from random import Random
from typing import Final

from attrs import frozen

from aiofunasr.emulator import ScriptedRecognizer

LENGTH_MEDIAN: Final = 600.0
LENGTH_SIGMA: Final = 1.0
LENGTH_RANGE: Final = (10.0, 4 * 3600.0)
SPEED_MEDIAN: Final = 0.02
SPEED_SIGMA: Final = 0.4
QUEUE_SIGMA: Final = 1.0

_FOR_EVER: Final = 1e6


@frozen
class Times:
    """How long a task queues, how long it then runs, and how long its audio is."""

    queue: float
    processing: float
    length: float

    @property
    def total(self) -> float:
        return self.queue + self.processing


class Workload:
    """The files of a run by their URLs: ours, and those of strangers on the same account."""

    def __init__(self, seed: int, tasks: int, queue_median: float) -> None:
        self.urls = tuple(f"https://media.example.com/call-{index}.wav" for index in range(tasks))
        own = Random(f"{seed}/files")
        self._times = {url: _draw(own, queue_median) for url in self.urls}
        self._others = Random(f"{seed}/strangers")
        self._queue_median = queue_median

    def stranger(self, *, queued_for_ever: bool) -> str:
        """Return the URL of one more stranger's file."""
        url = f"https://media.example.com/other-{len(self._times) - len(self.urls)}.wav"
        times = _draw(self._others, self._queue_median)
        self._times[url] = Times(_FOR_EVER, times.processing, times.length) if queued_for_ever else times
        return url

    def times(self, url: str) -> Times:
        return self._times[url]

    def recognizer(self) -> ScriptedRecognizer:
        """Return what makes the service take these times; its transcripts are tiny."""
        return ScriptedRecognizer(
            duration_seconds=lambda _: 1.0,
            processing_seconds=lambda url, _: self._times[url].processing,
            queue_seconds=lambda url, _: self._times[url].queue,
        )


def _draw(chance: Random, queue_median: float) -> Times:
    shortest, longest = LENGTH_RANGE
    length = min(max(chance.lognormvariate(log(LENGTH_MEDIAN), LENGTH_SIGMA), shortest), longest)
    speed = chance.lognormvariate(log(SPEED_MEDIAN), SPEED_SIGMA)
    return Times(chance.lognormvariate(log(queue_median), QUEUE_SIGMA), length * speed, length)
