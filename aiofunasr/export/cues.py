"""Subtitles before they have a format: a text of one or two lines, and when it is shown.

A sentence is a cue. One that is too long to read is cut in two near its middle, best after a punctuation mark or at a
pause, until all parts fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve, field, frozen, validators

from aiofunasr.export.characters import width
from aiofunasr.export.lines import fold
from aiofunasr.export.pieces import Piece, cut
from aiofunasr.export.utterances import Utterance, utterances
from aiofunasr.results import Transcript

_SENTENCE_END = tuple(".?!\u2026\u3002\uff1f\uff01\u061f\u0964")
_CLAUSE_END = tuple(",;:\uff0c\u3001\uff1b\uff1a\u060c")
_PAUSE_MS = 300.0


@frozen(kw_only=True)
class CueRules:
    """What can be read in time; the defaults are the usual ones of broadcasters.

    Attributes:
        columns: The width of a line; a wide character takes two.
        lines: The most lines of a cue.
        longest: The most milliseconds a cue stays.
        shortest: The fewest, in milliseconds, even if the next cue then comes late.
    """

    columns: int = field(default=42, validator=validators.ge(2))
    lines: int = field(default=2, validator=validators.ge(1))
    longest: int = field(default=7000, validator=validators.ge(1))
    shortest: int = field(default=500, validator=validators.ge(1))


@frozen
class Cue:
    """A text and when it is shown, in milliseconds; `who` is empty where only one can be meant."""

    begin_time: int
    end_time: int
    lines: tuple[str, ...]
    who: str = ""


def make_cues(transcript: Transcript, rules: CueRules | None = None, *, label: bool = False) -> list[Cue]:
    """Return the cues of a transcript in time order: none overlap, none are empty, and together they say all of it.

    With `label`, the text itself says who speaks, where several do and another one begins.
    """
    rules = rules or CueRules()
    cues: list[Cue] = []
    who = ""
    for utterance in utterances(transcript):
        cues += _cues_of(utterance, rules, f"{utterance.who}: " if label and utterance.who != who else "")
        who = utterance.who
    return list(_one_at_a_time(sorted(cues, key=lambda cue: cue.begin_time), rules))


def _cues_of(utterance: Utterance, rules: CueRules, label: str) -> Iterator[Cue]:
    pieces = cut(utterance.sentence, rules.columns, label=label)
    for part in _parts(pieces, rules):
        lines = fold([piece.text for piece in part], rules.columns)
        begin, end = round(part[0].begin_time), round(part[-1].end_time)
        if lines:
            yield Cue(begin, min(end, begin + rules.longest), tuple(lines), utterance.who)


def _parts(pieces: Sequence[Piece], rules: CueRules) -> Iterator[Sequence[Piece]]:
    """Cut pieces into runs that fit a cue each."""
    waiting = [pieces]
    while waiting:
        part = waiting.pop()
        if len(part) < 2 or _fits(part, rules):
            yield part
        else:
            middle = _best_cut(part, rules)
            waiting += [part[middle:], part[:middle]]


def _fits(part: Sequence[Piece], rules: CueRules) -> bool:
    if part[-1].end_time - part[0].begin_time > rules.longest:
        return False
    # Twice the room is more than enough to know; folding hours of speech to see that it is too much takes long.
    if len(part) > rules.columns * rules.lines * 2:
        return False
    return len(fold([piece.text for piece in part], rules.columns)) <= rules.lines


def _best_cut(part: Sequence[Piece], rules: CueRules) -> int:
    """Return where to cut: near an even share, moved a little to where the speaker made a break."""
    total = sum(width(piece.text) for piece in part)
    duration = part[-1].end_time - part[0].begin_time
    count = max(2, -(-total // (rules.columns * rules.lines)), int(-(-duration // rules.longest)))
    # Where the length forbids it less than the time does, an even share is one of time.
    by_time = duration / rules.longest > total / (rules.columns * rules.lines)
    wanted = (count // 2) / count
    best, least = 1, float("inf")
    done = 0
    for index in range(1, len(part)):
        before = part[index - 1]
        done += width(before.text)
        share = (part[index].begin_time - part[0].begin_time) / duration if by_time else done / total
        cost = abs(share - wanted) - _bonus(before, part[index])
        if cost < least:
            best, least = index, cost
    return best


def _bonus(before: Piece, after: Piece) -> float:
    text = before.text.rstrip().rstrip("\"')\u201d\u2019\u300d\u300f")
    if text.endswith(_SENTENCE_END):
        return 0.3
    if text.endswith(_CLAUSE_END):
        return 0.2
    return 0.1 if after.begin_time - before.end_time >= _PAUSE_MS else 0.0


def _one_at_a_time(cues: Iterable[Cue], rules: CueRules) -> Iterator[Cue]:
    """Let each cue end where the next begins, and begin no earlier than the one before it could be read.

    Cues overlap where two channels speak at once, and a player shows such cues on top of each other.
    """
    last: Cue | None = None
    for cue in cues:
        earliest = 0 if last is None else last.begin_time + rules.shortest
        begin = max(cue.begin_time, earliest)
        cue = evolve(cue, begin_time=begin, end_time=max(cue.end_time, begin + rules.shortest))  # noqa: PLW2901
        if last is not None:
            yield evolve(last, end_time=min(last.end_time, begin))
        last = cue
    if last is not None:
        yield last
