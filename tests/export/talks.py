"""Transcripts of plausible talks, for pages to show: of any length, with several speakers, channels and scripts."""

from __future__ import annotations

from random import Random

from aiofunasr import AudioProperties, Channel, Sentence, Transcript, Word

ENGLISH = [
    "the",
    "council",
    "met",
    "on",
    "a",
    "cold",
    "evening",
    "to",
    "talk",
    "about",
    "the",
    "bridge",
    "and",
    "nobody",
    "could",
    "say",
    "how",
    "long",
    "it",
    "would",
    "take",
    "before",
    "somebody",
    "asked",
    "why",
    "the",
    "money",
    "had",
    "gone",
    "into",
    "another",
    "harbour",
    "while",
    "small",
    "boats",
    "were",
    "waiting",
    "in",
    "the",
    "rain",
]
ARABIC = [
    "في",
    "البداية",
    "كان",
    "الاجتماع",
    "قصيرا",
    "ثم",
    "تحدث",
    "المدير",
    "عن",
    "الخطة",
    "الجديدة",
    "وعن",
    "المال",
    "الذي",
    "نحتاجه",
    "هذا",
    "العام",
]
CHINESE = "今天 我们 讨论 新 的 项目 他们 希望 明年 可以 完成 这个 计划 但是 时间 不够".split()  # noqa: SIM905


def sentence(random: Random, begin: int, speaker: int | None, vocabulary: list[str], number: int) -> Sentence:
    """Make a sentence of 4 to 18 words that begins at a time."""
    gap, stop = ("", "\u3002") if vocabulary is CHINESE else (" ", ".")
    words, at = [], begin
    count = random.randint(4, 18)
    for place in range(count):
        text = random.choice(vocabulary)
        text = text.capitalize() if place == 0 else text
        end = at + random.randint(120, 420)
        last = place == count - 1
        mark = stop if last else ("," if gap and random.random() < 0.08 else "")
        words.append(Word(at, end, text, mark + ("" if last else gap)))
        at = end + random.randint(0, 60)
    text = "".join(word.text + word.punctuation for word in words)
    return Sentence(begin, words[-1].end_time, text, number, speaker, tuple(words))


def talk(
    seconds: float,
    *,
    speakers: int = 1,
    channels: int = 1,
    vocabulary: list[str] = ENGLISH,
    url: str = "https://media.example.com/council%20meeting.wav",
    seed: int = 1,
) -> Transcript:
    """Make a talk of some length; speakers take turns of some sentences."""
    random = Random(seed)
    tracks: list[list[Sentence]] = [[] for _ in range(channels)]
    at, number = 400, 0
    while at < seconds * 1000 - 8000:
        speaker, track = random.randrange(speakers), random.choice(tracks)
        for _ in range(random.randint(1, 7)):
            number += 1
            track.append(sentence(random, at, speaker if speakers > 1 else None, vocabulary, number))
            at = track[-1].end_time + random.choice([80, 250, 600, 2500])
    return Transcript(
        url,
        AudioProperties("pcm_s16le", tuple(range(channels)), 16000, round(seconds * 1000)),
        tuple(
            Channel(place, " ".join(one.text for one in track), None, tuple(track))
            for place, track in enumerate(tracks)
        ),
    )
