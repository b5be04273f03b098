"""A parser for one JSON text that comes in pieces, and never works for long.

What fits into a window is parsed by the standard library in one go; what is larger is gone into. The parser is written
as generators. Each yields `MORE` where it needs more than has come so far, and `PAUSE` after a while, so that whoever
runs it may let others go first. What is accepted, and what it means, is as with `json.loads`.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Generator, Mapping
from enum import Enum, auto
from json.decoder import JSONDecoder, scanstring  # type: ignore[attr-defined]
from typing import Any, Final, TypeVar

T = TypeVar("T")

WINDOW: Final = 64 * 1024
"""Bytes that are parsed in one go: about a millisecond."""

DEEPEST: Final = 200
"""How deep in each other values may be that are each larger than a window."""

_ATTEMPTS: Final = (1024, 16 * 1024)
_PRICE: Final = 256
"""What a value costs, in bytes of work, beside its own."""

_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
_SCALAR: Final = re.compile(rb"[-+.0-9A-Za-z]*+")
_INSIDE: Final = re.compile(rb'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
# A member with a short value, and the comma after it: those need no steps.
_MEMBER: Final = re.compile(
    rb'[ \t\r\n]*+"([^"\\\x00-\x1f]*+)"[ \t\r\n]*+:[ \t\r\n]*+'
    rb'(?:"([^"\\\x00-\x1f]*+)"|((?:0|[1-9][0-9]{0,14}+)|null|true|false))[ \t\r\n]*+,[ \t\r\n]*+(?=")'
)
_LONGEST_ESCAPE: Final = 6

_QUOTE, _OPEN, _CLOSE, _COLON, _COMMA, _LIST, _END = b'"{}:,[]'
_HIGH_SURROGATE: Final = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")

_parse_first: Final = JSONDecoder().raw_decode


class Step(Enum):
    """Why a parser has stopped."""

    MORE = auto()
    PAUSE = auto()


Parsing = Generator[Step, None, T]


def finish(parsing: Parsing[T]) -> T:
    """Run a parser to its end; all of the text is there."""
    while True:
        try:
            next(parsing)
        except StopIteration as end:
            found: T = end.value
            return found


class BrokenError(ValueError):
    """It is no JSON, or not all of it."""


class Scanner:
    """A place in a JSON text of which a part is there.

    Args:
        window: How many bytes are parsed in one go; what is larger is gone into.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._attempts = (*(size for size in _ATTEMPTS if size < window), 2 * window)
        self.data = b""
        self.at = 0
        self.last = False
        self._worked = 0
        self._record: list[bytes] | None = None
        self._record_from = 0

    def put(self, piece: bytes, *, last: bool = False) -> None:
        """Add what came next; the text ends after the `last` piece."""
        if self._record is not None:
            self._record.append(self.data[self._record_from : self.at])
            self._record_from = 0
        self.data = self.data[self.at :] + piece
        self.at = 0
        self.last = last

    @property
    def is_short(self) -> bool:
        """Whether less than a window is there, and more may come."""
        return not self.last and len(self.data) - self.at < self._window

    def record(self) -> None:
        """Keep what is read from here on."""
        self._record, self._record_from = [], self.at

    def recorded(self) -> bytes:
        """Return what was read since."""
        parts, self._record = self._record or [], None
        return b"".join([*parts, self.data[self._record_from : self.at]])

    # --- Steps --------------------------------------------------------------------------------------------------------

    def more(self) -> Parsing[None]:
        """Wait for more.

        Raises:
            BrokenError: There is no more.
        """
        if self.last:
            raise BrokenError
        yield Step.MORE

    def worked(self, amount: int) -> Parsing[None]:
        """Pause if enough was done since the last time."""
        self._worked += amount + _PRICE
        if self._worked > self._window:
            self._worked = 0
            yield Step.PAUSE

    def peek(self) -> Parsing[int]:
        """Go to the next byte that says something, and return it."""
        while True:
            # It matches the empty string, too.
            self.at = _SPACE.match(self.data, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.data):
                return self.data[self.at]
            yield from self.more()

    def expect(self, byte: int) -> Parsing[None]:
        """Go past the next byte that says something, which must be this one."""
        if (yield from self.peek()) != byte:
            raise BrokenError
        self.at += 1

    def ending(self) -> Parsing[None]:
        """Make sure that nothing comes any more."""
        while True:
            self.at = _SPACE.match(self.data, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.data):
                raise BrokenError
            if self.last:
                return
            yield from self.more()

    # --- Values -------------------------------------------------------------------------------------------------------

    def value(self, depth: int = 0) -> Parsing[Any]:
        """Read a value of any kind."""
        first = yield from self.peek()
        start = self.at
        if first == _QUOTE:
            return (yield from self.string())
        if first not in {_OPEN, _LIST}:
            found = yield from self._scalar()
            yield from self.worked(0)
            return found
        while True:
            try:
                found = self.whole()
            except LookupError:
                if not self.is_short:
                    break
                yield from self.more()
                start = self.at
            else:
                yield from self.worked(self.at - start)
                return found
        # Larger than a window; or it is broken, which going into it will show.
        yield from self.worked(self._window)
        if depth == DEEPEST:
            raise BrokenError
        if first == _OPEN:
            return (yield from self.object({}, depth=depth + 1))
        items: list[Any] = []
        yield from self.array(lambda: self._item(items, depth + 1))
        return items

    def whole(self) -> Any:
        """Read an object or array if all of it is there, and not too large.

        Raises:
            LookupError: It is not, or it is broken; nothing was read.
        """
        for size in self._attempts:
            text, _ = codecs.utf_8_decode(self.data[self.at : self.at + size], "surrogatepass", False)
            try:
                found, end = _parse_first(text)
            except RecursionError:
                raise BrokenError from None
            except ValueError:
                if self.at + size >= len(self.data):
                    break
                continue
            self.at += end if text.isascii() else len(text[:end].encode("utf-8", "surrogatepass"))
            return found
        raise LookupError

    def object(self, readers: Mapping[str, Callable[[], Parsing[Any]]], *, depth: int = 0) -> Parsing[dict[str, Any]]:
        """Read an object member by member.

        Args:
            readers: What reads the member of a name, if it is an array.
            depth: How deep it stands.
        """
        yield from self.expect(_OPEN)
        found: dict[str, Any] = {}
        if (yield from self.peek()) == _CLOSE:
            self.at += 1
            return found
        while True:
            while (member := _MEMBER.match(self.data, self.at)) is not None:
                key, text, other = member.groups()
                value = json.loads(other) if text is None else text.decode("utf-8", "surrogatepass")
                found[key.decode("utf-8", "surrogatepass")] = value
                self.at = member.end()
                yield from self.worked(len(member.group()))
            if (yield from self.peek()) != _QUOTE:
                raise BrokenError
            name = yield from self.string()
            yield from self.expect(_COLON)
            reader = readers.get(name)
            if reader is not None and (yield from self.peek()) == _LIST:
                found[name] = yield from reader()
            else:
                found[name] = yield from self.value(depth)
            if (yield from self.peek()) == _CLOSE:
                self.at += 1
                return found
            yield from self.expect(_COMMA)

    def array(self, item: Callable[[], Parsing[None]]) -> Parsing[None]:
        """Read an array; `item` reads what stands in it, at least one item, and nothing after it."""
        yield from self.expect(_LIST)
        if (yield from self.peek()) == _END:
            self.at += 1
            return
        while True:
            yield from item()
            if (yield from self.peek()) == _END:
                self.at += 1
                return
            yield from self.expect(_COMMA)

    def _item(self, items: list[Any], depth: int) -> Parsing[None]:
        items.append((yield from self.value(depth)))

    def _scalar(self) -> Parsing[Any]:
        while True:
            end = _SCALAR.match(self.data, self.at).end()  # type: ignore[union-attr]
            if end < len(self.data) or self.last:
                break
            if end - self.at > WINDOW:
                raise BrokenError
            yield from self.more()
        text = self.data[self.at : end].decode()
        self.at = end
        try:
            return json.loads(text)
        except ValueError:
            raise BrokenError from None

    def string(self) -> Parsing[str]:
        """Read a string, of any length."""
        self.at += 1
        end = self._inside()
        if self._ends(end):
            return (yield from self._ended(self.data[self.at : end].decode("utf-8", "surrogatepass"), end))
        utf8 = codecs.getincrementaldecoder("utf-8")("surrogatepass")
        parts: list[str] = []
        held = ""
        while not self._ends(end):
            text = held + utf8.decode(self.data[self.at : end])
            self.at = end
            held = _split_pair(text)
            parts.append(_unescaped(text[: len(text) - len(held)]))
            yield from self.more()
            end = self._inside()
        parts.append((yield from self._ended(held + utf8.decode(self.data[self.at : end], True), end)))
        return "".join(parts)

    def _inside(self) -> int:
        """Return up to where a string goes, as far as it is there."""
        return _INSIDE.match(self.data, self.at).end()  # type: ignore[union-attr]

    def _ends(self, end: int) -> bool:
        if end < len(self.data) and self.data[end] == _QUOTE:
            return True
        if end + _LONGEST_ESCAPE <= len(self.data):
            # A control character, or no escape that there is.
            raise BrokenError
        return False

    def _ended(self, text: str, end: int) -> Parsing[str]:
        self.at = end + 1
        yield from self.worked(len(text))
        return _unescaped(text)


def _unescaped(text: str) -> str:
    return str(scanstring(f'{text}"', 0)[0]) if "\\" in text else text


def _split_pair(text: str) -> str:
    """Return the end of a text that is the first half of an escaped pair of surrogates, or nothing."""
    found = _HIGH_SURROGATE.search(text, max(0, len(text) - _LONGEST_ESCAPE))
    if found is None:
        return ""
    before = text[: found.start() + 1]
    # Its backslash may itself be escaped.
    return found.group() if (len(before) - len(before.rstrip("\\"))) % 2 else ""
