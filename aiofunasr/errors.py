"""What can go wrong.

One root, `FunASRError`. Below it four families, by who has to act:

- what the caller gave is wrong, and nothing was sent: `InvalidArgumentError`, `ConfigurationError`, `UsageError`;
- the network or the reply: `TransportError`, `RequestTimeoutError`, `InvalidReplyError`;
- the service refused a request: `ServiceError` and its subclasses, chosen by code, else by HTTP status;
- the task or the file failed: `TaskError` and its subclasses.

Members also inherit the builtin a caller would catch anyway. An error that ends a wait carries the token of the task,
so that nothing is lost with it: see `FunASRError.token`.
"""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Sequence
from typing import Any, Self

from aiofunasr.redaction import redact

_LONGEST_MESSAGE = 2000

_values = reprlib.Repr()
_values.maxstring = _values.maxother = 300


class FunASRError(Exception):
    """The root of all errors of this library.

    Attributes:
        task_id: The task the error is about, or None.
        token: The token to attach to that task again (`Session.attach`), or None.
        tokens: Those of all tasks the error leaves in flight; holds `token` where there is one.
    """

    task_id: str | None = None
    token: str | None = None
    tokens: tuple[str, ...] = ()

    def __init__(self, message: str = "") -> None:
        # Cut first: a message may be somebody's whole web page. Half a character, as JSON can have it, must not keep
        # whoever prints or logs the error from doing so.
        whole = message[:_LONGEST_MESSAGE].encode("utf-8", "backslashreplace").decode()
        super().__init__(redact(whole))

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with `args`, which is the finished message and not what __init__ takes.
        return _rebuild, (type(self), self.args, self.__dict__)

    def for_task(self, task_id: str | None, token: str | None) -> Self:
        """Return a copy that carries a task, because each waiter raises an instance of its own."""
        twin = copy.copy(self)
        twin.__cause__, twin.__context__, twin.__traceback__ = self.__cause__, None, None
        twin.task_id, twin.token = task_id, token
        twin.tokens = () if token is None else (token,)
        return twin

    def for_tasks(self, tokens: Sequence[str]) -> Self:
        """Return a copy that names every task it leaves in flight."""
        twin = self.for_task(None, None)
        twin.tokens = tuple(tokens)
        return twin

    def __str__(self) -> str:
        # Not the builtins' own: LookupError quotes its text, OSError formats it.
        text = str(self.args[0]) if self.args else ""
        return f"{text} [task {self.task_id}]" if self.task_id else text


def _rebuild(kind: type[FunASRError], args: tuple[str, ...], state: dict[str, Any]) -> FunASRError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


# --- What the caller gave is wrong: nothing was sent ------------------------------------------------------------


class InvalidArgumentError(FunASRError, ValueError):
    """An argument cannot be used; nothing was sent.

    Attributes:
        argument: The name of the argument.
        value: The value it had.
    """

    def __init__(self, argument: str, value: object, allowed: str) -> None:
        shown = f"<{len(value)} bytes>" if isinstance(value, bytes | bytearray) else redact(_values.repr(value))
        super().__init__(f"{argument}={shown if len(shown) <= 120 else shown[:117] + '...'}: {allowed}")
        self.argument = argument
        self.value = value


class InvalidFileError(InvalidArgumentError, OSError):
    """A local path cannot be uploaded: it is missing, no regular file, or not readable."""

    # Of the two builtins among its bases, the one whose instances are laid out in a way of their own.
    __new__ = OSError.__new__  # type: ignore[assignment]


class ConfigurationError(FunASRError, ValueError):
    """The session's settings cannot work: no API key, an unknown region, a base URL that is none."""


class KeyProviderError(FunASRError):
    """The callable that was given as `api_key` failed; its own error is the cause."""


class UnexpectedError(FunASRError, RuntimeError):
    """Something failed that never should: a fault of this library, or of an object handed to it; see the cause."""


class UsageError(FunASRError, RuntimeError):
    """The library was used in a way it cannot serve: before it was entered, or on another event loop."""


class SessionClosedError(UsageError):
    """The session was closed while, or before, something was awaited on it; `tokens` are what was in flight."""


# --- The network, and replies that are none ---------------------------------------------------------------------


class TransportError(FunASRError, ConnectionError):
    """A request did not get a whole reply.

    Attributes:
        sent: False when it is certain that the service never saw the request; True when it may have.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class RequestTimeoutError(TransportError, TimeoutError):
    """A request had no whole reply within its time-out."""


class InvalidReplyError(FunASRError, ValueError):
    """A reply does not have the documented form.

    Attributes:
        status: The HTTP status, or None for a document that was stored.
        path: Where in the reply the fault is, such as `$.output.task_id`.
        excerpt: The beginning of the reply, redacted.
    """

    def __init__(self, message: str, *, path: str = "$", status: int | None = None, excerpt: str = "") -> None:
        super().__init__(f"{message} at {path}" + (f"; the reply begins {excerpt!r}" if excerpt else ""))
        self.path = path
        self.status = status
        self.excerpt = excerpt


class ReplyTooLargeError(InvalidReplyError):
    """A reply is larger than it may be (`Limits.result_bytes`)."""


class InvalidEventError(InvalidReplyError):
    """What was pushed is no completion event of a task."""


class EventSignatureError(FunASRError, PermissionError):
    """An event is not signed by who should have sent it, or that cannot be told: it must not be believed."""

    # Of the two builtins among its bases, the one whose instances are laid out in a way of their own.
    __new__ = OSError.__new__  # type: ignore[assignment]


# --- The service refused a request ------------------------------------------------------------------------------


class ServiceError(FunASRError):
    """The service answered a request with an error (the protocol notes, sections 6.1 and 6.2).

    Attributes:
        status: The HTTP status.
        code: The service's code, such as `Throttling.RateQuota`; empty where it gave none.
        message: The service's message.
        request_id: The id to name to the service's support, or None.
        retryable: Whether the same request may succeed later without anyone doing anything.
        retry_after: The seconds the service asked to wait, or None.
    """

    def __init__(
        self,
        status: int,
        code: str = "",
        message: str = "",
        *,
        request_id: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        text = f"HTTP {status}" + (f" {code}" if code else "") + (f": {message}" if message else "")
        super().__init__(text + (f" (request {request_id})" if request_id else ""))
        self.status = status
        # The service repeats what it refuses, and a caller logs what it is told.
        self.code = redact(code[:_LONGEST_MESSAGE])
        self.message = redact(message[:_LONGEST_MESSAGE])
        self.request_id = request_id
        self.retryable = retryable
        self.retry_after = retry_after


class BadRequestError(ServiceError, ValueError):
    """The service does not accept what was asked."""


class AuthenticationError(ServiceError, PermissionError):
    """The key is wrong, expired, or belongs to another region."""


class AccessDeniedError(ServiceError, PermissionError):
    """The account, the workspace or its bill does not allow this."""


class NotFoundError(ServiceError, LookupError):
    """The model, the workspace or the route does not exist."""


class ThrottledError(ServiceError):
    """A limit of the account was hit; no task was created."""


class QuotaExceededError(ThrottledError):
    """An allocated quota is used up; it recovers more slowly than a rate."""


class ServiceUnavailableError(ServiceError, ConnectionError):
    """The service failed (5xx); whether a submit took effect is then not known."""


# --- The task or the file ---------------------------------------------------------------------------------------


class TaskError(FunASRError):
    """A task or one of its files has no result.

    Attributes:
        code: The service's file-level or task-level code (the protocol notes, section 6.3); may be empty.
        message: The service's message.
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(f"{code}: {message}" if code and message != code else message or code)
        self.code = redact(code[:_LONGEST_MESSAGE])
        self.message = redact(message[:_LONGEST_MESSAGE])


class FileError(TaskError):
    """The service could not transcribe this file; the others of its task are not affected."""


class FileDownloadError(FileError):
    """The service could not download the file: a dead, private or expired link, or a slow origin."""


class FileFormatError(FileError, ValueError):
    """The file is no audio the service can read, or is over its limits."""


class FileServiceError(FileError):
    """The service failed on the file; a new submit may succeed."""


class TaskFailedError(TaskError):
    """The task failed as a whole, with no word about this file."""


class TaskCanceledError(TaskError):
    """The task was cancelled while it was pending."""


class TaskExpiredError(TaskError, LookupError):
    """The service does not know the task: over 24 hours old, another account's, or never there."""


class WaitTimeoutError(TaskError, TimeoutError):
    """A wait reached its time-out; the task goes on, and its token attaches to it again."""


class AmbiguousSubmissionError(FunASRError, ConnectionError):
    """A submit was sent and its outcome is not known: the task may exist and be billed.

    It is not sent again. `Session.list_tasks(model_name=model, start_time=sent_at)` shows what the account has.

    Attributes:
        file_urls: What was submitted, in order.
        model: The model it was submitted for.
        sent_at: When it was sent, seconds since the epoch.
        candidates: The ids of the tasks that may have come of it, as far as the task list showed any.
        request_id: The service's id of the request, where a reply gave one.
    """

    def __init__(
        self,
        message: str,
        *,
        file_urls: Sequence[str],
        model: str,
        sent_at: float,
        candidates: Sequence[str] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.file_urls = tuple(file_urls)
        self.model = model
        self.sent_at = sent_at
        self.candidates = tuple(candidates)
        self.request_id = request_id


class AmbiguousVocabularyError(FunASRError, ConnectionError):
    """A vocabulary was to be made, and whether it was is not known.

    `Session.vocabularies.list(prefix=prefix)` shows what there is.

    Attributes:
        prefix: What its id begins with.
        model: The model it was to be made for.
    """

    def __init__(self, message: str, *, prefix: str, model: str) -> None:
        super().__init__(message)
        self.prefix = prefix
        self.model = model


class VocabularyTimeoutError(FunASRError, TimeoutError):
    """A vocabulary could not be used within the time it was waited for."""


# --- The journal ------------------------------------------------------------------------------------------------


class JournalError(FunASRError, OSError):
    """The journal cannot be read or written, so nothing is submitted that it would have to know of."""

    # Of the two builtins among its bases, the one whose instances are laid out in a way of their own.
    __new__ = OSError.__new__  # type: ignore[assignment]


class JournalLockedError(JournalError):
    """Another process, or another session, has the journal open."""
