"""CTM and RTTM: the words, and the turns of speakers, as tools for scoring read them.

Both name the recording by a word and its channels from 1. The name is the last part of the file's URL without its
extension, white space made `_`; that of the reference has to be the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from operator import itemgetter
from urllib.parse import unquote, urlsplit

from aiofunasr.export.characters import clean, is_unspaced, stands_alone
from aiofunasr.export.graphemes import boundaries
from aiofunasr.export.style import Style
from aiofunasr.export.utterances import Utterance, in_time_order, utterances
from aiofunasr.results import Sentence, Transcript

_SPACES = re.compile(r"\s+")


def ctm(transcript: Transcript, style: Style) -> Iterator[str]:
    """Write the words, a line each: recording, channel, begin, duration in seconds, word.

    Words have no marks after them. One with a space in it is several, which share its time. A sentence whose words the
    service did not give is cut at its spaces, and where it has none into characters.
    """
    del style
    recording = recording_name(transcript)
    # Scoring tools want them by channel, then by time.
    for place, channel in enumerate(transcript.channels):
        spoken = (
            (utterance.sentence.begin_time, _words(utterance.sentence))
            for utterance in utterances(transcript)
            if utterance.channel == place
        )
        for begin, end, word in in_time_order(spoken, itemgetter(0)):
            yield f"{recording} {channel.channel_id + 1} {_span(begin, end)} {word}\n"


def rttm(transcript: Transcript, style: Style) -> Iterator[str]:
    """Write who speaks when, a line for each turn; the text is not in it.

    A speaker the service numbered is `speaker0`, one it did not is `channel0`, and both are in the name where both are
    needed to tell speakers apart. Sentences of one speaker that touch are one turn.
    """
    del style
    recording = recording_name(transcript)
    turns: dict[tuple[int, int, str], list[tuple[int, int]]] = {}
    many = len(transcript.channels) > 1
    for utterance in utterances(transcript):
        begin, end = max(0, utterance.sentence.begin_time), utterance.sentence.end_time
        spans = turns.setdefault((utterance.channel, utterance.channel_id, _speaker(utterance, many=many)), [])
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        elif begin < end:
            spans.append((begin, end))
    lines = [
        (begin, channel, f"SPEAKER {recording} {channel_id + 1} {_span(begin, end)} <NA> <NA> {name} <NA> <NA>\n")
        for (channel, channel_id, name), spans in turns.items()
        for begin, end in spans
    ]
    yield from (line for _, _, line in sorted(lines))


def recording_name(transcript: Transcript) -> str:
    """Return what a recording is called, as one word."""
    try:
        path = unquote(urlsplit(transcript.file_url).path)
    except ValueError:
        path = ""
    name = clean(re.split(r"[/\\]", path)[-1])
    stem, dot, _ = name.rpartition(".")
    return _SPACES.sub("_", (stem if dot and stem else name).lstrip(";")) or "recording"


def _speaker(utterance: Utterance, *, many: bool) -> str:
    speaker = utterance.sentence.speaker_id
    channel = f"channel{utterance.channel_id}"
    if speaker is None:
        return channel
    return f"{channel}-speaker{speaker}" if many else f"speaker{speaker}"


def _span(begin: int, end: int) -> str:
    return f"{begin / 1000:.3f} {max(0, end - begin) / 1000:.3f}"


def _words(sentence: Sentence) -> Iterator[tuple[int, int, str]]:
    """Go through the words of a sentence, none with a space in it, in an order in which times never run backwards."""
    now = max(0, sentence.begin_time)
    if not sentence.words:
        yield from _shared(_tokens(clean(sentence.text)), now, sentence.end_time)
    for word in sentence.words:
        begin = max(now, word.begin_time)
        end = max(begin, word.end_time)
        yield from _shared(clean(word.text).split(), begin, end)
        now = begin


def _shared(tokens: list[str], begin: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Give each token its share of a time by its length."""
    total, done = sum(map(len, tokens)), 0
    span = max(0, end - begin)
    for token in tokens:
        start = begin + span * done // total
        done += len(token)
        # What begins with it is a comment, and a word is never that.
        shown = token.lstrip(";") or "<unk>"
        yield start, begin + span * done // total, shown


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    for part in text.split():
        word = ""
        places = boundaries(part)
        for a, b in pairwise(places):
            if stands_alone(part[a]) and not is_unspaced(part[a]):
                tokens += [word, part[a:b]] if word else [part[a:b]]
                word = ""
            else:
                word += part[a:b]
        if word:
            tokens.append(word)
    bare = [
        token.strip('.,;:!?\u2026"()\u201c\u201d\u3002\uff0c\u3001\uff1f\uff01\u060c\u061f\u061b') for token in tokens
    ]
    return [token for token in bare if token]
