"""Puts local files where the service can read them (the protocol notes, section 7).

The temporary store is meant for trying things: an object lives 48 hours and serves the model it was uploaded for. One
policy serves many files while it lasts. Files are streamed from disk, never held whole, and nothing is billed here, so
that a failed upload is simply done again under another name.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from random import Random

import anyio
import anyio.to_thread

from aiofunasr.audio import UploadedFile
from aiofunasr.errors import (
    AccessDeniedError,
    BadRequestError,
    InvalidFileError,
    InvalidReplyError,
    RequestTimeoutError,
    ServiceUnavailableError,
    ThrottledError,
    TransportError,
)
from aiofunasr.pacing.retries import TRIES, wait_before
from aiofunasr.pipeline.background import Background
from aiofunasr.pipeline.clock import loop_time
from aiofunasr.pipeline.gateway import API_REPLY_BYTES, Gateway
from aiofunasr.pipeline.policies import Policies
from aiofunasr.settings import Limits, Timeouts
from aiofunasr.time_limit import TimeLimit
from aiofunasr.transport import fetch
from aiofunasr.wire.forms import object_key, object_name, upload_form
from aiofunasr.wire.messages import Reply, Request
from aiofunasr.wire.replies import UploadPolicy, read_stored

logger = logging.getLogger("aiofunasr")

LARGEST_FILE = 2 * 1024**3
"""The largest file the service takes, in bytes (section 2.2)."""

OBJECT_LIFE = timedelta(hours=48)
"""How long an uploaded file can be used (section 7.3)."""

_EXISTS = 409
_MB = 1024 * 1024

_AGAIN = (TransportError, ServiceUnavailableError, ThrottledError, InvalidReplyError)


class Meter:
    """Counts the bytes of some uploads.

    Attributes:
        sent: How many have left; those of a try that failed are taken back.
        total: How many there are in the files uploaded so far, and in those being uploaded.
        files: How many files are being uploaded.
    """

    __slots__ = ("_on_change", "files", "sent", "total")

    def __init__(self, on_change: Callable[[int, int], object] | None = None) -> None:
        self.sent = self.total = self.files = 0
        self._on_change = on_change

    def add(self, sent: int) -> None:
        """Count bytes that have left, and tell whoever wants to know."""
        self.sent += sent
        if self._on_change is not None:
            try:
                self._on_change(self.sent, self.total)
            except Exception:
                # The caller's own; nothing is wrong with the upload.
                logger.exception("the on_progress callable failed; it is called no more")
                self._on_change = None


class Uploader:
    """The uploads of a session."""

    def __init__(
        self,
        gateway: Gateway,
        background: Background,
        limits: Limits,
        timeouts: Timeouts,
        *,
        random: Random,
        clock: Callable[[], float],
    ) -> None:
        self._gateway = gateway
        self._policies = Policies(gateway, background)
        self._whole, self._idle = TimeLimit(timeouts.upload), timeouts.idle
        self._random = random
        self._clock = clock
        self._limiter = anyio.CapacityLimiter(limits.uploads)
        self.uploaded = 0

    async def upload(
        self, content: Path | bytes, model: str, *, name: PurePath | None = None, meter: Meter | None = None
    ) -> UploadedFile:
        """Upload a file for one model; `name` is what its own is made from.

        Raises:
            InvalidFileError: The file cannot be read, or is larger than the policy allows.
            FunASRError: The upload was refused, or failed several times.
        """
        meter = Meter() if meter is None else meter
        async with self._limiter:
            size = await _size_of(content)
            meter.total += size
            meter.files += 1
            try:
                return await self._upload(content, size, model, _name_of(content, name), meter)
            except BaseException:
                meter.total -= size
                raise
            finally:
                meter.files -= 1

    async def _upload(self, content: Path | bytes, size: int, model: str, name: PurePath, meter: Meter) -> UploadedFile:
        attempt = 0
        while True:
            attempt += 1
            policy = await self._policies.get(model)
            if policy.max_file_size_mb is not None and size > policy.max_file_size_mb * _MB:
                raise _refuse(
                    content,
                    f"the file has {size / _MB:.0f} MB and the service takes uploads of up to "
                    f"{policy.max_file_size_mb} MB; give it a URL instead",
                )
            started_at = self._clock()
            try:
                url = await self._send(content, size, policy, name, meter)
            except (*_AGAIN, AccessDeniedError, BadRequestError) as error:
                # A policy that was refused is not used again; it may have expired on the way.
                self._policies.drop(model, policy)
                if attempt >= _tries_for(error):
                    raise
                logger.info("uploading a file again, under another name, after: %s", error)
                await anyio.sleep(wait_before(attempt + 1, self._random))
            else:
                self.uploaded += 1
                expires_at = datetime.fromtimestamp(started_at, UTC) + OBJECT_LIFE
                return UploadedFile(url=url, model=model, size=size, expires_at=expires_at)

    async def _send(self, content: Path | bytes, size: int, policy: UploadPolicy, name: PurePath, meter: Meter) -> str:
        unique = object_name(name, uuid.uuid4().hex[:12])
        watch, sent = _Watch(self._idle), 0

        def count(more: int) -> None:
            nonlocal sent
            sent += more
            watch.moved()
            meter.add(more)

        request = upload_form(policy, content, size, unique, boundary=uuid.uuid4().hex, on_sent=count)
        try:
            read_stored(await self._fetch(request, watch))
        except BaseException as error:
            meter.add(-sent)
            if isinstance(error, TransportError) and await _size_of(content) != size:
                # Whether the file changed under way is for the caller to know, not for a retry to hide.
                raise _refuse(content, "the file changed while it was uploaded") from error
            raise
        return f"oss://{object_key(policy, unique)}"

    async def _fetch(self, request: Request, watch: _Watch) -> Reply:
        try:
            async with watch.timeout:
                return await fetch(self._gateway.transport, request, within=self._whole, limit=API_REPLY_BYTES)
        except TimeoutError as error:
            if isinstance(error, TransportError):
                raise
        raise RequestTimeoutError(f"the upload stood still for {self._idle:g} s", sent=True)


class _Watch:
    """A time-out that begins anew whenever something moves."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.timeout = asyncio.timeout(seconds)

    def moved(self) -> None:
        # It may be over already, with the last piece still on its way.
        with suppress(RuntimeError):
            self.timeout.reschedule(loop_time() + self._seconds)


def _tries_for(error: Exception) -> int:
    """Return how many tries such an error is worth."""
    match error:
        case AccessDeniedError():
            return 2
        case BadRequestError():
            # A name that is taken is changed; whatever else the storage does not like stays as it is.
            return TRIES if error.status == _EXISTS else 1
        case _:
            return TRIES


def _name_of(content: Path | bytes, name: PurePath | None) -> PurePath:
    if name is not None:
        return name
    return content if isinstance(content, Path) else PurePath("audio")


def _refuse(content: Path | bytes, why: str) -> InvalidFileError:
    shown: object = content if isinstance(content, bytes) else str(content)
    error: InvalidFileError = InvalidFileError("file_urls", shown, why)
    return error


async def _size_of(content: Path | bytes) -> int:
    if isinstance(content, Path):
        return await file_size(content)
    if len(content) > LARGEST_FILE:
        raise _refuse(content, _too_large(len(content)))
    return len(content)


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
        return _refuse(path, why)

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
        raise refuse(_too_large(found.st_size))
    return found.st_size


def _too_large(size: int) -> str:
    return f"the file has {size / 1024**3:.1f} GB and the service takes up to 2 GB"
