"""What a value was read from, and how its parts are made of that when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from attrs import fields, frozen

if TYPE_CHECKING:
    from aiofunasr.results.transcript import Transcript, Word


class Source(Protocol):
    """What a transcript or a channel was read from; compared, pickled and copied together with it."""

    def document(self) -> dict[str, Any]:
        """Return the JSON object, without the parts that are values of their own: a copy the caller may change."""
        ...

    def parts(self) -> tuple[Any, ...]:
        """Make the parts that were left for later."""
        ...


@frozen
class Readers:
    """How to read what is not read yet. Documents are the wire's business, one floor up, which leaves this here."""

    transcript: Callable[[bytes | str], Transcript]
    words: Callable[[bytes], tuple[Word, ...]]


_readers: list[Readers] = []


def read_with(transcript: Callable[[bytes | str], Transcript], words: Callable[[bytes], tuple[Word, ...]]) -> None:
    """Have documents, and the words of a sentence given as bytes, read by these functions from now on."""
    _readers[:] = [Readers(transcript, words)]


class Sourced:
    """A value that may know what it was read from; its parts may be made when they are first asked for."""

    __slots__ = ("_source",)
    _parts: ClassVar[str] = ""
    _source: Any

    if not TYPE_CHECKING:  # or every misspelled attribute would pass

        def __getattr__(self, name: str) -> Any:
            if name == "_source":
                return None
            if name != self._parts or self._source is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            object.__setattr__(self, name, self._made_parts())
            return getattr(self, name)

    def _made_parts(self) -> tuple[Any, ...]:
        source: Any = self._source
        return tuple(source.parts())

    def __getstate__(self) -> dict[str, Any]:
        kind: Any = type(self)
        state = {}
        for name in (*(attribute.name for attribute in fields(kind)), "_source"):
            try:
                state[name] = object.__getattribute__(self, name)
            except AttributeError:
                # Not made so far, and it need not be.
                continue
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)


def source_of(value: Sourced) -> Any:
    """Return what a value was read from, or None when somebody made it.

    Of a sentence it is its own bytes: there are very many, and bytes give the garbage collector nothing to do.
    """
    return value._source  # noqa: SLF001


def read_from(value: Sourced, source: Source | bytes, *, later: bool = False) -> None:
    """Note what a value was just read from; `later` says that its parts are still to be made of that."""
    object.__setattr__(value, "_source", source)
    if later:
        object.__delattr__(value, value._parts)  # noqa: SLF001


S = TypeVar("S", bound=Sourced)


def afresh(value: S) -> S:
    """Return the same value with parts of its own, where they are not made yet: those go when it goes.

    Whoever goes through all sentences of a long transcript and looks at their words needs no more room for that, and
    gives the garbage collector nothing to look at, which would hold the interpreter meanwhile.
    """
    state = value.__getstate__()
    if value._parts in state:  # noqa: SLF001
        return value
    same = object.__new__(type(value))
    same.__setstate__(state)
    return same


def readers() -> Readers:
    """Return what reads what is not read yet."""
    (known,) = _readers
    return known
