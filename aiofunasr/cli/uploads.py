"""`aiofunasr upload`: files into the service's temporary store."""

from __future__ import annotations

import json
from collections.abc import Sequence

import anyio
from attrs import frozen

from aiofunasr.audio import UploadedFile
from aiofunasr.cli.delivery import print_text
from aiofunasr.cli.place import Place
from aiofunasr.cli.running import FAILED
from aiofunasr.cli.screen import Progress, Screen, stdout_shares_terminal
from aiofunasr.cli.wording import describe, megabytes, printable
from aiofunasr.errors import AccessDeniedError, AuthenticationError, FunASRError, NotFoundError
from aiofunasr.pipeline.spooling import path_of
from aiofunasr.session import Session

_ENDS_ALL = (AuthenticationError, AccessDeniedError, NotFoundError)


@frozen(kw_only=True)
class UploadJob:
    """What to upload, and for which model."""

    files: Sequence[str]
    model: str
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False


class _Upload:
    """One file on its way, and what came of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sent = self.size = 0
        self.ended = anyio.Event()
        self.uploaded: UploadedFile | None = None
        self.error: FunASRError | None = None

    def moved(self, sent: int, size: int) -> None:
        self.sent, self.size = sent, size

    async def run(self, session: Session, model: str) -> None:
        try:
            self.uploaded = await session.upload(self.name, model=model, on_progress=self.moved)
        except _ENDS_ALL:
            raise
        except FunASRError as error:
            self.error = error
        self.ended.set()


async def upload(job: UploadJob, place: Place) -> int:
    """Upload files, print their URLs in the order given, and return the status."""
    # All are looked at before any is uploaded.
    for name in job.files:
        await path_of(name)
    screen = Screen(quiet=job.quiet, verbose=job.verbose)
    uploads = [_Upload(name) for name in job.files]

    def progress() -> Progress:
        done = sum(one.ended.is_set() for one in uploads)
        return Progress(
            total=len(uploads),
            done=done,
            failed=sum(one.error is not None for one in uploads),
            in_flight=len(uploads) - done,
            uploads=(sum(one.sent for one in uploads), sum(one.size for one in uploads)),
        )

    async with place.session() as session, screen.following(progress), anyio.create_task_group() as group:
        for one in uploads:
            group.start_soon(one.run, session, job.model)
        for one in uploads:
            await one.ended.wait()
            await _tell(one, job, screen)
    return FAILED if any(one.error is not None for one in uploads) else 0


async def _tell(one: _Upload, job: UploadJob, screen: Screen) -> None:
    if one.error is not None:
        screen.say(f"not uploaded: {printable(one.name)}: {describe(one.error)}")
    if one.uploaded is None:
        return
    found = one.uploaded
    screen.note(
        f"{printable(one.name)}: {megabytes(found.size)}, for {found.model}, "
        f"until {found.expires_at.astimezone():%Y-%m-%d %H:%M:%S %Z}"
    )
    record = {
        "file": one.name,
        "url": found.url,
        "model": found.model,
        "size": found.size,
        "expires_at": found.expires_at.isoformat(timespec="seconds"),
    }
    text = json.dumps(record, ensure_ascii=False) if job.as_json else found.url
    if stdout_shares_terminal():
        with screen.cleared():
            await print_text(text + "\n")
    else:
        await print_text(text + "\n")
