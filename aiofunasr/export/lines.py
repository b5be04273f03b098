"""Pieces of text put onto lines: as few as they need, of about the same length, best broken after a mark."""

from __future__ import annotations

from collections.abc import Sequence

from aiofunasr.export.graphemes import width

SENTENCE_END = tuple(".?!\u2026\u3002\uff1f\uff01\u061f\u0964\u06d4")
CLAUSE_END = tuple(",;:\uff0c\u3001\uff1b\uff1a\u060c\u061b")
_SHORT_FOR_MORE = frozenset({"mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "vs.", "e.g.", "i.e."})
"""What has a full stop and wants the next word beside it."""
_CLOSING = "\"')\u201d\u2019\u300d\u300f\uff09"


def after_mark(text: str) -> int:
    """Rate a break after a text: 2 after a sentence, 1 after a clause, -1 after what is as `Mr.`, otherwise 0."""
    text = text.rstrip().rstrip(_CLOSING)
    if text.rpartition(" ")[2].casefold() in _SHORT_FOR_MORE:
        return -1
    return 2 if text.endswith(SENTENCE_END) else 1 if text.endswith(CLAUSE_END) else 0


def count_lines(pieces: Sequence[str], columns: int) -> int:
    """Return how many lines pieces need."""
    lines, used = 0, 0
    for piece in pieces:
        if lines and used + width(piece.rstrip()) <= columns:
            used += width(piece)
        elif piece.strip() or lines:
            lines, used = lines + 1, width(piece)
    return lines


def fold(pieces: Sequence[str], columns: int) -> list[str]:
    """Put pieces onto lines.

    No piece may be wider than `columns`; the space at a line's end does not count, and is taken off.
    """
    count = count_lines(pieces, columns)
    if count < 2:
        line = "".join(pieces).strip()
        return [line] if line else []
    breaks = _best_breaks(pieces, columns, count)
    lines = ("".join(pieces[a:b]).strip() for a, b in zip([0, *breaks], [*breaks, len(pieces)], strict=True))
    return [line for line in lines if line]


def _best_breaks(pieces: Sequence[str], columns: int, count: int) -> list[int]:
    """Choose the breaks of the least cost: what is empty on a line, squared, less what a mark at its end is worth."""
    total = len(pieces)
    upto = [0]
    for piece in pieces:
        upto.append(upto[-1] + width(piece))
    bare = [width(piece.rstrip()) - width(piece) for piece in pieces]
    worth = [columns**2 * after_mark(piece) / 4 for piece in pieces]
    # costs[stop] is the least that lines up to a piece can cost, and came[n][stop] where the last of n begins.
    costs: list[float | None] = [0.0, *[None] * total]
    came: list[list[int]] = []
    for _ in range(count):
        following: list[float | None] = [None] * (total + 1)
        begins = [0] * (total + 1)
        for stop in range(1, total + 1):
            for start in range(stop - 1, -1, -1):
                used = upto[stop] + bare[stop - 1] - upto[start]
                if used > columns:
                    break
                before = costs[start]
                if before is None:
                    continue
                cost = before + (columns - used) ** 2 - (worth[stop - 1] if stop < total else 0.0)
                best = following[stop]
                if best is None or cost < best:
                    following[stop], begins[stop] = cost, start
        costs = following
        came.append(begins)
    breaks: list[int] = []
    stop = total
    for begins in reversed(came):
        stop = begins[stop]
        breaks.append(stop)
    return breaks[-2::-1]
