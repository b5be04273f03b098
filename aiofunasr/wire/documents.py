"""The transcription document, read into a `Transcript` (the protocol notes, section 5)."""

from __future__ import annotations

import json
from typing import Any

from aiofunasr.errors import InvalidReplyError
from aiofunasr.redaction import excerpt
from aiofunasr.results import Transcript
from aiofunasr.wire.structure import structure


def read_transcript(document: bytes | str) -> Transcript:
    """Read one transcription document.

    Raises:
        InvalidReplyError: It is no such document; the error names the path.
    """
    try:
        content: Any = json.loads(document)
    except (ValueError, RecursionError):
        text = document[:800] if isinstance(document, str) else document[:800].decode("utf-8", "replace")
        raise InvalidReplyError("the transcription document is not whole JSON", excerpt=excerpt(text)) from None
    if not isinstance(content, dict) or not isinstance(content.get("transcripts", []), list):
        raise InvalidReplyError("a transcription document has an array", path="$.transcripts")
    return structure(content, Transcript)
