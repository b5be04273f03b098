"""The statements: what each question and each entry is in SQL.

Functions of a connection, for a thread; transactions are the business of `aiofunasr.journal.turns`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, overload

from attrs import frozen

from aiofunasr.errors import FunASRError, JournalError
from aiofunasr.journal.entries import Attempt, AttemptState, FileEntry, FileState, JournaledFile, StoredResult
from aiofunasr.journal.failures import read_error, write_error
from aiofunasr.journal.secrets import is_token, redact_json, without_secrets
from aiofunasr.redaction import redact

_DONE, _FAILED = FileState.DONE.value, FileState.FAILED.value

# The end of a file, else what its newest attempt came to.
_STATE = """
    CASE
        WHEN files.ended IS NOT NULL THEN files.ended
        WHEN attempts.state IN ('sent', 'unknown') THEN 'unknown'
        WHEN attempts.state = 'accepted' THEN 'accepted'
        ELSE 'new'
    END
"""
_NO_SUCH_ATTEMPT = "there is no attempt {} in the journal: was its file replaced by another one?"
_ATTEMPT = "id, state, model, options, region, workspace, sent_at, ended_at, request_id, task_id, error"


def find_file(connection: sqlite3.Connection, key: str) -> FileEntry | None:
    """Return what is known of a file, or None."""
    row = connection.execute(
        f"SELECT {_STATE}, files.source, files.attempt "  # noqa: S608
        "FROM files LEFT JOIN attempts ON attempts.id = files.attempt WHERE files.key = ?",
        (key,),
    ).fetchone()
    return row and FileEntry(key=key, state=FileState(row[0]), source=_read(row[1]), attempt=row[2])


def find_attempt(connection: sqlite3.Connection, attempt_id: int) -> Attempt:
    """Return an attempt with its files.

    Raises:
        JournalError: There is none of that number.
    """
    row = connection.execute(f"SELECT {_ATTEMPT} FROM attempts WHERE id = ?", (attempt_id,)).fetchone()  # noqa: S608
    if row is None:
        raise JournalError(_NO_SUCH_ATTEMPT.format(attempt_id))
    return _attempt_of(connection, row)


def enter_attempt(connection: sqlite3.Connection, attempt: Attempt) -> int:
    """Enter an attempt as the newest of each of its files; what became of them before is no longer their end."""
    options = redact_json(attempt.options)
    cursor = connection.execute(
        "INSERT INTO attempts (state, model, options, region, workspace, sent_at, ended_at, request_id, task_id, error)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            attempt.state.value,
            _words(attempt.model),
            _storable(options),
            _words(attempt.region),
            _words(attempt.workspace),
            attempt.sent_at,
            attempt.ended_at,
            _words(attempt.request_id),
            _exact(attempt.task_id),
            _words(attempt.error),
        ),
    )
    number = int(cursor.lastrowid or 0)
    for place, file in enumerate(attempt.files):
        source = without_secrets(file.source)
        # From a part of what the caller gave nothing can be sent again.
        resumable = file.resumable and source == file.source and options == attempt.options
        connection.execute(
            "INSERT INTO files (key, source, resumable, seconds, attempt) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET source = excluded.source, resumable = excluded.resumable, "
            "seconds = excluded.seconds, attempt = excluded.attempt, ended = NULL",
            (file.key, _exact(source), resumable, file.seconds, number),
        )
        file_id = _id_of(connection, file.key)
        connection.execute("DELETE FROM results WHERE file = ?", (file_id,))
        connection.execute(
            "INSERT INTO attempt_files (attempt, place, file, digest) VALUES (?, ?, ?, ?)",
            (number, place, file_id, file.digest),
        )
    return number


def settle_attempt(
    connection: sqlite3.Connection,
    attempt_id: int,
    state: AttemptState,
    *,
    ended_at: float,
    task_id: str | None,
    request_id: str | None,
    error: str,
) -> None:
    """Enter what became of an attempt.

    Raises:
        JournalError: There is none of that number.
    """
    cursor = connection.execute(
        "UPDATE attempts SET state = ?, ended_at = ?, task_id = coalesce(?, task_id), "
        "request_id = coalesce(?, request_id), error = coalesce(nullif(?, ''), error) WHERE id = ?",
        (state.value, ended_at, _exact(task_id), _words(request_id), _words(error), attempt_id),
    )
    if cursor.rowcount == 0:
        raise JournalError(_NO_SUCH_ATTEMPT.format(attempt_id))


def store_result(connection: sqlite3.Connection, result: StoredResult, packed: bytes | None) -> None:
    """Store the end of a file, its document as it is to lie there."""
    ended = _DONE if result.error is None else _FAILED
    file_url = None if result.file_url is None else _exact(without_secrets(result.file_url))
    connection.execute(
        "INSERT INTO files (key, source, ended) VALUES (?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET ended = excluded.ended",
        (result.key, file_url or "", ended),
    )
    connection.execute(
        "INSERT OR REPLACE INTO results (file, task_id, token, file_url, no_speech, error, document) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            _id_of(connection, result.key),
            _exact(result.task_id),
            _token(result.token),
            file_url,
            result.no_speech,
            None if result.error is None else write_error(result.error),
            packed,
        ),
    )


def find_result(connection: sqlite3.Connection, key: str) -> StoredResult | None:
    """Return the end of a file, its document as it lies there, or None."""
    row = connection.execute(
        "SELECT results.task_id, token, file_url, no_speech, error, document "
        "FROM results JOIN files ON files.id = results.file WHERE files.key = ? AND files.ended IS NOT NULL",
        (key,),
    ).fetchone()
    if row is None:
        return None
    task_id, token, file_url, no_speech, error, packed = row
    return StoredResult(
        key=key,
        task_id=_read(task_id),
        token=token,
        file_url=_read(file_url),
        no_speech=bool(no_speech),
        document=packed,
        error=None if error is None else read_error(error),
    )


def forget_file(connection: sqlite3.Connection, key: str) -> None:
    """Make a file new again; its attempts stay as history."""
    connection.execute("DELETE FROM results WHERE file = (SELECT id FROM files WHERE key = ?)", (key,))
    connection.execute("UPDATE files SET attempt = NULL, ended = NULL WHERE key = ?", (key,))


def find_open_attempts(connection: sqlite3.Connection) -> Sequence[Attempt]:
    """Return, oldest first, what may be or is at the service and some file still waits for."""
    rows = connection.execute(
        f"SELECT {_ATTEMPT} FROM attempts WHERE state <> 'refused' AND id IN "  # noqa: S608
        "(SELECT attempt FROM files WHERE ended IS NULL AND attempt IS NOT NULL) ORDER BY id"
    ).fetchall()
    return [_attempt_of(connection, row) for row in rows]


def find_tasks(connection: sqlite3.Connection, since: float) -> Sequence[tuple[str, float, float]]:
    """Return the tasks of the attempts that were sent after a time: id, sent at, answered at."""
    rows = connection.execute(
        "SELECT task_id, sent_at, coalesce(ended_at, sent_at) FROM attempts"
        " WHERE task_id IS NOT NULL AND sent_at > ? ORDER BY sent_at",
        (since,),
    )
    return [(_read(task_id), sent_at, answered_at) for task_id, sent_at, answered_at in rows]


def write_note(connection: sqlite3.Connection, name: str, text: str | None) -> None:
    """Keep a text under a name, in the place of an earlier one; None removes it."""
    if text is None:
        connection.execute("DELETE FROM notes WHERE name = ?", (name,))
    else:
        connection.execute("INSERT OR REPLACE INTO notes (name, text) VALUES (?, ?)", (name, _words(text)))


def read_note(connection: sqlite3.Connection, name: str) -> str | None:
    """Return the text under a name, or None."""
    row = connection.execute("SELECT text FROM notes WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def count_files(connection: sqlite3.Connection) -> dict[FileState, int]:
    """Return how many files there are in each state."""
    rows = connection.execute(
        f"SELECT {_STATE}, count(*) FROM files LEFT JOIN attempts ON attempts.id = files.attempt GROUP BY 1"  # noqa: S608
    )
    found = dict(rows.fetchall())
    return {state: found.get(state.value, 0) for state in FileState}


def count_attempts(connection: sqlite3.Connection) -> dict[AttemptState, int]:
    """Return how many attempts there are in each state."""
    found = dict(connection.execute("SELECT state, count(*) FROM attempts GROUP BY state").fetchall())
    return {state: found.get(state.value, 0) for state in AttemptState}


@frozen(kw_only=True)
class FileRecord:
    """A file with its history, for people.

    Attributes:
        entry: What is known of it.
        attempts: How often it was submitted, or may have been.
        task_id: The task of its newest attempt or of its end, or None.
        error: Why it failed, or None.
        no_speech: Whether it ended without speech.
    """

    entry: FileEntry
    attempts: int
    task_id: str | None
    error: FunASRError | None
    no_speech: bool


def all_files(connection: sqlite3.Connection, *, failed_only: bool = False) -> Iterable[FileRecord]:
    """Go through the files in the order they came in."""
    rows = connection.execute(
        f"SELECT files.key, {_STATE}, files.source, files.attempt, "  # noqa: S608
        "(SELECT count(*) FROM attempt_files WHERE attempt_files.file = files.id), "
        "coalesce(results.task_id, attempts.task_id), results.error, results.no_speech "
        "FROM files LEFT JOIN attempts ON attempts.id = files.attempt LEFT JOIN results ON results.file = files.id "
        + ("WHERE files.ended = 'failed' " if failed_only else "")
        + "ORDER BY files.id"
    )
    for key, state, source, attempt, attempts, task_id, error, no_speech in rows:
        yield FileRecord(
            entry=FileEntry(key=key, state=FileState(state), source=_read(source), attempt=attempt),
            attempts=attempts,
            task_id=_read(task_id),
            error=None if error is None else read_error(error),
            no_speech=bool(no_speech),
        )


def _id_of(connection: sqlite3.Connection, key: str) -> int:
    (file_id,) = connection.execute("SELECT id FROM files WHERE key = ?", (key,)).fetchone()
    return int(file_id)


@overload
def _exact(text: str) -> str | bytes: ...
@overload
def _exact(text: str | None) -> str | bytes | None: ...
def _exact(text: str | None) -> str | bytes | None:
    """Return a text as it is bound: SQLite takes no lone surrogates, which stand in names that are not Unicode."""
    return text if text is None or _storable(text) == text else text.encode("utf-8", "surrogatepass")


def _read(stored: Any) -> Any:
    return stored.decode("utf-8", "surrogatepass") if isinstance(stored, bytes) else stored


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


@overload
def _words(text: str) -> str: ...
@overload
def _words(text: str | None) -> str | None: ...
def _words(text: str | None) -> str | None:
    """Return a text for people, without secrets and without what cannot be stored."""
    return None if text is None else _storable(redact(text))


def _token(token: str | None) -> str | None:
    return token if token is None or is_token(token) else _words(token)


def _attempt_of(connection: sqlite3.Connection, row: Sequence[Any]) -> Attempt:
    files = connection.execute(
        "SELECT files.key, files.source, files.resumable, attempt_files.digest, files.seconds "
        "FROM attempt_files JOIN files ON files.id = attempt_files.file WHERE attempt_files.attempt = ? ORDER BY place",
        (row[0],),
    )
    names = [name.strip() for name in _ATTEMPT.split(",")]
    values = dict(zip(names, row, strict=True))
    values |= {"state": AttemptState(values["state"]), "task_id": _read(values["task_id"])}
    return Attempt(
        **values,
        files=tuple(
            JournaledFile(key=key, source=_read(source), resumable=bool(resumable), digest=digest, seconds=seconds)
            for key, source, resumable, digest, seconds in files
        ),
    )
