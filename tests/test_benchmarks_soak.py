"""The soak itself: that it runs for a moment, and that it can tell what grows from what does not."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from attrs import evolve

from aiofunasr.emulator import EmulatorServer, EmulatorSettings
from benchmarks.faults.plan import hostile_plan
from benchmarks.soak import load
from benchmarks.soak.load import Load, session_maker
from benchmarks.soak.samples import Sample, look, trends

NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc")


def flat(count: int = 60) -> list[Sample]:
    return [Sample(10.0 * number, 50.0, 40_000, 100 + number % 7, 60, 50, 3) for number in range(1, count + 1)]


def growing(name: str, by: float) -> set[str]:
    samples = [evolve(sample, **{name: getattr(sample, name) + by * sample.at}) for sample in flat()]
    return {trend.name for trend in trends(samples) if trend.grows}


def test_what_is_flat_does_not_grow() -> None:
    assert not any(trend.grows for trend in trends(flat()))


def test_the_warm_up_is_left_out() -> None:
    samples = [evolve(sample, memory=20.0) if sample.at < 200 else sample for sample in flat()]
    assert not any(trend.grows for trend in trends(samples))


def test_what_grows_is_seen() -> None:
    assert growing("memory", 0.02) == {"memory"}
    assert growing("tasks", 1.0) == {"tasks"}
    assert growing("descriptors", 1.0) == {"descriptors"}
    assert growing("sockets", 1.0) == {"sockets"}
    assert growing("memory", 0.0001) == set()
    # What is only shown.
    assert growing("objects", 100.0) == set()


def test_too_little_says_nothing() -> None:
    with pytest.raises(ValueError, match="run for longer"):
        trends(flat(4))


@NEEDS_PROC
async def test_a_look_counts_what_is_open(tmp_path: Path) -> None:
    before = look(0.0)
    async with await anyio.open_file(tmp_path / "x", "w"), EmulatorServer():
        during = look(1.0)
    assert during.descriptors > before.descriptors
    assert during.sockets == before.sockets + 1
    assert during.tasks > before.tasks
    assert before.memory > 5
    assert before.threads >= 1


async def test_a_short_load_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "SESSION_SECONDS", (0.3, 0.6))
    settings = EmulatorSettings.instant(limits_enabled=False, resign_links=True)
    async with (
        EmulatorServer(settings=settings, faults=hostile_plan(0.02)) as server,
        session_maker(server.base_url, server.api_key, 0, journal=False) as open_session,
    ):
        at_work = Load(open_session, 200.0, 0)
        await at_work.run(2.0)
        assert not server.service.ledger.duplicates()
    assert at_work.counts["results"] > 10
    assert at_work.counts["sessions closed"] >= 2
