"""A session on a hostile service: nothing twice, nothing forgotten, nothing wrong; and the benchmark could tell."""

from __future__ import annotations

from random import Random

import pytest
from attrs import evolve

from aiofunasr import AmbiguousSubmissionError, FileError, SubtaskResult, Transcript
from aiofunasr.emulator import Ledger, Submission
from aiofunasr.emulator.faults import FaultInjector
from benchmarks.faults.audit import Findings, Told, audit
from benchmarks.faults.peers import PEERS
from benchmarks.faults.plan import KINDS, hostile_plan, not_connected
from benchmarks.faults.run import OURS, Run, execute
from benchmarks.faults.table import head, row
from benchmarks.faults.workload import Expected, Job, expected, make_jobs

URLS = ("https://media.example.com/1/call-3s.wav", "https://media.example.com/2/404.wav")
JOB = Job("a job", "transcribe", URLS)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_twice_nothing_forgotten_nothing_wrong(share: float, seed: int) -> None:
    findings = execute(Run(OURS, share, seed, 100, mixed_up=False)).findings
    assert not findings.samples
    assert findings.broken == 0


def test_a_run_can_be_repeated() -> None:
    first, second = (execute(Run(OURS, 0.5, 3, 60)) for _ in range(2))
    assert (first.findings, first.requests, first.seconds) == (second.findings, second.requests, second.seconds)


@pytest.mark.parametrize("peer", PEERS)
def test_peers_submit_twice_what_they_hear_nothing_of(peer: str) -> None:
    assert execute(Run(peer, 0.0, 0, 60)).findings.twice == 0
    assert execute(Run(peer, 0.5, 0, 60)).findings.twice > 3


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_plan_hits_its_share_of_every_kind_of_request(share: float) -> None:
    for kind in KINDS:
        injector = FaultInjector(hostile_plan(share, seed=4), Random(4))
        hits = sum(injector.next(kind, now / 7) is not None for now in range(20_000))
        assert share - not_connected(share) == pytest.approx(hits / 20_000, rel=0.1)


def test_a_plan_without_a_share_is_none() -> None:
    assert hostile_plan(0.0).rules == ()


def test_the_files_are_shared_out_once() -> None:
    jobs = make_jobs(500, 0)
    files = [url for job in jobs for url in set(job.urls)]
    assert len(files) == len(set(files)) == 500
    assert any(len(job.urls) > len(set(job.urls)) for job in jobs)
    assert {job.way for job in jobs} == {"transcribe", "upload", "submit", "attach", "cancel"}


def books(*accepted: tuple[str, ...]) -> Ledger:
    ledger = Ledger()
    for number, urls in enumerate(accepted):
        ledger.accept(Submission(0.0, "emulator", "fun-asr", urls, f"task-{number}", f"request-{number}"))
    return ledger


def result(index: int, task_id: str = "task-0") -> SubtaskResult:
    """Return a result with an empty transcript, which is right for no file of the job."""
    return SubtaskResult(
        source=URLS[index], file_url=URLS[index], index=index, task_id=task_id, transcript=Transcript()
    )


def look(told: Told, ledger: Ledger) -> Findings:
    return audit([JOB], told, ledger, strict=False)


def test_an_audit_sees_what_is_submitted_twice_forgotten_and_missing() -> None:
    findings = look(Told(), books(URLS, URLS[:1]))
    assert (findings.twice, findings.forgotten, findings.missing) == (1, 2, 2)
    assert findings.broken == 5


def test_an_audit_sees_what_is_wrong_and_doubled() -> None:
    told = Told(results=[(JOB, result(0)), (JOB, result(0)), (JOB, result(1, "task-9"))])
    findings = look(told, books(URLS))
    assert (findings.wrong, findings.doubled, findings.missing, findings.forgotten) == (3, 1, 0, 0)


def test_an_audit_sees_results_of_files_that_were_never_given() -> None:
    stray = evolve(result(0), index=7, error=FileError("no", code="NO"), transcript=None)
    assert look(Told(results=[(JOB, stray)]), books(URLS)).wrong == 1


def test_a_submit_told_of_by_its_files_is_not_forgotten_unless_it_must_be_found() -> None:
    error = AmbiguousSubmissionError("lost", file_urls=URLS, model="fun-asr", sent_at=0.0)
    told = Told(raised=[(JOB, error)])
    assert look(told, books(URLS)).told_by_files_alone == 1
    assert audit([JOB], told, books(URLS), strict=True).forgotten == 1
    assert audit([JOB], Told(unanswered=[URLS]), books(URLS), strict=True).forgotten == 0
    found = AmbiguousSubmissionError("", file_urls=URLS, model="", sent_at=0.0, candidates=["task-0"])
    assert audit([JOB], Told(raised=[(JOB, found)]), books(URLS), strict=True).forgotten == 0


def test_what_is_expected_is_what_the_service_says() -> None:
    assert expected(URLS[0]).text
    assert expected(URLS[1]) == Expected("", "FILE_404_NOT_FOUND")
    assert expected("https://media.example.com/3/silence.wav") == Expected("")


def test_the_table_says_what_must_not_be() -> None:
    outcome = execute(Run(OURS, 0.5, 0, 60, mixed_up=False))
    assert "MUST NOT BE" not in row(OURS, [outcome], 60)
    assert head(0.5, 60, 1).startswith("50% of requests go wrong")
    wrong = evolve(outcome, findings=evolve(outcome.findings, wrong=1, samples=("a lie",)))
    assert "MUST NOT BE: a lie" in row(OURS, [wrong], 60)
