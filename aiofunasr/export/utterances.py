"""Who said what and when: the sentences of a transcript with their channel, in time order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from operator import attrgetter
from typing import TypeVar

from attrs import frozen

from aiofunasr.results import Channel, Sentence, Transcript
from aiofunasr.results.sources import afresh

T = TypeVar("T")

_MS_A_CHARACTER = 70
"""About how long a character takes to say; used where the service gave no time at all."""


@frozen
class Utterance:
    """A sentence and who said it.

    Attributes:
        sentence: What was said.
        who: Who said it; empty where there is only one it can be.
        channel_id: The service's number of its channel.
        channel: The place of its channel among those of the transcript, from 0.
        voice: The place of `who` among those who speak, by first appearance, from 0.
    """

    sentence: Sentence
    who: str = ""
    channel_id: int = 0
    channel: int = 0
    voice: int = 0


def utterances(transcript: Transcript) -> Iterator[Utterance]:
    """Go through all that was said, in time order over the channels.

    Channels and speakers are called by the service's own numbers, which begin at 0. A channel that has a text and no
    sentences is one long sentence. Sentences without any text are dropped. The words of a sentence that nobody has
    looked at so far are forgotten together with the utterance.
    """
    by_channel = [list(_sentences(channel, transcript.duration)) for channel in transcript.channels]
    speakers = {sentence.speaker_id for sentences in by_channel for sentence in sentences} - {None}
    placed = [[(place, sentence) for sentence in sentences] for place, sentences in enumerate(by_channel)]
    voices: dict[str, int] = {}
    for place, sentence in merge(*placed, key=lambda one: one[1].begin_time):
        channel = transcript.channels[place]
        who = _who(channel if len(by_channel) > 1 else None, sentence, many_speakers=len(speakers) > 1)
        voice = voices.setdefault(who, len(voices))
        yield Utterance(afresh(sentence), who, channel.channel_id, place, voice)


def _who(channel: Channel | None, sentence: Sentence, *, many_speakers: bool) -> str:
    names = [] if channel is None else [f"Channel {channel.channel_id}"]
    if many_speakers:
        # A sentence may lack its speaker even with diarization (the protocol notes, section 5.1).
        speaker = sentence.speaker_id
        names.append("Unknown speaker" if speaker is None else f"Speaker {speaker}")
    return ", ".join(names)


def _sentences(channel: Channel, duration: int | None) -> Iterator[Sentence]:
    if not channel.sentences and channel.text.strip():
        spoken = duration or channel.content_duration_in_milliseconds or len(channel.text) * _MS_A_CHARACTER
        yield Sentence(0, spoken, channel.text)
        return
    # The service has them in order; where it has not, merging needs it.
    for sentence in sorted(channel.sentences, key=attrgetter("begin_time")):
        if sentence.text.strip():
            yield sentence


def in_time_order(groups: Iterable[tuple[float, Iterable[T]]], begin_of: Callable[[T], float]) -> Iterator[T]:
    """Go through the items of groups in time order; those of one time stay in the order they are in.

    Args:
        groups: When each begins, and its items; none of these begins earlier, and no group than the one before.
        begin_of: Returns when an item begins.
    """
    waiting: list[T] = []
    for begin, items in groups:
        due = bisect_right(waiting, begin, key=begin_of)
        yield from waiting[:due]
        waiting = sorted([*waiting[due:], *items], key=begin_of)
    yield from waiting
