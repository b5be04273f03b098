"""The benchmark of polling itself: that it runs, and that it can tell a good policy from a bad one."""

from __future__ import annotations

import pytest

from benchmarks.polling.figures import Figures
from benchmarks.polling.peers import PEERS
from benchmarks.polling.run import OURS, Run, execute, play
from benchmarks.polling.scenarios import SCENARIOS, Scenario, Targets
from benchmarks.polling.table import render

CALM_20 = SCENARIOS[0]


def test_ours_loses_nothing_and_is_not_throttled() -> None:
    outcome = execute(Run("calm-20", OURS, 0))
    assert outcome.problem is None
    assert (outcome.lost, outcome.throttled) == (0, 0)
    assert len(outcome.delays) == 20
    # The latency of the reply, at least; and nothing is known before it happens.
    assert min(outcome.delays) >= 0.02


def test_a_run_can_be_repeated() -> None:
    first, second = (execute(Run("calm-20", OURS, 1)) for _ in range(2))
    assert (first.delays, first.requests) == (second.delays, second.requests)


@pytest.mark.parametrize("policy", PEERS)
def test_peers_lose_nothing_where_there_is_room(policy: str) -> None:
    outcome = play(Scenario(name="few", tasks=5), Run("few", policy, 0))
    assert (outcome.lost, len(outcome.delays)) == (0, 5)


def test_it_can_tell_who_loses_tasks() -> None:
    many = Scenario(name="many", tasks=300)
    lost = {policy: play(many, Run("many", policy, 0)).lost for policy in (OURS, "dashscope 1.x", "every 5 s")}
    assert lost[OURS] == lost["every 5 s"] == 0
    assert lost["dashscope 1.x"] > 150


def test_strangers_and_several_sessions() -> None:
    scenario = Scenario(name="shared", tasks=40, sessions=4, strangers="passing", service={"list_lag": 5.0})
    outcome = play(scenario, Run("shared", OURS, 0))
    assert outcome.lost == 0
    assert outcome.fairness is not None
    assert 0.25 <= outcome.fairness <= 1


def test_the_table_says_what_was_missed() -> None:
    outcome = execute(Run("calm-20", OURS, 0))
    easy, hard = (Scenario(name="x", tasks=20, targets=Targets(mean=mean, lost=0.0)) for mean in (60.0, 0.001))
    figures = Figures.of(CALM_20, OURS, [outcome])
    assert figures.verdicts(easy.targets) == {"mean": True, "lost": True}
    assert figures.verdicts(hard.targets) == {"mean": False, "lost": True}
    assert "MISSED" not in render(easy, [figures], OURS)
    assert "MISSED" in render(hard, [figures], OURS)
