"""Each rule by which a task is given to a submit, or is not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aiofunasr.reconcile.clock import ServiceClock
from aiofunasr.reconcile.intents import Absent, Adopt, Decision, Intent, Pending, Sight, Suspect, Undecidable
from aiofunasr.reconcile.matching import decide
from aiofunasr.reconcile.sharing import share_out
from aiofunasr.snapshots import ListedTask, SubtaskSnapshot, TaskMetrics, TaskSnapshot
from aiofunasr.token import file_digest

A = frozenset({"a"})
AB = frozenset({"a", "b"})
NOON = 43200.0


def known() -> ServiceClock:
    clock = ServiceClock()
    clock.created(NOON, NOON, NOON)
    return clock


def lost(number: int = 1, sent_at: float = NOON, ended_at: float | None = NOON + 10, **more: Any) -> Intent:
    arguments: dict[str, Any] = {"model": "fun-asr", "digests": A} | more
    return Intent(id=number, sent_at=sent_at, ended_at=ended_at, **arguments)


def suspect(name: str = "task", at: float | None = NOON + 1, sight: Sight | None = None, **more: Any) -> Suspect:
    made = None if at is None else datetime.fromtimestamp(at, UTC)
    return Suspect(ListedTask(task_id=name, status="SUCCEEDED", gmt_create=made, **more), sight)


def shows(*digests: str, count: int | None = None, ended: bool = True, made_at: float | None = None) -> Sight:
    return Sight(ended=ended, count=count or len(digests) or None, digests=frozenset(digests) or None, made_at=made_at)


SHOWN = shows("a")


def decided(
    intents: list[Intent], suspects: list[Suspect], *, covered: bool | set[int] = False, **more: Any
) -> list[Decision]:
    arguments: dict[str, Any] = {"clock": known()} | more
    return decide(
        intents,
        {each.row.task_id: each for each in suspects},
        is_covered=lambda intent: covered if isinstance(covered, bool) else intent.id in covered,
        **arguments,
    )


def only(*suspects: Suspect, intent: Intent | None = None, covered: bool = True, **more: Any) -> Decision:
    (decision,) = decided([intent or lost()], list(suspects), covered=covered, **more)
    return decision


def test_the_task_that_shows_its_files_is_its_own_before_the_list_has_shown_everything() -> None:
    assert only(suspect(sight=SHOWN), covered=False) == Adopt(lost(), "task")


def test_nothing_is_absent_before_the_list_has_shown_everything() -> None:
    assert only(covered=False) == Pending(lost(), ())
    assert only() == Absent(lost())


@pytest.mark.parametrize("at", [NOON - 1, NOON + 10 + 29])
def test_the_service_may_act_until_late(at: float) -> None:
    assert isinstance(only(suspect(at=at, sight=SHOWN)), Adopt)


@pytest.mark.parametrize("at", [NOON - 3, NOON + 10 + 33])
def test_what_was_made_at_another_time_is_another_s(at: float) -> None:
    assert isinstance(only(suspect(at=at, sight=SHOWN)), Absent)


def test_late_may_be_longer() -> None:
    assert isinstance(only(suspect(at=NOON + 100, sight=SHOWN), late=100.0), Adopt)


@pytest.mark.parametrize("sight", [None, shows(ended=False, count=1), shows("a", ended=False)])
def test_what_has_not_ended_is_waited_for(sight: Sight | None) -> None:
    assert only(suspect(sight=sight)) == Pending(lost(), ("task",), ("task",))


@pytest.mark.parametrize(
    "sight", [shows("b"), shows("a", "b"), shows(count=2, ended=False), shows("a", count=2), shows("b", ended=False)]
)
def test_other_files_or_another_number_of_them_are_another_s(sight: Sight) -> None:
    assert isinstance(only(suspect(sight=sight)), Absent)


def test_results_that_come_one_by_one_are_waited_for_even_where_nobody_says_how_many() -> None:
    sight = Sight(ended=False, digests=A)
    assert isinstance(only(suspect(sight=sight), intent=lost(digests=AB)), Pending)
    # And a stranger's first file may be our only one.
    assert isinstance(only(suspect(sight=sight)), Pending)


@pytest.mark.parametrize("sight", [shows(), shows(count=2), shows("a", count=2)])
def test_what_ended_without_saying_its_files_makes_it_undecidable(sight: Sight) -> None:
    decision = only(suspect(sight=sight), intent=lost(digests=AB))
    assert isinstance(decision, Undecidable)
    assert decision.candidates == ("task",)
    assert isinstance(only(suspect(sight=sight), intent=lost(digests=AB), covered=False), Pending)


def test_a_task_that_shows_a_file_twice_is_not_taken_for_one_that_has_it_once() -> None:
    assert isinstance(only(suspect(sight=Sight(ended=True, digests=A, shown=2))), Undecidable)
    assert isinstance(only(suspect(sight=Sight(ended=True, digests=A, shown=1))), Adopt)


def test_two_urls_may_have_one_digest() -> None:
    assert isinstance(only(suspect(sight=shows("a", count=2)), intent=lost(count=2)), Adopt)


def test_another_model_is_another_s_but_an_alias_may_be_the_same() -> None:
    assert isinstance(only(suspect(sight=SHOWN, model_name="paraformer-v2")), Absent)
    assert isinstance(only(suspect(sight=SHOWN, model_name="fun-asr-2025-11-07")), Adopt)


def test_a_task_that_begins_to_run_late_may_have_been_made_in_time() -> None:
    late = datetime.fromtimestamp(NOON + 5000, UTC)
    assert isinstance(only(suspect(at=None, start_time=late)), Pending)
    early = datetime.fromtimestamp(NOON - 5000, UTC)
    assert isinstance(only(suspect(at=None, start_time=early)), Absent)


def test_a_task_of_which_nobody_knows_when_it_was_made_is_not_taken() -> None:
    assert isinstance(only(suspect(at=None, sight=SHOWN)), Undecidable)
    assert isinstance(only(suspect(at=0.0, sight=SHOWN)), Undecidable)
    assert isinstance(only(suspect(at=None, sight=shows("a", made_at=NOON - 5000))), Undecidable)
    assert isinstance(only(suspect(at=None, sight=shows("a", made_at=NOON + 5))), Adopt)


def test_while_the_service_s_clock_is_not_known_its_times_tell_nothing() -> None:
    assert isinstance(only(suspect(sight=SHOWN), clock=ServiceClock()), Pending)
    named = lost(request_id="r")
    assert isinstance(only(suspect(sight=SHOWN, request_id="r"), intent=named, clock=ServiceClock()), Adopt)
    assert isinstance(only(suspect(sight=SHOWN, request_id="q"), intent=named, clock=ServiceClock()), Pending)


def test_of_two_tasks_with_its_files_none_is_taken() -> None:
    decision = only(suspect("one", sight=SHOWN), suspect("two", sight=SHOWN))
    assert isinstance(decision, Undecidable)
    assert set(decision.candidates) == {"one", "two"}


def test_the_id_of_its_request_tells_which_of_two_it_is() -> None:
    tasks = [suspect("one", sight=SHOWN, request_id="q"), suspect("two", sight=SHOWN, request_id="r")]
    assert only(*tasks, intent=lost(request_id="r")) == Adopt(lost(request_id="r"), "two")
    # And that it is no other's.
    decisions = decided([lost(1), lost(2, request_id="r", label="other")], tasks)
    assert [type(each) for each in decisions] == [Adopt, Adopt]


def test_the_id_of_its_request_is_enough_for_a_task_that_says_nothing_of_its_files() -> None:
    assert isinstance(only(suspect(sight=shows(), request_id="r"), intent=lost(request_id="r")), Adopt)
    assert isinstance(only(suspect(sight=shows("b"), request_id="r"), intent=lost(request_id="r")), Absent)
    assert isinstance(only(suspect(request_id="r"), intent=lost(request_id="r")), Pending)


@pytest.mark.parametrize("label", ["", "other"])
def test_what_a_submit_that_is_under_way_may_have_made_is_not_given_to_another(label: str) -> None:
    intents = [lost(1), lost(2, NOON, None, label=label)]
    (decision,) = decided(intents, [suspect(sight=SHOWN)], covered={1})
    assert isinstance(decision, Pending)


def test_a_submit_that_left_later_cannot_have_made_it() -> None:
    (decision,) = decided([lost(1), lost(2, NOON + 8, None)], [suspect(sight=SHOWN)])
    assert isinstance(decision, Adopt)


def test_submits_that_ask_for_different_things_are_not_mixed_up() -> None:
    intents = [lost(1), lost(2, label="other")]
    assert all(isinstance(each, Pending) for each in decided(intents, [suspect(sight=SHOWN)]))
    assert all(isinstance(each, Undecidable) for each in decided(intents, [suspect(sight=SHOWN)], covered=True))


def test_nor_are_they_when_one_of_them_was_given_up_before() -> None:
    assert isinstance(only(suspect(sight=SHOWN), given_up=[lost(2, label="other")]), Undecidable)


def test_a_task_that_only_one_of_them_can_have_made_is_its_own() -> None:
    intents = [lost(1), lost(2, NOON + 50, NOON + 60, label="other")]
    tasks = [suspect("first", NOON + 1, SHOWN), suspect("second", NOON + 55, SHOWN)]
    assert [each.task_id for each in decided(intents, tasks) if isinstance(each, Adopt)] == ["first", "second"]


def test_submits_that_are_as_good_as_each_other_share_their_tasks() -> None:
    intents = [lost(1), lost(2), lost(3)]
    tasks = [suspect("one", sight=SHOWN), suspect("two", sight=SHOWN)]
    assert all(isinstance(each, Pending) for each in decided(intents, tasks, covered={1, 2}))
    assert [type(each) for each in decided(intents, tasks, covered=True)] == [Adopt, Adopt, Absent]
    third = suspect("three", sight=SHOWN)
    assert all(isinstance(each, Adopt) for each in decided(intents, [*tasks, third]))
    assert all(
        isinstance(each, Undecidable) for each in decided(intents, [*tasks, third, suspect("four", sight=SHOWN)])
    )


def test_they_are_shared_so_that_each_task_finds_a_taker() -> None:
    # The second may only have made the task that comes first by name; the first either.
    intents = [lost(1, NOON, NOON + 10), lost(2, NOON + 8, NOON + 60)]
    tasks = [suspect("b", NOON + 1, SHOWN), suspect("a", NOON + 20, SHOWN)]
    for covered in (False, True):
        decisions = decided(intents, tasks, covered=covered)
        assert {(each.intent.id, each.task_id) for each in decisions if isinstance(each, Adopt)} == {(1, "b"), (2, "a")}


def test_none_is_taken_while_the_one_it_may_belong_to_has_only_that() -> None:
    # The second one's task; the first one's own is still to come.
    intents = [lost(1, NOON, NOON + 10), lost(2, NOON + 8, NOON + 60)]
    (first, second) = decided(intents, [suspect("a", NOON + 20, SHOWN)], covered={2})
    assert isinstance(first, Pending)
    assert isinstance(second, Pending)
    own = suspect("b", NOON + 1)
    assert all(
        isinstance(each, Pending) for each in decided(intents, [suspect("a", NOON + 20, SHOWN), own], covered=True)
    )


def test_where_one_of_them_may_have_made_a_mute_task_none_is_absent() -> None:
    intents = [lost(1, NOON, NOON + 10), lost(2, NOON + 8, NOON + 60)]
    tasks = [suspect("a", NOON + 20, SHOWN), suspect("b", NOON + 1, shows())]
    assert [type(each) for each in decided(intents, tasks, covered=True)] == [Adopt, Undecidable]


def test_one_that_was_given_up_may_have_made_the_second_task() -> None:
    tasks = [suspect("one", sight=SHOWN), suspect("two", sight=SHOWN)]
    assert isinstance(only(*tasks, given_up=[lost(2)]), Adopt)


def test_a_largest_matching_is_found() -> None:
    may_take = {1: ["a", "b"], 2: ["a"], 3: ["b", "c"], 4: []}
    assert share_out([1, 2, 3, 4], may_take) == {"a": 2, "b": 1, "c": 3}


def test_an_answer_is_read() -> None:
    results = tuple(SubtaskSnapshot(file_url=url) for url in ("https://x/a%20b", "https://x/a b", None))
    metrics = TaskMetrics(TOTAL=3)
    snapshot = TaskSnapshot(task_id="t", task_status="SUCCEEDED", results=results, task_metrics=metrics)
    assert Sight.of(snapshot) == Sight(ended=True, count=3, digests=frozenset({file_digest("https://x/a b")}), shown=3)
    for status, ended in {"UNKNOWN": False, "RUNNING": False, "FAILED": True, "CANCELED": True}.items():
        told = TaskSnapshot(task_id="t", task_status=status, task_metrics=TaskMetrics(TOTAL=0))
        assert Sight.of(told) == Sight(ended=ended)


def test_what_is_found_for_one_is_out_of_the_question_for_another_the_next_time() -> None:
    both, first = lost(2, digests=AB), lost(1)
    seen = suspect(sight=Sight(ended=True, digests=A))
    found, left_open = decided([first, both], [seen], covered=True)
    assert found == Adopt(first, "task")
    # To the other it has ended without a word about one of its files.
    assert left_open == Pending(both, ("task",))
    assert decided([both], [seen], covered=True) == [
        Undecidable(both, ("task",), "a task of that time ended without a word about its files")
    ]
    assert decided([both], [], covered=True) == [Absent(both)]
