"""`aiofunasr export`: write transcripts that are stored already in other formats."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from anyio import to_thread
from attrs import frozen

from aiofunasr.cli.delivery import Writing, choose_delivery
from aiofunasr.cli.inputs import STANDARD_INPUT
from aiofunasr.cli.names import NameBook
from aiofunasr.cli.running import FAILED, CommandError
from aiofunasr.cli.screen import Screen
from aiofunasr.cli.wording import printable
from aiofunasr.errors import InvalidReplyError
from aiofunasr.results import SubtaskResult, Transcript
from aiofunasr.wire.documents import read_transcript


@frozen(kw_only=True)
class ExportJob:
    """What `export` was asked to do; documents are paths, or `-` for standard input."""

    documents: Sequence[str]
    writing: Writing
    quiet: bool = False


async def export(job: ExportJob) -> int:
    """Write each document in each format and return the status; what cannot be read keeps no other from being.

    Raises:
        CommandError: A document would be replaced by what is made of it.
    """
    _keep_documents(job)
    screen = Screen(quiet=job.quiet)
    delivery = choose_delivery(job.writing, screen)
    for document in job.documents:
        delivery.expect(_name(document))
    failed = 0
    for index, document in enumerate(job.documents):
        try:
            transcript = await to_thread.run_sync(_read, document, abandon_on_cancel=True)
        except (OSError, InvalidReplyError) as error:
            screen.say(f"not read: {document}: {getattr(error, 'strerror', None) or error}")
            failed += 1
            continue
        source = transcript.file_url or _name(document)
        result = SubtaskResult(source=source, index=index, transcript=transcript, no_speech=not transcript.text)
        try:
            await delivery.deliver(result, headed=len(job.documents) > 1)
        except BrokenPipeError:
            raise
        except (OSError, CommandError) as error:
            screen.say(f"not written: {document}: {getattr(error, 'strerror', None) or error}")
            failed += 1
    return FAILED if failed else 0


def _name(document: str) -> str:
    return "transcript" if document == STANDARD_INPUT else document


def _read(document: str) -> Transcript:
    return read_transcript(sys.stdin.buffer.read() if document == STANDARD_INPUT else Path(document).read_bytes())


def _keep_documents(job: ExportJob) -> None:
    """Make sure that no result has the place of a document: what is written leaves out signatures of URLs."""
    if job.writing.directory is None:
        return
    names = NameBook()
    taken = {
        (job.writing.directory / f"{name}{each.extension}").resolve()
        for name in map(names.take, map(_name, job.documents))
        for each in job.writing.formats
    }
    for document in job.documents:
        if document != STANDARD_INPUT and Path(document).resolve() in taken:
            raise CommandError(printable(f"{document} would be replaced; give another --output"))
