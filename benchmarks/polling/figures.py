"""The figures of a scenario and a policy over all seeds, and whether they meet the targets."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from attrs import frozen

from benchmarks.polling.run import Outcome
from benchmarks.polling.scenarios import Scenario, Targets

_EXACT = 1e-9


@frozen
class Figures:
    """Delays in seconds, over the tasks of all seeds; the rest is the average over the seeds.

    `requests` and `pages` are per task, `throttled` is a share of the requests, `lost` one of the tasks.
    """

    scenario: str
    policy: str
    seeds: int
    mean: float
    p95: float
    largest: float
    requests: float
    pages: float
    throttled: float
    lost: float
    throttled_submits: float
    fairness: float | None
    problem: str | None
    seconds: float

    @classmethod
    def of(cls, scenario: Scenario, policy: str, outcomes: Sequence[Outcome]) -> Figures:
        delays = sorted(delay for outcome in outcomes for delay in outcome.delays) or [float("nan")]
        fairness = [outcome.fairness for outcome in outcomes if outcome.fairness is not None]
        return cls(
            scenario=scenario.name,
            policy=policy,
            seeds=len(outcomes),
            mean=fmean(delays),
            p95=delays[min(int(0.95 * len(delays)), len(delays) - 1)],
            largest=delays[-1],
            requests=fmean(outcome.requests / scenario.tasks for outcome in outcomes),
            pages=fmean(outcome.pages / scenario.tasks for outcome in outcomes),
            throttled=fmean(outcome.throttled / max(outcome.requests, 1) for outcome in outcomes),
            lost=fmean(outcome.lost / scenario.tasks for outcome in outcomes),
            throttled_submits=fmean(outcome.throttled_submits for outcome in outcomes),
            fairness=fmean(fairness) if fairness else None,
            problem=next((outcome.problem for outcome in outcomes if outcome.problem is not None), None),
            seconds=fmean(outcome.seconds for outcome in outcomes),
        )

    def verdicts(self, targets: Targets) -> dict[str, bool]:
        """Say of each figure with a target whether it is met."""
        verdicts: dict[str, bool] = {}
        for name in ("mean", "p95", "requests", "throttled", "lost"):
            most: float | None = getattr(targets, name)
            if most is not None:
                verdicts[name] = bool(getattr(self, name) <= most + _EXACT)
        if targets.fairness is not None:
            verdicts["fairness"] = self.fairness is not None and self.fairness >= targets.fairness
        return verdicts
