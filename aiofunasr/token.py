"""A task's token: all that is needed to find the task again, in any process, on another day.

It is one line of text, safe to store and to print: it holds no key and no URL. In place of the URLs, which may be
signed, it holds a short digest of each, so that an attached task's results still get their places in the input.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Self
from urllib.parse import unquote

from attrs import frozen

from aiofunasr.errors import InvalidArgumentError, TaskExpiredError

_PREFIX = "fasr1."
_DIGEST_BYTES = 6
_LONGEST = 64 * 1024

_write = json.JSONEncoder(separators=(",", ":")).encode

RETENTION = timedelta(hours=24)
"""How long the service remembers a task after it ended (the protocol notes, section 3.5)."""

LONGEST_RUN = timedelta(hours=3)
"""After which the service itself gives a task up (the same section)."""


def file_digest(file_url: str) -> str:
    """Return eight characters that tell a URL from the others of its task, however it is escaped."""
    plain = unquote(file_url).encode("utf-8", "surrogatepass")
    return _text(blake2b(plain, digest_size=_DIGEST_BYTES).digest())


@frozen(kw_only=True)
class TaskToken:
    """What a token says.

    Attributes:
        task_id: The service's id of the task.
        region: The region's label, or None for a base URL of the caller's own.
        workspace: The workspace, or None.
        model: The model, or None where it is not known (a task attached by its bare id).
        submitted_at: When it was submitted, seconds since the epoch; None where it is not known.
        file_digests: `file_digest` of each file, in the order submitted.
        indexes: The place of each file in the caller's input.
    """

    task_id: str
    region: str | None = None
    workspace: str | None = None
    model: str | None = None
    submitted_at: int | None = None
    file_digests: tuple[str, ...] = ()
    indexes: tuple[int, ...] = ()

    def encode(self) -> str:
        """Return the token as text."""
        first = self.indexes[0] if self.indexes else 0
        in_a_row = self.indexes == tuple(range(first, first + len(self.indexes)))
        content = [
            self.task_id,
            self.region,
            self.workspace,
            self.model,
            self.submitted_at,
            "".join(self.file_digests),
            first if in_a_row else list(self.indexes),
        ]
        return _PREFIX + _text(_write(content).encode())

    @classmethod
    def decode(cls, token: str) -> Self:
        """Read a token, or a bare task id.

        Raises:
            InvalidArgumentError: It is neither.
        """
        if not isinstance(token, str) or not token.strip() or len(token) > _LONGEST:
            raise InvalidArgumentError("token", token, "a task's token or task id is needed, a non-empty string")
        token = token.strip()
        if not token.startswith(_PREFIX):
            if not token.isascii() or not token.isprintable() or "/" in token or " " in token:
                raise InvalidArgumentError("token", token, "neither a token nor a task id")
            return cls(task_id=token)
        try:
            content = json.loads(base64.urlsafe_b64decode(token[len(_PREFIX) :] + "==="))
            task_id, region, workspace, model, submitted_at, digests, place = content
            size = _DIGEST_BYTES * 4 // 3
            parts = tuple(digests[at : at + size] for at in range(0, len(digests), size))
            indexes = tuple(place) if isinstance(place, list) else tuple(range(place, place + len(parts)))
            found = cls(
                task_id=task_id,
                region=region,
                workspace=workspace,
                model=model,
                submitted_at=submitted_at,
                file_digests=parts,
                indexes=indexes,
            )
            texts = all(text is None or isinstance(text, str) for text in (region, workspace, model))
            whole = bool(task_id) and isinstance(task_id, str) and isinstance(digests, str) and texts
            whole = whole and len(indexes) == len(parts) and all(type(index) is int for index in indexes)
            whole = whole and (submitted_at is None or 0 <= submitted_at < 253_402_300_799)
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidArgumentError("token", token, "the token is damaged: it was cut or changed") from error
        if not whole:
            raise InvalidArgumentError("token", token, "the token is damaged: it was cut or changed")
        return found

    def check_age(self, now: float) -> None:
        """Make sure that the service may still know the task.

        Raises:
            TaskExpiredError: It cannot: the task was submitted longer ago than it may run and be remembered.
        """
        oldest = (RETENTION + LONGEST_RUN).total_seconds()
        if self.submitted_at is not None and now - self.submitted_at > oldest:
            when = datetime.fromtimestamp(self.submitted_at, UTC)
            raise TaskExpiredError(
                f"the task was submitted at {when:%Y-%m-%d %H:%M} UTC; "
                "the service forgets a task 24 hours after it ended"
            ).for_task(self.task_id, self.encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digests(file_urls: Sequence[str]) -> tuple[str, ...]:
    """Return the digest of each URL."""
    return tuple(file_digest(url) for url in file_urls)
