"""Lists that are wrong in all the ways a list may be, and a schedule that makes the best of each."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schedule.world import Failure, Life, Listing, Order, Play, lives

from aiofunasr.schedule.crowd import LONGEST
from aiofunasr.schedule.sweeps import OFF_FOR, Form

COUNT = 150
SLOW = 1000.0


@pytest.fixture(scope="module")
def ours() -> dict[str, Life]:
    return lives(COUNT)


@pytest.fixture(scope="module")
def one_by_one(ours: dict[str, Life]) -> Play:
    """How it goes without any list."""
    return found(Play(ours), latest=2 * LONGEST)


@pytest.fixture(scope="module")
def swept(ours: dict[str, Life]) -> Play:
    """How it goes with a list that is right."""
    return found(Play(ours, Listing(ours)), latest=10.0)


def found(play: Play, *, latest: float) -> Play:
    """Play to the end, and see that all tasks were found done, none of them later than that."""
    play.run(2000.0)
    assert play.delays.keys() == play.ours.keys()
    assert len(play.schedule) == 0
    assert min(play.delays.values()) > 0.0
    assert max(play.delays.values()) <= latest
    assert play.requests <= play.now * play.queries.ceiling + 2
    assert play.idle <= 100
    return play


def test_a_list_that_is_right_makes_it_sooner_and_cheaper(swept: Play, one_by_one: Play) -> None:
    assert swept.mean_delay < one_by_one.mean_delay / 2
    assert swept.requests < one_by_one.requests * 0.75
    # Hardly anybody is asked about for nothing.
    assert sum(swept.asks.values()) < 2 * COUNT
    assert swept.statistics.form == Form.BY_STATUS.value
    assert swept.statistics.trust > 0.9
    assert swept.statistics.lag == 0.0


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("page_size", [10, 20, 50])
def test_short_pages_are_taken_as_they_come(
    ours: dict[str, Life], one_by_one: Play, page_size: int, order: Order
) -> None:
    play = found(Play(ours, Listing(ours, page_size=page_size, order=order)), latest=40.0)
    assert play.statistics.rows_per_page == page_size
    assert play.statistics.form == Form.BY_STATUS.value
    assert play.mean_delay < one_by_one.mean_delay
    assert play.requests < one_by_one.requests * 1.2


def test_a_total_that_is_missing_changes_nothing_while_pages_are_full(ours: dict[str, Life], swept: Play) -> None:
    play = found(Play(ours, Listing(ours, tells_total=False)), latest=10.0)
    assert play.requests < swept.requests * 1.3
    assert play.statistics.form == Form.BY_STATUS.value


def test_without_a_total_and_with_short_pages_it_is_no_worse_than_one_by_one(
    ours: dict[str, Life], one_by_one: Play
) -> None:
    play = found(Play(ours, Listing(ours, tells_total=False, page_size=20)), latest=2 * LONGEST)
    assert play.mean_delay < one_by_one.mean_delay * 2.0 + 1.0
    assert play.requests < one_by_one.requests * 1.5


@pytest.mark.parametrize("page_size", [20, 100])
def test_a_list_without_order_is_read_to_its_end(ours: dict[str, Life], one_by_one: Play, page_size: int) -> None:
    """With several pages, a row is missed or met twice by chance, so that absences are doubted."""
    play = found(Play(ours, Listing(ours, order="chance", page_size=page_size)), latest=LONGEST)
    assert play.mean_delay < one_by_one.mean_delay
    assert play.requests < one_by_one.requests * 1.2


def test_a_list_that_lags_is_read_as_the_past() -> None:
    """It shows what was five seconds ago: the lag is found out, and what began meanwhile is asked about directly."""
    ours = lives(COUNT, over=60.0, run=60.0)
    play = found(Play(ours, Listing(ours, lag=5.0)), latest=LONGEST)
    assert play.statistics.lag == pytest.approx(5.0, abs=2.0)
    assert play.statistics.form == Form.BY_STATUS.value
    assert play.statistics.trust > 0.5
    assert play.mean_delay < 7.0
    assert play.requests < found(Play(ours), latest=2 * LONGEST).requests * 1.2


def test_a_list_that_shows_nothing_new_any_more_is_found_out(ours: dict[str, Life]) -> None:
    """Who has ended stands in it as RUNNING for ever; when they have ended is told with the answers."""
    for stuck_at in (10.0, 25.0, 60.0):
        play = found(Play(ours, Listing(ours, stuck_at=stuck_at)), latest=3 * LONGEST)
        assert play.mean_delay < LONGEST


def test_a_list_that_shows_nothing_new_is_found_out_without_being_told_when_tasks_ended(ours: dict[str, Life]) -> None:
    play = Play(ours, Listing(ours, stuck_at=25.0), tells_ends=False)
    found(play, latest=10 * LONGEST)


def test_a_list_of_long_ago_is_no_worse_than_one_by_one(ours: dict[str, Life], one_by_one: Play) -> None:
    play = found(Play(ours, Listing(ours, lag=60.0)), latest=2 * LONGEST)
    assert play.mean_delay < one_by_one.mean_delay * 2.0 + 1.0
    assert play.requests < one_by_one.requests * 1.5


@pytest.mark.parametrize("strangers", [{}, {"SUCCEEDED": 500}])
def test_a_filter_that_is_ignored_is_done_without(
    ours: dict[str, Life], one_by_one: Play, strangers: Mapping[str, int]
) -> None:
    play = found(Play(ours, Listing(ours, strangers, filters=False)), latest=LONGEST)
    assert play.statistics.form == Form.RECENT.value
    assert play.mean_delay < one_by_one.mean_delay
    assert play.requests < one_by_one.requests * 1.5
    assert {page.status for _, page in play.pages[3:]} == {None}


@pytest.mark.parametrize("page_size", [20, 100])
def test_a_list_that_ignores_the_page_number_is_no_worse_than_one_by_one(one_by_one: Play, page_size: int) -> None:
    ours = lives(3 * COUNT)
    alone = found(Play(ours), latest=2 * LONGEST)
    play = found(Play(ours, Listing(ours, page_size=page_size, numbers=False)), latest=2 * LONGEST)
    assert play.mean_delay < alone.mean_delay * 2.0 + 1.0
    assert play.requests < alone.requests * 1.5


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("status", ["RUNNING", "PENDING", "FAILED"])
def test_ten_thousand_strangers_do_no_harm(ours: dict[str, Life], one_by_one: Play, status: str, order: Order) -> None:
    listing = Listing(ours, {status: 10_000}, order=order)
    play = found(Play(ours, listing), latest=LONGEST)
    assert play.mean_delay < one_by_one.mean_delay * 2.0 + 1.0
    assert play.requests < one_by_one.requests * 2.0
    if status != "RUNNING":
        # Nobody reads a page more than needed of what is of no interest.
        assert play.mean_delay < one_by_one.mean_delay / 2


def test_a_list_that_shows_none_of_ours_is_hardly_read_any_more() -> None:
    play = found(blind().run(SLOW + 10.0), latest=2 * LONGEST)
    assert len(play.pages) < SLOW / 4
    first = play.pages[0][0]
    assert len([time for time, _ in play.pages if OFF_FOR / 2 < time < first + OFF_FOR]) < 10
    # Everybody is still asked about at least once a minute.
    assert min(play.asks.values()) >= SLOW / LONGEST - 1


def test_a_list_that_shows_none_of_ours_is_read_in_every_way_and_then_left_alone() -> None:
    play = blind().run(SLOW / 2)
    tried = [form for form in Form if any(_form_of(page.status, page.since) is form for _, page in play.pages)]
    assert tried == list(Form)
    assert play.statistics.form is None


def blind() -> Play:
    ours = {f"task-{number}": Life(0.01 * number, 1.0, SLOW) for number in range(60)}
    return Play(ours, Listing(ours, {"RUNNING": 50}, hides=lambda name: name.startswith("task")))


def _form_of(status: str | None, since: float | None) -> Form:
    if status is not None:
        return Form.BY_STATUS
    return Form.EVERYTHING if since is None else Form.RECENT


def test_a_list_that_hides_some_of_ours_costs_little_for_them(ours: dict[str, Life], one_by_one: Play) -> None:
    play = found(Play(ours, Listing(ours, hides=lambda name: name.endswith("3"))), latest=LONGEST)
    assert play.mean_delay < one_by_one.mean_delay
    assert play.requests < one_by_one.requests * 1.5


@pytest.mark.parametrize(("failure", "pages"), [("refused", 1), ("gone", 12)])
def test_a_list_that_is_not_to_be_had_is_done_without(
    ours: dict[str, Life], one_by_one: Play, failure: Failure, pages: int
) -> None:
    play = found(Play(ours, Listing(ours, fails=lambda _: failure)), latest=2 * LONGEST)
    assert len(play.pages) <= pages
    assert play.requests < one_by_one.requests * 1.2
    assert play.mean_delay < one_by_one.mean_delay * 2.0 + 1.0


def test_a_list_that_is_throttled_keeps_nobody_waiting(ours: dict[str, Life], one_by_one: Play) -> None:
    play = found(Play(ours, Listing(ours, fails=lambda _: "throttled")), latest=2 * LONGEST)
    assert play.mean_delay < one_by_one.mean_delay * 2.0 + 1.0
    assert len(play.pages) < play.now


def test_a_list_that_comes_back_is_used_again(ours: dict[str, Life], one_by_one: Play) -> None:
    play = found(Play(ours, Listing(ours, fails=lambda now: "gone" if now < 15.0 else None)), latest=LONGEST)
    assert play.statistics.sweeps > 10
    assert play.mean_delay < one_by_one.mean_delay


@given(
    st.builds(
        Listing,
        st.just(lives(40, over=5.0, run=10.0)),
        strangers=st.dictionaries(st.sampled_from(["PENDING", "RUNNING", "ODD"]), st.integers(0, 300), max_size=2),
        page_size=st.sampled_from([1, 7, 30, 100]),
        tells_total=st.booleans(),
        order=st.sampled_from(["newest", "oldest", "chance"]),
        lag=st.sampled_from([0.0, 1.0, 8.0, 100.0]),
        filters=st.booleans(),
        numbers=st.booleans(),
        hides=st.sampled_from([lambda _: False, lambda _: True, lambda name: name.endswith("1")]),
        fails=st.sampled_from(
            [
                lambda _: None,
                lambda now: ("gone", "throttled", None)[int(now) % 3],
                lambda now: "refused" if now > 15.0 else None,
            ]
        ),
    )
)
@settings(max_examples=30)
def test_whatever_is_wrong_with_it_everybody_is_found(listing: Listing) -> None:
    found(Play(listing.lives, listing), latest=2 * LONGEST)
