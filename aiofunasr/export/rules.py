"""What makes subtitles readable, as numbers that can be set."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, field, frozen

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.export.characters import is_mostly_wide


def _at_least(least: float, what: str) -> Any:
    def check(rules: CueRules, attribute: Attribute[Any], value: Any) -> None:
        del rules
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
            raise InvalidArgumentError(attribute.name, value, what)

    return check


@frozen(kw_only=True)
class CueRules:
    """What can be read in time; the defaults are the usual ones of broadcasters and streaming services.

    Where rules contradict each other, they give way in this order, the first the soonest:

    1. The reading speed: a cue stays longer where the next one leaves it the time, and no further.
    2. The time of the speech: a cue may begin late, so that those before it stay their shortest time and the gap. The
       delay is made good at the next pause. Short sentences of one speaker are put into one cue where that saves it.
    3. Words: one that is wider than a line is cut, between what a reader takes for characters.

    Width, number of lines, shortest and longest time and gap always hold, and so does that nothing is left out, said
    twice or shown at once with something else.

    Attributes:
        columns: The width of a line, at least 2; a wide character takes two.
        wide_columns: The same for a cue that is mostly of wide characters (Chinese, Japanese, Korean): 32 is 16 of
            them. Where `columns` is less, that holds.
        lines: The most lines of a cue.
        speed: The most columns a second to be read; 20 is 10 wide characters.
        shortest: The fewest milliseconds a cue stays, even if the next one then comes late.
        longest: The most milliseconds a cue stays.
        gap: The fewest milliseconds between two cues.

    Raises:
        InvalidArgumentError: A number is out of its range, or `shortest` is more than `longest`.
    """

    columns: int = field(default=42, validator=_at_least(2, "a line has at least 2 columns"))
    wide_columns: int = field(default=32, validator=_at_least(2, "a line has at least 2 columns"))
    lines: int = field(default=2, validator=_at_least(1, "a cue has at least 1 line"))
    speed: float = field(default=20.0, validator=_at_least(0.1, "at least 0.1 columns a second"))
    shortest: int = field(default=833, validator=_at_least(1, "at least 1 ms"))
    longest: int = field(default=7000, validator=_at_least(1, "at least 1 ms"))
    gap: int = field(default=80, validator=_at_least(0, "at least 0 ms"))

    def __attrs_post_init__(self) -> None:
        """Check what depends on two of them."""
        if self.shortest > self.longest:
            raise InvalidArgumentError("shortest", self.shortest, f"no more than longest, which is {self.longest} ms")

    def columns_of(self, text: str) -> int:
        """Return the width of the lines of a text."""
        return min(self.columns, self.wide_columns) if is_mostly_wide(text) else self.columns

    def reading_time(self, columns: int) -> float:
        """Return the milliseconds it takes to read so much."""
        return 1000 * columns / self.speed
