"""Plain text for people: paragraphs, with names where several speak."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen

from aiofunasr.export.characters import clean, join_sentences, runs_right_to_left
from aiofunasr.export.graphemes import width
from aiofunasr.export.style import Style
from aiofunasr.export.utterances import Utterance, utterances
from aiofunasr.results import Transcript

_PAUSE_MS = 2000
_FULL_PARAGRAPH = 600
_RIGHT_TO_LEFT_MARK = "\u200f"


@frozen
class Paragraph:
    """Sentences one after the other of who says them, and their text.

    Attributes:
        utterances: The sentences; there is at least one.
        starts: Where in the text each of them begins.
        text: All of it, on one line.
    """

    utterances: tuple[Utterance, ...]
    starts: tuple[int, ...]
    text: str = field(repr=False)

    @property
    def begin_time(self) -> int:
        """When it begins, in milliseconds."""
        return self.utterances[0].sentence.begin_time

    @property
    def who(self) -> str:
        """Who says it; empty where only one can be meant."""
        return self.utterances[0].who


def paragraphs(transcript: Transcript) -> Iterator[Paragraph]:
    """Go through the paragraphs of a transcript in time order.

    A paragraph ends where another channel or speaker begins, at a pause of two seconds, and after the sentence that
    makes it 600 columns long.
    """
    group: list[Utterance] = []
    starts: list[int] = []
    text, end, columns = "", 0, 0
    for utterance in utterances(transcript):
        sentence = utterance.sentence
        pause = sentence.begin_time - end
        if text and (utterance.who != group[-1].who or pause >= _PAUSE_MS or columns >= _FULL_PARAGRAPH):
            yield Paragraph(tuple(group), tuple(starts), text)
            group, starts, text, columns = [], [], "", 0
        said = clean(sentence.text)
        # What is nothing but control characters has no place in a paragraph.
        if said:
            text = join_sentences(text, said)
            group.append(utterance)
            starts.append(len(text) - len(said))
            columns += width(said)
        end = max(end, sentence.end_time)
    if text:
        yield Paragraph(tuple(group), tuple(starts), text)


def plain_text(transcript: Transcript, style: Style) -> Iterator[str]:
    """Write a transcript as paragraphs with an empty line between them; nothing at all when nothing was said.

    Lines are not folded: whatever shows them does that better.
    """
    between = ""
    for paragraph in paragraphs(transcript):
        yield f"{between}{_headed(paragraph, style)}\n"
        between = "\n"


def _headed(paragraph: Paragraph, style: Style) -> str:
    time = f"[{clock(paragraph.begin_time)}] " if style.times else ""
    name = f"{paragraph.who}: " if style.names and paragraph.who else ""
    # The head has no letters of the text's script, and what shows it takes the direction from the first one it finds.
    mark = _RIGHT_TO_LEFT_MARK if (time or name) and runs_right_to_left(paragraph.text) else ""
    return f"{mark}{time}{name}{paragraph.text}"


def clock(milliseconds: int) -> str:
    """Return a time as a clock shows it.

    >>> clock(61_900), clock(3_600_000)
    ('0:01:01', '1:00:00')
    """
    minutes, seconds = divmod(max(0, milliseconds) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
