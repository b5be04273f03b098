"""An error that was stored is the same error again."""

from __future__ import annotations

import inspect
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import errors
from aiofunasr.errors import FunASRError
from aiofunasr.journal.failures import read_error, write_error
from aiofunasr.token import TaskToken

TOKEN = TaskToken(task_id="t", model="fun-asr", file_digests=("12345678",), indexes=(0,)).encode()
SIGNED = "https://user:SECRET@h/a.wav?Signature=SECRET"

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, FunASRError)]


EXAMPLES: dict[type[FunASRError], tuple[tuple[Any, ...], dict[str, Any]]] = {
    errors.ServiceError: (
        (429, "Throttling", "slow"),
        {"request_id": "r", "retryable": True, "retry_after": 1.5, "advice": "Wait."},
    ),
    errors.TaskError: (("it failed",), {"code": "FILE_404_NOT_FOUND", "advice": "Look."}),
    errors.TransportError: (("cut",), {"sent": True}),
    errors.InvalidReplyError: (("odd",), {"path": "$.output", "status": 200, "excerpt": "<html>"}),
    errors.InvalidArgumentError: (("files", "x", "a path is needed"), {}),
    errors.AmbiguousSubmissionError: (
        ("?",),
        {"file_urls": ["https://h/a"], "model": "m", "sent_at": 1.5, "candidates": ["t"], "request_id": "r"},
    ),
    FunASRError: (("something",), {}),
}


def example(kind: type[FunASRError]) -> FunASRError:
    """Make an error of a class with all it can carry."""
    given, named = next(EXAMPLES[base] for base in kind.__mro__ if base in EXAMPLES)
    return kind(*given, **named)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind(kind: type[FunASRError]) -> None:
    for error in (example(kind), example(kind).for_task("t", TOKEN), example(kind).for_tasks([TOKEN, TOKEN])):
        again = read_error(write_error(error))
        assert type(again) is kind
        assert str(again) == str(error)
        assert again.args == error.args
        assert vars(again) == vars(error)
        assert again.advice == error.advice
        assert str(pickle.loads(pickle.dumps(again))) == str(error)


class OddlyNamedError(errors.FileDownloadError):
    """Of a version that is newer, or of somebody else."""


def test_an_unknown_kind_becomes_the_nearest_that_is_known() -> None:
    again = read_error(write_error(OddlyNamedError("gone", code="E")))
    assert type(again) is errors.FileDownloadError
    assert (again.code, again.message, str(again)) == ("E", "gone", "E: gone")


def test_no_secrets() -> None:
    said = f"GET {SIGNED} with Bearer SECRET and sk-SECRET"
    kept = [
        errors.FileDownloadError(said, code=said).for_task("t", "sk-SECRET"),
        errors.AmbiguousSubmissionError("?", file_urls=[SIGNED], model=said, sent_at=1.0, candidates=[said]),
        errors.InvalidArgumentError("files", SIGNED, said),
        errors.InvalidFileError("files", Path("/media/sk-SECRET"), said),
        errors.InvalidReplyError("odd", excerpt=said),
        errors.ServiceError(400, said, said, request_id=said),
    ]
    for error in kept:
        error.add_note(said)
        assert "SECRET" not in write_error(error)


def test_a_token_is_no_secret_whatever_it_looks_like() -> None:
    token = "fasr1.AAAA-sk-abcdef_st-xyz"
    again = read_error(write_error(errors.WaitTimeoutError("late").for_task("t", token)))
    assert (again.token, again.tokens) == (token, (token,))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "1", '{"kinds": []}', '{"kinds": ["OSError", "JournalError_"], "message": "", "attributes": {}}'],
)
def test_what_is_no_error(text: str) -> None:
    with pytest.raises(errors.JournalError, match="damaged"):
        read_error(text)


@given(message=st.text(), code=st.text())
def test_whatever_the_service_said(message: str, code: str) -> None:
    text = write_error(errors.FileError(message, code=code))
    json.loads(text)
    assert text.isascii()
    again = read_error(text)
    assert str(again) == str(errors.FileError(message, code=code))


def test_what_is_stored_is_bounded() -> None:
    error = errors.FileError("x" * 100_000, code="y" * 100_000)
    assert len(write_error(error)) < 20_000
