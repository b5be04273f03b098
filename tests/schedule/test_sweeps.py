from __future__ import annotations

from math import ceil
from random import Random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from schedule.world import page_of

from aiofunasr.schedule.crowd import Crowd
from aiofunasr.schedule.sweeping import Sweeping
from aiofunasr.schedule.sweeps import (
    DOUBTED,
    JITTER,
    MARGIN,
    OFF_FOR,
    PAGE_SIZE,
    REJECTED,
    SHORT_GAP,
    SHORTEST_GAP,
    CompleteSweep,
    Form,
    Page,
    Sweeper,
)
from aiofunasr.schedule.watched import Watched
from aiofunasr.snapshots import TaskPage


def rows(count: int, status: str = "RUNNING", *, total: int | None = None, first: int = 0) -> TaskPage:
    """Return a page of strangers' tasks."""
    return page_of(*((f"stranger-{first + number}", status) for number in range(count)), total=total)


def sweeping(*expected: str, full: bool = False, form: Form = Form.BY_STATUS, oldest: float = 0.0) -> Sweeper:
    sweeper = Sweeper(Random(1))
    sweeper.form = form
    sweeper.begin(10.0, set(expected), full=full, oldest=oldest, pages=9)
    return sweeper


def cost(sweeper: Sweeper, now: float, *, running: int = 0, pending: int = 0, full: bool = False) -> int:
    return sweeper.cost(now, running=running, pending=pending, full=full)


def read_all(sweeper: Sweeper, total: int, page_size: int) -> tuple[list[int], CompleteSweep | None]:
    """Answer page after page from a list of so many rows, and return the pages' numbers and the sweep."""
    numbers, complete = [], None
    while sweeper.has_page:
        page = sweeper.next_page()
        numbers.append(page.number)
        first = min((page.number - 1) * page_size, total)
        reply = rows(min(page_size, total - first), page.status or "RUNNING", total=total, first=first)
        complete = sweeper.read(page, reply, 0, 10.0)
    return numbers, complete


# --- which pages ---


@given(st.integers(0, 5000), st.sampled_from([1, 7, 20, 100]))
def test_a_sweep_reads_each_page_once(total: int, page_size: int) -> None:
    numbers, complete = read_all(sweeping(), total, page_size)
    assert numbers == list(range(1, max(ceil(total / page_size), 1) + 1))[: len(numbers)]
    # More pages than anybody has are not asked for.
    assert len(numbers) == max(ceil(total / page_size), 1) or len(numbers) >= 1000
    assert complete is not None


def test_without_a_total_a_sweep_ends_with_the_first_page_that_is_not_full() -> None:
    sweeper = sweeping("mine")
    for number in (1, 2):
        page = sweeper.next_page()
        assert page.number == number
        assert sweeper.read(page, rows(PAGE_SIZE), 0, 10.0) is None
    complete = sweeper.read(sweeper.next_page(), rows(PAGE_SIZE - 1), 0, 10.0)
    assert complete is not None
    assert complete.missing == {"mine"}


@pytest.mark.parametrize(("page_size", "pages"), [(10, None), (None, 3)])
def test_without_a_total_short_pages_are_no_end_where_the_reply_says_how_long_they_are(
    page_size: int | None, pages: int | None
) -> None:
    sweeper = sweeping("mine")
    numbers = []
    while sweeper.has_page:
        page = sweeper.next_page()
        numbers.append(page.number)
        count = 10 if page.number < 3 else 4
        complete = sweeper.read(
            page, evolve(rows(count, first=10 * page.number), page_size=page_size, total_page=pages), 0, 10.0
        )
    assert numbers == [1, 2, 3]
    assert complete is not None


def test_an_empty_page_is_the_last_whatever_the_total_says() -> None:
    sweeper = sweeping()
    assert sweeper.read(sweeper.next_page(), rows(0, total=10**9), 0, 10.0) is not None
    sweeper.begin(20.0, set(), full=False, oldest=0.0, pages=9)
    assert sweeper.read(sweeper.next_page(), rows(100, total=1000), 0, 20.0) is None
    assert sweeper.read(sweeper.next_page(), rows(0, total=1000), 0, 20.0) is not None
    assert not sweeper.is_sweeping


def test_tasks_that_come_in_meanwhile_add_a_page() -> None:
    sweeper = sweeping()
    sweeper.read(sweeper.next_page(), rows(100, total=200), 0, 10.0)
    assert sweeper.read(sweeper.next_page(), rows(100, total=201), 0, 10.0) is None
    assert sweeper.next_page().number == 3


def test_a_full_sweep_reads_the_pending_first() -> None:
    sweeper = sweeping(full=True)
    first = sweeper.next_page()
    assert (first.status, first.number) == ("PENDING", 1)
    assert not sweeper.has_page
    sweeper.read(first, rows(3, "PENDING", total=3), 0, 10.0)
    second = sweeper.next_page()
    assert (second.status, second.number) == ("RUNNING", 1)
    complete = sweeper.read(second, rows(3, total=3), 0, 10.0)
    assert complete is not None
    assert complete.full


@pytest.mark.parametrize(("form", "since"), [(Form.RECENT, 5000.0 - MARGIN), (Form.EVERYTHING, None)])
def test_other_forms_ask_for_no_status(form: Form, since: float | None) -> None:
    page = sweeping(form=form, oldest=5000.0).next_page()
    assert (page.status, page.since) == (None, since)


def test_a_throttled_page_is_asked_for_again() -> None:
    sweeper = sweeping()
    sweeper.read(sweeper.next_page(), rows(100, total=400), 0, 10.0)
    second, third = sweeper.next_page(), sweeper.next_page()
    sweeper.again(second, 10.0)
    assert sweeper.read(third, rows(100, total=400), 0, 10.0) is None
    assert sweeper.next_page() == second
    assert sweeper.next_page().number == 4


def test_a_list_that_is_throttled_again_and_again_is_left_for_a_while() -> None:
    sweeper = sweeping()
    for _ in range(20):
        if not sweeper.is_sweeping:
            break
        sweeper.again(sweeper.next_page(), 10.0)
    assert not sweeper.is_sweeping
    assert sweeper.may_begin_at >= 11.0


def test_a_reply_of_an_older_sweep_changes_nothing() -> None:
    sweeper = sweeping("mine")
    old = sweeper.next_page()
    sweeper.abandon()
    sweeper.begin(20.0, {"mine"}, full=False, oldest=0.0, pages=9)
    sweeper.meet(old, "mine")
    assert sweeper.read(old, rows(1, total=500), 0, 20.0) is None
    sweeper.again(old, 20.0)
    page = sweeper.next_page()
    assert page.sweep != old.sweep
    complete = sweeper.read(page, rows(1, total=1), 0, 20.0)
    assert complete is not None
    assert complete.missing == {"mine"}


# --- what it costs ---


def test_the_cost_is_in_pages_of_what_the_service_puts_on_one() -> None:
    sweeper = sweeping()
    assert cost(sweeper, 10.0, running=250, pending=150) == 3
    assert cost(sweeper, 10.0, running=250, pending=150, full=True) == 5
    read_all(sweeper, 250, 20)
    assert cost(sweeper, 10.0, running=250) == ceil((250 + 250) / 20)


def test_a_short_page_is_not_believed_for_ever() -> None:
    sweeper = sweeping()
    # Two of three, because one of them ended between the counting and the reading.
    while sweeper.has_page:
        sweeper.read(sweeper.next_page(), rows(2, total=3), 3, 10.0)
    sweeper.begin(20.0, set(), full=False, oldest=0.0, pages=9)
    sweeper.read(sweeper.next_page(), rows(80, total=80), 80, 20.0)
    assert not sweeper.has_page
    assert cost(sweeper, 20.0, running=80) == 1


def test_strangers_count_and_are_forgotten_by_and_by() -> None:
    sweeper = sweeping()
    read_all(sweeper, 10_000, 100)
    pages = [cost(sweeper, 10.0 + seconds, running=50) for seconds in (0.0, 60.0, 120.0, 3600.0)]
    assert pages == sorted(pages, reverse=True)
    assert pages[0] > 100
    assert 10 < pages[2] < 40
    assert pages[3] == 1


# --- how often ---


@pytest.mark.parametrize(
    ("form", "pages", "gap"),
    [
        (Form.BY_STATUS, 2, SHORT_GAP),
        (Form.BY_STATUS, 3, SHORTEST_GAP),
        (Form.EVERYTHING, 1, SHORT_GAP),
        (Form.EVERYTHING, 2, SHORTEST_GAP),
    ],
)
def test_two_sweeps_are_some_time_apart(form: Form, pages: int, gap: float) -> None:
    for seed in range(20):
        sweeper = Sweeper(Random(seed))
        sweeper.form = form
        sweeper.begin(10.0, set(), full=False, oldest=0.0, pages=pages)
        assert 10.0 + gap * (1 - JITTER) <= sweeper.may_begin_at <= 10.0 + gap * (1 + JITTER)


def test_few_tasks_are_swept_a_little_more_often_than_many() -> None:
    gaps = []
    for count in (20, 500):
        sweeper = Sweeper(Random(1))
        sweeping = Sweeping(Crowd(), sweeper)
        for number in range(count):
            sweeping._crowd.add(Watched(str(number), 0.0, None, 0.0), 0.0)
        sweeping.begin(10.0, full=False)
        gaps.append(sweeper.may_begin_at - 10.0)
    assert gaps[0] < gaps[1]


def test_a_list_that_is_not_there_is_tried_ever_more_rarely() -> None:
    sweeper, now, waits = Sweeper(Random(1)), 10.0, []
    for _ in range(12):
        sweeper.begin(now, set(), full=False, oldest=0.0, pages=9)
        sweeper.next_page()
        sweeper.failed(now, refused=False)
        assert not sweeper.is_sweeping
        waits.append(sweeper.may_begin_at - now)
        now = sweeper.may_begin_at
    assert waits == sorted(waits)
    assert 1.0 <= waits[0] < 5.0
    assert 30.0 <= waits[-1] <= 60.0
    sweeper.begin(now, set(), full=False, oldest=0.0, pages=9)
    sweeper.read(sweeper.next_page(), rows(0, total=0), 0, now)
    sweeper.failed(now, refused=False)
    assert sweeper.may_begin_at - now == waits[0]


def test_a_list_that_is_refused_is_left_alone_for_long() -> None:
    sweeper = sweeping()
    sweeper.failed(10.0, refused=True)
    assert sweeper.may_begin_at == 10.0 + OFF_FOR
    assert sweeper.statistics(10.0 + OFF_FOR - 1.0).form is None
    assert sweeper.statistics(10.0 + OFF_FOR).form == Form.BY_STATUS.value


# --- what to believe ---


def test_a_list_that_is_wrong_half_of_the_time_has_to_be_wrong_twice() -> None:
    sweeper = Sweeper(Random(1))
    assert sweeper.absences_needed == 1
    while sweeper.trust >= DOUBTED:
        sweeper.confirmed(done=False, now=10.0)
    assert sweeper.absences_needed == 2
    assert sweeper.form is Form.BY_STATUS
    for _ in range(20):
        sweeper.confirmed(done=True, now=10.0)
    assert sweeper.absences_needed == 1


def test_a_list_that_is_nearly_always_wrong_is_read_in_another_way_and_then_left_alone() -> None:
    sweeper, forms = Sweeper(Random(1)), []
    for form in Form:
        assert sweeper.form is form
        count = 0
        while sweeper.form is form and sweeper.may_begin_at < 10.0 + OFF_FOR and count < 100:
            sweeper.confirmed(done=False, now=10.0)
            count += 1
        forms.append(form)
    assert forms == list(Form)
    assert sweeper.may_begin_at == 10.0 + OFF_FOR
    # What is tried after that is tried without prejudice.
    assert sweeper.form is Form.BY_STATUS
    assert sweeper.trust > DOUBTED > REJECTED


def test_a_filter_that_is_ignored_is_noticed_with_the_first_page() -> None:
    sweeper = sweeping("mine", full=False)
    assert sweeper.read(sweeper.next_page(), rows(100, "SUCCEEDED", total=5000), 0, 10.0) is None
    assert not sweeper.is_sweeping
    assert sweeper.form is Form.RECENT


def test_one_odd_row_alone_is_no_filter_that_is_ignored() -> None:
    sweeper = sweeping("mine")
    assert sweeper.read(sweeper.next_page(), rows(1, "SUCCEEDED", total=1), 0, 10.0) is not None
    assert sweeper.statistics(10.0).form == Form.BY_STATUS.value
    # But one in each sweep is.
    for _ in range(2):
        sweeper.begin(20.0, {"mine"}, full=False, oldest=0.0, pages=9)
        sweeper.read(sweeper.next_page(), rows(1, "SUCCEEDED", total=1), 0, 20.0)
    assert sweeper.form is Form.RECENT


def test_the_lag_is_the_largest_of_late() -> None:
    random, sweeper = Random(1), Sweeper(Random(1))
    for _ in range(100):
        sweeper.lags(random.uniform(-3.0, 5.0))
    assert 4.0 < sweeper.lag <= 5.0
    for _ in range(2000):
        sweeper.lags(-1.0)
    assert sweeper.lag == 0.0


@given(st.lists(st.tuples(st.integers(0, 120), st.none() | st.integers(-5, 10**9), st.booleans()), max_size=60))
def test_no_reply_makes_a_sweep_that_never_ends(replies: list[tuple[int, int | None, bool]]) -> None:
    sweeper = sweeping("mine", full=True)
    on_the_way: list[Page] = []
    for count, total, failed in replies:
        if sweeper.has_page:
            on_the_way.append(sweeper.next_page())
        if on_the_way:
            page = on_the_way.pop(0)
            if failed:
                sweeper.again(page, 10.0)
            else:
                sweeper.read(page, rows(count, page.status or "RUNNING", total=total), 0, 10.0)
        assert cost(sweeper, 10.0, running=100, pending=100) >= 1
    for _ in range(10_000):
        if not sweeper.has_page:
            break
        sweeper.read(sweeper.next_page(), rows(0), 0, 10.0)
    assert not sweeper.has_page
