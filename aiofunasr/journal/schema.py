"""The tables of a journal, version by version.

`PRAGMA user_version` says how many of the steps below a file has been through, `PRAGMA application_id` that it is a
journal at all. A step is never changed once it was released: what is to be different is a new step, so that a file of
any age goes through the same ones in the same order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from aiofunasr.errors import JournalError

APPLICATION_ID = 0x46415352
"""The letters FASR."""

Step = Sequence[str]
"""Statements that lead from one version to the next."""

STEPS: Sequence[Step] = (
    (
        # One row a file. `ended` says how it ended, while there is a result; `attempt` is the newest one.
        """
        CREATE TABLE files (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            source TEXT NOT NULL DEFAULT '',
            resumable INTEGER NOT NULL DEFAULT 0,
            seconds REAL,
            attempt INTEGER,
            ended TEXT
        )
        """,
        # What waits for its end, which is little of a journal that is nearly done.
        "CREATE INDEX waiting_files ON files (attempt) WHERE ended IS NULL AND attempt IS NOT NULL",
        # A number is not given twice, not even once the newest attempt is gone.
        """
        CREATE TABLE attempts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            state TEXT NOT NULL,
            model TEXT NOT NULL,
            options TEXT NOT NULL,
            region TEXT,
            workspace TEXT,
            sent_at REAL NOT NULL,
            ended_at REAL,
            request_id TEXT,
            task_id TEXT,
            error TEXT NOT NULL
        )
        """,
        "CREATE INDEX attempts_by_time ON attempts (sent_at) WHERE task_id IS NOT NULL",
        """
        CREATE TABLE attempt_files (
            attempt INTEGER NOT NULL REFERENCES attempts (id),
            place INTEGER NOT NULL,
            file INTEGER NOT NULL REFERENCES files (id),
            digest TEXT NOT NULL,
            PRIMARY KEY (attempt, place)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX attempts_by_file ON attempt_files (file)",
        # `document` comes last, so that the rest is read without it; it is compressed (zlib).
        """
        CREATE TABLE results (
            file INTEGER PRIMARY KEY REFERENCES files (id),
            task_id TEXT,
            token TEXT,
            file_url TEXT,
            no_speech INTEGER NOT NULL,
            error TEXT,
            document BLOB
        )
        """,
        """
        CREATE TABLE notes (
            name TEXT PRIMARY KEY,
            text TEXT NOT NULL
        ) WITHOUT ROWID
        """,
    ),
)


def version_of(connection: sqlite3.Connection, path: Path, steps: Sequence[Step] = STEPS) -> int:
    """Return the version of a file; 0 for one with nothing in it yet.

    Raises:
        JournalError: It is another program's database, or a journal of a newer version.
    """
    application_id = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    if application_id != APPLICATION_ID:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application_id or version or tables:
            raise JournalError(f"{path} is the database of another program, no journal; give the journal another name")
        return 0
    if version > len(steps):
        raise JournalError(
            f"{path} is a journal of version {version}, and this aiofunasr reads versions up to {len(steps)}; "
            "a newer aiofunasr is needed: pip install --upgrade aiofunasr"
        )
    return version


def bring_up_to_date(connection: sqlite3.Connection, path: Path, steps: Sequence[Step] = STEPS) -> None:
    """Make the tables of a new file, or bring those of an older version up to date: wholly, or not at all.

    Raises:
        JournalError: It is another program's database, or a journal of a newer version.
    """
    if version_of(connection, path, steps) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[version_of(connection, path, steps) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
