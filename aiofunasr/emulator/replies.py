"""The bodies of the service's replies (protocol notes, sections 2.8, 3.4, 4.1, 4.2 and 6.1)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final

from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.tasks import Task, TaskFile

LinkOf = Callable[[Task, TaskFile], str]

UNSUPPORTED_CANCEL: Final = (
    400,
    "UnsupportedOperation",
    "Failed to cancel the task, please confirm if the task is in PENDING status.",
)


def service_zone(settings: EmulatorSettings) -> timezone:
    """Return the zone the service writes its zone-less times in (section 3.3)."""
    return timezone(timedelta(hours=settings.utc_offset_hours))


def text_time(seconds: float, settings: EmulatorSettings) -> str:
    """Write a time the way queries do: `YYYY-MM-DD HH:MM:SS.mmm`, no zone."""
    moment = datetime.fromtimestamp(seconds, service_zone(settings))
    return moment.replace(tzinfo=None).isoformat(" ", timespec="milliseconds")


def task_output(task: Task, now: float, settings: EmulatorSettings, link_of: LinkOf) -> dict[str, Any]:
    """Build the `output` of a query (section 3.4); `link_of` gives a finished file its signed URL."""
    status = task.status(now)
    output: dict[str, Any] = {
        "task_id": task.task_id,
        "task_status": status,
        "submit_time": text_time(task.submitted_at, settings),
    }
    scheduled_at = _scheduled_at(task, now, settings)
    if scheduled_at is not None:
        output["scheduled_time"] = text_time(scheduled_at, settings)
    ended_at = task.ended_at(now)
    if ended_at is not None:
        output["end_time"] = text_time(ended_at, settings)
    if status == "FAILED" and not _add_failure(output, task, settings):
        return output
    if task.model.shape == "one":
        return _with_one_result(output, task, now, link_of)
    if status in {"SUCCEEDED", "FAILED"} or (status == "RUNNING" and settings.running_carries_results):
        output["results"] = [_result(task, task.files[i], now, link_of) for i in task.results_order]
    succeeded = failed = 0
    if ended_at is not None or (status == "RUNNING" and settings.metrics_advance):
        succeeded, failed = (0, 0) if status == "CANCELED" else task.finished_files(now)
    output["task_metrics"] = {"TOTAL": len(task.files), "SUCCEEDED": succeeded, "FAILED": failed}
    return output


def task_usage(task: Task, now: float, settings: EmulatorSettings) -> dict[str, Any] | None:
    """Build the `usage` of a query: whole seconds of speech, in a task that SUCCEEDED."""
    status = task.status(now)
    if status == "SUCCEEDED":
        return {"duration" if task.model.shape == "many" else "seconds": -(-task.billed_ms // 1000)}
    if status == "FAILED" and _all_failed_form(task, settings) == "succeeded":
        # The documentation's example of a failed task shows a duration, though nothing was recognized.
        return {"duration": len(task.files)}
    return None


def list_row(task: Task, now: float, settings: EmulatorSettings) -> dict[str, Any]:
    """Build a row of the list: the times are integers, ms since the epoch (section 4.2)."""
    row: dict[str, Any] = {
        "task_id": task.task_id,
        "status": listed_status(task, now, settings),
        "request_id": task.request_id if settings.list_request_id == "submit" else task.task_id[::-1],
        "model_name": task.model.name,
        "region": task.site.region,
        "gmt_create": _milliseconds(task.submitted_at),
        "api_key_id": key_number(task.api_key),
        "caller_uid": account_number(task.account),
        "caller_parent_id": account_number(task.account),
        "user_api_unique_key": f"apikey:v1:audio:asr:transcription:{task.model.name}",
    }
    scheduled_at = _scheduled_at(task, now, settings)
    if scheduled_at is not None:
        row["start_time"] = _milliseconds(scheduled_at)
    ended_at = task.ended_at(now)
    if ended_at is not None:
        row["end_time"] = _milliseconds(ended_at)
    if settings.list_request_id == "none":
        del row["request_id"]
    return row


def listed_status(task: Task, now: float, settings: EmulatorSettings) -> str:
    """Return the status a list shows, which is the one a query shows."""
    status = task.status(now)
    if status == "FAILED" and _all_failed_form(task, settings) == "succeeded":
        return "SUCCEEDED"
    return status


def _scheduled_at(task: Task, now: float, settings: EmulatorSettings) -> float | None:
    """Return the time a reply gives as `scheduled_time`, or None while it gives none."""
    if settings.scheduled_time == "accepted":
        return task.scheduled_at if now >= task.scheduled_at else None
    never_ran = task.status(now) in {"PENDING", "CANCELED"}
    return None if never_ran else task.begins_at


def _add_failure(output: dict[str, Any], task: Task, settings: EmulatorSettings) -> bool:
    """Add what a failed task says as a whole; return whether it lists its files too (sections 3.4, 14)."""
    form = _all_failed_form(task, settings)
    if form == "succeeded":
        output["task_status"] = "SUCCEEDED"
        return True
    failure = task.failure or next(file.problem for file in task.files if file.problem is not None)
    output["code"] = failure.code
    output["message"] = failure.message or failure.code
    return form == "failed"


def _all_failed_form(task: Task, settings: EmulatorSettings) -> str:
    # A task that failed as a whole lists no files, and neither does one whose model takes a single file (section 2.6).
    return "bare" if task.failure is not None or task.model.shape == "one" else settings.all_failed_form


def _with_one_result(output: dict[str, Any], task: Task, now: float, link_of: LinkOf) -> dict[str, Any]:
    """Complete the output of a model that takes one file: an object in place of the list, and no metrics."""
    if task.status(now) == "SUCCEEDED":
        output["result"] = {"transcription_url": link_of(task, task.files[0])}
    return output


def _result(task: Task, file: TaskFile, now: float, link_of: LinkOf) -> dict[str, Any]:
    result: dict[str, Any] = {"file_url": file.request.file_url}
    if file.ends_at is None or file.ends_at > now:
        result["subtask_status"] = "RUNNING"
    elif file.problem is None:
        result["transcription_url"] = link_of(task, file)
        result["subtask_status"] = "SUCCEEDED"
    else:
        result["code"] = file.problem.code
        result["message"] = file.problem.message or file.problem.code
        result["subtask_status"] = "FAILED"
    return result


def second_time(seconds: float, settings: EmulatorSettings) -> str:
    """Write a time the way events and vocabularies do: `YYYY-MM-DD HH:MM:SS`, no zone (sections 9 and 10)."""
    moment = datetime.fromtimestamp(seconds, service_zone(settings))
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def key_number(api_key: str) -> str:
    """Return the id of an API key, which does not show the key."""
    return str(_digits(api_key, 7))


def account_number(account: str) -> str:
    """Return the number of an account."""
    return str(_digits(account, 16))


def _milliseconds(seconds: float) -> int:
    # Rounded where a datetime is, so that both ways to write a time agree.
    return round(seconds * 1e6) // 1000


@lru_cache(maxsize=256)
def _digits(text: str, count: int) -> int:
    """Make a stable number of so many digits out of a name, so that rows never show a key."""
    lowest: int = 10 ** (count - 1)
    return lowest + zlib.crc32(text.encode("utf-8", "surrogateescape")) % (9 * lowest)
