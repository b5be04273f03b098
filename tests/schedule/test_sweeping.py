from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from schedule.world import page_of

from aiofunasr.schedule.asking import Asking
from aiofunasr.schedule.crowd import LONGEST
from aiofunasr.schedule.scheduler import Ask, Scheduler
from aiofunasr.schedule.sweeping import SETTLING
from aiofunasr.schedule.sweeps import DOUBTED, PAGE_SIZE, Form, Page
from aiofunasr.schedule.watched import Watched
from aiofunasr.snapshots import TERMINAL

NEVER = float("inf")
RATE = 18.0


def running(count: int, *, seen: float = 10.0, apart: float = 3.0) -> tuple[Scheduler, list[str]]:
    """Return a schedule that has just seen all its tasks RUNNING, and their names, the oldest first.

    They were submitted one after the other, and the last of them half a minute ago.
    """
    schedule = Scheduler(Random(1))
    names = [f"task-{number}" for number in range(count)]
    for number, name in enumerate(names):
        schedule.add(name, seen, age=30.0 + apart * (count - number))
        schedule.hint(name)
    for name in names:
        assert schedule.next(seen, RATE, NEVER) == Ask(name)
        schedule.alive(name, seen, running=True)
    return schedule, names


def next_page(schedule: Scheduler, now: float) -> Page:
    """Return the next page to be read; those asked about before are alive."""
    for _ in range(1000):
        action = schedule.next(now, RATE, now)
        if isinstance(action, Page):
            return action
        if action is None:
            now += 0.1
        else:
            schedule.alive(action.task_id, now, running=True)
    raise AssertionError("no page is ever read")


def sweep(schedule: Scheduler, now: float, names: list[str], status: str = "RUNNING") -> Page:
    """Answer one sweep of a single page, and return that."""
    page = next_page(schedule, now)
    schedule.listed(page, page_of(*((name, page.status or status) for name in names), total=len(names)), now, now)
    return page


def suspects(schedule: Scheduler, now: float) -> list[str]:
    """Return those that are asked about before anything else, and leave the questions open."""
    found = []
    while schedule.suspects and isinstance(action := schedule.next(now, RATE, NEVER), Ask):
        found.append(action.task_id)
    return found


# --- nothing a list says is final ---


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_row_that_says_it_is_over_ends_nothing(status: str) -> None:
    schedule, names = running(20)
    page = next_page(schedule, 15.0)
    rows = [(name, "RUNNING") for name in names[1:]]
    schedule.listed(page, page_of(*rows, (names[0], status), total=20), 15.0, 15.0)
    assert len(schedule) == 20
    assert suspects(schedule, 15.0) == [names[0]]
    schedule.alive(names[0], 15.1, running=True)
    assert len(schedule) == 20
    assert schedule.time_left(names[0], 15.1) is None
    assert schedule.model.processing.ended_count == 0


def test_who_is_missing_is_asked_about_before_anything_else() -> None:
    schedule, names = running(30)
    sweep(schedule, 15.0, names)
    assert schedule.suspects == 0
    sweep(schedule, 20.0, [name for name in names if name not in {names[3], names[17]}])
    assert len(schedule) == 30
    assert sorted(suspects(schedule, 20.0)) == sorted([names[3], names[17]])
    assert schedule.sweep_statistics(20.0).trust == 1.0
    schedule.done(names[3], 20.1, ended_at=18.0)
    schedule.alive(names[17], 20.1, running=True)
    assert schedule.sweep_statistics(20.1).trust < 1.0
    assert len(schedule) == 29


def test_of_those_that_are_missing_the_oldest_is_asked_about_first() -> None:
    schedule, names = running(50)
    sweep(schedule, 12.0, names)
    sweep(schedule, 15.0, [])
    assert suspects(schedule, 15.0) == names


def test_what_a_sweep_missed_is_judged_little_by_little() -> None:
    schedule, names = running(5000, apart=0.01)
    sweep(schedule, 15.0, names)
    sweep(schedule, 20.0, [])
    steps = [schedule.suspects]
    while schedule.judge():
        steps.append(schedule.suspects)
    assert steps[-1] == 5000
    assert max(later - earlier for earlier, later in pairwise([0, *steps])) <= 2000


def test_very_many_suspicions_that_turn_out_wrong_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    put_back = Asking.put_back

    def counted(asking: Asking, task: Watched, now: float, price: float) -> None:
        nonlocal looks
        looks += 1
        put_back(asking, task, now, price)

    schedule, names = running(900)
    sweep(schedule, 12.0, names)
    sweep(schedule, 15.0, [])
    monkeypatch.setattr(Asking, "put_back", counted)
    now, most, decisions = 15.0, 0, 0
    while schedule.suspects:
        looks = 0
        action = schedule.next(now, RATE, NEVER)
        most, decisions = max(most, looks), decisions + 1
        assert action is None or isinstance(action, Ask)
        if action is not None:
            schedule.alive(action.task_id, now, running=True)
        assert schedule.next_at(now, NEVER) == now or not schedule.suspects
        now += 0.01
    assert 10 < decisions < 100
    assert most < 100


def test_hints_go_before_suspicions() -> None:
    schedule, names = running(30)
    sweep(schedule, 15.0, names)
    sweep(schedule, 20.0, [name for name in names if name not in {names[4], names[5]}])
    schedule.hint(names[9])
    schedule.hint(names[5])
    assert suspects(schedule, 20.0) == [names[9], names[5], names[4]]


def test_a_suspect_that_was_throttled_keeps_its_turn() -> None:
    schedule, names = running(30)
    sweep(schedule, 15.0, names)
    sweep(schedule, 20.0, names[:-5])
    first = schedule.next(20.0, RATE, NEVER)
    assert isinstance(first, Ask)
    schedule.failed(first.task_id, 20.1, throttled=True)
    assert suspects(schedule, 20.2)[0] == first.task_id


def test_a_suspicion_that_is_dropped_after_a_long_pause_keeps_nobody_waiting() -> None:
    """Play a computer that slept for three hours while a suspect was in line, too young for the list to know it."""
    schedule, names = running(30)
    schedule.add("young", 15.0)
    page = next_page(schedule, 15.1)
    rows = [(name, page.status or "") for name in names]
    schedule.listed(page, page_of(*rows, ("young", "SUCCEEDED"), total=31), 15.1, 15.1)
    assert schedule.suspects == 1
    now = 10_000.0
    while (action := schedule.next(now, RATE, NEVER)) != Ask("young"):
        if isinstance(action, Ask):
            schedule.alive(action.task_id, now, running=True)
        now += 1.0 / RATE
        assert now < 10_000.0 + LONGEST


def test_who_was_met_is_not_asked_about_for_a_while() -> None:
    schedule, names = running(50)
    sweep(schedule, 15.0, names)
    asked = schedule.next(15.1, RATE, NEVER)
    assert asked is None
    due = schedule.next_at(15.1, NEVER)
    assert due is not None
    assert due > 15.1


def test_one_that_is_missing_from_its_first_list_may_be_too_young() -> None:
    schedule, names = running(30)
    page = next_page(schedule, 15.0)
    schedule.listed(page, page_of(*((name, "SUCCEEDED") for name in names), total=30), 15.0, 15.0)
    assert schedule.sweep_statistics(15.0).form == Form.RECENT.value
    for name in names:
        schedule.remove(name)
    names = [f"next-{number}" for number in range(30)]
    for name in names:
        schedule.add(name, 100.0)
        schedule.hint(name)
        schedule.next(100.0, RATE, NEVER)
        schedule.alive(name, 100.0, running=True)
    schedule.add("young", 100.0 + SETTLING)
    sweep(schedule, 103.0, names)
    assert schedule.suspects == 0
    sweep(schedule, 108.0, names)
    assert suspects(schedule, 108.0) == ["young"]


def test_a_list_that_is_doubted_has_to_be_wrong_twice() -> None:
    schedule, names = running(60)
    sweep(schedule, 15.0, names)
    wrong, now = iter(names[1:]), 15.0
    while schedule.sweep_statistics(now).trust >= DOUBTED:
        now += 5.0
        name = next(wrong)
        sweep(schedule, now, [other for other in names if other != name])
        assert suspects(schedule, now) == [name]
        schedule.alive(name, now, running=True)
    name = next(wrong)
    sweep(schedule, now + 5.0, [other for other in names if other != name])
    assert schedule.suspects == 0
    sweep(schedule, now + 10.0, [other for other in names if other != name])
    assert suspects(schedule, now + 10.0) == [name]


# --- what is of the past ---


def test_a_list_that_lags_shows_who_was_alive_then() -> None:
    schedule, names = running(30)
    schedule._sweeper.lags(4.0)
    sweep(schedule, 18.0, names)
    assert {schedule._crowd.tasks[name].known_at for name in names} == {14.0}


def test_one_that_was_listed_after_its_end_tells_of_a_lag() -> None:
    schedule, names = running(30)
    sweep(schedule, 20.0, names)
    schedule.done(names[0], 21.0, ended_at=15.0)
    assert schedule.sweep_statistics(21.0).lag == pytest.approx(5.0)
    schedule.done(names[1], 21.0, ended_at=20.5)
    assert schedule.sweep_statistics(21.0).lag == pytest.approx(5.0, abs=0.1)


def test_nobody_who_is_gone_is_expected() -> None:
    schedule, names = running(30)
    sweep(schedule, 15.0, names)
    for name in names[:29]:
        schedule.done(name, 16.0)
    assert schedule._sweeping._listed_running == set(names[29:])


# --- early, where the list is in order ---


@pytest.mark.parametrize("newest_first", [True, False])
def test_in_an_ordered_list_who_is_passed_is_suspected_at_once(newest_first: bool) -> None:
    schedule, names = running(3 * PAGE_SIZE)
    order = names[::-1] if newest_first else names
    for now, missing in ((15.0, []), (20.0, [order[40], order[250]])):
        rows = [(name, "RUNNING") for name in order if name not in missing]
        found = []
        for number in range(3):
            page = next_page(schedule, now)
            assert page.number == number + 1
            part = rows[PAGE_SIZE * number : PAGE_SIZE * (number + 1)]
            schedule.listed(page, page_of(*part, total=len(rows)), now, now)
            found.append(suspects(schedule, now))
        assert found == ([[], [], []] if not missing else [[order[40]], [], [order[250]]])


def test_in_a_list_without_order_nobody_is_suspected_before_its_end() -> None:
    schedule, names = running(3 * PAGE_SIZE)
    for now, missing in ((15.0, []), (20.0, [names[40]])):
        rows = [(name, "RUNNING") for name in names if name not in missing]
        Random(now).shuffle(rows)
        for number in range(3):
            page = next_page(schedule, now)
            part = rows[PAGE_SIZE * number : PAGE_SIZE * (number + 1)]
            schedule.listed(page, page_of(*part, total=len(rows)), now, now)
            assert schedule.suspects == (len(missing) if number == 2 else 0)


def test_a_page_that_comes_out_of_turn_makes_no_early_suspects() -> None:
    schedule, names = running(3 * PAGE_SIZE)
    order = names[::-1]
    rows = [(name, "RUNNING") for name in order]
    for now in (15.0, 20.0):
        pages = [next_page(schedule, now)]
        schedule.listed(pages[0], page_of(*rows[:PAGE_SIZE], total=len(rows)), now, now)
        pages += [next_page(schedule, now), next_page(schedule, now)]
        for page in (pages[2], pages[1]):
            part = rows[PAGE_SIZE * (page.number - 1) : PAGE_SIZE * page.number]
            schedule.listed(page, page_of(*part, total=len(rows)), now, now)
        assert schedule.suspects == 0


# --- how the list is read ---


def test_a_page_is_worth_more_than_the_best_of_many_questions() -> None:
    schedule, _ = running(200)
    assert schedule.next_at(15.0, 15.0) == 15.0
    assert isinstance(schedule.next(15.0, RATE, 15.0), Page)
    few, _ = running(2)
    assert isinstance(few.next(70.0, RATE, 70.0), Ask)


def test_the_list_is_asked_for_from_the_oldest_task_on() -> None:
    schedule, names = running(30)
    schedule.add("attached", 14.0, age=5000.0)
    page = next_page(schedule, 15.0)
    schedule.listed(page, page_of(*((name, "SUCCEEDED") for name in names), total=30), 15.0, 15.0)
    page = next_page(schedule, 20.0)
    assert page.status is None
    assert page.since is not None
    assert page.since <= 14.0 - 5000.0


def test_one_by_one_is_preferred_where_strangers_fill_the_list() -> None:
    schedule, names = running(30)
    page = next_page(schedule, 15.0)
    rows = [(f"stranger-{number}", "RUNNING") for number in range(100)]
    schedule.listed(page, page_of(*rows, total=10_000), 15.0, 15.0)
    schedule.page_failed(next_page(schedule, 15.0), 15.0)
    actions = [schedule.next(now, RATE, now) for now in (40.0, 40.1, 40.2)]
    assert all(isinstance(action, Ask) and action.task_id in names for action in actions)
