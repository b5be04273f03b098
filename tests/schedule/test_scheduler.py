from __future__ import annotations

from itertools import groupby, pairwise
from random import Random

import pytest
from schedule.world import Life, Listing, Play, lives, page_of

from aiofunasr.schedule.crowd import LONGEST
from aiofunasr.schedule.scheduler import AUDIT, CHEAPEST, PAGES_IN_A_ROW, Ask, Scheduler
from aiofunasr.schedule.sweeps import OFF_FOR, Page

NEVER = float("inf")
RATE = 18.0


def waiting_for(*names: str) -> Scheduler:
    schedule = Scheduler(Random(1))
    for name in names:
        schedule.add(name, 0.0)
    return schedule


def asked(schedule: Scheduler, now: float) -> str:
    action = schedule.next(now, RATE, NEVER)
    assert isinstance(action, Ask)
    return action.task_id


def first_page(schedule: Scheduler, now: float) -> Page:
    """Return the first page of a sweep, after what is asked before; nothing of that is done."""
    while not isinstance(action := schedule.next(now, RATE, now), Page):
        assert action is not None
        schedule.alive(action.task_id, now, running=True)
    return action


def long_lives(count: int, seconds: float = 1e6) -> dict[str, Life]:
    """Return tasks that begin at once and go on and on."""
    return {f"task-{number}": Life(number * 0.01, number * 0.01 + 0.5, seconds) for number in range(count)}


# --- what comes first ---


def test_hints_come_first_and_in_their_order() -> None:
    schedule = waiting_for(*"abcdef")
    assert schedule.next(0.01, RATE, NEVER) is None
    for name in "ecf":
        schedule.hint(name)
    assert schedule.next_at(0.01, NEVER) == 0.01
    assert schedule.suspects == 3
    assert [asked(schedule, 0.01) for _ in range(3)] == ["e", "c", "f"]
    assert schedule.next(0.01, RATE, NEVER) is None


def test_a_hint_comes_before_all_that_is_due() -> None:
    schedule = waiting_for(*"abcdef")
    schedule.hint("d")
    assert asked(schedule, 50.0) == "d"
    assert {asked(schedule, 50.0) for _ in range(5)} == set("abcef")


def test_saying_it_twice_asks_once() -> None:
    schedule = waiting_for(*"ab")
    for name in "abba":
        schedule.hint(name)
    assert [asked(schedule, 0.01) for _ in range(2)] == ["a", "b"]
    assert schedule.next(0.01, RATE, NEVER) is None


def test_a_suspect_that_was_throttled_keeps_its_turn() -> None:
    schedule = waiting_for(*"abcd")
    for name in "cab":
        schedule.hint(name)
    assert asked(schedule, 0.01) == "c"
    assert schedule.failed("c", 0.02, throttled=True) == 0
    assert [asked(schedule, 0.03) for _ in range(3)] == ["c", "a", "b"]


def test_a_throttled_question_is_asked_again_without_a_pause() -> None:
    schedule = waiting_for(*"ab")
    first = asked(schedule, 50.0)
    assert schedule.failed(first, 50.1, throttled=True) == 0
    assert schedule.next_at(50.1, NEVER) == 50.1
    assert {asked(schedule, 50.1), asked(schedule, 50.1)} == {"a", "b"}


def test_a_hint_during_a_question_is_asked_again_after_the_answer() -> None:
    schedule = waiting_for("a")
    assert asked(schedule, 50.0) == "a"
    schedule.hint("a")
    assert schedule.next(50.05, RATE, NEVER) is None
    schedule.alive("a", 50.1, running=True)
    assert asked(schedule, 50.1) == "a"
    schedule.alive("a", 50.2, running=True)
    assert schedule.next(50.2, RATE, NEVER) is None


def test_a_hint_during_a_confirming_question_is_asked_again_after_the_answer() -> None:
    schedule = waiting_for("a")
    schedule.hint("a")
    assert asked(schedule, 0.1) == "a"
    schedule.hint("a")
    schedule.alive("a", 0.2, running=True)
    assert schedule.next(0.2, RATE, NEVER) == Ask("a")


def test_a_task_that_is_removed_is_forgotten_wherever_it_stood() -> None:
    schedule = waiting_for(*"abc")
    schedule.hint("a")
    schedule.remove("a")
    schedule.remove("b")
    schedule.hint("b")
    assert len(schedule) == 1
    assert asked(schedule, 50.0) == "c"
    schedule.done("c", 50.1)
    assert len(schedule) == 0
    assert schedule.next(60.0, RATE, 60.0) is None
    assert schedule.next_at(60.0, 60.0) is None


def test_a_late_refusal_hands_nothing_out_twice() -> None:
    schedule = waiting_for("a")
    schedule.hint("a")
    assert asked(schedule, 0.1) == "a"
    schedule.remove("a")
    schedule.add("a", 0.2)
    schedule.hint("a")
    schedule.failed("a", 0.3, throttled=True)
    assert asked(schedule, 0.3) == "a"
    assert schedule.next(0.3, RATE, NEVER) is None


# --- one by one, or by the list ---


def test_one_task_alone_is_asked_about_and_never_swept() -> None:
    ours = {"task-0": Life(0.0, 20.0, 400.0)}
    play = Play(ours, Listing(ours)).run(500.0)
    assert play.pages == []
    assert play.delays.keys() == {"task-0"}
    assert play.requests < 400


def test_many_running_tasks_are_swept() -> None:
    ours = long_lives(300)
    play = Play(ours, Listing(ours)).run(120.0)
    assert play.statistics.sweeps > 10
    # Each page is worth a hundred questions.
    assert play.requests - len(play.pages) < 2 * len(ours)
    assert len([time for time, _ in play.actions if time > 60.0]) < 60 * RATE / 2
    assert {page.status for _, page in play.pages} <= {"RUNNING", "PENDING"}


def test_the_oldest_task_is_asked_about_now_and_then_although_the_list_shows_it() -> None:
    ours = long_lives(200)
    play = Play(ours, Listing(ours)).run(300.0)
    late = [(time, action.task_id) for time, action in play.actions if isinstance(action, Ask) and time > 100.0]
    times = [100.0, *(time for time, name in late if name == "task-0"), 300.0]
    assert max(later - earlier for earlier, later in pairwise(times)) <= AUDIT + 2.0
    assert len(late) <= 3 * 200.0 / AUDIT


def test_many_running_tasks_are_asked_about_where_the_list_is_refused_and_it_is_tried_again() -> None:
    ours = long_lives(40)
    play = Play(ours, Listing(ours, fails=lambda now: "refused" if now < OFF_FOR else None))
    play.run(OFF_FOR - 1.0)
    assert len(play.pages) == 1
    assert play.statistics.form is None
    assert len(play.asks) == len(ours)
    assert min(play.asks.values()) >= (OFF_FOR - 1.0) / LONGEST - 1
    play.run(OFF_FOR + 30.0)
    assert play.statistics.sweeps > 2
    first = play.pages[0][0]
    assert min(time for time, _ in play.pages[1:]) == pytest.approx(first + OFF_FOR, abs=10.0)


def test_single_tasks_have_their_turn_while_a_very_long_list_is_read() -> None:
    schedule = waiting_for(*(f"task-{number}" for number in range(60)))
    for number in range(60):
        schedule.hint(f"task-{number}")
        schedule.alive(asked(schedule, 5.0), 5.0, running=True)
    page = first_page(schedule, 10.0)
    rows = [(f"stranger-{number}", "RUNNING") for number in range(100)]
    schedule.listed(page, page_of(*rows, total=10_000), 10.0, 10.1)
    rounds = 12
    actions = [schedule.next(40.0, RATE, 40.0) for _ in range(rounds * (PAGES_IN_A_ROW + 1))]
    kinds = [(type(action), len(list(group))) for action, group in groupby(actions, key=type)]
    assert all(length <= PAGES_IN_A_ROW for _, length in kinds)
    asks = [action.task_id for action in actions if isinstance(action, Ask)]
    assert len(asks) == len(set(asks)) == rounds


def test_pages_and_questions_share_a_budget_and_both_get_on() -> None:
    """Play 10,000 strangers in the way, which take more pages than the limit allows in five seconds."""
    ours = lives(100)
    play = Play(ours, Listing(ours, {"RUNNING": 10_000}, order="oldest")).run(200.0)
    assert len(play.delays) == len(ours)
    for begin in range(10, 50, 10):
        some = [action for time, action in play.actions if begin <= time < begin + 10]
        assert len(some) <= 10 * play.queries.ceiling + 2
        assert sum(isinstance(action, Ask) for action in some) >= 5
    assert play.statistics.sweeps > 0
    assert len(play.pages) > 100


# --- the price ---


def test_a_look_is_dearer_the_more_of_the_limit_is_used() -> None:
    schedule = waiting_for(*(f"task-{number}" for number in range(100)))
    assert schedule.price(100.0) == CHEAPEST
    prices = []
    for _ in range(100):
        asked(schedule, 100.0)
        prices.append(schedule.price(100.0))
    assert prices == sorted(prices)
    assert prices[-1] > 3.0 * CHEAPEST
    assert schedule.price(300.0) == pytest.approx(CHEAPEST, rel=0.01)


def test_with_half_the_limit_a_look_takes_twice_as_much_of_it() -> None:
    rich, poor = (waiting_for(*(f"task-{number}" for number in range(20))) for _ in range(2))
    for _ in range(20):
        rich.next(100.0, 18.0, NEVER)
        poor.next(100.0, 9.0, NEVER)
    assert poor.price(100.0) - CHEAPEST > 2.0 * (rich.price(100.0) - CHEAPEST)


# --- what is told to people ---


def test_the_time_left_is_that_of_tasks_that_are_waited_for() -> None:
    schedule = waiting_for("a", "b", *(f"done-{number}" for number in range(20)))
    assert schedule.time_left("a", 5.0) is None
    for number in range(20):
        schedule.done(f"done-{number}", 41.0, began_at=10.0, ended_at=40.0)
    schedule.alive("a", 42.0, running=True, began_at=40.0)
    left = schedule.time_left("a", 45.0)
    assert left is not None
    assert left.low < 25.0 < left.high
    assert schedule.time_left("done-1", 45.0) is None
