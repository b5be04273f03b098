"""Read an upload form the way the object storage does: strictly, and as a stream.

The rules are those of the protocol notes, section 7.2: an unquoted boundary in the request header, every part
beginning with `Content-Disposition: form-data; name="..."` with quoted names, and the file last. Whatever
else is wrong with a form has the same answer, `MalformedPOSTRequest`.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from aiofunasr.emulator.messages import UploadedForm

_MAX_FIELDS: Final = 64
_MAX_FIELD_BYTES: Final = 64 * 1024
_MAX_PART_HEADER_BYTES: Final = 8 * 1024
_CONTENT_TYPE: Final = re.compile(r"multipart/form-data; *boundary=([0-9A-Za-z'()+_,./:=?-]{1,70})")
_DISPOSITION: Final = re.compile(
    rb'content-disposition: *form-data; *name="([^"]+)"(; *filename="[^"]*")?(; *filename\*=[^;]+)?',
    re.IGNORECASE,
)


class MalformedFormError(Exception):
    """The body is no form the object storage would take; the text says why."""


class _State(Enum):
    START = auto()
    AFTER_BOUNDARY = auto()
    PART_HEADER = auto()
    FIELD = auto()
    FILE = auto()
    END = auto()


class FormParser:
    """Reads a form piece by piece, keeping no more than a field or a boundary's length of it.

    Feed the body; what `feed` returns are the next bytes of the file. `close` returns the fields. The field
    `file` ends the form: what comes after it is refused.
    """

    def __init__(self, content_type: str) -> None:
        match = _CONTENT_TYPE.fullmatch(content_type)
        if match is None:
            raise MalformedFormError("the request header must read multipart/form-data; boundary={boundary}")
        self._delimiter = b"\r\n--" + match[1].encode()
        # The first boundary has no line before it; this lets it be found like the others.
        self._buffer = bytearray(b"\r\n")
        self._state = _State.START
        self._name = ""
        self._fields: dict[str, str] = {}
        self._file_size = 0

    @property
    def file_size(self) -> int:
        """Bytes of the file seen so far."""
        return self._file_size

    def feed(self, data: bytes) -> bytes:
        """Read on; return the file's bytes among what became certain.

        Raises:
            MalformedFormError: the form broke a rule.
        """
        self._buffer += data
        file_bytes = bytearray()
        while self._step(file_bytes):
            pass
        self._file_size += len(file_bytes)
        return bytes(file_bytes)

    def close(self) -> dict[str, str]:
        """Return the form's fields, once the whole body was fed.

        Raises:
            MalformedFormError: the body ended early.
        """
        if self._state is not _State.END:
            raise MalformedFormError("the body ends before its last boundary")
        return self._fields

    def _step(self, file_bytes: bytearray) -> bool:
        """Make one step if the buffer holds enough for it."""
        match self._state:
            case _State.START:
                return self._read_start()
            case _State.AFTER_BOUNDARY:
                return self._read_after_boundary()
            case _State.PART_HEADER:
                return self._read_part_header()
            case _State.FIELD:
                return self._read_field()
            case _State.FILE:
                return self._read_file(file_bytes)
            case _State.END:
                self._buffer.clear()
                return False

    def _read_start(self) -> bool:
        if len(self._buffer) < len(self._delimiter):
            return False
        if not self._buffer.startswith(self._delimiter):
            raise MalformedFormError("the body does not begin with its boundary")
        del self._buffer[: len(self._delimiter)]
        self._state = _State.AFTER_BOUNDARY
        return True

    def _read_after_boundary(self) -> bool:
        if len(self._buffer) < 2:
            return False
        after = bytes(self._buffer[:2])
        if after == b"\r\n":
            if "file" in self._fields:
                raise MalformedFormError("file must be the last field")
            self._state = _State.PART_HEADER
        elif after == b"--":
            if "file" not in self._fields:
                raise MalformedFormError("there is no file")
            del self._fields["file"]
            self._state = _State.END
        else:
            raise MalformedFormError("a boundary is followed by something else")
        del self._buffer[:2]
        return True

    def _read_part_header(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if (len(self._buffer) if end < 0 else end) > _MAX_PART_HEADER_BYTES:
            raise MalformedFormError("a part's header is too long")
        if end < 0:
            return False
        first = bytes(self._buffer[:end]).split(b"\r\n", 1)[0]
        match = _DISPOSITION.fullmatch(first)
        if match is None:
            raise MalformedFormError('a part must begin with Content-Disposition: form-data; name="..."')
        self._name = match[1].decode("utf-8", "replace")
        if self._name in self._fields or len(self._fields) >= _MAX_FIELDS:
            raise MalformedFormError("a field is repeated, or there are too many")
        del self._buffer[: end + 4]
        self._state = _State.FILE if self._name == "file" else _State.FIELD
        return True

    def _read_field(self) -> bool:
        end = self._buffer.find(self._delimiter)
        if (len(self._buffer) if end < 0 else end) > _MAX_FIELD_BYTES:
            raise MalformedFormError("a field is too long")
        if end < 0:
            return False
        try:
            self._fields[self._name] = self._buffer[:end].decode()
        except UnicodeDecodeError:
            raise MalformedFormError("a field is not UTF-8") from None
        del self._buffer[: end + len(self._delimiter)]
        self._state = _State.AFTER_BOUNDARY
        return True

    def _read_file(self, file_bytes: bytearray) -> bool:
        end = self._buffer.find(self._delimiter)
        if end >= 0:
            file_bytes += self._buffer[:end]
            del self._buffer[: end + len(self._delimiter)]
            self._fields["file"] = ""
            self._state = _State.AFTER_BOUNDARY
            return True
        certain = len(self._buffer) - len(self._delimiter) + 1
        if certain > 0:
            file_bytes += self._buffer[:certain]
            del self._buffer[:certain]
        return False


def parse_form(content_type: str, body: bytes) -> UploadedForm:
    """Read a form that is in memory as a whole; a malformed one is returned with its `problem`."""
    try:
        parser = FormParser(content_type)
        content = parser.feed(body)
        fields = parser.close()
    except MalformedFormError as error:
        return UploadedForm(problem=str(error))
    return UploadedForm(fields, content, len(content))
