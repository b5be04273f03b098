"""What a journal holds, as values.

A *file* is known by its key: a digest of what the caller gave and of the options (`aiofunasr.journal.identity`). An
*attempt* is one submit of 1 to 100 files: it is entered before its request leaves, so an attempt without an outcome may
or may not have made a task. No value here holds a secret: URLs stand in them as digests, or without their query.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import field, frozen

from aiofunasr.errors import FunASRError


class AttemptState(StrEnum):
    """What is known of a submit."""

    SENT = "sent"
    """It left, or was about to; there is no outcome yet. After a crash that is an unknown outcome."""
    UNKNOWN = "unknown"
    """It left and its outcome could not be learned."""
    ACCEPTED = "accepted"
    """The task exists."""
    REFUSED = "refused"
    """There is no task, for certain."""


class FileState(StrEnum):
    """What is known of a file; it follows from its newest attempt and its result."""

    NEW = "new"
    """Nothing of it is at the service: never submitted, or refused."""
    UNKNOWN = "unknown"
    """It may be at the service: its attempt has no outcome."""
    ACCEPTED = "accepted"
    """It is part of a task, and its result is not here."""
    DONE = "done"
    """Its result is stored: a transcript, or that there is no speech."""
    FAILED = "failed"
    """The service could not transcribe it; its error is stored."""


@frozen(kw_only=True)
class JournaledFile:
    """One file of an attempt.

    What `source`, `resumable` and `seconds` say is about the file, so with every new attempt it holds for the older
    ones, too.

    Attributes:
        key: Which file it is.
        source: What the caller gave, as text without its query; for people.
        resumable: Whether `source` is all of it, so that the file can be submitted from the journal alone. A journal
            that has to mask something in `source`, or in the options, takes it for False.
        digest: `aiofunasr.token.file_digest` of the URL that was sent.
        seconds: How long the audio is, where the caller said so.
    """

    key: str
    source: str
    resumable: bool = True
    digest: str = ""
    seconds: float | None = None


@frozen(kw_only=True)
class Attempt:
    """One submit.

    Attributes:
        id: Its number in the journal; 0 before it is entered.
        files: What was sent, in the order of the request, each URL once.
        state: What is known of it.
        model: The model it was sent for.
        options: The options as JSON, for people and for `resume`; it holds no secret.
        region, workspace: Where it was sent.
        sent_at: Just before it left, seconds since the epoch by this machine's clock.
        ended_at: When its outcome was known or given up, likewise; None while it is under way, or after a crash.
        request_id: The service's id of the request, where a reply gave one.
        task_id: The task, once accepted.
        error: Why it was refused or is unknown, redacted, for people.
    """

    id: int = 0
    files: tuple[JournaledFile, ...]
    state: AttemptState = AttemptState.SENT
    model: str
    options: str = "{}"
    region: str | None = None
    workspace: str | None = None
    sent_at: float
    ended_at: float | None = None
    request_id: str | None = None
    task_id: str | None = None
    error: str = ""


@frozen(kw_only=True)
class FileEntry:
    """What a journal knows of one file.

    Attributes:
        key: Which file it is.
        state: How far it is.
        source: What the caller gave, without its query.
        attempt: The number of its newest attempt, or None.
    """

    key: str
    state: FileState
    source: str = ""
    attempt: int | None = None


@frozen(kw_only=True)
class StoredResult:
    """The end of one file.

    Attributes:
        key: Which file it is.
        task_id: The task that did it, or None when none was made.
        token: The task's token, or None.
        file_url: The URL that was sent, without its query.
        document: The service's transcript document as it came, but for secrets in it; None without one.
        no_speech: Whether the service found no speech.
        error: Why there is no transcript, or None.
    """

    key: str
    task_id: str | None = None
    token: str | None = None
    file_url: str | None = None
    document: bytes | None = field(default=None, repr=False)
    no_speech: bool = False
    error: FunASRError | None = None
