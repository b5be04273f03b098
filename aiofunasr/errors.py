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
        advice: What can be done about it, in a sentence. It is no part of the message, which stays short.
        task_id: The task the error is about, or None.
        token: The token to attach to that task again (`Session.attach`), or None.
        tokens: Those of all tasks the error leaves in flight; holds `token` where there is one.
    """

    advice: str = "See the message, and the class of the error, which says who has to act."
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

    advice = "Change the argument that the message names; nothing was sent."

    def __init__(self, argument: str, value: object, allowed: str) -> None:
        shown = f"<{len(value)} bytes>" if isinstance(value, bytes | bytearray) else redact(_values.repr(value))
        super().__init__(f"{argument}={shown if len(shown) <= 120 else shown[:117] + '...'}: {allowed}")
        self.argument = argument
        self.value = value


class InvalidFileError(InvalidArgumentError, OSError):
    """A local path cannot be uploaded: it is missing, no regular file, or not readable."""

    advice = "Check the path, and that it is a file this program may read."

    # Of the two builtins among its bases, the one whose instances are laid out in a way of their own.
    __new__ = OSError.__new__  # type: ignore[assignment]


class ConfigurationError(FunASRError, ValueError):
    """The session's settings cannot work: no API key, an unknown region, a base URL that is none."""

    advice = "Check the arguments of the session and the DASHSCOPE_... variables of the environment."


class KeyProviderError(FunASRError):
    """The callable that was given as `api_key` failed; its own error is the cause."""

    advice = "See the cause: the callable given as api_key failed, or returned no usable key."


class UnexpectedError(FunASRError, RuntimeError):
    """Something failed that never should: a fault of this library, or of an object handed to it; see the cause."""

    advice = "Report it with its cause and traceback: it is a fault of this library, or of an object handed to it."


class UsageError(FunASRError, RuntimeError):
    """The library was used in a way it cannot serve: before it was entered, or on another event loop."""

    advice = 'Use a session inside its "async with", on the event loop it was entered on.'


class SessionClosedError(UsageError):
    """The session was closed while, or before, something was awaited on it; `tokens` are what was in flight."""

    advice = "Attach to the tokens it carries with another session: the tasks go on."


# --- The network, and replies that are none ---------------------------------------------------------------------


class TransportError(FunASRError, ConnectionError):
    """A request did not get a whole reply.

    Attributes:
        sent: False when it is certain that the service never saw the request; True when it may have.
    """

    advice = "Check the network, proxies and DNS between this machine and the service."

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class RequestTimeoutError(TransportError, TimeoutError):
    """A request had no whole reply within its time-out."""

    advice = "Check the network, or give requests more time with Timeouts(...)."


class InvalidReplyError(FunASRError, ValueError):
    """A reply does not have the documented form.

    Attributes:
        status: The HTTP status, or None for a document that was stored.
        path: Where in the reply the fault is, such as `$.output.task_id`.
        excerpt: The beginning of the reply, redacted.
    """

    advice = "Check that base_url is the service itself, and no proxy or portal that answers in its place."

    def __init__(self, message: str, *, path: str = "$", status: int | None = None, excerpt: str = "") -> None:
        super().__init__(f"{message} at {path}" + (f"; the reply begins {excerpt!r}" if excerpt else ""))
        self.path = path
        self.status = status
        self.excerpt = excerpt


class ReplyTooLargeError(InvalidReplyError):
    """A reply is larger than it may be (`Limits.result_bytes`)."""

    advice = "Raise Limits(result_bytes=...) if the file is long enough for such a transcript."


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

    advice = "See the service's message; report the request id to the service if it does not help."

    def __init__(
        self,
        status: int,
        code: str = "",
        message: str = "",
        *,
        request_id: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        advice: str | None = None,
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
        if advice is not None:
            self.advice = advice


class BadRequestError(ServiceError, ValueError):
    """The service does not accept what was asked."""

    advice = "Compare the request with the service's message: it names what is missing or wrong."


class AuthenticationError(ServiceError, PermissionError):
    """The key is wrong, expired, or belongs to another region."""

    advice = "Check the key (DASHSCOPE_API_KEY or the argument api_key), and that it is of this region and workspace."


class AccessDeniedError(ServiceError, PermissionError):
    """The account, the workspace or its bill does not allow this."""

    advice = "Check in the console what the key's workspace may use, and that the account's bills are paid."


class NotFoundError(ServiceError, LookupError):
    """The model, the workspace or the route does not exist."""

    advice = "Check the model, the workspace and the base URL."


class ThrottledError(ServiceError):
    """A limit of the account was hit; no task was created."""

    advice = "Nothing at once: requests slow down by themselves; lower Limits(...) if others share the account."


class QuotaExceededError(ThrottledError):
    """An allocated quota is used up; it recovers more slowly than a rate."""

    advice = "Wait a minute and try again; if it stays so, raise the quota in the console."


class ServiceUnavailableError(ServiceError, ConnectionError):
    """The service failed (5xx); whether a submit took effect is then not known."""

    advice = "Wait and try again; a submit may have taken effect, so look among the tasks before it is repeated."


# --- The task or the file ---------------------------------------------------------------------------------------


class TaskError(FunASRError):
    """A task or one of its files has no result.

    Attributes:
        code: The service's file-level or task-level code (the protocol notes, section 6.3); may be empty.
        message: The service's message.
    """

    advice = "See the service's message; report the task id to the service if it does not help."

    def __init__(self, message: str, *, code: str = "", advice: str | None = None) -> None:
        super().__init__(f"{code}: {message}" if code and message != code else message or code)
        self.code = redact(code[:_LONGEST_MESSAGE])
        self.message = redact(message[:_LONGEST_MESSAGE])
        if advice is not None:
            self.advice = advice


class FileError(TaskError):
    """The service could not transcribe this file; the others of its task are not affected."""

    advice = "See the service's message; the other files of the task are not affected."


class FileDownloadError(FileError):
    """The service could not download the file: a dead, private or expired link, or a slow origin."""

    advice = "Submit the file with a URL that is public and lasts some hours, or as a local path, which is uploaded."


class FileFormatError(FileError, ValueError):
    """The file is no audio the service can read, or is over its limits."""

    advice = "Check that the file plays, and convert it to a common format such as 16 kHz mono WAV, FLAC or MP3."


class FileServiceError(FileError):
    """The service failed on the file; a new submit may succeed."""

    advice = "Submit the file again; if it fails again, report the task id to the service."


class TaskFailedError(TaskError):
    """The task failed as a whole, with no word about this file."""

    advice = "Submit the file again, in a task of its own; if it fails again, report the task id to the service."


class TaskCanceledError(TaskError):
    """The task was cancelled while it was pending."""

    advice = "Submit the file again if it is wanted after all: nothing was billed."


class TaskExpiredError(TaskError, LookupError):
    """The service does not know the task: over 24 hours old, another account's, or never there."""

    advice = "Submit the file again, and fetch results within 24 hours; or use the key of the account the task is of."


class WaitTimeoutError(TaskError, TimeoutError):
    """A wait reached its time-out; the task goes on, and its token attaches to it again."""

    advice = "Attach to the token it carries, and wait longer: the task goes on."


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

    advice = (
        "Look for its task among the account's (Session.list_tasks), attach to it, or submit again if there is none."
    )

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


# --- The journal ------------------------------------------------------------------------------------------------


class JournalError(FunASRError, OSError):
    """The journal cannot be read or written, so nothing is submitted that it would have to know of."""

    advice = "Check the disk and the path; what was submitted is still known to the service for 24 hours."

    # Of the two builtins among its bases, the one whose instances are laid out in a way of their own.
    __new__ = OSError.__new__  # type: ignore[assignment]


class JournalLockedError(JournalError):
    """Another process, or another session, has the journal open."""

    advice = "Wait for the other run to end, or give this one a journal of its own."
