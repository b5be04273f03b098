"""Leave out what people say while they think (`disfluency_removal_enabled`; the protocol notes, section 2.3)."""

from __future__ import annotations

import re
from typing import Final

from attrs import evolve

from aiofunasr.emulator.recognizer import Recognition, RecognizedSentence, RecognizedWord

_FILLER: Final = re.compile(r"(?:u+h*m+|u+h+|e+r+m*|h+m+|m+h*m+|[\u55ef\u5443\u989d])", re.IGNORECASE)
"""Um, uh, uhm, er, erm, hmm and mm, however long, and what Chinese has for them; "ah" and "oh" mean something.

It stands in for the service's own list, which is not known.
"""
_ENDING: Final = re.compile(r"[.?!\u2026\u3002\uff1f\uff01]")


def without_fillers(recognition: Recognition) -> Recognition:
    """Return a recognition without filler words; a sentence of nothing else is left out."""
    tracks = (
        evolve(track, sentences=tuple(kept for sentence in track.sentences if (kept := remove_fillers(sentence))))
        for track in recognition.tracks
    )
    return evolve(recognition, tracks=tuple(tracks))


def remove_fillers(sentence: RecognizedSentence) -> RecognizedSentence | None:
    """Return a sentence without its filler words, or None if it has no others.

    The mark after a filler goes with it, unless it ends the sentence; what follows one that began it gets its
    capital. A sentence without words stays as it is.
    """
    words = sentence.words
    kept = [word for word in words if not _is_filler(word)]
    if len(kept) == len(words):
        return sentence
    if not kept:
        return None
    if kept[0] is not words[0] and words[0].text[:1].isupper():
        kept[0] = evolve(kept[0], text=kept[0].text[:1].upper() + kept[0].text[1:])
    last = kept[-1]
    if last is not words[-1] and (_ENDING.search(words[-1].punctuation) or last.punctuation):
        kept[-1] = evolve(last, text=last.text.rstrip(), punctuation=words[-1].punctuation)
    text = "".join(word.text + word.punctuation for word in kept).strip()
    return evolve(sentence, begin_ms=kept[0].begin_ms, end_ms=kept[-1].end_ms, text=text, words=tuple(kept))


def _is_filler(word: RecognizedWord) -> bool:
    return _FILLER.fullmatch(word.text.strip()) is not None
