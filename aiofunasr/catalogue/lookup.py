"""Finding a code in the catalogue.

The code decides, exactly first, then by its first part: `Throttling.Anything` is throttling. Some routes write codes in
lower case with underscores (section 6.1), so neither upper case nor underscores count. Then the HTTP status decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from aiofunasr.catalogue.entry import CodeEntry
from aiofunasr.catalogue.files import FILE_CODES
from aiofunasr.catalogue.requests import BY_STATUS, REQUEST_CODES

_Index = Mapping[str, tuple[CodeEntry, ...]]


def plain(code: str) -> str:
    """Return the one form of all ways to write a code."""
    return code.strip().lower().replace("_", "").replace("-", "")


def _index(entries: Iterable[CodeEntry]) -> _Index:
    found: dict[str, tuple[CodeEntry, ...]] = defaultdict(tuple)
    for entry in entries:
        found[plain(entry.code)] += (entry,)
    return dict(found)


_REQUESTS = _index(REQUEST_CODES)
_FILES = _index(FILE_CODES)
_STATUSES = {status: entry for entry in BY_STATUS for status in entry.statuses}


def _by_code(index: _Index, code: str) -> tuple[CodeEntry, ...]:
    written = plain(code)
    return index.get(written) or index.get(written.partition(".")[0], ())


def request_entry(code: str, status: int) -> CodeEntry | None:
    """Return what is known of a refused request; None for a status that is no error."""
    entries = _by_code(_REQUESTS, code)
    if entries:
        return next((entry for entry in entries if status in entry.statuses), entries[-1])
    return _STATUSES.get(status) or _STATUSES.get(500 if status >= 500 else 400 if status >= 400 else 0)


def file_entry(code: str) -> CodeEntry | None:
    """Return what is known of a code of a file or a task, or None."""
    return next(iter(_by_code(_FILES, code)), None)


def entries_of(code: str) -> tuple[CodeEntry, ...]:
    """Return all that is known of a code, or of an HTTP status, wherever it may stand."""
    if code.isdecimal():
        status = int(code)
        known = [entry for entry in REQUEST_CODES if status in entry.statuses]
        return (*(entry for entry in BY_STATUS if status in entry.statuses), *known)
    return (*_by_code(_REQUESTS, code), *_by_code(_FILES, code))
