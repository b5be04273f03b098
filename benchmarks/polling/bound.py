"""The least delay that asking one by one can reach, by a plan that knows all the laws in advance.

    python -m benchmarks.polling.bound

Where listing is refused, each task has to be asked about by itself. A plan says at which ages. The best one for a given
number of questions is found by dynamic programming over the ages, with the true laws of the benchmark in its hands,
which a poller has yet to learn; its questions may fall when the plan likes, while in the benchmark the limit allows two
for each task as long as tasks are being submitted. What it does not use is what the answers say before the end (PENDING
or RUNNING), so that a poller may be a little better than it. `tasks` of the laws are drawn, for each of some lengths.
"""

from __future__ import annotations

from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.polling.scenarios import CALM
from benchmarks.polling.workload import (
    LENGTH_MEDIAN,
    LENGTH_RANGE,
    LENGTH_SIGMA,
    QUEUE_SIGMA,
    SPEED_MEDIAN,
    SPEED_SIGMA,
)

Times = npt.NDArray[np.float64]

_TASKS: Final = 20_000
_LENGTHS: Final = 30
_AGES: Final = 300
_PRICES: Final = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_QUESTIONS: Final = (2.0, 2.8, 4.0, 10.0)


def best_plan(times: Times, price: float) -> tuple[float, float]:
    """Return the questions for each task and the mean delay of the plan that minimizes `delay + price * questions`."""
    times = np.sort(times)
    middle = np.linspace(0.0, np.quantile(times, 0.99), _AGES)
    ages = np.unique(np.concatenate([middle, np.geomspace(max(middle[-1], 1e-3), times[-1] * 1.1, _AGES // 6)]))
    place = np.searchsorted(times, ages)
    ended = place / len(times)
    sums = np.concatenate([[0.0], np.cumsum(times)])[place] / len(times)
    cost, delay, questions = (np.zeros(len(ages)) for _ in range(3))
    for now in range(len(ages) - 2, -1, -1):
        later = np.arange(now + 1, len(ages))
        gathered = ages[later] * (ended[later] - ended[now]) - (sums[later] - sums[now])
        total = gathered + price * (1.0 - ended[now]) + cost[later]
        best = int(total.argmin())
        cost[now] = total[best]
        delay[now] = gathered[best] + delay[later[best]]
        questions[now] = 1.0 - ended[now] + questions[later[best]]
    return float(questions[0]), float(delay[0])


def _curve(draws: list[Times]) -> tuple[list[float], list[float]]:
    """Return questions and delays along the prices, as means over several kinds of tasks."""
    points = [np.mean([best_plan(times, price) for times in draws], axis=0) for price in reversed(_PRICES)]
    return [float(point[0]) for point in points], [float(point[1]) for point in points]


def main() -> None:
    """Print the bounds."""
    chance = np.random.default_rng(0)
    lengths = np.clip(chance.lognormal(log(LENGTH_MEDIAN), LENGTH_SIGMA, _TASKS), *LENGTH_RANGE)

    def draw(length: Times) -> Times:
        queue = chance.lognormal(log(CALM), QUEUE_SIGMA, len(length))
        return np.asarray(queue + length * chance.lognormal(log(SPEED_MEDIAN), SPEED_SIGMA, len(length)))

    kinds = np.quantile(lengths, (np.arange(_LENGTHS) + 0.5) / _LENGTHS)
    curves = {
        "lengths not given": _curve([draw(lengths)]),
        "lengths given": _curve([draw(np.full(_TASKS, length)) for length in kinds]),
    }
    print("mean delay in seconds of the best plan, by questions for each task")
    print(f"{'':20}" + "".join(f"{questions:>8g}" for questions in _QUESTIONS))
    for name, (questions, delays) in curves.items():
        print(f"{name:20}" + "".join(f"{np.interp(wanted, questions, delays):8.2f}" for wanted in _QUESTIONS))


if __name__ == "__main__":
    main()
