"""Connections to a journal's file, and its failures in words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from aiofunasr.errors import JournalError
from aiofunasr.journal.schema import STEPS, Step, bring_up_to_date, version_of

_PATIENCE = 5.0
"""Seconds to wait for another program's lock: readers do not hold one for long."""

_WAL_BYTES = 16 * 1024 * 1024
"""What is left of the write-ahead log after it was copied back."""


def connect(path: Path, *, writable: bool, patience: float = _PATIENCE) -> sqlite3.Connection:
    """Open an SQLite file; transactions are begun and ended in so many words."""
    mode = "rwc" if writable else "ro"
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, timeout=patience, isolation_level=None, check_same_thread=False
    )


def open_for_writing(path: Path, steps: Sequence[Step] = STEPS) -> sqlite3.Connection:
    """Open a journal, and make or bring up to date what is in it.

    Raises:
        JournalError: It is no journal, is of a newer version, or cannot be written.
        sqlite3.Error: Likewise, in the words of SQLite.
    """
    connection = connect(path, writable=True)
    try:
        # Before anything is changed: it may be somebody else's.
        version_of(connection, path, steps)
        _write_ahead(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
        # On macOS nothing less reaches the disk; elsewhere it means nothing.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
        bring_up_to_date(connection, path, steps)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise JournalError(
            f"{path} cannot be written ahead (SQLite's WAL mode), as on some network file systems; "
            "keep the journal on a local disk"
        )


def refuse_foreign(path: Path) -> None:
    """Look at a file that is there already, before anything is put beside it.

    Raises:
        JournalError: It is another program's database, or a journal of a newer version.
        sqlite3.DatabaseError: It is no database.
    """
    if path.exists():
        # What keeps it from being read is said by the attempt to write it.
        with suppress(sqlite3.OperationalError), closing(connect(path, writable=False)) as connection:
            version_of(connection, path)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal to look at it, as it is at this moment, whether or not a run has it open.

    Raises:
        JournalError: It is not there, cannot be read, is no journal, or is of another version.
    """
    with opening(path):
        connection = _open_for_reading(path)
    with explained(path), closing(connection):
        version = version_of(connection, path)
        if version < len(STEPS):
            state = f"a journal of version {version}, and version {len(STEPS)} is read" if version else "empty"
            raise JournalError(f"{path} is {state}; a run with it brings it up to date")
        connection.execute("BEGIN")
        yield connection


def _open_for_reading(path: Path) -> sqlite3.Connection:
    check_place(path)
    if not path.exists():
        raise JournalError(f"{path} does not exist")
    connection = connect(path, writable=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(f"{path.name}-wal").exists():
            raise
        # Where nothing can be created, SQLite has no place for its shared memory; without a log it needs none.
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    return connection


def check_place(path: Path) -> None:
    """Make sure that there can be a file of that name.

    Raises:
        JournalError: There cannot.
    """
    if path.is_dir():
        raise JournalError(f"{path} is a directory; a journal is a file")
    if path.exists() and not path.is_file():
        raise JournalError(f"{path} is no regular file; a journal is one")
    if not path.parent.is_dir():
        raise JournalError(f"{path} cannot be made: there is no directory {path.parent}; make it first")


def real_path(path: str | os.PathLike[str]) -> Path:
    """Return the one path of a file, whatever links and relative paths lead to it.

    Raises:
        JournalError: It is no path.
    """
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise JournalError(f"{os.fspath(path)!r} is no path a journal can have: {error}") from error


_NO_ROOM = "the disk, or what this process may write, is full; make room and start again: what was accepted is kept"
_NOT_WRITABLE = "the file or its directory may not be written by this user"
_REASONS = {
    sqlite3.SQLITE_FULL: _NO_ROOM,
    sqlite3.SQLITE_READONLY: _NOT_WRITABLE,
    sqlite3.SQLITE_PERM: _NOT_WRITABLE,
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened: look at the rights of the file and of its directory",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database, so no journal; give the journal another name",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; `sqlite3 FILE .recover` may get back what is in it",
    sqlite3.SQLITE_BUSY: "another program has the file locked",
    sqlite3.SQLITE_LOCKED: "another program has the file locked",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written, or is full",
    sqlite3.SQLITE_TOOBIG: "it is larger than SQLite can store",
}


def explain(path: Path, error: sqlite3.Error) -> JournalError:
    """Return a failure of SQLite as the journal's, with what can be done about it."""
    code = getattr(error, "sqlite_errorcode", 0)
    reason = _REASONS.get(code & 0xFF)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    text = f"{reason} ({name}: {error})" if reason else f"{name}: {error}"
    found: JournalError = JournalError(f"the journal {path}: {text}")
    return found


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise failures of SQLite as the journal's."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(path, error) from error


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Raise failures of SQLite and of the file system as the journal's."""
    try:
        with explained(path):
            yield
    except JournalError:
        raise
    except OSError as error:
        raise JournalError(f"the journal {path}: {error.strerror or error}") from error
