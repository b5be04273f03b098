"""Error codes of the service, made into the errors they are (the protocol notes, sections 6.1 to 6.3).

What each means stands in `aiofunasr.catalogue`; an unknown code survives as it is, and the HTTP status decides.
"""

from __future__ import annotations

from aiofunasr.catalogue import FILE_CODES, Again, file_entry, request_entry
from aiofunasr.errors import FileError, ServiceError, TaskFailedError

NO_SPEECH_CODES = frozenset(entry.code for entry in FILE_CODES if entry.error is None)
"""File codes that say the file was read and there was nothing in it to write down: no error (6.3)."""


def refusal(
    status: int,
    code: str,
    message: str,
    *,
    request_id: str | None = None,
    retry_after: float | None = None,
) -> ServiceError:
    """Make the error for a refused request."""
    entry = request_entry(code, status)
    kind: type[ServiceError] = ServiceError
    if entry is not None and entry.error is not None and issubclass(entry.error, ServiceError):
        kind = entry.error
    # The vocabulary limit answers 400 with a throttling code: waiting does not help there (section 9).
    retryable = entry is not None and entry.retry is Again.YES and status != 400
    return kind(
        status,
        code,
        message,
        request_id=request_id,
        retryable=retryable,
        retry_after=retry_after,
        advice=None if entry is None else entry.advice,
    )


def file_failure(code: str, message: str) -> FileError:
    """Make the error for a file that has no transcript."""
    entry = file_entry(code)
    kind: type[FileError] = FileError
    if entry is not None and entry.error is not None and issubclass(entry.error, FileError):
        kind = entry.error
    return kind(message or code, code=code, advice=None if entry is None else entry.advice)


def task_failure(code: str, message: str) -> TaskFailedError:
    """Make the error for each of the files of a task that failed as a whole."""
    entry = file_entry(code)
    return TaskFailedError(message or code, code=code, advice=None if entry is None else entry.advice)
