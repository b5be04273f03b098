"""What the session knows of one task in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import define, evolve, field, frozen

from aiofunasr.errors import AmbiguousSubmissionError, FunASRError
from aiofunasr.redaction import redact
from aiofunasr.results import Source
from aiofunasr.snapshots import TERMINAL, TaskSnapshot, TaskStatus
from aiofunasr.token import TaskToken, digests

if TYPE_CHECKING:
    from aiofunasr.pipeline.outlet import Outlet


T = TypeVar("T")


@frozen(weakref_slot=False)
class InputFile:
    """One file of the caller's input.

    Attributes:
        index: Its place in the input.
        source: What the caller gave.
        file_url: What the service gets.
        seconds: How long it is, where the caller said so.
        key: What the journal knows it by, where there is one.
    """

    index: int
    source: Source = field(repr=lambda source: redact(repr(source)))
    file_url: str = field(repr=redact)
    seconds: float | None = None
    key: str | None = None


@frozen(weakref_slot=False)
class Origin:
    """What tasks were submitted for, and where; one value for all that have it in common.

    Attributes:
        model: The model, or None for a task attached by its bare id.
        region, workspace: Where it was submitted.
    """

    model: str | None = None
    region: str | None = None
    workspace: str | None = None


def _alone(several: tuple[T, ...]) -> T | tuple[T, ...]:
    """Return what stands for several values: where there is only one, it stands for itself, to save the tuple."""
    return several[0] if len(several) == 1 else several


@define(eq=False, kw_only=True, weakref_slot=False)
class TaskRecord:
    """One task: what was submitted, what was last seen of it, and where its results go.

    Attributes:
        task_id: The service's id.
        origin: What it was submitted for, and where.
        files: Its files, one for each different URL and place; empty for an attached task until it is done.
        attached: The token it was attached by, or None for a task submitted here.
        keys: What the journal knows the files of an attached task by, in the token's order.
        submitted_at: Seconds since the epoch, or None where it is not known.
        status: The last status word.
        snapshot: The last answer to a query, or None before the first.
        outlets: Where its results go; several when it was attached again while in flight.
        error: Why the wait ended without the service's word, or None.
        told_of: When the question left that the service answered last, on the loop's clock; 0 before the first.
    """

    task_id: str
    # Nearly always there is one.
    _outlets: Outlet | tuple[Outlet, ...] = field(alias="outlets")
    origin: Origin = Origin()
    _files: InputFile | tuple[InputFile, ...] = field(default=(), alias="files")
    attached: TaskToken | None = None
    keys: tuple[str, ...] = ()
    submitted_at: float | None = None
    _status: str = field(default=TaskStatus.PENDING, alias="status")
    snapshot: TaskSnapshot | None = None
    _error: FunASRError | None = field(default=None, alias="error")
    told_of: float = 0.0
    _token: str | None = None

    def __attrs_post_init__(self) -> None:
        self._outlets, self._files = _alone(self.outlets), _alone(self.files)
        self._count(1)

    @property
    def files(self) -> tuple[InputFile, ...]:
        """Its files."""
        return self._files if isinstance(self._files, tuple) else (self._files,)

    @files.setter
    def files(self, files: tuple[InputFile, ...]) -> None:
        self._files = _alone(files)

    # The counts of the outlets depend on these three, and are kept right while one of them changes.

    @property
    def outlets(self) -> tuple[Outlet, ...]:
        """Where its results go."""
        return self._outlets if isinstance(self._outlets, tuple) else (self._outlets,)

    @outlets.setter
    def outlets(self, outlets: tuple[Outlet, ...]) -> None:
        self._count(-1)
        self._outlets = _alone(outlets)
        self._count(1)

    @property
    def status(self) -> str:
        """The last status word."""
        return self._status

    @status.setter
    def status(self, status: str) -> None:
        self._count(-1)
        self._status = status
        self._count(1)

    @property
    def error(self) -> FunASRError | None:
        """Why the wait ended without the service's word, or None."""
        return self._error

    @error.setter
    def error(self, error: FunASRError | None) -> None:
        self._count(-1)
        self._error = error
        self._count(1)

    def _count(self, by: int) -> None:
        if self._error is None and self._status not in TERMINAL:
            for outlet in self.outlets:
                outlet.count(self._status, by)

    @property
    def token(self) -> str:
        """The task's token; made when it is first asked for, so that tasks in flight stay small."""
        if self._token is None:
            token = self.attached or TaskToken(
                task_id=self.task_id,
                region=self.origin.region,
                workspace=self.origin.workspace,
                model=self.origin.model,
                submitted_at=None if self.submitted_at is None else int(self.submitted_at),
                file_digests=digests([file.file_url for file in self.files]),
                indexes=tuple(file.index for file in self.files),
            )
            self._token = token.encode()
        return self._token

    @property
    def own_id(self) -> str | None:
        """The id its results are told under: None once `task_id` is known to be another's, and its own is not."""
        return None if isinstance(self._error, AmbiguousSubmissionError) else self.task_id

    @property
    def seconds(self) -> float | None:
        """How long the audio of all its files is, or None where that of one is not known."""
        lengths = [file.seconds for file in self.files]
        known = [length for length in lengths if length is not None]
        return sum(known) if known and len(known) == len(lengths) else None

    @property
    def is_done(self) -> bool:
        """Whether nothing more will be heard of it."""
        return self.error is not None or (self.snapshot is not None and self.snapshot.is_terminal)

    def renumber(self, task_id: str) -> None:
        """Begin anew under another id: the reply to its submit named a task that is not its own."""
        self.task_id, self._token, self.snapshot = task_id, None, None
        if self.attached is not None:
            self.attached = evolve(self.attached, task_id=task_id)
        self.status = TaskStatus.PENDING

    def may_be(self, token: TaskToken) -> bool:
        """Tell whether a token may mean this task, by the files it names."""
        own = TaskToken.decode(self.token).file_digests
        return not own or not token.file_digests or not {*own}.isdisjoint(token.file_digests)

    def learn(self, token: TaskToken) -> None:
        """Take over what a token knows, when the task was attached by less."""
        if self.attached is not None and not self.attached.file_digests and token.file_digests:
            self.attached, self._token = token, None

    def list_files(self) -> None:
        """Make up for files that never became known, where the journal knows which they are."""
        if not self.files:
            self.files = tuple(InputFile(index, "", "", key=key) for index, key in enumerate(self.keys))

    def settle(self, snapshot: TaskSnapshot) -> None:
        """Take note of an answer; a finished attached task thereby learns its files."""
        self.snapshot = snapshot
        self.status = snapshot.task_status
        if self.attached is not None and snapshot.is_terminal:
            files = _files_of(self.attached, snapshot)
            if self.keys:
                files = tuple(evolve(file, key=key) for file, key in zip(files, self.keys, strict=True))
            self.files = files


def _files_of(token: TaskToken, snapshot: TaskSnapshot) -> tuple[InputFile, ...]:
    """Give the files of an attached task their places back, by the digests its token holds."""
    urls = [subtask.file_url or "" for subtask in snapshot.results]
    if not token.file_digests:
        return tuple(InputFile(index, url, url) for index, url in enumerate(urls or [""]))
    by_digest: dict[str, str] = dict(zip(digests(urls), urls, strict=True))
    return tuple(
        InputFile(index, by_digest.get(digest, ""), by_digest.get(digest, ""))
        for digest, index in zip(token.file_digests, token.indexes, strict=True)
    )
