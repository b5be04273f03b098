from __future__ import annotations

from collections import Counter

import pytest

from aiofunasr.catalogue import BY_STATUS, FILE_CODES, REQUEST_CODES, Again, CodeEntry, entries_of, file_entry
from aiofunasr.catalogue.lookup import plain
from aiofunasr.errors import FileError, ServiceError
from aiofunasr.redaction import redact

EVERY = (*REQUEST_CODES, *BY_STATUS, *FILE_CODES)


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: f"{entry.name}-{entry.where[0]}")
def test_an_entry_says_all_it_should_in_two_sentences(entry: CodeEntry) -> None:
    for text in (entry.meaning, entry.advice):
        assert text[0].isupper()
        assert text.endswith(".")
        assert 15 < len(text) < 170
        assert redact(text) == text
    if entry.where == ("request",):
        assert entry.statuses
        assert entry.retry is not None
        assert issubclass(entry.error or object, ServiceError)
    else:
        assert (entry.statuses, entry.retry) == ((), None)
        assert entry.error is None or issubclass(entry.error, FileError)


def test_no_code_stands_twice() -> None:
    requests = Counter((plain(entry.code), status) for entry in REQUEST_CODES for status in entry.statuses)
    files = Counter(plain(entry.code) for entry in FILE_CODES)
    assert set((requests + files).values()) == {1}


def test_a_request_that_may_be_sent_again_is_no_lost_cause() -> None:
    for entry in EVERY:
        if entry.retry is Again.YES:
            assert entry.resubmit in {Again.YES, Again.LATER}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("InvalidApiKey", ["InvalidApiKey"]),
        ("invalid_api_key", ["InvalidApiKey"]),
        ("file_404_not_found", ["FILE_404_NOT_FOUND"]),
        ("Throttling.OfTomorrow", ["Throttling", "Throttling"]),
        ("throttling.rate-quota", ["Throttling.RateQuota", "Throttling.RateQuota"]),
        ("504", ["GatewayTimeout"]),
        ("418", []),
        ("NeverSeenBefore", []),
        ("", []),
    ],
)
def test_a_code_is_found_however_it_is_written(written: str, found: list[str]) -> None:
    assert [entry.code for entry in entries_of(written)] == found


def test_a_file_code_nobody_knows_has_no_entry() -> None:
    assert file_entry("NEVER_SEEN_BEFORE") is None
