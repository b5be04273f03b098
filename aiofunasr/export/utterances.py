"""Who said what and when: the sentences of a transcript with their channel, in time order."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from operator import attrgetter

from attrs import evolve, frozen

from aiofunasr.results import Channel, Sentence, Transcript

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


def utterances(transcript: Transcript) -> list[Utterance]:
    """Return all that was said, in time order over the channels.

    Channels and speakers are called by the service's own numbers, which begin at 0. A channel that has a text and no
    sentences is one long sentence. Sentences without any text are dropped.
    """
    by_channel = [list(_sentences(channel, transcript.duration)) for channel in transcript.channels]
    many_channels = len(transcript.channels) > 1
    speakers = {sentence.speaker_id for sentences in by_channel for sentence in sentences} - {None}
    named = [
        [
            Utterance(
                sentence,
                _who(channel if many_channels else None, sentence, many_speakers=len(speakers) > 1),
                channel.channel_id,
                place,
            )
            for sentence in sentences
        ]
        for place, (channel, sentences) in enumerate(zip(transcript.channels, by_channel, strict=True))
    ]
    voices: dict[str, int] = {}
    in_order = merge(*named, key=attrgetter("sentence.begin_time"))
    return [evolve(one, voice=voices.setdefault(one.who, len(voices))) for one in in_order]


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
