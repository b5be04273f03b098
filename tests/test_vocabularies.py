"""Vocabularies at the service: made, waited for, listed, changed, deleted, and never left behind."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import anyio
import pytest

import aiofunasr
from aiofunasr import (
    AmbiguousVocabularyError,
    BadRequestError,
    HotWord,
    InvalidArgumentError,
    QuotaExceededError,
    ServiceUnavailableError,
    Session,
    VocabularyTimeoutError,
)
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.errors import FunASRError
from support import CancelledAfter, play, urls

WORDS: list[HotWord | str] = ["Stanislavski", HotWord("冈察洛夫", 5, "zh")]


async def ids(session: Session, prefix: str | None = None) -> list[str]:
    return [vocabulary.vocabulary_id async for vocabulary in session.vocabularies.list(prefix)]


def test_a_vocabulary_from_its_making_to_its_end() -> None:
    async def scenario(session: Session, service: Service) -> None:
        made = await session.vocabularies.create(WORDS, prefix="demo")
        assert made.vocabulary_id.startswith("vocab-demo-")
        assert str(made) == made.vocabulary_id
        found = await session.vocabularies.query(made)
        assert (found.target_model, found.status, found.words) == ("fun-asr", "OK", made.words)
        assert found.gmt_create is not None
        assert found.gmt_create.utcoffset() == timedelta(hours=8)
        await session.vocabularies.update(made.vocabulary_id, {"Oblomov": 3})
        assert (await session.vocabularies.query(made)).words == (HotWord("Oblomov", 3),)
        await session.vocabularies.delete(made)
        assert await ids(session) == []
        with pytest.raises(BadRequestError):
            await session.vocabularies.query(made)

    play(scenario)


@pytest.mark.parametrize("page_size", [1, 2, 3, 10])
def test_all_pages_are_listed_each_vocabulary_once(page_size: int) -> None:
    async def scenario(session: Session, service: Service) -> None:
        made = [(await session.vocabularies.create(WORDS, prefix=f"p{at % 2}")).vocabulary_id for at in range(6)]
        listed = [one.vocabulary_id async for one in session.vocabularies.list(page_size=page_size)]
        assert sorted(listed) == sorted(made)
        assert await ids(session, "p1") == [one for one in listed if one.startswith("vocab-p1-")]

    play(scenario)


def test_what_cannot_be_is_refused_before_anything_is_sent() -> None:
    async def scenario(session: Session, service: Service) -> None:
        vocabularies: Any = session.vocabularies
        calls: list[tuple[Any, str]] = [
            (lambda: vocabularies.create([]), "words"),
            (lambda: vocabularies.create(["a" * 3, "十六个字十六个字十六个字十六个字"]), "text"),
            (lambda: vocabularies.create(WORDS, prefix="Demo"), "prefix"),
            (lambda: vocabularies.create(WORDS, model=""), "model"),
            (lambda: anext(vocabularies.list("A")), "prefix"),
            (lambda: anext(vocabularies.list(page_size=0)), "page_size"),
            (lambda: vocabularies.query(7), "vocabulary"),
            (lambda: vocabularies.update("vocab-a-1", "word"), "words"),
            (lambda: vocabularies.delete(""), "vocabulary"),
            (lambda: vocabularies.wait("vocab-a-1", timeout=0), "timeout"),
            (lambda: session.vocabulary(["x"] * 501).__aenter__(), "words"),
        ]
        for call, argument in calls:
            with pytest.raises(InvalidArgumentError) as caught:
                await call()
            assert caught.value.argument == argument
        assert not service.ledger.requests

    play(scenario)


def test_an_account_that_is_full_says_so_at_once() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.vocabularies.create(WORDS)
        begun = anyio.current_time()
        with pytest.raises(QuotaExceededError, match="quota"):
            await session.vocabularies.create(WORDS)
        assert anyio.current_time() - begun < 1

    play(scenario, EmulatorSettings(vocabularies_per_account=1))


@pytest.mark.parametrize("kind", ["fault", "throttled"])
@pytest.mark.parametrize("action", ["query", "update", "list", "delete"])
def test_everything_but_making_one_is_tried_again(action: str, kind: str) -> None:
    async def scenario(session: Session, service: Service) -> None:
        vocabularies = session.vocabularies
        made = await vocabularies.create(WORDS)
        fault = Fault.drop_after() if kind == "fault" else Fault.throttled()
        service.faults = FaultPlan().on("vocabulary", fault, [1])
        before = service.ledger.requests["vocabulary"]
        match action:
            case "query":
                assert (await vocabularies.query(made)).words == made.words
            case "update":
                await vocabularies.update(made, ["x"])
            case "list":
                assert await ids(session) == [made.vocabulary_id]
            case "delete":
                await vocabularies.delete(made)
                assert await ids(session) == []
        assert service.ledger.requests["vocabulary"] > before + 1

    play(scenario)


def test_deleting_what_was_never_there_is_an_error_even_after_a_lost_reply() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(BadRequestError):
            await session.vocabularies.delete("vocab-demo-1")
        # With the reply to the first try lost, nobody can tell whether it was there.
        service.faults = FaultPlan().on("vocabulary", Fault.drop_after(), [1])
        await session.vocabularies.delete("vocab-demo-1")

    play(scenario)


# --- made once ---


@pytest.mark.parametrize("prefix", [None, "demo"])
@pytest.mark.parametrize(
    "fault", [Fault.drop_after(), Fault.truncated(), Fault.error(503, handled=True), Fault.html_page(handled=True)]
)
def test_one_whose_reply_is_lost_is_found_again(prefix: str | None, fault: Fault) -> None:
    async def scenario(session: Session, service: Service) -> None:
        stranger = await session.vocabularies.create(WORDS, prefix="demo")
        # With a prefix that others use, what there is before is looked at first.
        service.faults = FaultPlan().on("vocabulary", fault, [1 if prefix is None else 3])
        made = await session.vocabularies.create(WORDS, prefix=prefix)
        assert service.ledger.faults["vocabulary"] == 1
        assert made != stranger
        assert sorted(await ids(session)) == sorted([stranger.vocabulary_id, made.vocabulary_id])

    play(scenario)


def test_one_that_was_not_made_is_made_again() -> None:
    async def scenario(session: Session, service: Service) -> None:
        made = await session.vocabularies.create(WORDS)
        assert await ids(session) == [made.vocabulary_id]

    play(scenario, faults=FaultPlan().on("vocabulary", Fault.drop_before(), [1]))


def test_with_a_prefix_of_others_it_is_told_that_nothing_is_known() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(AmbiguousVocabularyError, match=r"demo.*not known") as caught:
            await session.vocabularies.create(WORDS, prefix="demo")
        assert (caught.value.prefix, caught.value.model) == ("demo", "fun-asr")
        assert isinstance(caught.value, ConnectionError)

    play(scenario, faults=FaultPlan().on("vocabulary", Fault.drop_before(), [2]))


def test_what_another_makes_meanwhile_is_not_taken_for_ours() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async def other() -> None:
            await anyio.sleep(0.06)
            await session.vocabularies.create(["something else"], prefix="demo1")

        service.faults = FaultPlan().on("vocabulary", Fault.timed_out(handled=False), [2])
        async with anyio.create_task_group() as group:
            group.start_soon(other)
            with pytest.raises(AmbiguousVocabularyError):
                await session.vocabularies.create(WORDS, prefix="demo")
        assert len(await ids(session)) == 1

    play(scenario)


def test_one_that_was_made_late_is_deleted() -> None:
    async def scenario(session: Session, service: Service) -> None:
        vocabularies = session.vocabularies
        searched: list[Any] = []
        keeper = vocabularies._keeper
        search = keeper._search

        async def late(making: Any, looks: tuple[float, ...] = (0.5,)) -> str | None:
            found = await search(making, looks)
            searched.append(making)
            # The service acts on the first request only now.
            await session.vocabularies.create(making.words, prefix=making.prefix)
            return found

        keeper._search = late  # type: ignore[method-assign]
        made = await vocabularies.create(WORDS)
        assert len(searched) == 1
        assert await ids(session) == [made.vocabulary_id]

    play(scenario, faults=FaultPlan().on("vocabulary", Fault.drop_before(), [1]))


# --- for a while ---


def test_one_for_a_while_can_be_used_and_is_gone_afterwards() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with session.vocabulary(WORDS) as vocabulary:
            assert vocabulary.is_usable
            assert vocabulary.words == (HotWord("Stanislavski"), WORDS[1])
            await aiofunasr.transcribe(urls(2), session=session, vocabulary_id=vocabulary)
            assert len(await ids(session)) == 1
        assert await ids(session) == []
        sent = [submission.parameters for submission in service.ledger.submissions]
        assert sent == [{"vocabulary_id": vocabulary.vocabulary_id}] * 2

    play(scenario)


def test_it_is_waited_for_until_it_can_be_used() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with session.vocabulary(WORDS) as vocabulary:
            assert vocabulary.is_usable
            assert 20 <= anyio.current_time() < 30
        assert service.ledger.requests["vocabulary"] < 15

    play(scenario, EmulatorSettings(vocabulary_deploy_seconds=20.0))


def test_one_that_takes_too_long_is_deleted_all_the_same() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(VocabularyTimeoutError, match="within 30 s"):
            async with session.vocabulary(WORDS, timeout=30):
                pass
        assert await ids(session) == []

    play(scenario, EmulatorSettings(vocabulary_deploy_seconds=200.0))


def test_an_error_of_the_deletion_hides_none_of_the_body(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(ZeroDivisionError):
            async with session.vocabulary(WORDS) as vocabulary:
                service.faults = FaultPlan().on("vocabulary", Fault.error(403, "AccessDenied"), range(1, 99))
                raise ZeroDivisionError
        assert f"{vocabulary.vocabulary_id} could not be deleted" in caplog.text
        service.faults = FaultPlan()
        with pytest.raises(aiofunasr.AccessDeniedError):
            async with session.vocabulary(WORDS):
                service.faults = FaultPlan().on("vocabulary", Fault.error(403, "AccessDenied"), range(1, 99))

    play(scenario)


def test_one_that_outlives_its_session_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with session.vocabulary(WORDS) as vocabulary:
            await session.aclose()
        assert f"{vocabulary.vocabulary_id} could not be deleted: the session was closed" in caplog.text

    play(scenario)


def test_leaving_takes_ten_seconds_at_most() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with session.vocabulary(WORDS):
            service.faults = FaultPlan().on("vocabulary", Fault.timed_out(), range(1, 99))
            begun = anyio.current_time()
        assert anyio.current_time() - begun <= 10.1

    play(scenario)


@pytest.mark.parametrize("how", ["scope", "task"])
@pytest.mark.parametrize("deploy", [0.0, 5.0])
def test_wherever_it_is_cancelled_nothing_is_left(how: str, deploy: float) -> None:
    """Cancel at every point at which it can be suspended, in either of the two ways."""

    async def scenario(session: Session, service: Service) -> None:
        async def use(scope: anyio.CancelScope) -> None:
            with scope:
                async with session.vocabulary(WORDS) as vocabulary:
                    await session.vocabularies.query(vocabulary)

        for steps in range(1, 60):
            scope = anyio.CancelScope()
            cancelled = CancelledAfter(use(scope), steps, scope.cancel if how == "scope" else None)
            try:
                await asyncio.create_task(cancelled)
            except asyncio.CancelledError:
                assert how == "task"
            await anyio.sleep(20)
            assert await ids(session) == [], f"left behind after {steps} steps"
            if not cancelled.was_cancelled:
                return
        pytest.fail("it took more steps than thought")

    play(scenario, EmulatorSettings(vocabulary_deploy_seconds=deploy))


def test_cancelled_with_its_making_on_the_way_it_is_found_and_deleted() -> None:
    async def scenario(session: Session, service: Service) -> None:
        service.faults = FaultPlan().on("vocabulary", Fault.delayed(3.0), [1])
        with anyio.move_on_after(1.0):
            async with session.vocabulary(WORDS):
                pytest.fail("it was never made")
        assert await ids(session) == []
        assert service.ledger.requests["vocabulary"] > 2

    play(scenario)


# --- for one model ---


def test_one_known_to_be_for_another_model_is_refused_before_anything_is_billed() -> None:
    async def scenario(session: Session, service: Service) -> None:
        made = await session.vocabularies.create(WORDS, model="fun-asr-mtl")
        for given in (made, made.vocabulary_id):
            with pytest.raises(InvalidArgumentError, match="made for fun-asr-mtl"):
                await session.submit(urls(1), vocabulary_id=given)
            with pytest.raises(InvalidArgumentError, match="made for fun-asr-mtl"):
                session.transcribe(urls(1), vocabulary_id=given)
        await session.submit(urls(1), model="fun-asr-mtl", vocabulary_id=made.vocabulary_id)
        assert len(service.ledger.submissions) == 1

    play(scenario)


def test_what_is_not_known_is_for_the_service_to_judge() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(FunASRError):
            await session.submit(urls(1), vocabulary_id="vocab-a-1")
        made = await session.vocabularies.create(WORDS, model="fun-asr-mtl")
        session._vocabularies._keeper._models.clear()
        await session.submit(urls(1), vocabulary_id=made.vocabulary_id)
        await session.vocabularies.query(made.vocabulary_id)
        with pytest.raises(InvalidArgumentError):
            await session.submit(urls(1), vocabulary_id=made.vocabulary_id)

    play(scenario)


def test_a_making_that_fails_for_good_is_told_as_it_is() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(AmbiguousVocabularyError) as caught:
            await session.vocabularies.create(WORDS)
        assert isinstance(caught.value.__cause__, ServiceUnavailableError)

    play(scenario, faults=FaultPlan().on("vocabulary", Fault.error(500), range(1, 999)))
