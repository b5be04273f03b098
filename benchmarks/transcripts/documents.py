"""Transcription documents of long recordings, as the service writes them."""

from __future__ import annotations

import json
import random
from typing import Any

from attrs import frozen

WORDS_A_MINUTE = 167
_WORDS_A_SENTENCE = 10
_VOCABULARY = {
    "en": [
        "the",
        "of",
        "and",
        "to",
        "in",
        "you",
        "that",
        "it",
        "was",
        "for",
        "on",
        "are",
        "with",
        "as",
        "his",
        "they",
        "be",
        "at",
        "one",
        "have",
        "this",
        "from",
        "by",
        "hot",
        "word",
        "but",
    ],
    "zh": [
        "你好",
        "世界",
        "今天",
        "天气",
        "我们",
        "因为",
        "所以",
        "可以",
        "时间",
        "问题",
        "现在",
        "知道",
        "没有",
        "他们",
        "什么",
    ],
}


@frozen
class Recording:
    """A recording, by its length.

    Attributes:
        name: What it is called in a table.
        minutes: How long it is.
        language: `en` or `zh`, whose letters take three bytes each.
    """

    name: str
    minutes: int
    language: str = "en"


RECORDINGS = (
    Recording("10 minutes", 10),
    Recording("2 hours", 120),
    Recording("12 hours", 720),
    Recording("12 hours, Chinese", 720, "zh"),
)


def document_of(recording: Recording) -> bytes:
    """Write the document of a recording with a word every 360 ms, three speakers and one track."""
    chance = random.Random(recording.minutes)
    words = _VOCABULARY[recording.language]
    space, stop = (" ", ". ") if recording.language == "en" else ("", "。")
    sentences: list[dict[str, Any]] = []
    for number in range(recording.minutes * WORDS_A_MINUTE // _WORDS_A_SENTENCE):
        begin = 60_000 * _WORDS_A_SENTENCE * number // WORDS_A_MINUTE
        times = [begin + 350 * place for place in range(_WORDS_A_SENTENCE + 1)]
        said = [chance.choice(words) for _ in range(_WORDS_A_SENTENCE)]
        last = _WORDS_A_SENTENCE - 1
        sentences.append(
            {
                "begin_time": times[0],
                "end_time": times[-1],
                "text": space.join(said) + stop.strip(),
                "sentence_id": number + 1,
                "speaker_id": chance.randrange(3),
                "words": [
                    {
                        "begin_time": times[place],
                        "end_time": times[place + 1],
                        "text": word + (space if place < last else ""),
                        "punctuation": stop if place == last else "",
                    }
                    for place, word in enumerate(said)
                ],
            }
        )
    length = 60_000 * recording.minutes
    return json.dumps(
        {
            "file_url": f"https://media.example/{recording.minutes}.wav",
            "properties": {
                "audio_format": "pcm_s16le",
                "channels": [0],
                "original_sampling_rate": 16_000,
                "original_duration_in_milliseconds": length,
            },
            "transcripts": [
                {
                    "channel_id": 0,
                    "content_duration_in_milliseconds": length,
                    "text": space.join(sentence["text"] for sentence in sentences),
                    "sentences": sentences,
                }
            ],
        },
        ensure_ascii=False,
    ).encode()
