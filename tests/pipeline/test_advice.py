from __future__ import annotations

import logging
import warnings
from pathlib import Path

import anyio
import pytest

import aiofunasr
from aiofunasr import Limits, OptionsWarning, Session, SpecialWordFilter
from aiofunasr.emulator import EmulatorSettings, Service
from support import play, urls

INSTANT = EmulatorSettings.instant()


def test_what_would_be_ignored_is_said_at_the_callers_own_line() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.warns(OptionsWarning, match="reads one language hint, zh; without effect: en") as caught:
            await session.submit(urls(1), language_hints=["zh", "en"])
        assert [Path(each.filename) for each in caught] == [Path(__file__)]
        with pytest.warns(OptionsWarning) as caught:
            session.transcribe(urls(1), corpus="turbine")
        assert [Path(each.filename) for each in caught] == [Path(__file__)]
        with pytest.warns(OptionsWarning) as caught:
            await aiofunasr.transcribe(urls(1), session=session, enable_words=True)
        assert [Path(each.filename) for each in caught] == [Path(__file__)]

    play(scenario, INSTANT)


def test_it_is_said_once_for_the_same_options_and_again_for_others() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(3):
                await session.submit(urls(1), language_hints=["zh", "en"])
            assert len(caught) == 1
            await session.submit(urls(1), language_hints=["zh", "ja"])
            assert len(caught) == 2
            await session.submit(urls(1), language_hints=["zh", "en"])
            assert len(caught) == 2

    play(scenario, INSTANT)


def test_as_an_error_it_comes_before_anything_is_sent() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(OptionsWarning):
            await session.submit(urls(1), language_hints=["zh", "en"])
        assert not service.ledger.submissions

    play(scenario, INSTANT)


def test_a_session_knows_its_region() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.warns(OptionsWarning, match="paraformer-v2 is not offered in ap-southeast-1"):
            session.transcribe(urls(1), model="paraformer-v2")

    play(scenario, INSTANT, region="ap-southeast-1")


def test_a_model_of_fewer_submits_than_the_session_makes_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(session: Session, service: Service) -> None:
        for number in (1, 2):
            session.transcribe(urls(number), model="fun-asr")
            session.transcribe(urls(number), model="fun-asr-mtl", channel_id=[number])

    with caplog.at_level(logging.INFO, logger="aiofunasr"):
        play(scenario, INSTANT, region="ap-southeast-1")
        told = [record.getMessage() for record in caplog.records if "submits a second" in record.getMessage()]
        assert len(told) == 1
        assert told[0].startswith("the service takes 1.67 submits a second of fun-asr-mtl in ap-southeast-1, and this")
        caplog.clear()
        play(scenario, INSTANT, region="ap-southeast-1", limits=Limits(submit=100 / 60))
        play(scenario, INSTANT, region="cn-beijing")
        assert not [record for record in caplog.records if "submits a second" in record.getMessage()]


def test_that_the_service_masks_words_is_told_once_to_who_listens(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.submit(urls(1), special_word_filter=SpecialWordFilter(masked=["alpha"]))
        assert not told()
        for number in (1, 2, 3):
            await session.submit(urls(number))
        await session.submit(urls(1), model="fun-asr-mtl")
        assert len(told()) == 1

    def told() -> list[logging.LogRecord]:
        return [record for record in caplog.records if "list are masked" in record.getMessage()]

    with caplog.at_level(logging.INFO, logger="aiofunasr"):
        play(scenario, INSTANT)


def test_a_task_that_nobody_called_for_by_name_is_warned_of_all_the_same() -> None:
    async def scenario(session: Session, service: Service) -> None:
        with pytest.warns(OptionsWarning):
            async with anyio.create_task_group() as group:
                group.start_soon(session.submit, urls(1), aiofunasr.TranscriptionOptions(enable_itn=True))

    play(scenario, INSTANT)
