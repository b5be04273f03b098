"""Subtitles before they have a format: a text of one or two lines, and when it is shown.

A sentence is a cue. One that is too long to read is cut in two near its middle, best after a punctuation mark or at a
pause, until all parts fit; short ones of one speaker that follow each other too quickly to be read are put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from operator import attrgetter

from attrs import evolve, frozen

from aiofunasr.export.characters import clean, join_sentences, runs_right_to_left
from aiofunasr.export.graphemes import width
from aiofunasr.export.lines import after_mark, count_lines, fold
from aiofunasr.export.pieces import Piece, cut
from aiofunasr.export.rules import CueRules
from aiofunasr.export.utterances import Utterance, in_time_order, utterances
from aiofunasr.results import Transcript

_PAUSE_MS = 300.0
_RIGHT_TO_LEFT_MARK = "\u200f"


@frozen
class Cue:
    """A text and when it is shown, in milliseconds.

    Attributes:
        begin_time, end_time: When it comes and goes.
        lines: The text.
        who: Who says it; empty where only one can be meant.
        channel: The place of its channel among those of the transcript, from 0.
        voice: The place of `who` among those who speak, by first appearance, from 0.
    """

    begin_time: int
    end_time: int
    lines: tuple[str, ...]
    who: str = ""
    channel: int = 0
    voice: int = 0


@frozen
class _Part:
    """What is to be a cue, before its lines are made and its time is settled."""

    pieces: Sequence[Piece]
    columns: int
    utterance: Utterance

    @property
    def begin_time(self) -> float:
        return self.pieces[0].begin_time

    @property
    def end_time(self) -> float:
        return self.pieces[-1].end_time


def make_cues(transcript: Transcript, rules: CueRules | None = None, *, label: bool = False) -> list[Cue]:
    """Return the cues of a transcript in time order: none overlap, none are empty, and together they say all of it.

    With `label`, the text itself says who speaks, where several do and another one begins.
    """
    rules = rules or CueRules()
    # Sentences of two channels overlap, and what is left of the one goes on after the other began.
    parts = in_time_order(_sentences(transcript, rules, label=label), attrgetter("begin_time"))
    return list(_one_at_a_time(_together(parts, rules), rules))


def _sentences(transcript: Transcript, rules: CueRules, *, label: bool) -> Iterator[tuple[int, Iterator[_Part]]]:
    who = ""
    for utterance in utterances(transcript):
        named = label and utterance.who != who
        yield utterance.sentence.begin_time, _parts_of(utterance, rules, _label(utterance) if named else "")
        who = utterance.who


def _label(utterance: Utterance) -> str:
    # The name is in Latin letters, and players take the direction of a line from the first letter they find.
    mark = _RIGHT_TO_LEFT_MARK if runs_right_to_left(utterance.sentence.text) else ""
    return f"{mark}{utterance.who}: "


def _parts_of(utterance: Utterance, rules: CueRules, label: str) -> Iterator[_Part]:
    columns = rules.columns_of(clean(utterance.sentence.text))
    for pieces in _cut(cut(utterance.sentence, columns, label=label), columns, rules):
        if any(piece.text.strip() for piece in pieces):
            yield _Part(pieces, columns, utterance)


def _cut(pieces: Sequence[Piece], columns: int, rules: CueRules) -> Iterator[Sequence[Piece]]:
    """Cut pieces into runs that fit a cue each."""
    waiting = [pieces]
    while waiting:
        part = waiting.pop()
        if len(part) < 2 or _fits(part, columns, rules):
            yield part
        else:
            middle = _best_cut(part, columns, rules)
            waiting += [part[middle:], part[:middle]]


def _fits(part: Sequence[Piece], columns: int, rules: CueRules) -> bool:
    if part[-1].end_time - part[0].begin_time > rules.longest:
        return False
    # Twice the room is more than enough to know; counting hours of speech to see that it is too much takes long.
    if len(part) > columns * rules.lines * 2:
        return False
    if rules.reading_time(sum(width(piece.text) for piece in part)) > rules.longest:
        return False
    return count_lines([piece.text for piece in part], columns) <= rules.lines


def _best_cut(part: Sequence[Piece], columns: int, rules: CueRules) -> int:
    """Return where to cut: near an even share, moved a little to where the speaker made a break."""
    total = sum(width(piece.text) for piece in part)
    duration = part[-1].end_time - part[0].begin_time
    room = min(columns * rules.lines, max(1.0, rules.speed * rules.longest / 1000))
    count = max(2, ceil(total / room), ceil(duration / rules.longest))
    # Where the length forbids it less than the time does, an even share is one of time.
    by_time = duration / rules.longest > total / room
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
    if mark := after_mark(before.text):
        return 0.1 + mark / 10
    return 0.1 if after.begin_time - before.end_time >= _PAUSE_MS else 0.0


def _together(parts: Iterable[_Part], rules: CueRules) -> Iterator[_Part]:
    """Put a part and the one after it into one, where the first could not stay its shortest time and leave a gap."""
    last: _Part | None = None
    for part in parts:
        if last is None:
            last = part
        elif part.begin_time < last.begin_time + rules.shortest + rules.gap and (both := _joined(last, part, rules)):
            last = both
        else:
            yield last
            last = part
    if last is not None:
        yield last


def _joined(first: _Part, second: _Part, rules: CueRules) -> _Part | None:
    if first.utterance.who != second.utterance.who or first.columns != second.columns:
        return None
    *before, end = first.pieces
    # Between the parts of one sentence there is a space already, or none is wanted.
    if first.utterance is not second.utterance:
        space = join_sentences(end.text, second.pieces[0].text)[: -len(second.pieces[0].text)]
        end = evolve(end, text=space)
    # A sentence that comes out of turn ends before the one it is put after.
    final = evolve(second.pieces[-1], end_time=max(first.end_time, second.end_time))
    pieces = [*before, end, *second.pieces[:-1], final]
    return _Part(pieces, first.columns, second.utterance) if _fits(pieces, first.columns, rules) else None


def _one_at_a_time(parts: Iterable[_Part], rules: CueRules) -> Iterator[Cue]:
    """Let each cue stay until it could be read or the next one comes, and come no earlier than the one before allows.

    Cues overlap where two channels speak at once, and a player shows such cues on top of each other.
    """
    last: Cue | None = None
    for part in parts:
        cue = _cue(part, rules, 0 if last is None else last.begin_time + rules.shortest + rules.gap)
        if last is not None:
            yield evolve(last, end_time=min(last.end_time, cue.begin_time - rules.gap))
        last = cue
    if last is not None:
        yield last


def _cue(part: _Part, rules: CueRules, earliest: int) -> Cue:
    lines = fold([piece.text for piece in part.pieces], part.columns)
    begin = max(round(part.begin_time), earliest)
    needed = max(rules.shortest, ceil(rules.reading_time(sum(map(width, lines)))))
    end = min(max(round(part.end_time), begin + needed), begin + rules.longest)
    return Cue(begin, end, tuple(lines), part.utterance.who, part.utterance.channel, part.utterance.voice)
