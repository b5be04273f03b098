"""The official Python SDK's own interface, with `await` in front.

    from aiofunasr import Transcription

    submitted = await Transcription.async_call(model="fun-asr", file_urls=["https://..."])
    response = await Transcription.wait(task=submitted.output.task_id)

It is `dashscope.audio.asr.Transcription` for asyncio: the same arguments, the same fields in the answers, and an error
of the service is an answer, too, with its `status_code`, `code` and `message` (the protocol notes, section 12.1). What
is behind it is a `Session`, so a throttled or failing status request does not end a wait, and a submit whose reply was
lost is searched for instead of sent again. What the service did not say is raised, as everywhere in this library: a
connection that cannot be made, an argument that cannot be used, a submit of unknown outcome.

Each call without a session opens one of its own. Give all of a program's calls the same: `session=session`. They then
share its connections, its one poller and its budgets, and can be told apart by nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import anyio
from attrs import fields

from aiofunasr.audio import GivenFiles
from aiofunasr.errors import InvalidArgumentError, ServiceError
from aiofunasr.options import TranscriptionOptions
from aiofunasr.pipeline.inputs import inspect, one_task_of, source_of
from aiofunasr.pipeline.outlet import change
from aiofunasr.pipeline.single import attach_task, cancel_task, detach, look_at_task, look_once_more, submit_task
from aiofunasr.responses import TranscriptionResponse
from aiofunasr.session import Session
from aiofunasr.settings import Timeouts
from aiofunasr.task import TranscriptionTask
from aiofunasr.token import TaskToken
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import read_task_page
from aiofunasr.wire.requests import SERVICE_ZONE, list_tasks

Task = str | Mapping[str, Any] | TranscriptionTask
"""A task id, a token, an earlier answer (the official SDK's, too), or a task of a session."""

_OPTIONS: Final = frozenset(attribute.name for attribute in fields(TranscriptionOptions)) - {"extra_parameters"}

_SENT_ANYWAY: Final = frozenset({"x-dashscope-async", "x-dashscope-ossresourceresolve", "x-dashscope-workspace"})

_NOT_HERE: Final = frozenset(
    {
        "enable_encryption",
        "extra_url_parameters",
        "flattened_output",
        "form",
        "is_binary_input",
        "is_service",
        "pre_task_id",
        "query",
        "resources",
        "stream",
        "task_id",
        "user_agent",
        "ws_stream_mode",
    }
)
"""What the official SDK takes for itself instead of sending it as a parameter, and what means nothing here."""

_LIST_TIME: Final = "%Y%m%d%H%M%S"


class Transcription:
    """Recorded speech recognition, call by call.

    Every method takes `api_key` and `workspace`, and by keyword `base_address` (the base URL), `request_timeout` (in
    seconds) or `session`, an open `Session` that takes their place.
    """

    @classmethod
    async def call(
        cls,
        model: str,
        file_urls: GivenFiles,
        phrase_id: str | None = None,
        api_key: str | None = None,
        workspace: str | None = None,
        *,
        wait_timeout: float | None = -1,
        session: Session | None = None,
        **kwargs: Any,
    ) -> TranscriptionResponse:
        """Submit a task and wait until the service is done with it.

        The arguments are those of `async_call` and `wait`. A refused submit is the answer.

        Raises:
            InvalidArgumentError: Something cannot be used; nothing was sent.
            FunASRError: The service has not answered.
        """
        place, parameters = _place(kwargs)
        async with _session(session, api_key, workspace, place) as chosen:
            submitted = await cls.async_call(model, file_urls, phrase_id, session=chosen, **parameters)
            if submitted.status_code != HTTPStatus.OK:
                return submitted
            return await cls.wait(submitted, wait_timeout=wait_timeout, session=chosen)

    @classmethod
    async def async_call(
        cls,
        model: str,
        file_urls: GivenFiles,
        phrase_id: str | None = None,
        api_key: str | None = None,
        workspace: str | None = None,
        *,
        session: Session | None = None,
        **kwargs: Any,
    ) -> TranscriptionResponse:
        """Submit a task; the answer's `output` has its `task_id`.

        "async" is the service's word: the task goes on by itself, and `wait` or `fetch` tell what became of it.

        Args:
            model: The model.
            file_urls: 1 to 100 URLs; paths of this machine are uploaded.
            phrase_id: A phrase list of the paraformer v1 models.
            api_key: The key; by default `DASHSCOPE_API_KEY`.
            workspace: A workspace id.
            session: An open session to use.
            **kwargs: Fields of `TranscriptionOptions`, and any other parameter, sent as it is; those that are None are
                left out.

        Raises:
            InvalidArgumentError: Something cannot be used; nothing was sent.
            AmbiguousSubmissionError: The request was sent and its outcome is not known.
            FunASRError: The service has not answered.
        """
        place, parameters = _place(kwargs)
        options = _options(model, phrase_id, parameters)
        files = one_task_of(file_urls)
        places = [await inspect(source_of(file)) for file in files]
        async with _session(session, api_key, workspace, place) as chosen:
            engine = chosen._engine  # noqa: SLF001  (one idea with the session)
            engine.adviser.look_at(options, len(files))
            notice = engine.notice()
            try:
                record = await engine.background.run(submit_task, engine, files, places, options, notice)
            except ServiceError as error:
                return TranscriptionResponse.of_error(error)
            except anyio.get_cancelled_exc_class():
                engine.submitter.orphans.extend(engine.forget(notice))
                raise
        return TranscriptionResponse.of(
            {"task_id": record.task_id, "task_status": record.status}, request_id=notice.request_id
        )

    @classmethod
    async def fetch(
        cls,
        task: Task,
        api_key: str | None = None,
        workspace: str | None = None,
        *,
        session: Session | None = None,
        **kwargs: Any,
    ) -> TranscriptionResponse:
        """Ask once what became of a task.

        Raises:
            InvalidArgumentError: It is no task.
            FunASRError: The service has not answered.
        """
        task_id = TaskToken.decode(_token(task)).task_id
        place, _ = _place(kwargs, only=True)
        async with _session(session, api_key, workspace, place) as chosen:
            engine = chosen._engine  # noqa: SLF001
            try:
                snapshot = await engine.background.run(look_at_task, engine, task_id)
            except ServiceError as error:
                return TranscriptionResponse.of_error(error)
        return TranscriptionResponse.of_snapshot(snapshot)

    @classmethod
    async def wait(
        cls,
        task: Task,
        api_key: str | None = None,
        workspace: str | None = None,
        wait_timeout: float | None = -1,
        *,
        session: Session | None = None,
        **kwargs: Any,
    ) -> TranscriptionResponse:
        """Wait until the service is done with a task, whatever became of it.

        Args:
            task: The task.
            api_key: Who asks.
            workspace: A workspace id.
            wait_timeout: Seconds; none unless it is above 0. When it passes, the service is asked once more; the answer
                is then 408 `WaitTaskTimeout`, and the task goes on.
            session: An open session to use.
            **kwargs: `base_address`, `request_timeout`.

        Raises:
            InvalidArgumentError: It is no task.
            FunASRError: The wait ended without the service's word.
        """
        token = _token(task)
        place, _ = _place(kwargs, only=True)
        limit = wait_timeout if wait_timeout is not None and wait_timeout > 0 else None
        async with _session(session, api_key, workspace, place) as chosen:
            engine = chosen._engine  # noqa: SLF001
            engine.background.check()
            notice = engine.notice()
            record = attach_task(engine, token, notice)

            def ready() -> bool:
                return record.is_done or notice.error is not None

            try:
                with anyio.move_on_after(limit):
                    await change(notice, ready=ready)
                if not ready():
                    await look_once_more(engine, record, notice, ready)
            finally:
                detach(engine, record, notice)
            if record.snapshot is not None and record.snapshot.is_terminal:
                return TranscriptionResponse.of_snapshot(record.snapshot)
            error = notice.error or record.error
            if isinstance(error, ServiceError):
                return TranscriptionResponse.of_error(error)
            if error is not None:
                raise error.for_task(record.own_id, record.token)
        return TranscriptionResponse.of(
            None,
            status_code=HTTPStatus.REQUEST_TIMEOUT,
            request_id=record.task_id,
            code="WaitTaskTimeout",
            message=f"The task {record.task_id} was not done within {limit:g} seconds; it goes on.",
        )

    @classmethod
    async def cancel(
        cls,
        task: Task,
        api_key: str | None = None,
        workspace: str | None = None,
        *,
        session: Session | None = None,
        **kwargs: Any,
    ) -> TranscriptionResponse:
        """Ask the service to cancel a task, which it does while the task is PENDING; otherwise the answer is 400.

        Raises:
            InvalidArgumentError: It is no task.
            FunASRError: The service has not answered.
        """
        task_id = TaskToken.decode(_token(task)).task_id
        place, _ = _place(kwargs, only=True)
        async with _session(session, api_key, workspace, place) as chosen:
            engine = chosen._engine  # noqa: SLF001
            try:
                await engine.background.run(cancel_task, engine, task_id)
            except ServiceError as error:
                return TranscriptionResponse.of_error(error)
        return TranscriptionResponse.of({})

    @classmethod
    async def list(  # noqa: PLR0917
        cls,
        start_time: str | datetime | None = None,
        end_time: str | datetime | None = None,
        model_name: str | None = None,
        api_key_id: str | None = None,
        region: str | None = None,
        status: str | None = None,
        page_no: int = 1,
        page_size: int = 10,
        api_key: str | None = None,
        workspace: str | None = None,
        *,
        session: Session | None = None,
        **kwargs: Any,
    ) -> TranscriptionResponse:
        """Return one page of the account's tasks; `output.data` has the rows.

        Args:
            start_time: Such as `20261001090000`, in UTC+8, or an aware datetime.
            end_time: The same; at most 24 hours later.
            model_name: Only tasks of this model.
            api_key_id: Only tasks of this key.
            region: Only tasks of this region.
            status: Only tasks in this state.
            page_no: From 1.
            page_size: Rows a page.
            api_key: Who asks.
            workspace: A workspace id.
            session: An open session to use.
            **kwargs: `base_address`, `request_timeout`.

        Raises:
            InvalidArgumentError: Something cannot be used.
            FunASRError: The service has not answered.
        """
        begin, end = _time("start_time", start_time), _time("end_time", end_time)
        for name, number in {"page_no": page_no, "page_size": page_size}.items():
            if not isinstance(number, int) or number < 1:
                raise InvalidArgumentError(name, number, "at least 1 is needed")
        place, _ = _place(kwargs, only=True)
        async with _session(session, api_key, workspace, place) as chosen:
            engine = chosen._engine  # noqa: SLF001
            try:
                page = await engine.background.run(
                    engine.gateway.ask,
                    Kind.LIST,
                    lambda caller: list_tasks(
                        caller,
                        page_no=page_no,
                        page_size=page_size,
                        start_time=begin,
                        end_time=end,
                        model_name=model_name,
                        status=status,
                        api_key_id=api_key_id,
                        region=region,
                    ),
                    read_task_page,
                )
            except ServiceError as error:
                return TranscriptionResponse.of_error(error)
        return TranscriptionResponse.of_page(page)


@asynccontextmanager
async def _session(
    session: Session | None, api_key: str | None, workspace: str | None, place: Mapping[str, Any]
) -> AsyncIterator[Session]:
    """Use the caller's session, or one for this call."""
    given = {name: value for name, value in {**place, "workspace": workspace}.items() if value is not None}
    if session is None:
        seconds = given.pop("request_timeout", None)
        timeouts = None if seconds is None else Timeouts(submit=seconds, request=seconds)
        base_url = given.pop("base_address", None)
        async with Session(api_key, base_url=base_url, timeouts=timeouts, **given) as own:
            yield own
        return
    if not isinstance(session, Session):
        raise InvalidArgumentError("session", session, "an open aiofunasr.Session is needed")
    if api_key is not None or given:
        name = "api_key" if api_key is not None else next(iter(given))
        raise InvalidArgumentError(name, "***" if api_key is not None else given[name], "the session has its own")
    yield session


def _place(keywords: Mapping[str, Any], *, only: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell keywords that say where to send a request from parameters, of which there may be none with `only`."""
    given = {name: value for name, value in keywords.items() if value is not None}
    place: dict[str, Any] = {name: given.pop(name) for name in ("base_address", "request_timeout") if name in given}
    for name in given.pop("headers", ()):
        if name.lower() not in _SENT_ANYWAY:
            raise InvalidArgumentError(
                "headers",
                name,
                "headers of your own go into an aiohttp.ClientSession, and that into Session(http=...)",
            )
    for name in _NOT_HERE & given.keys():
        raise InvalidArgumentError(name, given[name], "it means nothing here")
    if only and given:
        name = next(iter(given))
        raise InvalidArgumentError(name, given[name], "there is no such argument")
    return place, given


def _options(model: str, phrase_id: str | None, parameters: Mapping[str, Any]) -> TranscriptionOptions:
    known = {name: value for name, value in parameters.items() if name in _OPTIONS}
    others = {name: value for name, value in parameters.items() if name not in _OPTIONS}
    return TranscriptionOptions(model=model, phrase_id=phrase_id or None, extra_parameters=others, **known)


def _token(task: Task) -> str:
    """Find the task in what a caller has of it."""
    if isinstance(task, str):
        return task
    if isinstance(task, TranscriptionTask):
        return task.token
    status = task.get("status_code") if isinstance(task, Mapping) else None
    if status is None:
        raise InvalidArgumentError("task", task, "a task id, a token, or the answer to a submit is needed")
    output = task.get("output")
    if status != HTTPStatus.OK or not isinstance(output, Mapping) or not isinstance(output.get("task_id"), str):
        refused = f"{status} {task.get('code') or ''}".strip()
        raise InvalidArgumentError("task", refused, "the answer to a submit that was accepted is needed")
    return str(output["task_id"])


def _time(name: str, given: str | datetime | None) -> datetime | None:
    if given is None or isinstance(given, datetime):
        if given is not None and given.tzinfo is None:
            raise InvalidArgumentError(name, given, "an aware datetime is needed: give it a time zone")
        return given
    try:
        return datetime.strptime(given, _LIST_TIME).replace(tzinfo=SERVICE_ZONE)
    except (TypeError, ValueError):
        raise InvalidArgumentError(name, given, "YYYYMMDDhhmmss, such as 20261001090000, is needed") from None
