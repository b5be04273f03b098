"""The searches of a session: that they end, that they cost little, and that none does harm to another."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import anyio
import pytest

from aiofunasr import AmbiguousSubmissionError, Reconciliation, Session
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.emulator.scripted import ScriptedRecognizer
from aiofunasr.pipeline.reconciler import Search
from aiofunasr.pipeline.suspects import Suspects
from aiofunasr.reconcile.intents import Absent, Adopt, Decision
from aiofunasr.snapshots import ListedTask, TaskSnapshot
from aiofunasr.testing.local import EPOCH
from aiofunasr.testing.virtual_time import run_in_virtual_time
from aiofunasr.token import digests
from support import play, urls


def lose_before(session: Session, url: str, *, ago: float, conclude: Any = None) -> tuple[Search, list[Decision]]:
    """Begin to search for a submit of a process that ended `ago` seconds before."""
    heard: list[Decision] = []

    async def hear(decision: Decision) -> None:
        heard.append(decision)

    now = session._engine.clock()
    search = session._engine.reconciler.lost_before(
        "fun-asr",
        digests([url]),
        "",
        sent_at=now - ago,
        ended_at=now - ago + 1,
        request_id=None,
        conclude=conclude or hear,
    )
    return search, heard


def lasting(seconds: float, name: str = "stranger") -> ScriptedRecognizer:
    """Return a recognizer that takes long over a stranger's files."""
    return ScriptedRecognizer(processing_seconds=lambda url, _: seconds if name in url else 1.0)


def test_a_session_with_two_models_does_not_take_the_one_for_missing() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1, "witness"), model="paraformer-v2")
        await session.submit(urls(1, "witness"))
        await session.submit(urls(1))
        assert anyio.current_time() < 120
        assert session.statistics().lost_submits.longest_lag == 0

    play(scenario, faults=FaultPlan().on("submit", Fault.drop_before(), 3))


def test_a_list_that_never_answers_is_not_asked_for_ever() -> None:
    async def scenario(session: Session, _: Service) -> None:
        await session.submit(urls(1, "witness"))
        with pytest.raises(AmbiguousSubmissionError):
            await session.submit(urls(1))
        assert 300 < anyio.current_time() < 500

    faults = FaultPlan().on("submit", Fault.drop_before(), 2).always("list", Fault.error(500))
    play(scenario, faults=faults, reconciliation=Reconciliation(patience=300))


def test_a_task_that_says_nothing_of_its_files_is_not_followed_for_ever() -> None:
    async def scenario(session: Session, service: Service) -> None:
        service.add_task("https://stranger.example/404.wav", now=EPOCH)
        with pytest.raises(AmbiguousSubmissionError) as caught:
            await session.submit(urls(1))
        assert len(caught.value.candidates) == 1
        assert 300 < anyio.current_time() < 500

    play(
        scenario,
        EmulatorSettings(all_failed_form="bare"),
        faults=FaultPlan().on("submit", Fault.drop_before(), 1),
        reconciliation=Reconciliation(patience=300),
    )


def test_nor_is_one_that_no_query_knows() -> None:
    async def scenario(session: Session, service: Service) -> None:
        stranger = service.add_task("https://stranger.example/1-10s.wav", now=EPOCH)
        await session.submit(urls(1, "witness"))

        async def unknown(self: Any, kind: Any, build: Any, read: Any) -> Any:
            found = await ask(kind, build, read)
            if isinstance(found, TaskSnapshot) and found.task_id == stranger:
                return TaskSnapshot(task_id=stranger, task_status="UNKNOWN")
            return found

        gateway = session._engine.gateway
        ask = gateway.ask
        gateway.ask = unknown.__get__(gateway)  # type: ignore[method-assign]
        with pytest.raises(AmbiguousSubmissionError) as caught:
            await session.submit(urls(1))
        assert caught.value.candidates == (stranger,)

    faults = FaultPlan().on("submit", Fault.drop_before(), 2)
    play(scenario, faults=faults, reconciliation=Reconciliation(patience=300))


def test_one_that_runs_is_followed_to_its_end() -> None:
    async def scenario(session: Session, service: Service) -> None:
        service.add_task("https://stranger.example/1-10s.wav", now=EPOCH)
        await session.submit(urls(1, "witness"))
        await session.submit(urls(1))
        assert 3000 < anyio.current_time() < 3100
        # And what it may be is found out by asking about it, not by going through the list again and again.
        assert service.ledger.requests["list"] < 30
        assert len(session._engine.reconciler._suspects) <= 1

    play(scenario, recognizer=lasting(3000.0), faults=FaultPlan().on("submit", Fault.drop_before(), 2))


def test_a_submit_of_an_earlier_process_is_given_the_time_that_another_is() -> None:
    async def scenario(session: Session, _: Service) -> None:
        await anyio.sleep(7200)
        await session.submit(urls(1, "witness"))
        search, heard = lose_before(session, urls(1)[0], ago=5000)
        await search.over.wait()
        assert isinstance(heard[0], Absent)

    play(scenario)


def test_what_was_shown_before_a_submit_was_searched_for_does_not_count_for_it() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = service.add_task(urls(1)[0], now=EPOCH)
        await anyio.sleep(1000)
        await session.submit(urls(1, "witness"))
        # The list is gone through for the first, which was sent before the other and cannot be decided at once.
        lose_before(session, "https://other.example/1.wav", ago=1020)
        await anyio.sleep(8)
        search, heard = lose_before(session, urls(1)[0], ago=1008)
        await search.over.wait()
        assert [getattr(each, "task_id", each) for each in heard] == [task]

    play(scenario)


def test_more_suspects_than_can_be_asked_about_at_once_have_their_turn() -> None:
    asked: Counter[str] = Counter()

    class Gateway:
        async def ask(self, kind: object, build: Any, read: object) -> TaskSnapshot:
            task_id = build.__closure__[0].cell_contents
            asked[task_id] += 1
            await anyio.sleep(0.2)
            return TaskSnapshot(task_id=task_id, task_status="RUNNING")

    async def run() -> None:
        suspects = Suspects(Gateway())  # type: ignore[arg-type]
        for number in range(1000):
            suspects.saw(ListedTask(task_id=f"task-{number}", status="RUNNING"))
        while anyio.current_time() < 300:
            await suspects.look_at([task_id for task_id, _ in suspects])
            await anyio.sleep(3)

    run_in_virtual_time(run)
    assert len(asked) == 1000


def test_a_pass_that_misses_rows_shows_nothing() -> None:
    async def scenario(session: Session, service: Service) -> None:
        for number in range(250):
            service.add_task(f"https://stranger.example/{number}-10s.wav", now=EPOCH)
        await session.submit(urls(1, "witness"))
        try:
            found = await session.submit(urls(1))
        except AmbiguousSubmissionError:
            pass
        else:
            assert found.task_id == service.ledger.submissions[1].task_id
        assert not service.ledger.duplicates()
        passes = session._engine.reconciler._coverage._passes
        assert not passes, "a list in a new order for every page shows all of it by chance only"

    for seed in range(3):
        settings = EmulatorSettings(list_order="shuffled", seed=seed)
        reconciliation = Reconciliation(patience=300)
        play(scenario, settings, faults=FaultPlan().on("submit", Fault.drop_after(), 2), reconciliation=reconciliation)


def test_a_list_that_cannot_be_asked_for_a_time_is_asked_for_all() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1, "witness"))
        await session.submit(urls(1))
        assert not service.ledger.duplicates()

    faults = FaultPlan().on("submit", Fault.drop_before(), 2).on("list", Fault.error(400), 1)
    play(scenario, faults=faults)


def test_a_lag_is_not_taken_for_a_filter_that_hides() -> None:
    async def scenario(session: Session, _: Service) -> None:
        await session.submit(urls(1, "witness"))
        await session.submit(urls(1))
        assert session._engine.reconciler._passes._filters
        assert 30 < session.statistics().lost_submits.longest_lag <= 45

    play(scenario, EmulatorSettings(list_lag=40), faults=FaultPlan().on("submit", Fault.drop_before(), 2))


def test_what_cannot_be_taken_in_is_one_search_s_trouble() -> None:
    async def scenario(session: Session, _: Service) -> None:
        async def fail(_: Decision) -> None:
            raise OSError("no space left")

        await anyio.sleep(1000)
        await session.submit(urls(1, "witness"))
        one = lose_before(session, urls(1)[0], ago=500, conclude=fail)[0]
        other, heard = lose_before(session, urls(2)[1], ago=500)
        await one.over.wait()
        await other.over.wait()
        assert one.decision is None
        assert isinstance(heard[0], Absent)

    play(scenario)


def test_a_task_that_was_attached_to_meanwhile_is_not_made_again() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1, "witness"))

        async def attach() -> None:
            await anyio.sleep(1)
            await session.attach(service.ledger.submissions[1].task_id)

        async with anyio.create_task_group() as group:
            group.start_soon(attach)
            await session.submit(urls(1))
        assert not service.ledger.duplicates()

    play(scenario, recognizer=lasting(100.0, "media"), faults=FaultPlan().on("submit", Fault.drop_after(), 2))


def test_a_task_that_is_waited_for_already_is_not_handed_out_again() -> None:
    async def scenario(session: Session, service: Service) -> None:
        session._engine.reconciler._is_watched = lambda _: True
        with pytest.raises(AmbiguousSubmissionError, match="attached") as caught:
            await session.submit(urls(1))
        assert caught.value.candidates == (service.ledger.submissions[0].task_id,)

    play(scenario, faults=FaultPlan().on("submit", Fault.drop_after(), 1))


def test_a_submit_whose_like_could_not_be_told_is_not_given_its_task() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1, "witness"))
        outcomes: list[object] = []

        async def submit(delay: float, **options: Any) -> None:
            await anyio.sleep(delay)
            try:
                outcomes.append((await session.submit(urls(1), **options)).task_id)
            except AmbiguousSubmissionError as error:
                outcomes.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(submit, 0.0)
            # It is given up a minute later, so the first is decided on before it.
            group.start_soon(lambda: submit(0.01, diarization_enabled=True))
        assert all(isinstance(each, AmbiguousSubmissionError) for each in outcomes)

    faults = FaultPlan().on("submit", Fault.drop_after(), 2).on("submit", Fault.delayed(1000), 3)
    play(scenario, faults=faults)


@pytest.mark.parametrize("strangers", [0, 10_000])
def test_a_search_leaves_most_of_the_budget_to_others(strangers: int) -> None:
    async def scenario(session: Session, service: Service) -> None:
        random = Random(1)
        for at in sorted(random.uniform(-86000, 0) for _ in range(strangers)):
            service.add_task("https://stranger.example/1-1s.wav", now=EPOCH + 86100 + at)
        await anyio.sleep(86100)
        await session.submit(urls(1, "witness"))
        begun_at = anyio.current_time()
        await session.submit(urls(1))
        took = anyio.current_time() - begun_at
        requests = service.ledger.requests
        assert requests["list"] + requests["query"] < 60
        assert took < 120

    play(scenario, faults=FaultPlan().on("submit", Fault.drop_before(), 2))


def test_even_where_all_of_a_long_list_has_to_be_gone_through() -> None:
    async def scenario(session: Session, service: Service) -> None:
        for _ in range(2000):
            service.add_task("https://stranger.example/1-1s.wav", now=EPOCH)
        await anyio.sleep(100)
        await session.submit(urls(1, "witness"))
        begun_at = anyio.current_time()
        await session.submit(urls(1))
        took = anyio.current_time() - begun_at
        assert service.ledger.requests["list"] < 20 * took / 4 + 21

    # A list that does not obey the time it is asked for.
    settings = EmulatorSettings().replace(list_ignored_filters={"start_time", "model_name"})
    play(scenario, settings, faults=FaultPlan().on("submit", Fault.drop_before(), 2))


def test_an_adopted_task_is_nobody_else_s_even_if_it_was_not_taken_in() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = service.add_task(urls(1)[0], now=EPOCH)
        await anyio.sleep(1000)
        await session.submit(urls(1, "witness"))
        search, heard = lose_before(session, urls(1)[0], ago=1005)
        await search.over.wait()
        assert heard == [Adopt(search.intent, task)]
        search, heard = lose_before(session, urls(1)[0], ago=1005)
        await search.over.wait()
        assert isinstance(heard[0], Absent)

    play(scenario)
