"""The task list, whatever its pages and however long a time is asked for; and one task, looked at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import anyio
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import ConfigurationError, InvalidArgumentError, ListedTask, Session, TaskToken
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.pipeline.listing import LONGEST_SPAN, every_row, windows
from aiofunasr.snapshots import TaskPage
from aiofunasr.testing.local import EPOCH
from aiofunasr.wire.messages import Request
from support import play, urls

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)

QUICK = EmulatorSettings(queue_seconds=(0.0, 1.0), limits_enabled=False)


# --- a time, in spans ---


def test_a_day_at_most_takes_one_list() -> None:
    hour = timedelta(hours=1)
    assert list(windows(None, None, NOW)) == [(None, None)]
    assert list(windows(None, NOW - hour, NOW)) == [(None, NOW - hour)]
    assert list(windows(NOW - hour, None, NOW)) == [(NOW - hour, None)]
    assert list(windows(NOW - DAY, None, NOW)) == [(NOW - DAY, None)]
    assert list(windows(NOW - hour, NOW, NOW)) == [(NOW - hour, NOW)]
    # Of the future, by the clock here.
    assert list(windows(NOW + hour, None, NOW)) == [(NOW + hour, None)]


def test_a_longer_time_takes_several_the_newest_first() -> None:
    assert list(windows(NOW - 2.5 * DAY, NOW, NOW)) == [
        (NOW - DAY, NOW),
        (NOW - 2 * DAY, NOW - DAY),
        (NOW - 2.5 * DAY, NOW - 2 * DAY),
    ]
    assert list(windows(NOW - 2 * DAY, None, NOW)) == [(NOW - DAY, None), (NOW - 2 * DAY, NOW - DAY)]


@given(
    st.timedeltas(timedelta(0), 40 * DAY),
    st.none() | st.timedeltas(-5 * DAY, 5 * DAY),
)
def test_spans_leave_nothing_out_and_none_is_too_long(age: timedelta, until: timedelta | None) -> None:
    start, end = NOW - age, None if until is None else NOW - until
    found = list(windows(start, end, NOW))
    assert found[0][1] == end
    assert found[-1][0] == start
    for (newer, _), (_, older) in pairwise(found):
        assert newer == older
    for since, to in found:
        assert since is not None
        if to is not None:
            assert to - since <= LONGEST_SPAN


async def test_a_row_is_given_once_even_where_two_lists_have_it() -> None:
    seen: set[str] = set()
    pages = {1: ["a", "b"], 2: ["b", "c"], 3: []}

    async def ask(page_no: int) -> TaskPage:
        return TaskPage(data=tuple(ListedTask(task_id=name, status="RUNNING") for name in pages[page_no]))

    assert [row.task_id async for row in every_row(ask, seen)] == ["a", "b", "c"]
    pages[1].append("d")
    assert [row.task_id async for row in every_row(ask, seen)] == ["d"]


# --- the account's tasks ---


def test_tasks_of_several_days_are_listed_each_once_newest_first() -> None:
    async def scenario(session: Session, service: Service) -> None:
        submitted: list[str] = []
        for _ in range(5):
            submitted.append((await session.submit(urls(1))).task_id)
            await anyio.sleep(12 * 3600)
        begin = datetime.fromtimestamp(EPOCH - 60, UTC)
        listed = [row.task_id async for row in session.list_tasks(start_time=begin)]
        assert listed == submitted[::-1]
        before = service.ledger.requests["list"]
        middle = begin + timedelta(hours=18)
        found = [row async for row in session.list_tasks(start_time=begin, end_time=middle, page_size=1)]
        assert [row.task_id for row in found] == submitted[1::-1]
        assert all(row.gmt_create is not None and row.gmt_create.tzinfo is not None for row in found)
        assert service.ledger.requests["list"] - before <= 3

    play(scenario, EmulatorSettings(queue_seconds=(0.0, 1.0), retention=10 * 86400.0))


def test_every_filter_is_the_service_s() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        other = await session.submit(urls(1), model="fun-asr-mtl")
        await anyio.sleep(20)

        async def ids(**filters: Any) -> set[str]:
            return {row.task_id async for row in session.list_tasks(**filters)}

        (row,) = [row async for row in session.list_tasks(task_id=task.token)]
        assert await ids() == {task.task_id, other.task_id}
        assert await ids(model_name="fun-asr-mtl") == {other.task_id}
        assert await ids(status="PENDING") == set()
        assert await ids(task_id=other.task_id) == {other.task_id}
        assert (row.task_id, row.model_name) == (task.task_id, "fun-asr")

    play(scenario, QUICK)


def test_filters_that_only_the_official_sdk_has_are_sent_as_it_sends_them() -> None:
    async def scenario(session: Session, service: Service) -> None:
        sent: list[str] = []
        inner = session._engine.gateway.transport

        class Recording:
            def open(self, request: Request) -> Any:
                sent.append(request.url.partition("?")[2])
                return inner.open(request)

            async def aclose(self) -> None:
                await inner.aclose()

        session._engine.gateway.transport = Recording()
        assert [row async for row in session.list_tasks(api_key_id="1234567", region="cn-beijing")] == []
        assert sent == ["page_no=1&page_size=100&api_key_id=1234567&region=cn-beijing"]

    play(scenario, QUICK)


def test_what_cannot_be_listed_is_refused_before_anything_is_sent() -> None:
    async def scenario(session: Session, service: Service) -> None:
        bad: list[tuple[dict[str, Any], str]] = [
            ({"start_time": datetime(2026, 10, 1)}, "start_time.*time zone"),  # noqa: DTZ001
            ({"end_time": "2026-10-01"}, "end_time"),
            ({"start_time": NOW, "end_time": NOW.astimezone(timezone(timedelta(hours=8)))}, "start_time"),
            ({"page_size": 0}, "page_size"),
            ({"page_size": True}, "page_size"),
            ({"task_id": "fasr1.damaged"}, "token"),
        ]
        for arguments, told in bad:
            with pytest.raises(InvalidArgumentError, match=told):
                await anext(session.list_tasks(**arguments))
        assert not service.ledger.requests

    play(scenario)


# --- one task ---


def test_a_task_is_looked_at_once_by_id_or_token_without_being_waited_for() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        token = task.token
        await task
        asked = service.ledger.requests["query"]
        by_token, by_id = await session.fetch(token), await session.fetch(task.task_id)
        assert by_token == evolve(by_id, request_id=by_token.request_id)
        assert (by_id.task_id, by_id.task_status) == (task.task_id, "SUCCEEDED")
        assert by_id.end_time is not None
        assert service.ledger.requests["query"] == asked + 2
        assert (await session.fetch("00000000-no-such-task")).task_status == "UNKNOWN"

    play(scenario, QUICK)


def test_looking_at_a_task_is_tried_again() -> None:
    async def scenario(session: Session, service: Service) -> None:
        assert (await session.fetch("00000000-no-such-task")).task_status == "UNKNOWN"
        assert service.ledger.requests["query"] == 3

    play(scenario, faults=FaultPlan().on("query", Fault.error(500), [1]).on("query", Fault.drop_before(), [2]))


def test_a_task_is_cancelled_by_its_token() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        await session.cancel(task.token)
        assert (await session.fetch(task.token)).task_status == "CANCELED"

    play(scenario, EmulatorSettings(queue_seconds=(60.0, 60.0)))


def test_a_task_of_another_region_is_not_looked_for_here() -> None:
    async def scenario(session: Session, service: Service) -> None:
        token = TaskToken(task_id="x", region="ap-southeast-1").encode()
        for act in (session.fetch, session.cancel, session.attach):
            with pytest.raises(ConfigurationError, match="ap-southeast-1"):
                await act(token)
        assert not service.ledger.requests

    play(scenario, region="cn-beijing")
