"""Transcripts as nobody would wish for: many scripts, marks that mean something to a format, times in no good order."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from aiofunasr import AudioProperties, Channel, Sentence, Transcript, Word

MARKUP = [
    "-->",
    "<b>it</b>",
    "</v>",
    "&amp;",
    "a<b",
    "{\\an8}",
    "{x}",
    "C:\\Now",
    '"quoted"',
    ";;",
    "42",
    "1\u00bd",
    "=1+1",
]
SCRIPTS: dict[str, list[str]] = {
    "English": "the quick brown fox jumps over a lazy dog, and then? it sleeps. 3.5% of & more Donaudampfschifffahrt".split(),  # noqa: SIM905, E501
    "Chinese": "今天 我们 开始 一个 新的 项目 他们 在 这里 学习 「音乐」 和 历史".split(),  # noqa: SIM905
    "Japanese": "カメラー チェック きょう 東京 っぽい 「はい」 ２０２４年 ありがとう".split(),  # noqa: SIM905
    "Thai": ["สวัสดี", "ครับ", "วันนี้", "อากาศ", "น้ำ", "เก็บ", "แม่น้ำ"],
    "Arabic": ["مرحبا", "بالعالم،", "كيف", "حالك؟", "الـ12", "لَا"],  # noqa: RUF001
    "Hindi": ["नमस्ते", "दुनिया", "क्षत्रिय", "हिन्दी।"],
    "emoji": ["👩‍🚀", "👍🏽", "🇩🇪🇫🇷", "❤️", "e\u0301te\u0301", "Z\u0351\u036b\u0343a"],
}
_UNSPACED = {"Chinese", "Japanese", "Thai"}
TIMES = st.integers(0, 4_000)


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    """A sentence with words that nearly rebuild its text, and times in no good order at all."""
    script = draw(st.sampled_from(sorted(SCRIPTS)))
    gap = "" if script in _UNSPACED else " "
    texts = draw(st.lists(st.sampled_from([*SCRIPTS[script], *SCRIPTS[script], *MARKUP]), min_size=1, max_size=60))
    begin = draw(st.integers(0, 60_000))
    words, at = [], begin
    for text in texts:
        end = at + draw(TIMES)
        words.append(Word(at, end, text + gap, draw(st.sampled_from(["", "", ",", "."]))))
        at = end + draw(st.sampled_from([0, 0, -50, 400]))
    text = "".join(word.text + word.punctuation for word in words)
    if draw(st.booleans()):
        text = text.upper()  # inverse text normalization, and worse
    shown = words if draw(st.booleans()) else []
    return Sentence(
        begin, draw(st.sampled_from([at, begin, 0])), text, 1, draw(st.integers(0, 2) | st.none()), (*shown,)
    )


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """A transcript of one to three channels, some with a text alone."""
    channels = [
        Channel(number, "text without sentences", None, tuple(draw(st.lists(sentences(), max_size=4))))
        for number in range(draw(st.integers(1, 3)))
    ]
    duration = draw(st.sampled_from([None, 0, 90_000]))
    url = draw(st.sampled_from(["", "https://h/a%20talk.wav?Signature=abc", "https://h/;;.wav", "https://[h"]))
    return Transcript(url, AudioProperties(original_duration_in_milliseconds=duration), tuple(channels))


def squeezed(text: str) -> str:
    """Leave out white space, and what keeps text apart from markup."""
    return re.sub(r"[\s\u2060]+", "", text)


def said(transcript: Transcript) -> list[str]:
    """Everything there is to say, as a bag of characters: the order of two channels may be either."""
    parts = []
    for channel in transcript.channels:
        parts += [sentence.text for sentence in channel.sentences] or [channel.text]
    return sorted(squeezed("".join(parts)))
