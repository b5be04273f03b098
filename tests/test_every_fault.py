"""Every way in which every kind of request can go wrong, one at a time: each file has one answer, the right one."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from aiofunasr import AmbiguousSubmissionError, FunASRError, Session, TaskToken, UnexpectedError
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from benchmarks.faults.plan import KINDS, faults_of
from benchmarks.faults.workload import expected
from support import play, urls

EVERY = [(kind, fault) for kind in KINDS if kind != "cancel" for _, fault in faults_of(kind, mixed_up=False)]
TIMES = 3
FIELDS = [
    "drop",
    "status",
    "html",
    "handled",
    "damage",
    "content_type",
    "expired_link",
    "link_life",
    "results",
]


def name(case: tuple[str, Fault]) -> str:
    kind, fault = case
    usual = Fault()
    said = [f"{field}={getattr(fault, field)}" for field in FIELDS if getattr(fault, field) != getattr(usual, field)]
    return "-".join([kind, *said])


@pytest.mark.parametrize("case", EVERY, ids=name)
def test_each_file_has_one_answer(case: tuple[str, Fault], tmp_path: Path) -> None:
    kind, fault = case
    sources: list[str | Path] = list(urls(8))
    if kind in {"policy", "upload"}:
        sources = [tmp_path / "a.wav", tmp_path / "b.wav"]
        for source in sources:
            Path(source).write_bytes(b"sound")

    async def scenario(session: Session, service: Service) -> None:
        with anyio.fail_after(3 * 3600):
            async with session.transcribe(sources, files_per_task=1) as batch:
                results = [result async for result in batch]
        assert sorted(result.index for result in results) == list(range(len(sources)))
        assert not service.ledger.duplicates()
        for result in results:
            if result.ok:
                assert result.file_url is not None
                assert result.text == expected(result.file_url).text
            else:
                assert isinstance(result.error, FunASRError)
                assert not isinstance(result.error, UnexpectedError)
        known = {TaskToken.decode(result.token).task_id for result in results if result.token}
        errors = [result.error for result in results]
        told = {url for error in errors if isinstance(error, AmbiguousSubmissionError) for url in error.file_urls}
        for submission in service.ledger.submissions:
            assert submission.task_id in known or set(submission.file_urls) <= told
        assert sum(not result.ok for result in results) <= TIMES

    settings = EmulatorSettings(queue_seconds=(1.0, 5.0), resign_links=True, results_order="shuffled")
    play(scenario, settings, faults=FaultPlan().on(kind, fault, range(1, TIMES + 1)))


@pytest.mark.parametrize("case", [("cancel", fault) for _, fault in faults_of("cancel")], ids=name)
def test_a_cancel_that_went_wrong_leaves_the_task_to_be_waited_for(case: tuple[str, Fault]) -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit(urls(1))
        try:
            await task.cancel()
        except FunASRError as error:
            assert not isinstance(error, UnexpectedError)  # noqa: PT017  (that it is raised is not said)
        with anyio.fail_after(3600):
            (result,) = await task
        assert result.task_id == service.ledger.submissions[0].task_id

    settings = EmulatorSettings(queue_seconds=(30.0, 30.0))
    play(scenario, settings, faults=FaultPlan().on(*case, range(1, TIMES + 1)))
