"""The open questions that a batch of files does not meet by itself: the client works with either answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import pytest
from answers import OF_THEIR_OWN, cases
from pushed import HOOK, SETTINGS, next_delivery, now, request

import aiofunasr
from aiofunasr import (
    AuthenticationError,
    BadRequestError,
    EventFilter,
    HotWord,
    InvalidFileError,
    NotFoundError,
    Session,
    TaskError,
)
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from support import play, urls

Test = TypeVar("Test", bound=Callable[..., Any])

INSTANT = EmulatorSettings.instant()
# The emulator counts tracks to 63, which the client does not presume to know.
BAD: Final[dict[str, Any]] = {"channel_id": [99]}
questions: set[str] = set()


def either(question: str) -> Callable[[Test], Test]:
    """Run a test with each answer to a question."""
    questions.add(question)
    return pytest.mark.parametrize("answer", cases([question], OF_THEIR_OWN))


def test_every_question_is_asked() -> None:
    assert questions == OF_THEIR_OWN.keys()


# --- parameters ---


@either("a bad parameter")
def test_a_bad_parameter_is_told_with_its_code_wherever_it_is_found(answer: dict[str, Any]) -> None:
    settings = INSTANT.replace(**answer)

    async def scenario(session: Session, service: Service) -> None:
        good, bad = [await aiofunasr.transcribe(urls(2), session=session, **options) for options in ({}, BAD)]
        assert all(result.ok for result in good)
        for result in bad:
            assert isinstance(result.error, TaskError if settings.bad_parameter == "task" else BadRequestError)
            assert result.error.code == settings.bad_parameter_code
            assert "channel_id" in str(result.error)
        if settings.bad_parameter == "refused":
            with pytest.raises(BadRequestError, match=settings.bad_parameter_code):
                await session.submit(urls(1), **BAD)
        # It is not tried again: it would be as bad as before.
        submits = 1 if settings.bad_parameter == "task" else 2
        assert service.ledger.requests["submit"] == 1 + submits

    play(scenario, settings, files_per_task=2)


@either("an unknown parameter")
def test_a_parameter_that_the_service_does_not_know_is_ignored_or_told(answer: dict[str, Any]) -> None:
    settings = INSTANT.replace(**answer)

    async def scenario(session: Session, service: Service) -> None:
        (result,) = await aiofunasr.transcribe(urls(1), session=session, extra_parameters={"brand_new": 1})
        if settings.unknown_parameters == "ignored":
            assert result.text
            assert service.ledger.submissions[0].parameters == {"brand_new": 1}
        else:
            assert isinstance(result.error, BadRequestError)
            assert "missing status name" in str(result.error)

    play(scenario, settings)


@either("the form of an error")
def test_an_error_is_read_in_every_form(answer: dict[str, Any]) -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(BadRequestError, match="channel_id") as bad:
            await session.submit(urls(1), **BAD)
        assert (bad.value.status, bad.value.code) == (400, "InvalidParameter")
        service.settings = service.settings.replace(api_keys={"sk-other": "other"})
        with pytest.raises(AuthenticationError, match="Invalid API-key") as unknown:
            await session.submit(urls(1))
        assert (unknown.value.status, unknown.value.code) == (401, "InvalidApiKey")

    play(scenario, INSTANT.replace(**answer))


@either("the language hints of none")
def test_what_is_understood_without_hints_is_what_the_service_takes_for_granted(answer: dict[str, Any]) -> None:
    taken_for_granted = answer["default_language_hints"] or ("en",)

    async def scenario(session: Session, service: Service) -> None:
        (none,) = await aiofunasr.transcribe(urls(1), session=session)
        (same,) = await aiofunasr.transcribe(urls(1), session=session, language_hints=taken_for_granted[:1])
        assert none.text == same.text
        assert none.unwrap().words == same.unwrap().words
        assert service.ledger.submissions[0].parameters == {}

    play(scenario, INSTANT.replace(**answer))


@either("the speaker of a sentence")
def test_a_sentence_may_lack_its_speaker(answer: dict[str, Any]) -> None:
    every = answer["missing_speaker_every"]

    async def scenario(session: Session, service: Service) -> None:
        options: dict[str, Any] = {"diarization_enabled": True, "speaker_count": 2}
        (result,) = await aiofunasr.transcribe(["https://media.example/call-200s.wav"], session=session, **options)
        sentences = result.unwrap().sentences
        assert len(sentences) > 20
        for number, sentence in enumerate(sentences, 1):
            is_missing = every > 0 and number % every == 0
            assert sentence.speaker_id == (None if is_missing else (number - 1) % 2)

    play(scenario, INSTANT.replace(**answer))


# --- uploads and vocabularies ---


@either("the largest upload")
def test_the_largest_upload_is_what_the_policy_says(answer: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "long.wav"
    file.write_bytes(bytes(3 * 2**19))

    async def scenario(session: Session, service: Service) -> None:
        (result,) = await aiofunasr.transcribe([file], session=session)
        fits = answer["policy_max_file_size_mb"] == 2
        assert result.ok is fits
        assert fits or isinstance(result.error, InvalidFileError)
        assert service.ledger.requests["upload"] == len(service.ledger.submissions) == int(fits)

    play(scenario, INSTANT.replace(**answer))


@either("the code of a vocabulary's refusal")
def test_a_vocabulary_that_is_gone_is_told_whatever_that_is_called(answer: dict[str, Any]) -> None:
    code = answer["vocabulary_error_code"]

    async def scenario(session: Session, service: Service) -> None:
        vocabularies = session.vocabularies
        made = await vocabularies.create(["Oblomov"])
        await vocabularies.delete(made)
        for ask in (vocabularies.query, vocabularies.delete, lambda name: vocabularies.update(name, ["x"])):
            with pytest.raises((BadRequestError, NotFoundError)) as refused:
                await ask(made)
            assert refused.value.code == code
        # Where only the reply was lost, it is gone as it should be.
        made = await vocabularies.create(["Oblomov"])
        service.faults = FaultPlan().on("vocabulary", Fault.drop_after(), [1])
        await vocabularies.delete(made)
        assert [row async for row in vocabularies.list()] == []

    play(scenario, INSTANT.replace(**answer))


@either("a vocabulary that is not there")
def test_a_submit_with_a_vocabulary_that_is_gone_is_refused_or_goes_without(answer: dict[str, Any]) -> None:
    async def scenario(session: Session, service: Service) -> None:
        (plain,) = await aiofunasr.transcribe(urls(1), session=session)
        (result,) = await aiofunasr.transcribe(urls(1), session=session, vocabulary_id="vocab-demo-gone")
        if answer["unknown_vocabulary"] == "ignored":
            assert result.text == plain.text
        else:
            assert isinstance(result.error, BadRequestError)
            assert "vocabulary_id" in str(result.error)

    play(scenario, INSTANT.replace(**answer))


@either("when a vocabulary can be used")
def test_a_vocabulary_has_its_effect_however_long_it_is_deployed(answer: dict[str, Any]) -> None:
    async def scenario(session: Session, service: Service) -> None:
        (plain,) = await aiofunasr.transcribe(urls(1), session=session)
        hot = max((word.text.strip() for word in plain.unwrap().words), key=len) + "X"
        async with session.vocabulary([HotWord(hot)]) as vocabulary:
            assert anyio.current_time() >= answer["vocabulary_deploy_seconds"]
            (result,) = await aiofunasr.transcribe(urls(1), session=session, vocabulary_id=vocabulary)
        assert hot in (result.text or "")
        assert hot not in (plain.text or "")

    play(scenario, INSTANT.replace(**answer))


# --- events ---


async def take_event(session: Session, service: Service, known: EventFilter) -> bool:
    """Take the next event as a receiver does; return whether it was news, which the session is then told."""
    delivery = await next_delivery(service)
    body = service.event_body(delivery, now())
    legacy = service.settings.event_signature == "v1"
    event = await session.verify_event(
        request(service, body), body, url=HOOK, token="a-token", trusted=[service.public_url], legacy=legacy
    )
    service.settle_event(delivery, 200, now())
    if not known.is_new(event):
        return False
    assert (event.snapshot is not None) is service.settings.events_contain_result
    assert session.notify(event)
    return True


async def notified(session: Session, service: Service) -> None:
    """Have three tasks end by their events, and make sure that each event is news once."""
    known = EventFilter()
    for url in urls(3):
        task = await session.submit([url])
        assert await take_event(session, service, known)
        asked, begun = service.ledger.requests["query"], anyio.current_time()
        (result,) = await task
        assert result.text
        assert (service.ledger.requests["query"], anyio.current_time() - begun < 0.5) == (asked + 1, True)
        if service.settings.event_duplicate_share:
            assert not await take_event(session, service, known)


AT_ONCE = SETTINGS.replace(event_delay_seconds=(0.0, 0.0), event_duplicate_share=0.0)


@either("what an event contains")
def test_an_event_is_enough_with_and_without_its_result(answer: dict[str, Any]) -> None:
    play(notified, AT_ONCE.replace(**answer), expects_events=True)


@either("how an event is signed")
def test_an_event_is_believed_however_it_is_signed(answer: dict[str, Any]) -> None:
    play(notified, AT_ONCE.replace(**answer), expects_events=True)


@either("an event that comes twice")
def test_an_event_is_news_once_however_often_it_comes(answer: dict[str, Any]) -> None:
    play(notified, AT_ONCE.replace(**answer), expects_events=True)


# --- hosts ---


@either("the shared host abroad")
def test_where_the_shared_host_is_gone_that_is_told_and_a_workspace_host_serves(answer: dict[str, Any]) -> None:
    settings = INSTANT.replace(**answer)

    async def abroad(session: Session, service: Service) -> None:
        if not answer["retired_hosts"]:
            assert (await aiofunasr.transcribe(urls(1), session=session))[0].ok
            return
        with pytest.raises(NotFoundError) as gone:
            await session.submit(urls(1))
        assert gone.value.status == 404

    async def workspace(session: Session, service: Service) -> None:
        assert (await aiofunasr.transcribe(urls(1), session=session))[0].ok
        assert service.ledger.submissions[0].region == "ap-southeast-1"

    play(abroad, settings, base_url="https://dashscope-intl.aliyuncs.com/api/v1")
    play(workspace, settings, base_url="https://ws-1.ap-southeast-1.maas.aliyuncs.com/api/v1")
