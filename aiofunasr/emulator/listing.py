"""List an account's tasks: filters, time windows and pages (protocol notes, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import islice
from random import Random
from typing import Any, Final

from attrs import frozen

from aiofunasr.emulator.messages import RefusalError
from aiofunasr.emulator.replies import key_number, list_row
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.tasks import Task

_DAY: Final = 86400.0
_STATUSES: Final = {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"}


@frozen
class ListQuery:
    """What is asked for: seconds since the epoch, and filters that are None when not given."""

    begin: float
    end: float
    page_no: int
    page_size: int
    task_id: str | None
    model: str | None
    status: str | None
    region: str | None
    api_key_id: str | None

    @classmethod
    def read(cls, arguments: Mapping[str, str], now: float, settings: EmulatorSettings) -> ListQuery:
        """Read the query arguments; without times the last 24 hours are meant, and never more are.

        Raises:
            RefusalError: an argument has no meaning.
        """
        given = {
            name: value for name, value in arguments.items() if value and name not in settings.list_ignored_filters
        }
        begin, end = (_moment(given, name, settings) for name in ("start_time", "end_time"))
        if begin is None:
            begin = (now if end is None else end) - _DAY
        if end is None:
            end = now if "start_time" not in given else begin + _DAY
        if not 0 <= end - begin <= _DAY:
            raise _invalid("The span between start_time and end_time must not exceed 24 hours.")
        status = given.get("status")
        if status is not None and status not in _STATUSES:
            raise _invalid(f"Unknown status: {status}")
        return cls(
            begin,
            end,
            _whole_number(given, "page_no", 1),
            _whole_number(given, "page_size", 10),
            given.get("task_id"),
            given.get("model_name"),
            status,
            given.get("region"),
            given.get("api_key_id"),
        )

    def takes(self, task: Task) -> bool:
        """Tell whether a task is among those of the id, the region and the key asked for."""
        return (
            self.task_id in {None, task.task_id}
            and self.region in {None, task.site.region}
            and self.api_key_id in {None, key_number(task.api_key)}
        )


def list_body(
    query: ListQuery, tasks: Sequence[Task], seen_at: float, settings: EmulatorSettings, chance: Random
) -> dict[str, Any]:
    """Build the flat body of a list reply from the tasks of the model, status and span asked for, the oldest first.

    `seen_at` is the moment the list shows: now, less the lag of the settings. `chance` shuffles, where they say so.
    """
    if (query.task_id, query.region, query.api_key_id) != (None, None, None):
        tasks = [task for task in tasks if query.takes(task)]
    size = min(query.page_size, settings.list_page_size_cap)
    if settings.list_order == "shuffled":
        tasks = chance.sample(tasks, len(tasks))
    ordered = reversed(tasks) if settings.list_order == "newest" else iter(tasks)
    page = islice(ordered, (query.page_no - 1) * size, query.page_no * size)
    return {
        "total": len(tasks),
        "total_page": -(-len(tasks) // size),
        "page_no": query.page_no,
        "page_size": size if settings.list_page_size_echo == "used" else query.page_size,
        "data": [list_row(task, seen_at, settings) for task in page],
    }


def _zone(settings: EmulatorSettings) -> timezone:
    hours = settings.list_utc_offset_hours
    return timezone(timedelta(hours=settings.utc_offset_hours if hours is None else hours))


def _moment(given: Mapping[str, str], name: str, settings: EmulatorSettings) -> float | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        # strptime alone would take fewer digits.
        moment = datetime.strptime(text.zfill(14), "%Y%m%d%H%M%S").replace(tzinfo=_zone(settings))
    except ValueError:
        raise _invalid(f"{name} must be written YYYYMMDDhhmmss") from None
    return moment.timestamp()


def _whole_number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) < 2**31):
        raise _invalid(f"{name} must be a positive integer")
    return int(text)


def _invalid(message: str) -> RefusalError:
    return RefusalError(400, "InvalidParameter", message)
