"""Puts local files where the service can read them (the protocol notes, section 7).

The temporary store is meant for trying things: an object lives 48 hours and serves the model it was uploaded for. One
policy serves many files while it lasts. Files are streamed from disk, never held whole, and nothing is billed here, so
that a failed upload is simply done again under another name.
"""

from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path
from random import Random

import anyio
import anyio.to_thread

from aiofunasr.errors import (
    AccessDeniedError,
    InvalidFileError,
    ServiceUnavailableError,
    ThrottledError,
    TransportError,
)
from aiofunasr.pacing.retries import TRIES, wait_before
from aiofunasr.pipeline.gateway import API_REPLY_BYTES, Gateway
from aiofunasr.settings import Limits, Timeouts
from aiofunasr.transport import fetch
from aiofunasr.wire.forms import object_key, object_name, upload_form
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import UploadPolicy, read_done, read_upload_policy
from aiofunasr.wire.requests import upload_policy

LARGEST_FILE = 2 * 1024**3
"""The largest file the service takes, in bytes (section 2.2)."""

_SPARE_SECONDS = 30.0
"""What must be left of a policy's life for another upload to begin under it."""

_LONGEST_POLICY = 3600
"""Seconds a policy is believed to live at the most; the documented 300 is well below."""

_MB = 1024 * 1024


class Uploader:
    """The uploads of a session."""

    def __init__(self, gateway: Gateway, limits: Limits, timeouts: Timeouts, random: Random) -> None:
        self._gateway = gateway
        self._timeout = timeouts.upload
        self._random = random
        self._limiter = anyio.CapacityLimiter(limits.uploads)
        self._policies: dict[str, tuple[float, UploadPolicy]] = {}
        self.uploaded = 0

    async def upload(self, path: Path, model: str) -> str:
        """Upload a file for one model and return its `oss://` URL.

        Raises:
            InvalidFileError: The file cannot be read, or is larger than the policy allows.
            FunASRError: The upload was refused, or failed several times.
        """
        async with self._limiter:
            attempt = 0
            while True:
                attempt += 1
                try:
                    return await self._upload_once(path, model)
                except (TransportError, ServiceUnavailableError, ThrottledError, AccessDeniedError) as error:
                    # A policy that was refused is not used again; it may have expired on the way.
                    self._policies.pop(model, None)
                    if attempt >= (2 if isinstance(error, AccessDeniedError) else TRIES):
                        raise
                await anyio.sleep(wait_before(attempt + 1, self._random))

    async def _upload_once(self, path: Path, model: str) -> str:
        size = await file_size(path)
        policy = await self._policy(model)
        if policy.max_file_size_mb is not None and size > policy.max_file_size_mb * _MB:
            raise InvalidFileError(
                "file_urls",
                str(path),
                f"the file has {size / _MB:.0f} MB and the service takes uploads of up to "
                f"{policy.max_file_size_mb} MB; give it a URL instead",
            )
        name = object_name(path, uuid.uuid4().hex[:12])
        request = upload_form(policy, path, size, name, boundary=uuid.uuid4().hex)
        try:
            reply = await fetch(self._gateway.transport, request, timeout=self._timeout, limit=API_REPLY_BYTES)
        except TransportError as error:
            # Whether the file changed under way is for the caller to know, not for a retry to hide.
            if await file_size(path) != size:
                raise InvalidFileError("file_urls", str(path), "the file changed while it was uploaded") from error
            raise
        read_done(reply)
        self.uploaded += 1
        return f"oss://{object_key(policy, name)}"

    async def _policy(self, model: str) -> UploadPolicy:
        now = anyio.current_time()
        until, policy = self._policies.get(model, (now, None))
        if policy is None or until <= now:
            policy = await self._gateway.ask(
                Kind.UPLOAD_POLICY, lambda caller: upload_policy(caller, model), read_upload_policy
            )
            self._policies[model] = (now + min(policy.expire_in_seconds, _LONGEST_POLICY) - _SPARE_SECONDS, policy)
        return policy


async def file_size(path: Path) -> int:
    """Look at a local file, off the loop, and return its size in bytes.

    Raises:
        InvalidFileError: It is missing, no regular file, not readable, or larger than the service takes.
    """
    # A disk that hangs must not hang whoever gave up waiting for it.
    size: int = await anyio.to_thread.run_sync(_look_at, path, abandon_on_cancel=True)
    return size


def _look_at(path: Path) -> int:
    def refuse(why: str) -> InvalidFileError:
        error: InvalidFileError = InvalidFileError("file_urls", str(path), why)
        return error

    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise refuse("there is no such file") from error
    except (OSError, ValueError) as error:
        raise refuse(f"the file cannot be read: {error}") from error
    if stat.S_ISDIR(found.st_mode):
        raise refuse("this is a directory; name the files in it")
    if not stat.S_ISREG(found.st_mode):
        raise refuse("this is no regular file")
    if not os.access(path, os.R_OK):
        raise refuse("the file may not be read by this user")
    if found.st_size > LARGEST_FILE:
        raise refuse(f"the file has {found.st_size / 1024**3:.1f} GB and the service takes up to 2 GB")
    return found.st_size
