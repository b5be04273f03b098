"""The programs on the account: one that uses the library, and one that submits and then waits as a peer does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Final

import anyio
from attrs import define

from aiofunasr import AudioFile, FunASRError, Limits, Session, TranscriptionOptions
from aiofunasr.emulator import DEFAULT_API_KEY
from aiofunasr.wire.replies import read_accepted
from aiofunasr.wire.requests import Caller, query, submit
from benchmarks.polling.peers import Answer, Policy
from benchmarks.polling.wire import Wire, clock, is_terminal

SUBMITS: Final = 10.0
"""A second: the documented limit, at which a peer's program submits evenly."""


@define
class Tally:
    """What a program got: the tasks that came back, and the first thing that went wrong."""

    came_back: int = 0
    problem: str | None = None

    def note(self, error: Exception) -> None:
        self.problem = self.problem or repr(error)


async def transcribe(wire: Wire, files: Sequence[str | AudioFile], seed: str, tally: Tally) -> None:
    """Transcribe with a session of ours, one file a task."""
    session = Session(
        DEFAULT_API_KEY,
        base_url=wire.base_url,
        limits=Limits(in_flight=10**6),
        transport=wire,
        random=Random(seed),
        clock=clock,
    )
    try:
        async with session, session.transcribe(files, files_per_task=1) as batch:
            async for result in batch:
                tally.came_back += result.ok
                if result.error is not None:
                    tally.note(result.error)
    except FunASRError as error:
        tally.note(error)


async def wait_like_a_peer(
    policy: Policy, wire: Wire, urls: tuple[str, ...], seed: str, tally: Tally, *, place: int, places: int
) -> None:
    """Submit as program number `place` of so many that share the submits, and wait for each task by the policy."""
    begin = anyio.current_time() + place / SUBMITS
    async with anyio.create_task_group() as group:
        for index, url in enumerate(urls):
            await anyio.sleep_until(begin + index * places / SUBMITS)
            group.start_soon(partial(_wait_for_one, policy, wire, url, Random(f"{seed}/{url}"), tally))


async def _wait_for_one(policy: Policy, wire: Wire, url: str, chance: Random, tally: Tally) -> None:
    caller = Caller(wire.base_url, DEFAULT_API_KEY)
    question = query(caller, read_accepted(await wire.send(submit(caller, [url], TranscriptionOptions()))).task_id)

    async def ask() -> Answer:
        reply = await wire.send(question)
        if is_terminal(reply):
            return "done"
        return "throttled" if reply.status == 429 else "not yet"

    if await policy(ask, chance):
        tally.came_back += 1
