from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from aiofunasr import errors
from aiofunasr.errors import (
    AccessDeniedError,
    AmbiguousSubmissionError,
    AuthenticationError,
    BadRequestError,
    FileDownloadError,
    FileFormatError,
    FunASRError,
    InvalidArgumentError,
    InvalidFileError,
    InvalidReplyError,
    NotFoundError,
    RequestTimeoutError,
    ServiceUnavailableError,
    SessionClosedError,
    TaskExpiredError,
    ThrottledError,
    TransportError,
    WaitTimeoutError,
)
from aiofunasr.redaction import redact

SAMPLES: list[FunASRError] = [
    InvalidArgumentError("speaker_count", 1, "2 to 100"),
    InvalidFileError("file_urls", "x.wav", "there is no such file"),
    TransportError("broke off", sent=True),
    RequestTimeoutError("too slow", sent=True),
    InvalidReplyError("no object", path="$.output", status=200, excerpt="<html>"),
    AuthenticationError(401, "InvalidApiKey", "Invalid API-key provided.", request_id="r"),
    AccessDeniedError(403, "AccessDenied"),
    NotFoundError(404, "ModelNotFound", "no"),
    ThrottledError(429, "Throttling", "slow down", retryable=True, retry_after=2.0),
    ServiceUnavailableError(503),
    FileDownloadError("cannot be downloaded", code="InvalidFile.DownloadFailed"),
    TaskExpiredError("forgotten"),
    WaitTimeoutError("too long"),
    AmbiguousSubmissionError("not known", file_urls=["https://h/a"], model="fun-asr", sent_at=1.0),
    SessionClosedError("closed").for_tasks(["token-1", "token-2"]),
]


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_is_copied_and_pickled_whole(error: FunASRError) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert twin.__dict__ == error.__dict__


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_a_copy_for_a_task_names_it_and_leaves_the_original_alone(error: FunASRError) -> None:
    before = str(error)
    twin = error.for_task("task-1", "token-1")
    assert (twin.task_id, twin.token, twin.tokens) == ("task-1", "token-1", ("token-1",))
    assert str(twin) == f"{before} [task task-1]"
    assert str(error) == before
    assert error.token is None


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (InvalidArgumentError, ValueError),
        (InvalidFileError, OSError),
        (TransportError, ConnectionError),
        (RequestTimeoutError, TimeoutError),
        (AuthenticationError, PermissionError),
        (AccessDeniedError, PermissionError),
        (BadRequestError, ValueError),
        (NotFoundError, LookupError),
        (ServiceUnavailableError, ConnectionError),
        (FileFormatError, ValueError),
        (TaskExpiredError, LookupError),
        (WaitTimeoutError, TimeoutError),
        (AmbiguousSubmissionError, ConnectionError),
        (SessionClosedError, RuntimeError),
    ],
)
def test_the_builtin_a_caller_would_catch(kind: type[FunASRError], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)


def test_every_error_has_the_one_root_and_a_docstring() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert len(kinds) > 20
    for kind in kinds:
        assert issubclass(kind, FunASRError)
        assert kind.__doc__
        assert "advice" in vars(kind)
        assert kind.advice.endswith(".")
        assert redact(kind.advice) == kind.advice


@pytest.mark.parametrize(
    "text",
    [
        "Bearer sk-abcdefSECRET",
        "key st-SECRET expired",
        "https://h/a.wav?Expires=1&Signature=SECRET",
        "https://user:SECRET@h/a.wav",
        "s3://b/k?token=SECRET",
        "'oss://b/k#SECRET'",
    ],
)
def test_no_error_shows_a_secret(text: str) -> None:
    error = TransportError(text, sent=True)
    assert "SECRET" not in str(error)
    assert "SECRET" not in repr(error)
    assert "SECRET" not in str(InvalidArgumentError("files", text, "x"))
