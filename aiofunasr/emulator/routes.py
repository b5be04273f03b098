"""Which operation a request is for (protocol notes, sections 1.1, 3.1, 4.2, 8 and 9)."""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

from aiofunasr.emulator.messages import API_PREFIX, OSS_PREFIX, RESULTS_PREFIX, HttpRequest
from aiofunasr.emulator.signing import CERTIFICATE_PATH

Kind = Literal[
    "submit", "query", "cancel", "list", "policy", "token", "vocabulary", "upload", "result", "certificate", "other"
]

_ROUTES: Final[dict[Kind, tuple[set[str], re.Pattern[str]]]] = {
    "submit": ({"POST"}, re.compile(rf"{API_PREFIX}/services/audio/asr/transcription")),
    "list": ({"GET"}, re.compile(rf"{API_PREFIX}/tasks/?")),
    # GET on the newest pages, POST on the older ones.
    "query": ({"GET", "POST"}, re.compile(rf"{API_PREFIX}/tasks/([^/]+)")),
    "cancel": ({"POST"}, re.compile(rf"{API_PREFIX}/tasks/([^/]+)/cancel")),
    "policy": ({"GET"}, re.compile(rf"{API_PREFIX}/uploads/?")),
    "token": ({"POST"}, re.compile(rf"{API_PREFIX}/tokens/?")),
    "vocabulary": ({"POST"}, re.compile(rf"{API_PREFIX}/services/audio/asr/customization")),
    "upload": ({"POST"}, re.compile(rf"{OSS_PREFIX}([^/]+)/?")),
    "certificate": ({"GET"}, re.compile(re.escape(CERTIFICATE_PATH))),
    "result": ({"GET"}, re.compile(rf"{RESULTS_PREFIX}(.+)")),
}


KINDS: Final = get_args(Kind)


def route(request: HttpRequest) -> tuple[Kind, str]:
    """Return a request's kind, and the task or bucket its path names."""
    for kind, (methods, pattern) in _ROUTES.items():
        match = pattern.fullmatch(request.path)
        if match is not None and request.method in methods:
            return kind, match[1] if match.re.groups else ""
    return "other", ""
