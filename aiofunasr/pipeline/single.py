"""One task: submitted, attached to, waited for, cancelled; what its results are for is its outlet's matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import anyio

from aiofunasr.audio import GivenFile
from aiofunasr.errors import BadRequestError, ConfigurationError
from aiofunasr.options import TranscriptionOptions
from aiofunasr.pipeline.book import key_of
from aiofunasr.pipeline.engine import Engine
from aiofunasr.pipeline.inputs import check_upload, seconds_of, source_of
from aiofunasr.pipeline.outlet import Outlet, change
from aiofunasr.pipeline.record import InputFile, Origin, TaskRecord
from aiofunasr.snapshots import TaskSnapshot, TaskStatus
from aiofunasr.token import TaskToken
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import read_done, read_snapshot
from aiofunasr.wire.requests import cancel, query

LAST_LOOK = 5.0
"""Seconds for the last question about a task whose time-out has passed, and for its results if it is done."""


async def submit_task(
    engine: Engine,
    given: Sequence[GivenFile],
    places: Sequence[str | Path],
    options: TranscriptionOptions,
    outlet: Outlet,
) -> TaskRecord:
    """Upload what is on this machine, submit one task and begin to watch it; work that stands in line.

    Args:
        engine: The session's.
        given: The files, as the caller gave them.
        places: Where each of them is: a URL, or a path.
        options: What is asked for.
        outlet: Where the results go.

    Raises:
        InvalidArgumentError: A file was uploaded for another model, or too long ago.
        FunASRError: A file could not be uploaded, or the submit was refused, could not be sent, or is of unknown
            outcome.
    """
    for file in given:
        check_upload(file, options.model, engine.clock())
    urls = [place if isinstance(place, str) else "" for place in places]

    async def upload(at: int, path: Path) -> None:
        urls[at] = (await engine.uploader.upload(path, options.model)).url

    local = [(at, place) for at, place in enumerate(places) if isinstance(place, Path)]
    away = engine.background.away
    keys: list[str | None] = [None] * len(given)
    # Uploads take long, and large files are read for their keys.
    with away() if local else nullcontext():
        try:
            if local:
                async with anyio.create_task_group() as group:
                    for at, place in local:
                        group.start_soon(upload, at, place)
        except* Exception as failures:  # noqa: BLE001  (the first of them says it all; the others were cancelled)
            raise _first_of(failures) from None
        if engine.journal is not None:
            keys = [await key_of(file, place, options) for file, place in zip(given, places, strict=True)]
    files = [
        InputFile(index, source_of(file), url, seconds_of(file), key)
        for index, (file, url, key) in enumerate(zip(given, urls, keys, strict=True))
    ]
    claims, owner = engine.claims, object()
    # A batch that comes to one of them waits for what becomes of this submit, and of its repetitions.
    held = claims.take_free((key for key in keys if key is not None), owner)
    try:
        return await engine.submitter.submit(files, options, outlet, away)
    finally:
        for key in held:
            claims.release(key, owner)


def find_task(engine: Engine, task: str) -> TaskToken:
    """Read a token, or a task id, and make sure that a session can reach its task.

    Raises:
        InvalidArgumentError: It is no token.
        ConfigurationError: The task belongs to another region.
    """
    found = TaskToken.decode(task)
    region = engine.account.region
    if found.region is not None and region is not None and found.region != region:
        raise ConfigurationError(
            f"the task was submitted in {found.region} and this session is for {region}: "
            f"reach it with Session(region={found.region!r})"
        )
    return found


def attach_task(engine: Engine, token: str, outlet: Outlet) -> TaskRecord:
    """Watch a task that was submitted elsewhere or before.

    Raises:
        TaskExpiredError: The service has forgotten the task: it was submitted too long ago.
        InvalidArgumentError: It is no token.
        ConfigurationError: The task belongs to another region.
    """
    found = find_task(engine, token)
    found.check_age(engine.clock())
    engine.keep(outlet)
    known = engine.poller.find(found.task_id)
    if known is not None and known.may_be(found):
        known.outlets += (outlet,)
        known.learn(found)
        return known
    record = TaskRecord(
        task_id=found.task_id,
        outlets=(outlet,),
        origin=Origin(found.model, found.region, found.workspace),
        attached=found,
        submitted_at=found.submitted_at,
    )
    if known is None:
        engine.poller.watch(record)
    else:
        # The task is another's; the reply that the token was made of was mixed up.
        engine.mistakes.take_back(record)
    return record


def detach(engine: Engine, record: TaskRecord, outlet: Outlet) -> None:
    """Take an outlet from a task; one that nobody waits for any more is not asked about either."""
    record.outlets = tuple(other for other in record.outlets if other is not outlet)
    if not record.outlets and engine.poller.find(record.task_id) is record:
        engine.poller.forget(record)


async def look_once_more(engine: Engine, record: TaskRecord, outlet: Outlet, ready: Callable[[], bool]) -> None:
    """Ask about a task once more, before all others, and wait until it is `ready` or was answered otherwise."""
    asked_at = anyio.current_time()
    engine.poller.hint(record.task_id)
    with anyio.move_on_after(LAST_LOOK):
        await change(outlet, ready=lambda: ready() or (not record.is_done and record.told_of >= asked_at))


async def look_at_task(engine: Engine, task_id: str) -> TaskSnapshot:
    """Ask about a task now.

    Raises:
        FunASRError: The request failed.
    """
    return await engine.gateway.ask(
        Kind.QUERY, lambda caller: query(caller, task_id), lambda reply: read_snapshot(reply, task_id)
    )


async def cancel_task(engine: Engine, task_id: str) -> None:
    """Ask the service to cancel a task, and have it looked at soon.

    A task that is cancelled already is no error: the reply to the first request may have been lost.

    Raises:
        BadRequestError: The task is not pending, or does not exist.
        FunASRError: The request failed.
    """
    try:
        await engine.gateway.ask(Kind.CANCEL, lambda caller: cancel(caller, task_id), read_done)
    except BadRequestError:
        if (await look_at_task(engine, task_id)).task_status != TaskStatus.CANCELED:
            raise
    engine.poller.hint(task_id)


def _first_of(failures: BaseExceptionGroup[Exception]) -> Exception:
    first = failures.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
