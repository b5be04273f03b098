"""When the silence of the list is believed."""

from __future__ import annotations

import pytest

from aiofunasr.reconcile.coverage import Coverage
from aiofunasr.reconcile.intents import Intent

# It left at 100 and was given up at 110, so the service may act on it until 140.
LOST = Intent(id=1, model="fun-asr", digests=frozenset({"a"}), sent_at=100.0, ended_at=110.0)
SINCE = 40.0


def coverage(**witnesses: float) -> Coverage:
    """Return a coverage with a witness `early` at 50 and others where they are said to be."""
    made = Coverage()
    for name, sent_at in {"early": 50.0, **witnesses}.items():
        made.accepted(name, sent_at, sent_at + 1)
    return made


def go(made: Coverage, *passes: float, shows: str = "early", since: float = SINCE, model: str | None = None) -> bool:
    for begun_at in passes:
        made.passed(set(shows.split()), since, begun_at, model)
    return made.covers(LOST)


def test_two_passes_after_the_longest_lag_a_list_may_have_are_enough() -> None:
    made = coverage()
    assert not go(made, 200.0)
    assert go(made, 203.0)


@pytest.mark.parametrize("begun_at", [130.0, 141.0, 199.0])
def test_passes_before_that_are_not(begun_at: float) -> None:
    assert not go(coverage(), begun_at, begun_at, begun_at)


def test_a_witness_made_later_shortens_the_wait() -> None:
    assert go(coverage(later=141.0), 156.0, 160.0, shows="early later")


def test_but_rows_may_come_out_of_their_order() -> None:
    assert not go(coverage(later=141.0), 143.0, 154.0, shows="early later")


def test_a_witness_made_before_the_service_was_done_does_not() -> None:
    assert not go(coverage(later=139.0), 156.0, 160.0, shows="early later")


def test_nothing_is_covered_without_a_witness() -> None:
    made = Coverage()
    assert not go(made, 500.0, 600.0, 700.0, shows="")


def test_a_witness_that_is_not_shown_takes_back_what_the_list_says() -> None:
    assert not go(coverage(missing=105.0), 3000.0, 3003.0)


def test_a_witness_that_was_made_later_need_not_be_shown() -> None:
    # It lags by less than a second, so it counts for nothing.
    assert go(coverage(later=399.0), 400.5, 400.9)


def test_a_pass_that_begins_with_a_later_time_shows_nothing_of_it() -> None:
    made = coverage(other=105.0)
    assert not go(made, 300.0, 303.0, shows="other", since=101.0)


def test_twice_the_lag_that_was_seen_is_waited_even_with_a_later_witness() -> None:
    made = coverage(slow=60.0, later=141.0)
    go(made, 91.0)
    assert made.longest_lag == 30.0
    assert not go(made, 190.0, 199.0, shows="early slow later")
    assert go(made, 201.0, 204.0, shows="early slow later")


def test_four_times_without_one() -> None:
    made = coverage(slow=60.0)
    go(made, 91.0)
    assert not go(made, 250.0, 259.0, shows="early slow")
    assert go(made, 260.0, 263.0, shows="early slow")


def test_a_lag_is_forgotten_when_it_is_long_ago() -> None:
    made = coverage(slow=60.0)
    go(made, 91.0)
    go(made, 3700.0, shows="early slow")
    assert made.longest_lag == 0.0


def test_a_long_lag_is_remembered_longer_and_a_newer_shorter_one_after_it() -> None:
    made = coverage(slow=60.0, other=2000.0)
    go(made, 2061.0, shows="early other")
    go(made, 2101.0, shows="early slow")
    assert made.longest_lag == 2000.0
    go(made, 9000.0, shows="early slow other")
    assert made.longest_lag == 2000.0
    go(made, 10100.0, shows="early slow other")
    assert made.longest_lag == 0.0


def test_passes_of_before_it_was_sought_do_not_count() -> None:
    made = coverage()
    assert go(made, 300.0, 303.0)
    assert not made.covers(LOST, sought_since=301.0)


def test_what_is_under_way_is_not_covered() -> None:
    made = coverage()
    go(made, 300.0, 303.0)
    assert not made.covers(Intent(id=2, model="fun-asr", digests=frozenset(), sent_at=100.0, ended_at=None))


def test_a_list_of_one_model_need_not_show_the_tasks_of_another() -> None:
    made = coverage()
    made.accepted("paraformer", 105.0, 106.0, "paraformer-v2")
    made.accepted("fun", 104.0, 105.0, "fun-asr")
    assert go(made, 300.0, 303.0, shows="fun", model="fun-asr")
    assert made.longest_lag == 0.0
    assert not made.vouched({"paraformer"}, 101.0, 300.0, "fun-asr")


def test_when_a_clock_was_set_the_wait_begins_again() -> None:
    made = coverage()
    go(made, 200.0, 203.0)
    made.clock_was_set(210.0)
    assert not go(made, 211.0, 214.0)
    assert go(made, 270.0, 273.0)


def test_a_list_that_is_asked_in_another_way_is_not_believed_for_what_it_said() -> None:
    made = coverage()
    go(made, 200.0, 203.0)
    made.forget_passes()
    assert not made.covers(LOST)


def test_the_newest_witness_before_the_first_lost_submit_is_sought() -> None:
    made = Coverage()
    assert made.since(1000.0) == 940.0
    made.accepted("long ago", 10.0, 11.0)
    made.accepted("less long ago", 500.0, 501.0)
    assert made.since(1000.0) == 500.0


def test_what_no_submit_needs_is_dropped_and_the_last_witness_kept() -> None:
    made = Coverage()
    for second in range(0, 5000, 10):
        made.accepted(f"task-{second}", float(second), second + 1.0)
    made.forget(5000.0)
    assert len(made) < 80
    made.forget(90000.0)
    assert len(made) == 1
    assert "task-4990" in made


def test_of_very_many_the_newest_are_kept_and_those_of_a_submit_under_way() -> None:
    made = Coverage()
    for number in range(30_000):
        made.accepted(f"task-{number}", number / 1000, number / 1000 + 1.0)
    made.forget(15.0)
    assert len(made) == 30_000 - 15_001
    made.forget(60.0)
    assert len(made) == 10_000
    assert "task-29999" in made


def test_what_seems_to_be_of_the_future_does_not_keep_what_came_after_it() -> None:
    made = Coverage()
    made.accepted("before the clock was set back", 90000.0, 90001.0)
    made.accepted("old", 1000.0, 1001.0)
    made.accepted("less old", 1001.0, 1002.0)
    made.accepted("new", 4990.0, 4991.0)
    made.forget(5000.0)
    assert "old" not in made
    assert len(made) == 3


def test_a_submit_that_takes_long_keeps_the_tasks_of_its_time() -> None:
    made = coverage(same=1000.0, later=5000.0)
    made.forget(999.0)
    assert "same" in made


def test_a_search_that_takes_long_keeps_the_tasks_of_its_time_and_of_now() -> None:
    made = coverage(same=105.0, between=3000.0, now=9900.0)
    made.forget(10000.0, (100.0, 140.0))
    assert "early" in made
    assert "same" in made
    assert "now" in made
    assert "between" not in made


def test_the_limit_is_a_row_that_comes_later_than_any_witness_let_expect() -> None:
    """A row that lags by more than `lag` is missed, where no witness lagged: this is what the settings are for."""
    made = coverage(later=141.0)
    assert go(made, 156.0, 160.0, shows="early later")
    # The task of the lost submit, made at 139 and listed at 165, was not in either.
