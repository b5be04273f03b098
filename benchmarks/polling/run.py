"""One run in virtual time: a scenario, a policy, a seed."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

import anyio
from attrs import frozen

from aiofunasr import AudioFile
from aiofunasr.emulator import Service
from aiofunasr.testing import run_in_virtual_time
from aiofunasr.testing.local import EPOCH
from benchmarks.polling.peers import PEERS
from benchmarks.polling.programs import Tally, transcribe, wait_like_a_peer
from benchmarks.polling.scenarios import SCENARIOS, Scenario
from benchmarks.polling.wire import Wire
from benchmarks.polling.workload import Workload

OURS: Final = "aiofunasr"

HORIZON: Final = 6 * 3600.0
"""Seconds after which a task that has not come back is lost."""

STRANGERS: Final = 10_000
_PASSING: Final = (-3000.0, 400.0)
_QUEUED: Final = (-3000.0, 0.0)
"""The stretch in which strangers' tasks come, around the start of the run."""


class Run(NamedTuple):
    """What is to be run, by its names, so that it can be sent to another process."""

    scenario: str
    policy: str
    seed: int


@frozen
class Outcome:
    """What was measured.

    `delays` are seconds from the end of each task to the arrival of the reply that told of it. `requests` are queries
    and list pages, those refused with 429 included, and `pages` the latter alone. `fairness` is Jain's index over the
    sessions when half of all ends were known. `seconds` is what the run took in real time.
    """

    delays: tuple[float, ...]
    requests: int
    pages: int
    throttled: int
    throttled_submits: int
    lost: int
    fairness: float | None
    problem: str | None
    seconds: float


def execute(run: Run) -> Outcome:
    """Run one of the scenarios and measure."""
    return play(next(scenario for scenario in SCENARIOS if scenario.name == run.scenario), run)


def play(scenario: Scenario, run: Run) -> Outcome:
    """Run any scenario and measure."""
    return run_in_virtual_time(_Stage(scenario, run).play)


class _Stage:
    """The service, the programs on the account, and what else happens there."""

    def __init__(self, scenario: Scenario, run: Run) -> None:
        self._started = time.perf_counter()
        self._scenario = scenario
        self._run = run
        self._workload = Workload(run.seed, scenario.tasks, scenario.queue_median)
        settings = scenario.settings(run.seed, submits_unlimited=run.policy != OURS)
        self._service = Service(settings, self._workload.recognizer())
        self._wires = [Wire(self._service, self._watch_fairness) for _ in range(scenario.sessions)]
        self._shares = [self._workload.urls[place :: scenario.sessions] for place in range(scenario.sessions)]
        self._fairness: float | None = None
        self._tally = Tally()

    async def play(self) -> Outcome:
        with anyio.move_on_after(HORIZON):
            async with anyio.create_task_group() as background:
                background.start_soon(self._add_strangers)
                background.start_soon(self._change_limits)
                async with anyio.create_task_group() as programs:
                    for place in range(self._scenario.sessions):
                        programs.start_soon(self._program, place)
                background.cancel_scope.cancel()
        return self._measure()

    async def _program(self, place: int) -> None:
        wire, urls, seed = self._wires[place], self._shares[place], f"{self._run.seed}/{place}"
        if self._run.policy == OURS:
            await transcribe(wire, [self._given(url) for url in urls], seed, self._tally)
        else:
            places = self._scenario.sessions
            policy = PEERS[self._run.policy]
            await wait_like_a_peer(policy, wire, urls, seed, self._tally, place=place, places=places)

    def _given(self, url: str) -> str | AudioFile:
        return AudioFile(url, seconds=self._workload.times(url).length) if self._scenario.lengths_given else url

    async def _add_strangers(self) -> None:
        kind = self._scenario.strangers
        if kind == "none":
            return
        begin, end = _PASSING if kind == "passing" else _QUEUED
        for number in range(STRANGERS):
            at = begin + (end - begin) * number / STRANGERS
            if at > 0:
                await anyio.sleep_until(at)
            self._service.add_task(self._workload.stranger(queued_for_ever=kind == "queued"), now=EPOCH + at)

    async def _change_limits(self) -> None:
        for at, limit in self._scenario.limits:
            await anyio.sleep_until(at)
            self._service.set_limit("query", limit)

    def _watch_fairness(self) -> None:
        counts = [len(wire.seen) for wire in self._wires]
        if len(counts) > 1 and self._fairness is None and sum(counts) >= self._scenario.tasks / 2:
            self._fairness = sum(counts) ** 2 / (len(counts) * sum(count**2 for count in counts))

    def _measure(self) -> Outcome:
        ledger = self._service.ledger
        assert not ledger.duplicates()
        seen = {task_id: moment for wire in self._wires for task_id, moment in wire.seen.items()}
        delays = tuple(
            seen[submission.task_id] - submission.time - self._workload.times(submission.file_urls[0]).total
            for submission in ledger.submissions
            if submission.task_id in seen
        )
        return Outcome(
            delays=delays,
            requests=ledger.requests["query"] + ledger.requests["list"],
            pages=ledger.requests["list"],
            throttled=ledger.throttled["query"] + ledger.throttled["list"],
            throttled_submits=ledger.throttled["submit"],
            lost=self._scenario.tasks - self._tally.came_back,
            fairness=self._fairness,
            problem=self._tally.problem,
            seconds=time.perf_counter() - self._started,
        )
