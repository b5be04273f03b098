"""Plain text for people: paragraphs, with names where several speak."""

from __future__ import annotations

from collections.abc import Iterator

from aiofunasr.export.characters import clean, join_sentences, width
from aiofunasr.export.utterances import utterances
from aiofunasr.results import Transcript

_PAUSE_MS = 2000
_FULL_PARAGRAPH = 600


def render_text(transcript: Transcript) -> str:
    """Write a transcript as paragraphs with an empty line between them; nothing at all when nothing was said.

    A paragraph ends where another channel or speaker begins, at a pause of two seconds, and after the sentence that
    makes it 600 columns long. Lines are not folded: whatever shows them does that better.
    """
    text = "\n\n".join(_paragraphs(transcript))
    return text + "\n" if text else ""


def _paragraphs(transcript: Transcript) -> Iterator[str]:
    text, who, end = "", "", 0
    for utterance in utterances(transcript):
        sentence = utterance.sentence
        pause = sentence.begin_time - end
        if text and (utterance.who != who or pause >= _PAUSE_MS or width(text) >= _FULL_PARAGRAPH):
            yield _named(who, text)
            text = ""
        text = join_sentences(text, clean(sentence.text))
        who, end = utterance.who, max(end, sentence.end_time)
    if text:
        yield _named(who, text)


def _named(who: str, text: str) -> str:
    return f"{who}: {text}" if who else text
