"""Sentences as they come, without their words (the protocol notes, section 5.1).

A sentence is kept as the bytes it came in. Of its words no more is made sure than that they can be read, by a regular
expression, which takes a quarter of the time that reading them takes; they are read when they are asked for. What the
expressions do not know is read by the book.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

from aiofunasr.errors import InvalidReplyError
from aiofunasr.results.sources import read_from
from aiofunasr.results.transcript import Sentence, Word
from aiofunasr.wire.scanner import BrokenError, Parsing, Scanner
from aiofunasr.wire.speed import quick_words
from aiofunasr.wire.structure import structure

# Nothing is given back once it matched: what follows decides nothing, and the room is bounded.
_GAP: Final = rb"[ \t\r\n]*+"
_STRING: Final = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_INTEGER: Final = rb"(?:0|[1-9][0-9]{0,14}+)"


def _any_of(*parts: bytes) -> bytes:
    return rb"(?:" + rb"|".join(parts) + rb")"


def _spaced(*parts: bytes) -> bytes:
    return _GAP.join(parts)


def _member(name: bytes, value: bytes) -> bytes:
    return _spaced(b'"' + name + b'"', b":", value)


def _list_of(item: bytes) -> bytes:
    return rb"(?:" + item + rb"(?:" + _spaced(b"", b",", item) + rb")*+)?+"


_SCALAR: Final = _any_of(_STRING, rb"-?" + _INTEGER + rb"(?:\.[0-9]{1,15}+)?+", rb"null|true|false")

# As the service writes them; and a word or a sentence in any order, with whatever plain members there are.
_WORD: Final = _spaced(
    rb"\{",
    _member(b"begin_time", _INTEGER),
    b",",
    _member(b"end_time", _INTEGER),
    b",",
    _member(b"text", _STRING),
    b",",
    _member(b"punctuation", _STRING),
    rb"\}",
)
_ANY_WORD: Final = _spaced(
    rb"\{",
    _list_of(
        _any_of(
            _member(rb"(?:begin_time|end_time)", _any_of(_INTEGER, b"null")),
            _member(rb"(?:text|punctuation)", _any_of(_STRING, b"null")),
            _member(rb'(?!(?:begin_time|end_time|text|punctuation)")[^"\\\x00-\x1f]*+', _SCALAR),
        )
    ),
    rb"\}",
)
_ANY_MEMBER: Final = rb'(?!"words")' + _spaced(_STRING, b":", _SCALAR)


def _sentence(begin_time: bytes, end_time: bytes, text: bytes, sentence_id: bytes, speaker_id: bytes) -> bytes:
    """Put a sentence as the service writes it together of the expressions for what stands in it."""
    return _spaced(
        rb"\{",
        _member(b"begin_time", begin_time),
        b",",
        _member(b"end_time", end_time),
        b",",
        _member(b"text", text),
        b",",
        _member(b"sentence_id", sentence_id),
        rb"(?:" + _spaced(b",", _member(b"speaker_id", speaker_id)) + rb")?+",
        b",",
        _member(b"words", _spaced(rb"\[", _list_of(_WORD), rb"\]")),
        rb"\}",
    )


_NUMBER: Final = rb"(" + _INTEGER + rb")"
_SENTENCE: Final = re.compile(_sentence(_NUMBER, _NUMBER, rb"(" + _STRING + rb")", _NUMBER, _NUMBER))
_ANY_SENTENCE: Final = re.compile(
    _spaced(
        rb"\{",
        rb"(?:"
        + _spaced(_ANY_MEMBER, b",", b"")
        + rb")*+"
        # The words can be cut out, and what is left is JSON; or there are none.
        + _any_of(
            _member(b"words", _spaced(rb"\[", rb"(" + _list_of(_ANY_WORD) + rb")", rb"\]"))
            + rb"(?:"
            + _spaced(b"", b",", _ANY_MEMBER)
            + rb")*+",
            _ANY_MEMBER,
        ),
        rb"\}",
    )
)
_ONE_WORD: Final = re.compile(_ANY_WORD)

_NUMBER_OR_NULL: Final = rb"(?:" + _INTEGER + rb"|null)"


def _without_gaps(expression: bytes, after: bytes) -> bytes:
    """Have an expression match only what has nothing between two tokens but this after each colon and comma."""
    for mark in (b":", b","):
        expression = expression.replace(_GAP + mark + _GAP, mark + after)
    return expression.replace(_GAP, b"")


_ALL_SENTENCES: Final = _member(
    b"sentences",
    _spaced(rb"\[", _list_of(_sentence(_INTEGER, _INTEGER, _STRING, _NUMBER_OR_NULL, _NUMBER_OR_NULL)), rb"\]"),
)

# To look for a gap where none is takes a third of the time, so first the two ways in which programs write JSON.
PLAIN_SENTENCES: Final = re.compile(
    _any_of(_without_gaps(_ALL_SENTENCES, b""), _without_gaps(_ALL_SENTENCES, b" "), _ALL_SENTENCES).decode()
)
"""An array of sentences in a text, with its name: as the service writes them, so that all of them can be read."""

_NEXT: Final = re.compile(_spaced(b"", b",", rb"(?=\{)"))


def read_words(sentence: bytes) -> tuple[Word, ...]:
    """Read the words of a sentence that was read before, given its own bytes."""
    quick = quick_words(sentence)
    if quick is not None:
        return quick
    words = json.loads(sentence).get("words")
    if isinstance(words, list) and all(map(_is_plain_word, words)):
        return tuple([Word(word["begin_time"], word["end_time"], word["text"], word["punctuation"]) for word in words])
    return structure({"words": words}, Sentence).words


def _is_plain_word(word: Any) -> bool:
    return (
        len(word) == 4
        and type(word.get("begin_time")) is int
        and type(word.get("end_time")) is int
        and type(word.get("text")) is str
        and type(word.get("punctuation")) is str
    )


class Sentences:
    """Reads the array of a track's sentences.

    Args:
        at: The path of the array.

    Attributes:
        error: What is wrong with the first sentence that cannot be read, or None. It is for the caller to raise it in
            its turn, for the document may be wrong before it, too, or be no JSON.
    """

    def __init__(self, at: str) -> None:
        self._at = at
        self._found: list[Sentence] = []
        self.error: InvalidReplyError | None = None

    def found(self) -> tuple[Sentence, ...]:
        """Return the sentences; with an `error`, those before it."""
        return tuple(self._found)

    def read(self, scan: Scanner) -> Parsing[Sentences]:
        """Read the array; its bracket comes next."""
        yield from scan.array(lambda: self._some(scan))
        return self

    def _some(self, scan: Scanner) -> Parsing[None]:
        yield from scan.peek()
        while not self._plain(scan):
            if not scan.is_short:
                yield from self._odd(scan)
                return
            yield from scan.more()

    def _plain(self, scan: Scanner) -> bool:
        """Read sentences as long as they are plain, and tell whether it is after one, and not before one."""
        data, at = scan.data, scan.at
        while True:
            row = _SENTENCE.match(data, at)
            if row is not None:
                begin_time, end_time, text, sentence_id, speaker_id = row.groups()
                sentence = Sentence(
                    int(begin_time),
                    int(end_time),
                    _unquoted(text.decode("utf-8", "surrogatepass")),
                    int(sentence_id),
                    None if speaker_id is None else int(speaker_id),
                )
                read_from(sentence, row.group(), later=True)
                self._found.append(sentence)
            else:
                row = _ANY_SENTENCE.match(data, at)
                if row is None:
                    scan.at = at
                    return False
                raw = row.group()
                begin, end = (place - at for place in row.span(1)) if row.group(1) is not None else (0, 0)
                self._add(_parsed(raw[:begin] + raw[end:]), raw)
            following = _NEXT.match(data, row.end())
            if following is None:
                scan.at = row.end()
                return True
            at = following.end()

    def _odd(self, scan: Scanner) -> Parsing[None]:
        """Read one sentence of whatever kind."""
        start = scan.at
        if not scan.data.startswith(b"{", start):
            self._add((yield from scan.value()), b"")
            return
        try:
            sentence = scan.whole()
        except LookupError:
            # Larger than a window; or it is broken, which going into it will show.
            pass
        else:
            self._add(sentence, scan.data[start : scan.at])
            # It takes several times as long as a plain one.
            yield from scan.worked(4 * (scan.at - start))
            return
        scan.record()
        words = _Words(self._place() + ".words")
        members = yield from scan.object({"words": lambda: words.read(scan)})
        raw = scan.recorded()
        if members.get("words") is words:
            del members["words"]
        else:
            words = _Words("")
        self._add(members, raw, words)

    def _place(self) -> str:
        return f"{self._at}[{len(self._found)}]"

    def _add(self, sentence: Any, raw: bytes, words: _Words | None = None) -> None:
        """Add a sentence, parsed with its words or without, and what it was parsed from."""
        if self.error is not None:
            return
        try:
            found = structure(sentence, Sentence, at=self._place())
            if words is not None:
                words.check()
        except InvalidReplyError as error:
            self.error = error
            return
        read_from(found, raw, later=True)
        self._found.append(found)


class _Words:
    """Makes sure of the words of a sentence that is larger than a window."""

    def __init__(self, at: str) -> None:
        self._at = at
        self._count = 0
        self._error: InvalidReplyError | None = None

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def read(self, scan: Scanner) -> Parsing[_Words]:
        # Of the same name twice the last one counts.
        self.__init__(self._at)  # type: ignore[misc]
        yield from scan.array(lambda: self._some(scan))
        return self

    def _some(self, scan: Scanner) -> Parsing[None]:
        yield from scan.peek()
        while not self._plain(scan):
            if not scan.is_short:
                self._add((yield from scan.value()))
                return
            yield from scan.more()

    def _plain(self, scan: Scanner) -> bool:
        while (word := _ONE_WORD.match(scan.data, scan.at)) is not None:
            self._count += 1
            following = _NEXT.match(scan.data, word.end())
            if following is None:
                scan.at = word.end()
                return True
            scan.at = following.end()
        return False

    def _add(self, word: Any) -> None:
        try:
            structure(word, Word, at=f"{self._at}[{self._count}]")
        except InvalidReplyError as error:
            self._error = self._error or error
        self._count += 1


def _unquoted(text: str) -> str:
    """Return what a JSON string says, given with its quotation marks."""
    return str(scanstring(text, 1)[0]) if "\\" in text else text[1:-1]


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        raise BrokenError from None
