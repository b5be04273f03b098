"""The listed tasks that may have come of a lost submit, and what was heard of them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence

import anyio
from attrs import frozen

from aiofunasr.errors import FunASRError
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.reconcile.intents import Sight, Suspect, made_at, made_by
from aiofunasr.snapshots import TERMINAL, ListedTask
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import read_snapshot
from aiofunasr.wire.requests import query

logger = logging.getLogger("aiofunasr")

LOOKS_A_ROUND = 50
_LOOKS_AT_ONCE = 4
_FIRST_LOOK_AGAIN = 10.0
_LONGEST_LOOK_AGAIN = 60.0


@frozen
class _Look:
    """What was last heard of a suspect, if anything was, when it last was alive, and when to ask again."""

    sight: Sight | None
    alive_at: float
    again_at: float
    interval: float


class Suspects:
    """The rows of the task list in which a lost submit's task may be, and the answers to questions about them."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._rows: dict[str, ListedTask] = {}
        self._looks: dict[str, _Look] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[str, Suspect]]:
        """Go through them, with what was last heard of each."""
        for task_id, row in self._rows.items():
            look = self._looks.get(task_id)
            yield task_id, Suspect(row, None if look is None else look.sight)

    def saw(self, row: ListedTask) -> None:
        """Note the newest row of one."""
        self._rows[row.task_id] = row

    def keep(self, spans: Sequence[tuple[float, float]]) -> None:
        """Forget those that were made in none of these spans of the service's time."""
        if not spans:
            self._rows.clear()
        oldest = min((begin for begin, _ in spans), default=0.0)
        for task_id, row in tuple(self._rows.items()):
            at, latest = made_at(row), made_by(row)
            if at is None:
                wanted = latest is None or latest >= oldest
            else:
                wanted = any(begin <= at <= end for begin, end in spans)
            if not wanted:
                del self._rows[task_id]
        self._looks = {task_id: look for task_id, look in self._looks.items() if task_id in self._rows}

    def in_progress(self, task_ids: Collection[str], patience: float) -> bool:
        """Return whether one of them was not asked about yet, or alive not long ago: then there is much to wait for."""
        looks = (self._looks.get(task_id) for task_id in task_ids)
        return any(look is None or anyio.current_time() - look.alive_at < patience for look in looks)

    async def look_at(self, task_ids: Iterable[str]) -> bool:
        """Ask about those that are due, the longest due first, and say whether anything was asked."""
        now = anyio.current_time()
        due = sorted((task_id for task_id in task_ids if self._is_due(task_id, now)), key=self._due_at)
        places = anyio.Semaphore(_LOOKS_AT_ONCE)
        async with anyio.create_task_group() as group:
            for task_id in due[:LOOKS_A_ROUND]:
                await places.acquire()
                group.start_soon(self._look, task_id, places)
        return bool(due)

    def _due_at(self, task_id: str) -> tuple[float, bool]:
        # Of those that were never asked about, first the ones whose answer is final.
        look = self._looks.get(task_id)
        return float("-inf") if look is None else look.again_at, self._rows[task_id].status not in TERMINAL

    def _is_due(self, task_id: str, now: float) -> bool:
        look = self._looks.get(task_id)
        if look is None:
            return True
        ended_since = self._rows[task_id].status in TERMINAL and look.interval == _FIRST_LOOK_AGAIN
        return not (look.sight is not None and look.sight.ended) and (look.again_at <= now or ended_since)

    async def _look(self, task_id: str, places: anyio.Semaphore) -> None:
        before = self._looks.get(task_id)
        interval = _FIRST_LOOK_AGAIN if before is None else min(before.interval * 1.5, _LONGEST_LOOK_AGAIN)
        sight, alive_at = (None, float("-inf")) if before is None else (before.sight, before.alive_at)
        try:
            snapshot = await self._gateway.ask(
                Kind.QUERY, lambda caller: query(caller, task_id), lambda reply: read_snapshot(reply, task_id)
            )
            sight = Sight.of(snapshot)
            if not snapshot.is_terminal:
                alive_at = anyio.current_time()
        except FunASRError as error:
            logger.info("asking about a suspect failed: %s", error)
        finally:
            self._looks[task_id] = _Look(sight, alive_at, anyio.current_time() + interval, interval)
            places.release()
