"""Writes a session's work into its journal: each submit before it leaves and after, each result before it is handed on.

Every entry is shielded, because one that is made in part of the cases only would be worse than none; it takes some
milliseconds. Without a journal nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio

from aiofunasr.errors import FunASRError, TaskError, TaskExpiredError, WaitTimeoutError
from aiofunasr.journal.entries import Attempt, AttemptState, JournaledFile, StoredResult
from aiofunasr.journal.identity import has_secret, without_secrets
from aiofunasr.journal.protocol import Journal
from aiofunasr.pipeline.inputs import is_local
from aiofunasr.pipeline.record import InputFile
from aiofunasr.results import SubtaskResult
from aiofunasr.settings import Account
from aiofunasr.token import TaskToken, file_digest


class AttemptLedger:
    """The submits of a session, in its journal."""

    def __init__(self, journal: Journal | None, account: Account, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._account = account
        self._clock = clock
        # Those of this session whose outcome may still come to be known, each with the event of its end.
        self._live: dict[int, anyio.Event] = {}
        # Tasks that exist, and could not be entered.
        self._owed: dict[int, str] = {}

    async def begin(self, files: Sequence[InputFile], model: str, options: str) -> int | None:
        """Enter a submit that is about to leave, and return its number; None without a journal.

        Raises:
            JournalError: It could not be entered, so it must not leave.
        """
        known = {file.file_url: file for file in files if file.key is not None}
        if self._journal is None or not known:
            return None
        attempt = Attempt(
            files=tuple(_entry_of(file, file_digest(url)) for url, file in known.items()),
            model=model,
            options=options,
            region=self._account.region,
            workspace=self._account.workspace,
            sent_at=self._clock(),
        )
        attempt_id = None
        with anyio.CancelScope(shield=True):
            attempt_id = await self._journal.begin(attempt)
            self._live[attempt_id] = anyio.Event()
        return attempt_id

    async def settle(
        self,
        attempt_id: int | None,
        state: AttemptState,
        *,
        task_id: str | None = None,
        request_id: str | None = None,
        error: str = "",
    ) -> None:
        """Enter what became of a submit.

        Raises:
            JournalError: It could not be entered; the submit then counts as one of unknown outcome.
        """
        if self._journal is None or attempt_id is None:
            return
        with anyio.CancelScope(shield=True):
            if task_id is not None:
                self._owed[attempt_id] = task_id
            try:
                await self._journal.settle(
                    attempt_id, state, ended_at=self._clock(), task_id=task_id, request_id=request_id, error=error
                )
                self._owed.pop(attempt_id, None)
            except BaseException:
                self.release(attempt_id)
                raise
            if state is not AttemptState.UNKNOWN:
                self.release(attempt_id)

    def release(self, attempt_id: int | None) -> None:
        """Note that no more will be learned of a submit here."""
        event = None if attempt_id is None else self._live.pop(attempt_id, None)
        if event is not None:
            event.set()

    async def ended(self, attempt_id: int) -> bool:
        """Wait for the end of a submit of this session; False when it is none of its own.

        Raises:
            JournalError: Its task is known, and still cannot be entered.
        """
        event = self._live.get(attempt_id)
        if event is not None:
            await event.wait()
        if (task_id := self._owed.get(attempt_id)) is not None:
            await self.settle(attempt_id, AttemptState.ACCEPTED, task_id=task_id)
            return True
        return event is not None

    async def recall(self, since: float) -> Sequence[tuple[str, float, float]]:
        """Return the tasks of earlier submits: each one's id, when it left and when it was answered."""
        return () if self._journal is None else await self._journal.tasks_since(since)


class ResultLedger:
    """The results of a session, in its journal."""

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal

    @property
    def keeps_documents(self) -> bool:
        """Whether there is a journal that documents go into."""
        return self._journal is not None

    async def keep(self, key: str | None, result: SubtaskResult, document: bytes | None) -> None:
        """Store a result, unless asking again might tell something better.

        Raises:
            JournalError: It could not be stored; the file then counts as not done.
        """
        if self._journal is None or key is None or not (result.ok or _is_final(result.error)):
            return
        stored = StoredResult(
            key=key,
            task_id=result.task_id,
            token=result.token,
            file_url=None if result.file_url is None else without_secrets(result.file_url),
            document=document,
            no_speech=result.no_speech,
            error=result.error,
        )
        with anyio.CancelScope(shield=True):
            await self._journal.complete(stored)


def token_of(attempt: Attempt, task_id: str) -> TaskToken:
    """Return the token of a journaled submit's task; the places it holds are those in the attempt."""
    return TaskToken(
        task_id=task_id,
        region=attempt.region,
        workspace=attempt.workspace,
        model=attempt.model,
        submitted_at=int(attempt.sent_at),
        file_digests=tuple(file.digest for file in attempt.files),
        indexes=tuple(range(len(attempt.files))),
    )


def _is_final(error: FunASRError | None) -> bool:
    """Tell whether an error is the service's last word on a file."""
    # A task the service does not know may be another account's: with the right key it is there.
    return isinstance(error, TaskError) and not isinstance(error, WaitTimeoutError | TaskExpiredError)


def _entry_of(file: InputFile, digest: str) -> JournaledFile:
    return JournaledFile(
        key=file.key or "",
        source=without_secrets(file.source),
        resumable=is_local(file.source) or not has_secret(str(file.source)),
        digest=digest,
        seconds=file.seconds,
    )
