"""The task list as a help that may be refused, slow, cut short, out of order or wrong: results come all the same.

Every run is of sixty tasks or more in virtual time. Whatever the list does, each task's result comes once, after the
task has ended, within bounds for how late that is and for how much is asked of the service.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from random import Random
from typing import Any, Literal

import anyio
import pytest
from attrs import frozen

from aiofunasr import Session, SessionStatistics
from aiofunasr.emulator import DEFAULT_API_KEY, EmulatorSettings, Fault, FaultPlan, ScriptedRecognizer, Service
from aiofunasr.schedule.sweeps import OFF_FOR
from aiofunasr.testing import LocalTransport
from aiofunasr.testing.local import EPOCH
from aiofunasr.wire.messages import Kind
from support import Rewriting, play, urls

FILES = 60
TIMES = ScriptedRecognizer(
    queue_seconds=lambda _, chance: chance.lognormvariate(1.0, 0.6),
    processing_seconds=lambda _, chance: chance.lognormvariate(2.7, 0.5),
)


@pytest.fixture(autouse=True)
def _no_errors_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which something happened that the library did not foresee."""
    yield
    assert not [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]


@frozen(kw_only=True)
class Bounds:
    """What is demanded of a run.

    Attributes:
        mean, longest: Seconds from the end of a task to its result, on average and at most.
        requests: Queries and list pages, for each task.
    """

    mean: float
    longest: float
    requests: float


SWEPT = Bounds(mean=2.0, longest=5.0, requests=4.0)
"""Where the list can be read as it is."""

DOUBTFUL = Bounds(mean=5.0, longest=35.0, requests=8.0)
"""Where it can, but not quite be believed."""

ALONE = Bounds(mean=6.5, longest=25.0, requests=8.0)
"""Where it cannot, and each task is asked about by itself."""


@frozen(kw_only=True)
class Run:
    """What came of a run."""

    lateness: list[float]
    queries: int
    pages: int
    statistics: SessionStatistics
    service: Service

    def check(self, bounds: Bounds) -> None:
        """Check what was demanded, and that no limit was ever exceeded."""
        count = len(self.lateness)
        assert sum(self.lateness) / count <= bounds.mean
        assert max(self.lateness) <= bounds.longest
        assert self.queries >= count  # nothing is over before a query has said so
        assert self.queries + self.pages <= bounds.requests * count
        assert not self.service.ledger.throttled["query"]


def now() -> float:
    """Return the emulator's time of day."""
    return EPOCH + anyio.current_time()


async def transcribe_all(session: Session, service: Service, files: list[str]) -> list[float]:
    """Transcribe files, one a task, and return how late each result was; by the emulator's word on when it ended."""
    lateness = []

    async def one(url: str) -> None:
        task = await session.submit([url])
        results = await task
        assert [(result.ok, result.file_url) for result in results] == [(True, url)]
        planned = service._board.find(task.task_id, "emulator")
        assert planned is not None
        assert planned.ends_at is not None
        lateness.append(now() - planned.ends_at)

    async with anyio.create_task_group() as group:
        for url in files:
            group.start_soon(one, url)
    # None lost, none twice, and none that was over before its end.
    assert len(lateness) == len(files)
    assert min(lateness) > 0
    assert not service.ledger.duplicates()
    assert len(session.tokens) == 0
    return lateness


def run(
    files: int = FILES,
    *,
    faults: FaultPlan | None = None,
    prepare: Callable[[Session, Service], Awaitable[None]] | None = None,
    **settings: Any,
) -> Run:
    """Run so many tasks and return what was seen."""

    async def scenario(session: Session, service: Service) -> Run:
        if prepare is not None:
            await prepare(session, service)
        lateness = await transcribe_all(session, service, urls(files))
        statistics = session.statistics()
        assert (statistics.tasks_in_flight, statistics.tasks_suspected) == (0, 0)
        assert statistics.tasks_completed == files
        requests = service.ledger.requests
        assert statistics.requests["list"].sent == requests["list"]
        return Run(
            lateness=lateness,
            queries=requests["query"],
            pages=requests["list"],
            statistics=statistics,
            service=service,
        )

    found: Run = play(scenario, EmulatorSettings(**settings), faults=faults, recognizer=TIMES)
    return found


def rewriting(
    change: Callable[[dict[str, Any], Random], object],
) -> Callable[[Session, Service], Awaitable[None]]:
    """Make something that has each reply of the list changed on its way."""
    chance = Random(0)

    def rewrite(kind: Kind, body: bytes) -> bytes:
        if kind is not Kind.LIST:
            return body
        reply = json.loads(body)
        changed = change(reply, chance)
        return json.dumps(reply if changed is None else changed).encode()

    async def prepare(session: Session, _: Service) -> None:
        Rewriting(session, rewrite)

    return prepare


def each_row(change: Callable[[dict[str, Any], Random], object]) -> Callable[[Session, Service], Awaitable[None]]:
    """Do the same to each row of the list."""

    def change_all(reply: dict[str, Any], chance: Random) -> None:
        for row in reply["data"]:
            change(row, chance)

    return rewriting(change_all)


# --- a list as documented ---


@pytest.mark.parametrize("files", [60, 150])
def test_a_list_saves_most_of_the_queries(files: int) -> None:
    found = run(files)
    found.check(Bounds(mean=1.2, longest=4.0, requests=3.0))
    assert found.queries < 2 * files
    sweeps = found.statistics.sweeps
    assert found.pages >= sweeps.pages >= sweeps.sweeps > 20
    assert (sweeps.form, sweeps.lag, sweeps.rows_per_page) == ("by status", 0.0, 100)
    assert sweeps.trust > 0.9
    assert not found.service.ledger.throttled


def test_a_single_task_needs_no_list() -> None:
    found = run(1)
    found.check(Bounds(mean=3.0, longest=3.0, requests=30.0))
    assert found.pages == 0


def test_the_limits_of_lists_and_queries_may_be_one() -> None:
    found = run(150, share_task_limits=True)
    found.check(SWEPT)
    assert not found.service.ledger.throttled


@pytest.mark.parametrize("order", ["oldest", "shuffled"])
def test_the_order_of_the_rows_does_not_matter(order: str) -> None:
    run(list_order=order).check(SWEPT)


@pytest.mark.parametrize("scheduled_time", ["accepted", "running"])
def test_what_a_scheduled_time_means_does_not_matter(scheduled_time: str) -> None:
    run(scheduled_time=scheduled_time).check(SWEPT)


# --- refused ---


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_list_that_is_refused_is_asked_for_once(status: int) -> None:
    found = run(list_enabled=False, list_refusal=status)
    found.check(ALONE)
    assert found.pages == 1
    sweeps = found.statistics.sweeps
    assert (sweeps.sweeps, sweeps.pages, sweeps.form) == (0, 0, None)


def test_a_list_that_is_refused_is_tried_again_after_a_while() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with session.transcribe(urls(30), files_per_task=1) as batch:
            await anyio.sleep(OFF_FOR)
            assert service.ledger.requests["list"] == 1
            await anyio.sleep(OFF_FOR)
            # Not to the second, because a sweep has to be worth it, too.
            assert service.ledger.requests["list"] == 2
            assert session.statistics().sweeps.form is None
            service.settings = service.settings.replace(list_enabled=True)
            await anyio.sleep(OFF_FOR)
            assert service.ledger.requests["list"] > 3
            assert session.statistics().sweeps.form == "by status"
            assert session.statistics().sweeps.sweeps > 1
            async for result in batch:
                assert result.ok

    recognizer = ScriptedRecognizer(processing_seconds=lambda _, chance: chance.uniform(2000, 2400))
    play(scenario, EmulatorSettings(list_enabled=False), recognizer=recognizer)


def test_a_key_that_may_query_and_not_list() -> None:
    found = run(faults=FaultPlan().always("list", Fault.error(401, "InvalidApiKey")))
    found.check(ALONE)
    assert found.pages < 15


# --- cut short, out of order, late, unfiltered ---


@pytest.mark.parametrize("echo", ["asked", "used"])
def test_pages_shorter_than_asked_for(echo: str) -> None:
    found = run(list_page_size_cap=10, list_page_size_echo=echo)
    found.check(SWEPT)
    assert found.statistics.sweeps.rows_per_page == 10
    assert found.pages > found.statistics.sweeps.sweeps


@pytest.mark.parametrize("cap", [10, 30])
def test_short_pages_in_an_order_of_their_own_each(cap: int) -> None:
    # Rows are met twice and not at all, so that a list like this shows next to nothing.
    run(list_order="shuffled", list_page_size_cap=cap).check(ALONE)


@pytest.mark.parametrize("lag", [1.0, 5.0, 30.0])
def test_a_list_that_lags_behind(lag: float) -> None:
    found = run(list_lag=lag)
    found.check(DOUBTFUL)
    assert 0.5 <= found.statistics.sweeps.lag <= lag + 1


@pytest.mark.parametrize(
    "ignored",
    [
        ["status"],
        ["start_time"],
        ["end_time"],
        ["model_name"],
        ["status", "start_time"],
        ["start_time", "end_time", "model_name"],
        ["task_id", "status", "start_time", "end_time", "model_name"],
    ],
    ids="+".join,
)
def test_filters_that_are_ignored(ignored: list[str]) -> None:
    found = run(list_ignored_filters=frozenset(ignored))
    found.check(SWEPT)
    assert found.statistics.sweeps.form == ("by status" if "status" not in ignored else "since the oldest task")


@pytest.mark.parametrize("offset", [0.0, 14.0])
@pytest.mark.parametrize("ignored", [[], ["status"]], ids=["all filters", "no status"])
def test_times_that_are_read_in_another_zone(offset: float, ignored: list[str]) -> None:
    found = run(list_utc_offset_hours=offset, list_ignored_filters=frozenset(ignored))
    # West of the service's own zone, a time after which tasks are asked for lies in the future, and none are shown.
    found.check(ALONE if ignored and offset < 8 else SWEPT)


def test_everything_at_once() -> None:
    run(
        list_page_size_cap=30,
        list_page_size_echo="asked",
        list_order="shuffled",
        list_lag=3.0,
        list_ignored_filters=frozenset(["status", "start_time"]),
        list_utc_offset_hours=0.0,
        share_task_limits=True,
        scheduled_time="running",
        utc_offset_hours=0.0,
    ).check(ALONE)


# --- with faults ---


@pytest.mark.parametrize(
    "fault",
    [
        Fault.error(502, html=True),
        Fault.error(503, handled=True),
        Fault.drop_after(),
        Fault.truncated(),
        Fault.html_page(),
        Fault.delayed(100),
    ],
    ids=["502", "503", "dropped", "truncated", "html", "no reply"],
)
def test_pages_that_fail(fault: Fault) -> None:
    always = run(faults=FaultPlan().always("list", fault))
    always.check(ALONE)
    # The longer it goes on, the less often it is tried.
    assert always.pages <= 12
    assert always.statistics.sweeps.sweeps == 0
    half = run(faults=FaultPlan().sometimes("list", fault, 0.5))
    half.check(ALONE)
    assert half.statistics.sweeps.form is not None


@pytest.mark.parametrize("code", ["Throttling.RateQuota", "Throttling.AllocationQuota"])
def test_pages_that_are_throttled(code: str) -> None:
    always = run(faults=FaultPlan().always("list", Fault.throttled(code)))
    always.check(ALONE)
    assert always.pages <= 0.6 * FILES
    half = run(faults=FaultPlan().sometimes("list", Fault.throttled(code), 0.5))
    half.check(ALONE)
    assert half.statistics.sweeps.sweeps > 0


def test_a_burst_of_throttled_pages_is_got_over() -> None:
    found = run(150, faults=FaultPlan().between("list", Fault.throttled(), EPOCH + 5, EPOCH + 20))
    # For fifteen seconds there is no list, and it takes a while to notice that it is back.
    found.check(Bounds(mean=5.0, longest=35.0, requests=6.0))
    assert found.statistics.requests["list"].throttled == found.service.ledger.throttled["list"] > 2
    assert found.statistics.sweeps.sweeps > 10


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
