from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import (
    FileDownloadError,
    FileError,
    FileFormatError,
    FileServiceError,
    SubtaskSnapshot,
    TaskCanceledError,
    TaskExpiredError,
    TaskFailedError,
    TaskSnapshot,
)
from aiofunasr.wire.verdicts import judge


def snapshot(status: str, *results: SubtaskSnapshot, code: str | None = None) -> TaskSnapshot:
    return TaskSnapshot(task_id="t", task_status=status, results=results, code=code, message=code)


def good(url: str, name: str | None = None) -> SubtaskSnapshot:
    return SubtaskSnapshot(file_url=url, subtask_status="SUCCEEDED", transcription_url=f"https://o/{name or url}")


def bad(url: str, code: str) -> SubtaskSnapshot:
    return SubtaskSnapshot(file_url=url, subtask_status="FAILED", code=code, message=code)


@given(st.permutations(["a", "b", "c", "d"]))
def test_results_are_matched_by_url_whatever_their_order(order: list[str]) -> None:
    verdicts = judge(["a", "b", "c", "d"], snapshot("SUCCEEDED", *map(good, order)))
    assert [verdict.transcription_url for verdict in verdicts] == [f"https://o/{url}" for url in "abcd"]


def test_a_url_given_twice_gets_its_results_in_turn_or_the_one_there_is() -> None:
    twice = judge(["a", "b", "a"], snapshot("SUCCEEDED", good("a", "1"), good("a", "2"), good("b")))
    assert [verdict.transcription_url for verdict in twice] == ["https://o/1", "https://o/b", "https://o/2"]
    once = judge(["a", "a"], snapshot("SUCCEEDED", good("a", "1")))
    assert [verdict.transcription_url for verdict in once] == ["https://o/1"] * 2


def test_an_echo_that_is_escaped_otherwise_still_matches() -> None:
    verdicts = judge(
        ["https://h/a%20b", "https://h/c"], snapshot("SUCCEEDED", good("https://h/c"), good("https://h/a b"))
    )
    assert verdicts[0].transcription_url == "https://o/https://h/a b"


def test_one_bad_file_is_one_error() -> None:
    ok, failed = judge(["a", "b"], snapshot("SUCCEEDED", bad("b", "InvalidFile.DownloadFailed"), good("a")))
    assert ok.transcription_url
    assert isinstance(failed.error, FileDownloadError)
    assert failed.error.code == "InvalidFile.DownloadFailed"


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_task_without_a_succeeded_file_has_failed_whatever_it_says(status: str) -> None:
    verdicts = judge(
        ["a", "b"], snapshot(status, bad("a", "DECODE_ERROR"), bad("b", "SERVER_ERROR"), code="DECODE_ERROR")
    )
    assert isinstance(verdicts[0].error, FileFormatError)
    assert isinstance(verdicts[1].error, FileServiceError)


@pytest.mark.parametrize("code", ["SUCCESS_WITH_NO_VALID_FRAGMENT", "ASR_RESPONSE_HAVE_NO_WORDS"])
def test_no_speech_is_no_error(code: str) -> None:
    (listed,) = judge(["a"], snapshot("FAILED", bad("a", code), code=code))
    (bare,) = judge(["a"], snapshot("FAILED", code=code))
    assert listed.no_speech
    assert bare.no_speech
    assert listed.error is None
    assert bare.error is None


def test_a_task_wide_failure_reaches_each_file_with_its_code() -> None:
    verdicts = judge(["a", "b"], snapshot("FAILED", code="AllocationQuota.FreeTierOnly"))
    assert [type(verdict.error) for verdict in verdicts] == [TaskFailedError] * 2
    assert "FreeTierOnly" in str(verdicts[0].error)
    (alone,) = judge(["a"], snapshot("FAILED", code="FILE_403_FORBIDDEN"))
    assert isinstance(alone.error, FileDownloadError)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("CANCELED", TaskCanceledError), ("UNKNOWN", TaskExpiredError), ("SUCCEEDED", TaskFailedError)],
)
def test_a_task_that_says_nothing_of_a_file(status: str, kind: type[Exception]) -> None:
    (verdict,) = judge(["a"], snapshot(status))
    assert type(verdict.error) is kind


def test_success_without_a_document_is_a_failure() -> None:
    nothing = SubtaskSnapshot(file_url="a", subtask_status="SUCCEEDED")
    (verdict,) = judge(["a"], snapshot("SUCCEEDED", nothing))
    assert isinstance(verdict.error, TaskFailedError)


def test_an_unknown_code_survives() -> None:
    (verdict,) = judge(["a"], snapshot("FAILED", bad("a", "BRAND_NEW")))
    assert type(verdict.error) is FileError
    assert verdict.error.code == "BRAND_NEW"
