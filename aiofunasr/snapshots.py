"""What the service says of a task at one moment (the protocol notes, sections 3 and 4.2).

Every field but `task_id` and the status may be missing. A status is a plain string, so that a word the service
invents tomorrow passes through.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

from attrs import field, frozen

from aiofunasr.redaction import redact


class TaskStatus(StrEnum):
    """The documented status words; compare with `==`, because the field itself is a `str`."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"


TERMINAL = frozenset({TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.UNKNOWN})
"""The words after which nothing changes. UNKNOWN is among them: the service does not know such a task (3.2)."""


class Nothing(dict[str, Any]):
    """The extra keys of nearly every value: one empty mapping for all, because there are very many."""

    __slots__ = ()

    if not TYPE_CHECKING:  # a mapping that refuses to be changed is none that type checkers know

        def _refuse(self, *_: object, **__: object) -> NoReturn:
            raise TypeError("what was read is read-only")

        __setitem__ = __ior__ = setdefault = update = _refuse


def _extra() -> Any:
    return field(default=Nothing(), repr=False, hash=False)


@frozen(kw_only=True)
class TaskMetrics:
    """How many files of a task there are, and how many have ended so far."""

    TOTAL: int | None = None
    SUCCEEDED: int | None = None
    FAILED: int | None = None
    extra: Mapping[str, Any] = _extra()


@frozen(kw_only=True)
class SubtaskSnapshot:
    """One file of a task; `code` and `message` are there when it failed."""

    file_url: str | None = field(default=None, repr=lambda url: redact(repr(url)))
    subtask_status: str | None = None
    transcription_url: str | None = field(default=None, repr=False)
    code: str | None = None
    message: str | None = field(default=None, repr=lambda message: redact(repr(message)))
    extra: Mapping[str, Any] = _extra()


@frozen(kw_only=True, weakref_slot=False)
class TaskSnapshot:
    """A task as a query showed it.

    Times are aware datetimes (the service writes UTC+8 without saying so, section 3.3); `usage_duration` is the billed
    speech in seconds, over all files and tracks.
    """

    task_id: str
    task_status: str
    submit_time: datetime | None = None
    scheduled_time: datetime | None = None
    end_time: datetime | None = None
    task_metrics: TaskMetrics | None = None
    results: tuple[SubtaskSnapshot, ...] = ()
    code: str | None = None
    message: str | None = field(default=None, repr=lambda message: redact(repr(message)))
    usage_duration: int | None = None
    request_id: str | None = None
    extra: Mapping[str, Any] = _extra()

    @property
    def is_terminal(self) -> bool:
        """Whether the service is done with the task."""
        return self.task_status in TERMINAL


@frozen(kw_only=True)
class ListedTask:
    """A row of the task list, which covers the whole account, other programs' tasks too.

    Times are aware datetimes; `end_time` is None for an unfinished task. `request_id` is the submit's.
    """

    task_id: str
    status: str
    model_name: str | None = None
    region: str | None = None
    request_id: str | None = None
    gmt_create: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    extra: Mapping[str, Any] = _extra()


@frozen(kw_only=True)
class TaskPage:
    """One page of the task list; `page_size` is what the service used, which need not be what was asked for."""

    data: tuple[ListedTask, ...] = ()
    total: int | None = None
    total_page: int | None = None
    page_no: int | None = None
    page_size: int | None = None
    request_id: str | None = None
    extra: Mapping[str, Any] = _extra()
