"""A batch that is killed again and again is done in the end, with every file billed once."""

from __future__ import annotations

from benchmarks.kills import measure


async def test_killed_processes_lose_nothing_and_bill_nothing_twice() -> None:
    tally = await measure(files=20, kills=3, seed=1)
    assert tally.kills >= 3
    assert (tally.doubled, tally.forgotten, tally.wrong) == (0, 0, 0)
