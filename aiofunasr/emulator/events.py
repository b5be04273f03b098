"""Completion events: what is pushed, when and how often (protocol notes, section 10).

Nothing is sent here. Whoever has a clock and a socket takes the deliveries that are due, and says what came of each:

    task ends ── delay ──▶ due ── taken ──▶ answered 2xx: done
                            ▲                 └─ anything else: due again later, `event_attempts` times in all
                            └── the same event again, for the share that is delivered twice
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

from attrs import evolve, frozen

from aiofunasr.emulator.messages import json_bytes
from aiofunasr.emulator.replies import account_number, key_number, second_time
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.tasks import Task

EVENT_TYPE: Final = "dashscope:System:AsyncTaskFinish"

# A receiver that is away for long is owed so many events, and no more.
_MOST_WAITING: Final = 100_000
_OF_A_FAILURE: Final = frozenset({"task_id", "task_status", "code", "message", "task_metrics"})
_OF_A_SUCCESS: Final = _OF_A_FAILURE | {"result", "results"}

ResultOf = Callable[[Task, float], tuple[dict[str, Any], dict[str, Any] | None]]
"""What a query of the task answers at a moment: its `output`, and its `usage` if it has one."""


@frozen
class EventDelivery:
    """An event on its way for the `attempt`-th time; `event_id` is the same every time."""

    task: Task
    event_id: str
    attempt: int = 1


class EventOutbox:
    """Holds the deliveries that are to come; `new_id` makes a UUID."""

    def __init__(self, settings: EmulatorSettings, new_id: Callable[[], str], chance: random.Random) -> None:
        self.settings = settings
        self._new_id = new_id
        self._chance = chance
        self._numbers = count()
        self._waiting: list[tuple[float, int, EventDelivery]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, task: Task, ended_at: float) -> None:
        """Note that a task has ended; without a URL in the settings nobody is told."""
        if self.settings.events_url is None or len(self._waiting) >= _MOST_WAITING:
            return
        delivery = EventDelivery(task, self._new_id())
        twice = self._chance.random() < self.settings.event_duplicate_share
        for _ in range(1 + twice):
            self._schedule(delivery, ended_at, self.settings.event_delay_seconds)

    def next_due(self) -> float | None:
        """Return when the next delivery is due, or None."""
        return self._waiting[0][0] if self._waiting else None

    def take(self, now: float) -> EventDelivery | None:
        """Return a delivery that is due, or None."""
        due = self.next_due()
        return heappop(self._waiting)[2] if due is not None and due <= now else None

    def refused(self, delivery: EventDelivery, now: float) -> None:
        """Try again later, if it was not tried often enough."""
        if delivery.attempt < self.settings.event_attempts:
            again = evolve(delivery, attempt=delivery.attempt + 1)
            self._schedule(again, now, self.settings.event_retry_seconds)

    def _schedule(self, delivery: EventDelivery, since: float, after: tuple[float, float]) -> None:
        due = since + self._chance.uniform(*after)
        heappush(self._waiting, (due, next(self._numbers), delivery))


def event_body(delivery: EventDelivery, now: float, settings: EmulatorSettings, result_of: ResultOf) -> bytes:
    """Write an event as it is published now; it has the results if the settings say so."""
    task = delivery.task
    ended_at = task.ends_at if task.ends_at is not None else now
    output, usage = result_of(task, now)
    data: dict[str, Any] = {
        "task_id": task.task_id,
        "task_status": output["task_status"],
        "request_id": task.request_id,
        "api_key_id": key_number(task.api_key),
        "region": task.site.region,
        "user_api_unique_key": f"apikey:v1:audio:asr:transcription:{task.model.name}",
        "start_time": second_time(task.begins_at or task.scheduled_at, settings),
        "end_time": second_time(ended_at, settings),
        "contain_result": settings.events_contain_result,
    }
    if settings.events_contain_result:
        kept = _OF_A_FAILURE if output["task_status"] == "FAILED" else _OF_A_SUCCESS
        data["output_result"] = {"output": {name: value for name, value in output.items() if name in kept}}
        if usage is not None:
            data["output_result"]["usage"] = usage
    account = account_number(task.account)
    return json_bytes(
        {
            "id": delivery.event_id,
            "source": "acs.dashscope",
            "specversion": "1.0",
            "type": EVENT_TYPE,
            "datacontenttype": "application/json;charset=utf-8",
            "time": _written(ended_at, "seconds"),
            "aliyunpublishtime": _written(now, "milliseconds"),
            "aliyunaccountid": account,
            "aliyunoriginalaccountid": account,
            "aliyunregionid": task.site.region,
            "aliyuneventbusname": "default",
            "data": data,
        }
    )


def _written(seconds: float, precision: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
