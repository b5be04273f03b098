"""What is said of the time left, and the last look that a deadline gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from random import Random

import anyio
import pytest

from aiofunasr import (
    BatchProgress,
    Estimate,
    Session,
    SessionClosedError,
    TaskProgress,
    TranscriptionTask,
    WaitTimeoutError,
)
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, ScriptedRecognizer, Service
from aiofunasr.testing.local import EPOCH
from support import play, urls

LATENCY = 0.02


def log_normal(mean: float, spread: float) -> Callable[[str, Random], float]:
    return lambda _, chance: chance.lognormvariate(mean, spread)


VARIED = ScriptedRecognizer(queue_seconds=log_normal(1.5, 0.6), processing_seconds=log_normal(2.5, 0.7))


def ends_at(service: Service, task: TranscriptionTask) -> float:
    """Return when a task ends, or did, by the loop's clock: the truth, which only the emulator knows."""
    planned = service._board.find(task.task_id, "emulator")
    assert planned is not None
    assert planned.ends_at is not None
    return planned.ends_at - EPOCH


def guesses_of(after: float, seed: int, settings: EmulatorSettings) -> list[tuple[float, Estimate]]:
    """Run 200 tasks and return what each takes, from so long after its submit, with what is believed of it then."""
    guesses = []

    async def scenario(session: Session, service: Service) -> None:
        async def one(url: str) -> None:
            task = await session.submit([url])
            await anyio.sleep(after)
            left, now = task.progress.time_left, anyio.current_time()
            if left is not None and ends_at(service, task) > now:
                guesses.append((ends_at(service, task) - now, left))
            assert (await task)[0].ok

        async with anyio.create_task_group() as group:
            for url in urls(200):
                group.start_soon(one, url)
                await anyio.sleep(0.3)

    play(scenario, settings.replace(seed=seed), recognizer=VARIED)
    return guesses


# --- one task ---


def test_nothing_is_known_at_first_and_something_after_a_few_tasks() -> None:
    async def scenario(session: Session, _: Service) -> None:
        tasks = [await session.submit([url]) for url in urls(20)]
        assert all(task.progress.time_left is None for task in tasks)
        fresh = tasks[0].progress
        assert (fresh.status, fresh.files, fresh.ended, fresh.done) == ("PENDING", 1, 0, 0)
        completed = 0
        async for _result in session.as_completed(tasks):
            completed += 1
            known = session.statistics().tasks_completed >= 3
            live = [task.progress for task in tasks if not task.done]
            assert all((progress.time_left is not None) == known for progress in live if progress.status == "RUNNING")
            for progress in live:
                if (left := progress.time_left) is not None:
                    assert 0 <= left.low <= left.median <= left.high
        assert completed == 20
        # What was learned stays with the session, so the next task has an estimate at once.
        left = (await session.submit(urls(1, "next"))).progress.time_left
        assert left is not None
        assert 3 < left.median < 60

    play(scenario, recognizer=VARIED)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("after", [1.0, 8.0])
def test_the_range_holds_what_comes_of_most_tasks(after: float, seed: int) -> None:
    guesses = guesses_of(after, seed, EmulatorSettings())
    assert len(guesses) > 120
    inside = sum(left.low <= truth <= left.high for truth, left in guesses) / len(guesses)
    assert 0.6 <= inside <= 0.97
    close = sum(left.median / 2 <= truth <= left.median * 2 for truth, left in guesses) / len(guesses)
    # Later on a task has little left, of which half is missed easily.
    assert close >= (0.65 if after < 2 else 0.45)
    # Neither always too early nor always too late.
    above = sum(truth > left.median for truth, left in guesses) / len(guesses)
    assert 0.25 <= above <= 0.75


def test_the_range_is_of_use_without_a_list() -> None:
    guesses = guesses_of(1.0, 0, EmulatorSettings(list_enabled=False))
    inside = sum(left.low <= truth <= left.high for truth, left in guesses) / len(guesses)
    assert 0.6 <= inside <= 0.97


def test_a_task_that_is_done_has_no_time_left() -> None:
    async def scenario(session: Session, _: Service) -> None:
        for number in range(5):
            task = await session.submit([f"https://h/{number}-10s.wav", "https://h/404.wav"])
            assert task.progress.ended == 0
            results = await task
            assert [result.ok for result in results] == [True, False]
            assert task.progress == TaskProgress(status="SUCCEEDED", files=2, ended=2, done=2, time_left=None)

    play(scenario)


def test_the_files_a_running_task_has_ended_are_counted() -> None:
    def seconds(url: str, _: Random) -> float:
        return 5.0 if "call-0-" in url else 60.0

    async def scenario(session: Session, _: Service) -> None:
        task = await session.submit(urls(3))
        await anyio.sleep(40)
        progress = task.progress
        assert (progress.status, progress.files, progress.ended, progress.done) == ("RUNNING", 3, 1, 0)

    play(scenario, recognizer=ScriptedRecognizer(processing_seconds=seconds))


def test_attached_tasks_have_estimates_too() -> None:
    async def scenario(session: Session, service: Service) -> None:
        ours = [await session.submit([url]) for url in urls(10)]
        for task in ours:
            await task
        task = await session.submit(urls(3, "both"))
        for token in (task.token, service.add_task(*urls(2, "theirs"), now=EPOCH + anyio.current_time())):
            attached = await session.attach(token)
            progress = attached.progress
            # A token that is a task's bare id does not say how many files there are.
            assert progress.files == (3 if token == task.token else None)
            assert progress.time_left is not None
            assert 1 < progress.time_left.median < 120
            await attached
            assert attached.progress.files == (3 if token == task.token else 2)
            assert attached.progress.time_left is None

    play(scenario, recognizer=VARIED)


def test_one_attached_after_a_while_has_less_left_than_a_new_one() -> None:
    recognizer = ScriptedRecognizer(
        queue_seconds=log_normal(0.0, 0.1), processing_seconds=lambda _, chance: chance.uniform(55, 65)
    )

    async def scenario(session: Session, service: Service) -> None:
        token = (await session.submit(urls(1, "old"))).token
        async for result in session.transcribe(urls(150)):
            assert result.ok
        again = await session.attach((await session.submit(urls(1, "new"))).token)
        new = again.progress.time_left
        assert new is not None
        assert new.median == pytest.approx(61, rel=0.35)
        await anyio.sleep(45)
        older = again.progress.time_left
        assert older is not None
        assert older.median < 0.6 * new.median
        assert (await (await session.attach(token)))[0].ok

    play(scenario, recognizer=recognizer)


# --- a batch ---


async def follow(session: Session, files: list[str]) -> tuple[list[tuple[float, Estimate]], float]:
    """Transcribe files and return what was believed of the time left every two seconds, and what it took in all."""
    seen: list[tuple[float, BatchProgress]] = []
    begun = anyio.current_time()
    batch = session.transcribe(files, files_per_task=1)

    async def look() -> None:
        while True:
            seen.append((anyio.current_time(), batch.progress))
            await anyio.sleep(2)

    async with anyio.create_task_group() as group:
        group.start_soon(look)
        async for result in batch:
            assert result.ok
        group.cancel_scope.cancel()
    assert batch.progress.time_left is None
    end = anyio.current_time()
    return [(end - at, progress.time_left) for at, progress in seen if progress.time_left is not None], end - begun


@pytest.mark.parametrize("files", [40, 200])
def test_the_time_a_batch_has_left_shrinks_and_is_of_the_right_order(files: int) -> None:
    async def scenario(session: Session, _: Service) -> None:
        first, took = await follow(session, urls(files))
        # At first nothing is known, and soon something of the right order: the longest of many is hard to tell.
        assert took / 3 < first[0][0] < took
        right = [truth / 8 <= left.median <= 12 * max(truth, 10.0) for truth, left in first]
        assert sum(right) >= 0.9 * len(right)

        again, took = await follow(session, urls(files, "again"))
        assert again[0][0] == took
        assert all(left.low <= left.median <= left.high for _, left in again)
        good = [truth / 4 <= left.median <= truth * 4 for truth, left in again if truth > 10]
        assert sum(good) >= 0.8 * len(good)
        medians = [left.median for _, left in again]
        assert took / 3 < medians[0] < took * 3
        # It shrinks, but not steadily: a straggler is one of which little is known.
        assert medians[-1] < medians[0]
        assert min(medians[-8:]) < medians[0] / 4
        assert again[-1][1].low < 15

    play(scenario, recognizer=VARIED)


def test_a_long_input_counts_before_it_is_submitted() -> None:
    async def scenario(session: Session, _: Service) -> None:
        async for _result in session.transcribe(urls(30, "first")):
            pass
        # Nine submits a second, so that the last of these cannot be submitted before 67 seconds have gone by.
        batch = session.transcribe(urls(600), files_per_task=1)
        left = batch.progress.time_left
        assert left is not None
        assert 60 < left.low < left.median < 600
        await batch.aclose()
        assert batch.progress.time_left is None

    play(scenario, recognizer=VARIED)


def test_while_it_is_not_known_how_many_files_come_there_is_no_estimate() -> None:
    async def slowly() -> AsyncIterator[str]:
        for url in urls(20):
            yield url
            await anyio.sleep(2)

    async def scenario(session: Session, _: Service) -> None:
        seen = []
        batch = session.transcribe(slowly())
        async for _result in batch:
            progress = batch.progress
            seen.append(progress)
            if progress.total is None:
                assert progress.time_left is None
        assert seen[5].total is None
        assert any(progress.time_left is not None for progress in seen if progress.total == 20)
        assert seen[-1].time_left is None

    play(scenario, recognizer=VARIED)


def test_the_states_are_counted_as_the_list_shows_them() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with session.transcribe(urls(80)) as batch:
            states: Counter[str] = Counter()
            for _ in range(20):
                await anyio.sleep(1)
                states |= Counter(batch.progress.states)
                assert sum(batch.progress.states.values()) <= 80
            # No query was answered, so that only the list can have told which tasks have begun.
            assert states["PENDING"] > 10
            assert states["RUNNING"] > 60
            assert set(states) == {"PENDING", "RUNNING"}
            assert service.ledger.requests["list"] > 3
            service.faults = FaultPlan()
            async for result in batch:
                assert result.ok
            assert not batch.progress.states

    recognizer = ScriptedRecognizer(processing_seconds=lambda _, chance: 60.0)
    play(scenario, recognizer=recognizer, faults=FaultPlan().always("query", Fault.error(503)))


# --- deadlines ---

OUTAGE = 100.0
"""Seconds without an answer, after which the schedule rests for some twenty before it asks again."""

UNLISTED = EmulatorSettings(list_enabled=False, queue_seconds=(0.0, 0.0))


LONG = ScriptedRecognizer(processing_seconds=lambda _, chance: 3000.0)


async def pause(service: Service, task: TranscriptionTask, *, ends_in: float = 1000.0) -> float:
    """Return at the beginning of some eighteen seconds in which a task is not asked about, and have it end in so many.

    Queries fail one after the other, so that the pauses between them grow; then all is well again.
    """
    service.faults = FaultPlan().always("query", Fault.error(503))
    await anyio.sleep(OUTAGE)
    asked = service.ledger.requests["query"]
    while service.ledger.requests["query"] == asked:  # noqa: ASYNC110  (the emulator has no events)
        await anyio.sleep(0.05)
    service.faults = FaultPlan()
    now = anyio.current_time()
    planned = service._board.find(task.task_id, "emulator")
    assert planned is not None
    planned.ends_at = EPOCH + now + ends_in
    for file in planned.files:
        file.ends_at = planned.ends_at
    return now


def test_what_ended_between_two_looks_is_returned_at_the_deadline() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(2))
        now = await pause(service, task, ends_in=9.5)
        asked = service.ledger.requests["query"]
        results = await task.wait(timeout=10)
        assert [result.ok for result in results] == [True, True]
        # The query, and the results that came of it.
        assert now + 10 < anyio.current_time() < now + 10 + 6 * LATENCY
        assert service.ledger.requests["query"] == asked + 1

    play(scenario, UNLISTED, recognizer=LONG)


def test_a_deadline_costs_one_query_and_then_gives_up_with_the_token() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        now = await pause(service, task)
        asked = service.ledger.requests["query"]
        with pytest.raises(WaitTimeoutError, match="not done within 8 s") as caught:
            await task.wait(timeout=8)
        assert (caught.value.task_id, caught.value.token, caught.value.tokens) == (
            task.task_id,
            task.token,
            (task.token,),
        )
        assert now + 8 < anyio.current_time() < now + 8 + 3 * LATENCY
        assert service.ledger.requests["query"] == asked + 1
        assert (await task)[0].ok

    play(scenario, UNLISTED, recognizer=LONG)


@pytest.mark.parametrize(
    "fault",
    [Fault.drop_before(), Fault.delayed(1000), Fault.error(503), Fault.throttled(), Fault.truncated()],
    ids=["dropped", "no reply", "error", "throttled", "truncated"],
)
def test_a_service_out_of_reach_at_the_deadline_is_not_waited_for(fault: Fault) -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        now = await pause(service, task)
        service.faults = FaultPlan().always("query", fault)
        with pytest.raises(WaitTimeoutError) as caught:
            await task.wait(timeout=3)
        assert caught.value.token == task.token
        assert now + 3 < anyio.current_time() <= now + 3 + 5 + 0.001
        service.faults = FaultPlan()
        assert (await task)[0].ok

    play(scenario, UNLISTED, recognizer=LONG)


def test_a_deadline_in_a_crowd_goes_before_the_others() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with session.transcribe(urls(400, "crowd"), files_per_task=100):
            tasks = [await session.submit([url]) for url in urls(250)]
            await anyio.sleep(120)
            # Each comes up every fifteen seconds or so, but not those for which the time is up.
            for task in tasks[:5]:
                now = anyio.current_time()
                with pytest.raises(WaitTimeoutError):
                    await task.wait(timeout=1)
                assert anyio.current_time() < now + 1 + 0.3
            assert not service.ledger.throttled

    play(scenario, UNLISTED, recognizer=LONG)


def test_a_deadline_of_zero_is_one_look() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        with pytest.raises(WaitTimeoutError, match="within 0 s"):
            await task.wait(timeout=0)
        assert service.ledger.requests["query"] == 1
        await pause(service, task, ends_in=5)
        await anyio.sleep(6)
        asked = service.ledger.requests["query"]
        # It is done, and nobody has noticed it.
        assert task.status == "RUNNING"
        assert (await task.wait(timeout=0))[0].ok
        assert service.ledger.requests["query"] == asked + 1
        # Now that it is here, nothing is asked for.
        assert (await task.wait(timeout=0))[0].ok
        assert (await task.wait(timeout=-1))[0].ok
        assert service.ledger.requests["query"] == asked + 1

    play(scenario, UNLISTED, recognizer=LONG)


def test_cancelled_during_the_last_look_nothing_is_left_behind() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        now = await pause(service, task)
        service.faults = FaultPlan().always("query", Fault.delayed(4))
        with anyio.move_on_after(5) as scope:
            await task.wait(timeout=3)
        assert scope.cancelled_caught
        assert anyio.current_time() == pytest.approx(now + 5)
        assert not task._outlet._watchers
        service.faults = FaultPlan()
        assert (await task)[0].ok

    play(scenario, UNLISTED, recognizer=LONG)


def test_two_waits_with_deadlines_of_their_own() -> None:
    outcomes: dict[float, float | str | None] = {}

    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        now = await pause(service, task, ends_in=6)

        async def wait(seconds: float) -> None:
            try:
                await task.wait(timeout=seconds)
                outcomes[seconds] = anyio.current_time() - now
            except WaitTimeoutError as error:
                outcomes[seconds] = error.token

        async with anyio.create_task_group() as group:
            for seconds in (3.0, 10.0, 30.0):
                group.start_soon(wait, seconds)
        assert outcomes.pop(3.0) == task.token

    play(scenario, UNLISTED, recognizer=LONG)
    # What one of them hears serves the other, too.
    assert outcomes[10.0] == outcomes[30.0]
    assert isinstance(outcomes[10.0], float)
    assert 6 < outcomes[10.0] < 10.2


def test_waits_with_the_same_deadline_share_the_look() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        await pause(service, task)
        asked = service.ledger.requests["query"]

        async def wait() -> None:
            with pytest.raises(WaitTimeoutError):
                await task.wait(timeout=3)

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(wait)
        assert service.ledger.requests["query"] <= asked + 2

    play(scenario, UNLISTED, recognizer=LONG)


def test_a_session_that_is_closed_during_the_last_look_says_so() -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        await pause(service, task)
        service.faults = FaultPlan().always("query", Fault.delayed(4))

        async def close() -> None:
            await anyio.sleep(4)
            await session.aclose()

        async with anyio.create_task_group() as group:
            group.start_soon(close)
            with pytest.raises(SessionClosedError) as caught:
                await task.wait(timeout=3)
        assert caught.value.token == task.token

    play(scenario, UNLISTED, recognizer=LONG)
