"""JSON text in pieces: written in one go, a long document would hold the interpreter until all of it is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

DEPTH: Final = 4
"""Down to which level a document is gone into: transcripts, track, sentences; a sentence is written in one go."""


def json_pieces(
    value: Any, *, indent: int | None = None, ensure_ascii: bool = True, depth: int = DEPTH, margin: str = ""
) -> Iterator[str]:
    """Go through the JSON text of a value, which is the same as that of `json.dumps`.

    Args:
        value: What to write; an iterator in it is an array, whose items are made when it is their turn.
        indent: As in `json.dumps`.
        ensure_ascii: As in `json.dumps`.
        depth: How many levels are gone into; what stands deeper is written in one go.
        margin: The spaces that lines begin with.

    Raises:
        TypeError, ValueError, RecursionError: It cannot be written as JSON.
    """
    if not depth or not isinstance(value, dict | list | tuple | Iterator):
        text = json.dumps(value, indent=indent, ensure_ascii=ensure_ascii)
        # The line ends in it are those between its parts: in a string they are escaped.
        yield text.replace("\n", f"\n{margin}") if margin else text
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    inside = margin if indent is None else margin + " " * indent
    gap = "" if indent is None else f"\n{inside}"
    before = opening + gap
    # Of a dictionary these are the keys.
    for item in value:
        if isinstance(value, dict):
            before += json.dumps({item: None}, ensure_ascii=ensure_ascii)[len("{") : -len("null}")]
        yield before
        yield from json_pieces(
            value[item] if isinstance(value, dict) else item,
            indent=indent,
            ensure_ascii=ensure_ascii,
            depth=depth - 1,
            margin=inside,
        )
        before = ", " if indent is None else f",{gap}"
    if before == opening + gap:
        yield opening + closing
    else:
        yield closing if indent is None else f"\n{margin}{closing}"
