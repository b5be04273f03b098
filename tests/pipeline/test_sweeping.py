"""The task list as a help that may be refused, slow, cut short, out of order or wrong: results come all the same.

Every run is of sixty tasks or more in virtual time. Whatever the list does, each task's result comes once, after the
task has ended, within bounds for how late that is and for how much is asked of the service.
"""

from __future__ import annotations

import anyio
import pytest
from sweeping import ALONE, DOUBTFUL, FILES, SWEPT, Bounds, run

from aiofunasr import Session
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, ScriptedRecognizer, Service
from aiofunasr.schedule.sweeps import OFF_FOR
from aiofunasr.testing.local import EPOCH
from support import play, urls

pytestmark = pytest.mark.usefixtures("no_errors_logged")


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
