"""Pieces of text put onto lines of about the same length."""

from __future__ import annotations

from collections.abc import Sequence

from aiofunasr.export.characters import width


def fold(pieces: Sequence[str], columns: int) -> list[str]:
    """Put pieces onto as few lines as they need, and make those as even as they can be.

    No piece may be wider than `columns`; the space at a line's end does not count, and is taken off.
    """
    lines = _fill(pieces, columns)
    if len(lines) < 2:
        return lines
    # The narrowest lines that are no more in number.
    narrow, wide = max(width(piece.rstrip()) for piece in pieces), columns
    while narrow < wide:
        middle = (narrow + wide) // 2
        if len(_fill(pieces, middle)) > len(lines):
            narrow = middle + 1
        else:
            wide = middle
    return _fill(pieces, narrow)


def _fill(pieces: Sequence[str], columns: int) -> list[str]:
    lines: list[str] = []
    line, used = "", 0
    for piece in pieces:
        if line and used + width(piece.rstrip()) > columns:
            lines.append(line.rstrip())
            line, used = "", 0
        line, used = line + piece, used + width(piece)
    return [*lines, line.rstrip()] if line.strip() else lines
