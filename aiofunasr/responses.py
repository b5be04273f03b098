"""The service's answers as the official Python SDK shows them: mappings with their fields as attributes, too.

`aiofunasr.Transcription` answers with these (the protocol notes, section 12.1). They are made of the values that the
rest of the library works with, and written as the service writes them: times as text in UTC+8 in a task and as
milliseconds in the task list, and nothing in place of a field that was not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

from aiofunasr.errors import ServiceError
from aiofunasr.redaction import redact
from aiofunasr.snapshots import ListedTask, SubtaskSnapshot, TaskMetrics, TaskPage, TaskSnapshot
from aiofunasr.wire.requests import SERVICE_ZONE


class _Fields(dict[str, Any]):
    """A mapping whose entries are attributes, too.

    Links to results are signed, so they are shown without their signature; `json.dumps` writes them whole.
    """

    _DOCUMENTED: frozenset[str] = frozenset()

    def __getattr__(self, name: str) -> Any:
        """Return an entry; a documented one that the service left out is None."""
        try:
            return self[name]
        except KeyError:
            if name in self._DOCUMENTED:
                return None
            raise AttributeError(f"{type(self).__name__!r} has no field {name!r}", name=name, obj=self) from None

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an entry."""
        self[name] = value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({redact(super().__repr__())})"

    def __str__(self) -> str:
        return redact(json.dumps(self, ensure_ascii=False))


class TranscriptionOutput(_Fields):
    """What the service says of a task; `results` has an entry for each file once the task has ended.

    Fields: `task_id`, `task_status`, `submit_time`, `scheduled_time`, `end_time`, `task_metrics`, `results`, and for a
    failed task `code` and `message` (the protocol notes, section 3.3).
    """

    _DOCUMENTED = frozenset(
        {
            "task_id",
            "task_status",
            "submit_time",
            "scheduled_time",
            "end_time",
            "task_metrics",
            "results",
            "code",
            "message",
        }
    )


class TranscriptionUsage(_Fields):
    """What is billed: `duration`, in seconds of speech over all files and tracks."""

    _DOCUMENTED = frozenset({"duration"})


class TranscriptionResponse(_Fields):
    """The answer to one call of `Transcription`.

    Fields: `status_code` (200, or the HTTP status of the refusal), `request_id`, `code` and `message` (empty unless it
    was refused), `output`, `usage`, `headers` (those of the reply, where one reply is the answer).
    """

    _DOCUMENTED = frozenset({"status_code", "request_id", "code", "message", "output", "usage", "headers"})

    @classmethod
    def of(
        cls,
        output: Mapping[str, Any] | None,
        *,
        status_code: int = HTTPStatus.OK,
        request_id: str | None = None,
        code: str = "",
        message: str = "",
        usage: Mapping[str, Any] | None = None,
    ) -> Self:
        """Put an answer together."""
        return cls(
            status_code=int(status_code),
            request_id=request_id or "",
            code=code,
            message=message,
            output=None if output is None else TranscriptionOutput(output),
            usage=None if usage is None else TranscriptionUsage(usage),
            headers={},
        )

    @classmethod
    def of_snapshot(cls, snapshot: TaskSnapshot) -> Self:
        """Write an answer to a query."""
        return cls.of(
            _task(snapshot),
            request_id=snapshot.request_id,
            usage=None if snapshot.usage_duration is None else {"duration": snapshot.usage_duration},
        )

    @classmethod
    def of_page(cls, page: TaskPage) -> Self:
        """Write a page of the task list."""
        fields = {"total": page.total, "total_page": page.total_page, "page_no": page.page_no}
        rows = {"page_size": page.page_size, "data": [_row(row) for row in page.data]}
        return cls.of(_present(fields | rows) | dict(page.extra), request_id=page.request_id)

    @classmethod
    def of_error(cls, error: ServiceError) -> Self:
        """Write a refusal."""
        return cls.of(
            None,
            status_code=error.status,
            request_id=error.request_id,
            code=error.code,
            message=error.message,
        )


def _task(snapshot: TaskSnapshot) -> dict[str, Any]:
    found = _present(
        {
            "task_id": snapshot.task_id,
            "task_status": snapshot.task_status,
            "submit_time": _time(snapshot.submit_time),
            "scheduled_time": _time(snapshot.scheduled_time),
            "end_time": _time(snapshot.end_time),
            "code": snapshot.code,
            "message": snapshot.message,
            "results": [_subtask(subtask) for subtask in snapshot.results] or None,
            "task_metrics": None if snapshot.task_metrics is None else _metrics(snapshot.task_metrics),
        }
    )
    return found | dict(snapshot.extra)


def _subtask(subtask: SubtaskSnapshot) -> dict[str, Any]:
    names = ("file_url", "transcription_url", "code", "message", "subtask_status")
    return _present({name: getattr(subtask, name) for name in names}) | dict(subtask.extra)


def _metrics(metrics: TaskMetrics) -> dict[str, Any]:
    counts = {"TOTAL": metrics.TOTAL, "SUCCEEDED": metrics.SUCCEEDED, "FAILED": metrics.FAILED}
    return _present(counts) | dict(metrics.extra)


def _row(row: ListedTask) -> dict[str, Any]:
    texts = {name: getattr(row, name) for name in ("task_id", "status", "request_id", "model_name", "region")}
    times = {name: _milliseconds(getattr(row, name)) for name in ("gmt_create", "start_time", "end_time")}
    return _present(texts | times) | dict(row.extra)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _time(time: datetime | None) -> str | None:
    """Write a time as a query does (section 3.3)."""
    return None if time is None else time.astimezone(SERVICE_ZONE).isoformat(" ", "milliseconds")[: -len("+08:00")]


def _milliseconds(time: datetime | None) -> int | None:
    """Write a time as the task list does (section 4.2)."""
    return None if time is None else round(time.timestamp() * 1000)
