"""Leave out what people say while they think (`disfluency_removal_enabled`; the protocol notes, section 2.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from attrs import evolve

from aiofunasr.emulator.speech.words import TimedWord

_FILLER: Final = re.compile(r"(?:u+h*m+|u+h+|e+r+m*|a+h+m+|h+m+|m+h*m+|mhm|[\u55ef\u5443\u989d])", re.IGNORECASE)
"""Um, uh, uhm, er, erm, hmm and mm, however long, and what Chinese has for them; "ah" and "oh" mean something."""
_ENDING: Final = re.compile(r"[.?!\u2026\u3002\uff1f\uff01]")


def remove_fillers(words: Sequence[TimedWord]) -> list[TimedWord]:
    """Return the words of a segment without the fillers.

    The mark after a filler goes with it, unless the sentence ends there; what follows one that began a sentence gets
    its capital.
    """
    kept: list[TimedWord] = []
    begins = False
    for word in words:
        if not _FILLER.fullmatch(word.text):
            kept.append(evolve(word, text=word.text[:1].upper() + word.text[1:]) if begins else word)
            begins = False
            continue
        begins = begins or word.text[:1].isupper()
        if _ENDING.search(word.marks):
            if kept and not begins:
                kept[-1] = evolve(kept[-1], marks=word.marks, spaced=word.spaced)
            begins = False
    return kept
