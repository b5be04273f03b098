"""Errors as text and back, so that a file that failed fails the same way in another process.

What is stored is the class by name, its bases after it, the finished message and the attributes, everything redacted.
A class this version does not know becomes the nearest of its bases that it does.
"""

from __future__ import annotations

import json
from typing import Any

from aiofunasr import errors
from aiofunasr.errors import FunASRError, JournalError
from aiofunasr.journal.secrets import is_token
from aiofunasr.redaction import redact

_LONGEST = 4000
"""Characters of one text in an error: some hold what a service said."""


def write_error(error: FunASRError) -> str:
    """Return an error as JSON."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, FunASRError)]
    message = str(error.args[0]) if error.args else ""
    content = {"kinds": kinds, "message": _plain(message), "attributes": _plain(vars(error))}
    return json.dumps(content, separators=(",", ":"))


def read_error(text: str) -> FunASRError:
    """Return the error that was written.

    Raises:
        JournalError: The text is none.
    """
    try:
        content = json.loads(text)
        kind = next(known for name in content["kinds"] if (known := _class_of(name)) is not None)
        message, attributes = str(content["message"]), dict(content["attributes"])
    except (ValueError, LookupError, TypeError, StopIteration) as error:
        raise JournalError("an error in the journal cannot be read: the file is damaged") from error
    # Not through __init__: the message is finished, and each class takes other arguments.
    found = kind.__new__(kind, message)
    found.args = (message,)
    vars(found).update({name: _frozen(value) for name, value in attributes.items()})
    return found


def _class_of(name: object) -> type[FunASRError] | None:
    found = getattr(errors, name, None) if isinstance(name, str) else None
    return found if isinstance(found, type) and issubclass(found, FunASRError) else None


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, without secrets."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return value if is_token(value) else redact(value[:_LONGEST])
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            # An error's notes are about one raising of it.
            return {str(name): _plain(item) for name, item in value.items() if name != "__notes__"}
    return redact(repr(value)[:_LONGEST])


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
