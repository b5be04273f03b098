"""One session at a time has a journal open.

The lock is an exclusive transaction on an empty SQLite file beside the journal, `<name>-lock`. SQLite takes it with
what each system has for it, within the process as well, and the system drops it when the process ends in whatever way.
The journal itself stays free for readers. The file stays where it is: removing it would let two processes lock two
files of that name.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from aiofunasr.errors import JournalError, JournalLockedError
from aiofunasr.journal.database import connect, explain, explained, opening

_PATIENCE = 0.5
"""Seconds: two that ask at the same moment must not both be refused."""

HOLDER = "holder"
"""The note in which the journal says who has it open."""


def take_lock(path: Path) -> sqlite3.Connection:
    """Lock a journal until the connection that is returned is closed.

    Raises:
        JournalLockedError: Another process, or another session, has it open.
        JournalError: There can be no file beside it.
    """
    beside = path.with_name(f"{path.name}-lock")
    with opening(beside):
        connection = connect(beside, writable=True, patience=_PATIENCE)
        try:
            # Nothing is ever written there, but SQLite would prepare for it with one more file.
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            connection.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise JournalLockedError(
                    f"the journal {path} is open in {_holder(path)}; wait until it is done, or use another journal"
                ) from None
            raise explain(beside, error) from error
        except BaseException:
            connection.close()
            raise
    return connection


def describe_holder() -> str:
    """Return what is noted about this process while it has the journal open."""
    return json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")})


def _holder(path: Path) -> str:
    """Say who has the journal open, as far as the journal tells."""
    try:
        with explained(path), closing(connect(path, writable=False)) as connection:
            row = connection.execute("SELECT text FROM notes WHERE name = ?", (HOLDER,)).fetchone()
        noted = json.loads(row[0]) if row else {}
        pid, since = int(noted["pid"]), datetime.fromisoformat(noted["since"])
    except (JournalError, ValueError, KeyError, TypeError):
        # It is being made at this moment.
        return "another session"
    who = "another session of this process" if pid == os.getpid() else f"process {pid}"
    return f"{who}, since {since:%Y-%m-%d %H:%M:%S} UTC"
