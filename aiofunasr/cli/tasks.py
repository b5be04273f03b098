"""`aiofunasr tasks`: the account's tasks."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.table import Table

from aiofunasr.cli.delivery import print_text
from aiofunasr.cli.place import Place
from aiofunasr.cli.running import FAILED
from aiofunasr.cli.wording import describe, printable, tell
from aiofunasr.errors import AccessDeniedError, AuthenticationError, FunASRError
from aiofunasr.redaction import redact
from aiofunasr.session import Session
from aiofunasr.snapshots import ListedTask, TaskSnapshot, TaskStatus
from aiofunasr.token import TaskToken

_LARGEST_PAGE = 100
_WHOLE_DAY = 24.0
"""Hours: how far back the service lists by itself (the protocol notes, section 4.2)."""


@frozen(kw_only=True)
class TaskQuery:
    """Which tasks to list, newest first; `since` is hours, and the times are aware."""

    model: str | None = None
    status: str | None = None
    since: float | None = None
    start: datetime | None = None
    end: datetime | None = None
    task: str | None = None
    api_key_id: str | None = None
    region: str | None = None
    limit: int = 50
    as_json: bool = False


async def list_tasks(query: TaskQuery, place: Place) -> int:
    """Print the account's tasks and return the status."""
    async with place.session() as session:
        rows = _rows(session, query)
        if query.as_json:
            async for row in rows:
                await print_text(json.dumps(_record(row), ensure_ascii=False) + "\n")
        elif sys.stdout.isatty():
            _show_table([row async for row in rows])
        else:
            async for row in rows:
                await print_text("\t".join(printable(str(item or "")) for item in _record(row).values()) + "\n")
    return 0


async def _rows(session: Session, query: TaskQuery) -> AsyncIterator[ListedTask]:
    # The end is left to the service: by the clock here, the newest tasks might be in its future. So is the start,
    # where it is the one that the service itself takes.
    start = query.start
    if start is None and query.since is not None and (query.since != _WHOLE_DAY or query.end is not None):
        start = (query.end or datetime.now(UTC)) - timedelta(hours=query.since)
    listed = 0
    async for row in session.list_tasks(
        model_name=query.model,
        status=query.status,
        start_time=start,
        end_time=query.end,
        task_id=query.task,
        api_key_id=query.api_key_id,
        region=query.region,
        page_size=min(query.limit, _LARGEST_PAGE),
    ):
        yield row
        listed += 1
        if listed == query.limit:
            return


def _record(row: ListedTask) -> dict[str, str | None]:
    """Return a row as plain values; its keys are the columns of the tab-separated form."""
    return {
        "task_id": row.task_id,
        "status": row.status,
        "model_name": row.model_name,
        "created": _iso(row.gmt_create),
        "ended": _iso(row.end_time),
        "region": row.region,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


def _show_table(rows: Sequence[ListedTask]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("TASK", "STATUS", "MODEL", "CREATED", "TOOK"):
        table.add_column(column, no_wrap=column in {"TASK", "STATUS"}, overflow="fold")
    for row in rows:
        created = "" if row.gmt_create is None else f"{row.gmt_create.astimezone():%Y-%m-%d %H:%M:%S}"
        took = "" if row.gmt_create is None or row.end_time is None else _span(row.end_time - row.gmt_create)
        cells = (row.task_id, row.status, row.model_name or "", created, took)
        table.add_row(*(printable(cell) for cell in cells))
    Console().print(table, markup=False)


def _span(length: timedelta) -> str:
    seconds = length.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"


async def show_tasks(tokens: Sequence[str], place: Place, *, as_json: bool) -> int:
    """Print what the service says of tasks and return the status: that of failure if there is one it does not know."""
    found = [TaskToken.decode(token) for token in tokens]
    place = place.of_tokens(found)
    failed = 0
    async with place.session() as session:
        for number, token in enumerate(found):
            try:
                snapshot = await session.fetch(token.task_id)
            except (AuthenticationError, AccessDeniedError):
                raise
            except FunASRError as error:
                failed += 1
                tell(f"not found out: {printable(token.task_id)}: {describe(error)}")
                continue
            failed += snapshot.task_status == TaskStatus.UNKNOWN
            if as_json:
                await print_text(json.dumps(_as_record(snapshot), ensure_ascii=False) + "\n")
            else:
                await print_text(("\n" if number else "") + "".join(f"{line}\n" for line in _lines(snapshot)))
    return FAILED if failed else 0


def _as_record(snapshot: TaskSnapshot) -> dict[str, Any]:
    """Return a snapshot as plain values; what signs a URL goes into no terminal, log or file."""
    metrics = snapshot.task_metrics
    return {
        "task_id": snapshot.task_id,
        "status": snapshot.task_status,
        "submitted": _iso(snapshot.submit_time),
        "scheduled": _iso(snapshot.scheduled_time),
        "ended": _iso(snapshot.end_time),
        "code": snapshot.code,
        "message": None if snapshot.message is None else redact(snapshot.message),
        "billed_seconds": snapshot.usage_duration,
        "files": None if metrics is None else metrics.TOTAL,
        "results": [
            {
                "file_url": None if file.file_url is None else redact(file.file_url),
                "status": file.subtask_status,
                "code": file.code,
                "message": None if file.message is None else redact(file.message),
            }
            for file in snapshot.results
        ],
    }


def _lines(snapshot: TaskSnapshot) -> Iterator[str]:
    record = _as_record(snapshot)
    files = record.pop("results")
    for name, value in record.items():
        if value is not None:
            yield f"{name.replace('_', ' ')}: {printable(str(value))}"
    for file in files:
        why = ": ".join(text for text in (file["code"], file["message"]) if text)
        yield "\t".join(printable(text) for text in (file["status"] or "", file["file_url"] or "", why) if text)


async def cancel_tasks(tokens: Sequence[str], place: Place) -> int:
    """Ask for tasks to be cancelled and return the status."""
    found = [TaskToken.decode(token) for token in tokens]
    place = place.of_tokens(found)
    failed = 0
    async with place.session() as session:
        for token in found:
            try:
                await session.cancel(token.task_id)
            except (AuthenticationError, AccessDeniedError):
                raise
            except FunASRError as error:
                failed += 1
                tell(f"not cancelled: {printable(token.task_id)}: {describe(error)}")
            else:
                await print_text(f"cancelled: {token.task_id}\n")
    return FAILED if failed else 0
