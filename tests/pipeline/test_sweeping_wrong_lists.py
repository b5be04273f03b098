"""A task list that is wrong, or full of strangers: results come all the same, from queries."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Literal

import anyio
import pytest
from sweeping import ALONE, DOUBTFUL, SWEPT, TIMES, Bounds, each_row, now, rewriting, run, transcribe_all

from aiofunasr import Session
from aiofunasr.emulator import DEFAULT_API_KEY, EmulatorSettings, ScriptedRecognizer, Service
from aiofunasr.testing import LocalTransport
from support import play, urls

pytestmark = pytest.mark.usefixtures("no_errors_logged")


# --- that is wrong ---


@pytest.mark.parametrize(
    ("word", "share"), [("SUCCEEDED", 1.0), ("FAILED", 1.0), ("FAILED", 0.3), ("CANCELED", 1.0), ("UNKNOWN", 1.0)]
)
def test_a_list_that_shows_live_tasks_as_done_ends_none(word: str, share: float) -> None:
    def lie(row: dict[str, Any], chance: Random) -> None:
        if row["status"] in {"PENDING", "RUNNING"} and chance.random() < share:
            row["status"] = word

    run(prepare=each_row(lie)).check(DOUBTFUL)


def test_a_list_that_is_always_wrong_about_a_few_tasks() -> None:
    victims: set[str] = set()

    def lie(row: dict[str, Any], _: Random) -> None:
        if Random(row["task_id"]).random() < 0.03:
            victims.add(row["task_id"])
            row["status"] = "FAILED"

    run(prepare=each_row(lie)).check(DOUBTFUL)
    assert 1 <= len(victims) <= 10


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_a_list_that_leaves_tasks_out(share: float) -> None:
    def forget(reply: dict[str, Any], chance: Random) -> None:
        reply["data"] = [row for row in reply["data"] if chance.random() >= share]
        reply["total"] = len(reply["data"])

    run(prepare=rewriting(forget)).check(DOUBTFUL)


@pytest.mark.parametrize(
    "change",
    [
        lambda reply, _: reply.update(data=[], total=0, total_page=0),
        lambda reply, _: reply.update(data=[]),
        lambda reply, _: reply.update(data=None),
        lambda reply, _: reply.update(data=[None, 7, "row", {}]),
        lambda reply, _: {"data": {}},
        lambda _, __: {},
        lambda _, __: ["data"],
    ],
    ids=["empty", "empty with a total", "null", "no rows", "object", "nothing", "array"],
)
def test_a_list_that_shows_nothing(change: Callable[[dict[str, Any], Random], object]) -> None:
    found = run(prepare=rewriting(change))
    found.check(ALONE)
    assert found.pages < 40


@pytest.mark.parametrize(
    "change",
    [
        lambda row, _: row.update(task_id="other-" + row["task_id"]),
        lambda row, _: row.pop("task_id"),
        lambda row, _: row.pop("status"),
        lambda row, _: row.update(status=None),
    ],
    ids=["other ids", "no ids", "no status", "null status"],
)
def test_rows_that_make_no_sense(change: Callable[[dict[str, Any], Random], object]) -> None:
    run(prepare=each_row(change)).check(ALONE)


@pytest.mark.parametrize("total", [-5, 1, None, "many"])
def test_a_total_that_is_wrong(total: object) -> None:
    run(prepare=rewriting(lambda reply, _: reply.update(total=total))).check(SWEPT)


def test_a_row_that_is_stuck_hides_that_task_alone() -> None:
    stuck: list[dict[str, Any]] = []

    def change(reply: dict[str, Any], _: Random) -> None:
        rows = reply["data"]
        if rows and not stuck:
            stuck.append(dict(rows[0], status="RUNNING"))
        reply["data"] = [row for row in rows if not stuck or row["task_id"] != stuck[0]["task_id"]] + stuck

    found = run(prepare=rewriting(change))
    # The list shows it alive for ever; that is believed for a minute.
    found.check(Bounds(mean=2.5, longest=75.0, requests=6.0))
    assert sorted(found.lateness)[-2] < 15


def test_one_page_that_is_short_is_no_measure_of_the_others() -> None:
    replies: list[object] = []

    def change(reply: dict[str, Any], _: Random) -> None:
        if reply["data"] and not replies:
            replies.append(reply)
            reply["data"], reply["total"] = reply["data"][:1], 2

    run(prepare=rewriting(change)).check(Bounds(mean=2.0, longest=10.0, requests=6.0))


def test_rows_that_come_twice() -> None:
    run(prepare=rewriting(lambda reply, _: reply.update(data=reply["data"] * 2))).check(SWEPT)


# --- with strangers, and in company ---


def test_strangers_in_the_list_make_it_dearer() -> None:
    async def prepare(_: Session, service: Service) -> None:
        for url in urls(500, "strangers"):
            service.add_task(url, now=now())

    found = run(prepare=prepare)
    found.check(SWEPT)
    # By the time our own are under way, most of theirs are done, and out of the list that is read.
    assert found.pages > found.statistics.sweeps.sweeps


def test_a_list_full_of_strangers_is_left_alone() -> None:
    async def prepare(_: Session, service: Service) -> None:
        for url in urls(6000, "strangers"):
            service.add_task(url, now=now())

    # All of them are RUNNING for as long as ours are: sixty pages to see a hundred tasks of one's own.
    slow = ScriptedRecognizer(
        processing_seconds=lambda url, chance: 1000.0 if "strangers" in url else chance.lognormvariate(2.7, 0.5)
    )

    async def scenario(session: Session, service: Service) -> None:
        await prepare(session, service)
        lateness = await transcribe_all(session, service, urls(50))
        assert sum(lateness) / 50 < 6
        assert service.ledger.requests["list"] < service.ledger.requests["query"]
        assert not service.ledger.throttled

    play(scenario, recognizer=slow)


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_rows_that_shift_while_the_pages_are_read(order: Literal["newest", "oldest"]) -> None:
    async def scenario(session: Session, service: Service) -> None:
        async def crowd() -> None:
            for number in range(2000):
                service.add_task(f"https://crowd.example/{number}-10s.wav", now=now())
                await anyio.sleep(0.03)

        async with anyio.create_task_group() as group:
            group.start_soon(crowd)
            await anyio.sleep(5)
            lateness = await transcribe_all(session, service, urls(150))
            group.cancel_scope.cancel()
        assert sum(lateness) / len(lateness) < 5
        assert max(lateness) < 25
        sweeps = session.statistics().sweeps
        assert sweeps.pages > 1.5 * sweeps.sweeps
        assert sweeps.trust > 0.3
        assert service.ledger.requests["query"] < 3 * 150
        assert not service.ledger.throttled

    play(scenario, EmulatorSettings(list_page_size_cap=30, list_order=order), recognizer=TIMES)


@pytest.mark.parametrize("shared", [False, True])
def test_two_sessions_on_one_account_both_finish(shared: bool) -> None:
    async def scenario(session: Session, service: Service) -> None:
        other = Session(
            DEFAULT_API_KEY,
            base_url=service.base_url,
            transport=LocalTransport(service, now),
            clock=now,
            random=Random(1),
        )
        lateness: list[float] = []

        async def use(one: Session, host: str) -> None:
            lateness.extend(await transcribe_all(one, service, urls(70, host)))

        async with other, anyio.create_task_group() as group:
            group.start_soon(use, session, "here")
            group.start_soon(use, other, "there")
        assert sum(lateness) / 140 < 3
        assert max(lateness) < 15
        sent = sum(service.ledger.requests[kind] for kind in ("query", "list"))
        throttled = sum(service.ledger.throttled[kind] for kind in ("query", "list"))
        assert throttled < 0.02 * sent
        assert sent < 5 * 140

    play(scenario, EmulatorSettings(share_task_limits=shared), recognizer=TIMES)
