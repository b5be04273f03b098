"""Every documented error code as data: what it means, what it becomes here, and what can be done about it.

The tables are `requests` (codes that a request is refused with) and `files` (codes of a file, or of a task as a whole),
after the protocol notes, sections 6.2 and 6.3. `aiofunasr.wire.codes` goes by them; `aiofunasr explain` prints them.
"""

from __future__ import annotations

from aiofunasr.catalogue.entry import Again, CodeEntry, Where
from aiofunasr.catalogue.files import FILE_CODES
from aiofunasr.catalogue.lookup import entries_of, file_entry, request_entry
from aiofunasr.catalogue.requests import BY_STATUS, REQUEST_CODES

__all__ = [
    "BY_STATUS",
    "FILE_CODES",
    "REQUEST_CODES",
    "Again",
    "CodeEntry",
    "Where",
    "entries_of",
    "file_entry",
    "request_entry",
]
