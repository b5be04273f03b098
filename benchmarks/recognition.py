"""Measure how well speech is recognized: word errors, and the time it takes.

    python -m benchmarks.recognition ../shared/audio

The argument is a directory with a `transcripts.tsv`: a header line, and columns named `file`, `language`, `seconds`
and `transcript` (lower case, without punctuation, numbers spelled). A stereo file with one speaker a track has
"left: ... | right: ..." for a transcript. English files are recognized twice: by the speech pipeline called
directly, and through the emulator's and the client's whole road. The road must lose nothing.

Word error rates are over all the words; the rate of a single short file says little.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import jiwer
from attrs import frozen

from aiofunasr.emulator.recognizer import Recognition, RecognitionRequest
from aiofunasr.emulator.speech import default_recognizer

_ABBREVIATIONS: Final = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}
_UNITS: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS: Final = ["ten", "eleven", "twelve", "thir", "four", "fif", "six", "seven", "eigh", "nine"]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_STEREO: Final = re.compile(r"left: (.*) \| right: (.*)")

_Item = TypeVar("_Item")


def normalize(text: str) -> str:
    """Spell a text as the references are.

    Lower case; numbers up to 9999 in words, four digits as a year is read; titles in full; hyphens as spaces;
    apostrophes inside words kept; every other mark left out.
    """
    text = text.lower().replace("\u2019", "'").replace("-", " ")
    text = re.sub(r"\d+", lambda match: f" {_spell(match[0])} ", text)
    words = (word.strip("'") for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*", text))
    return " ".join(_ABBREVIATIONS.get(word, word) for word in words if word)


def _spell(digits: str) -> str:
    number = int(digits)
    if len(digits) > 4 or digits.startswith("0"):
        return " ".join(_UNITS[int(digit)] for digit in digits)
    if number < 10:
        return _UNITS[number]
    if number < 20:
        return _TEENS[number - 10] + ("teen" if number > 12 else "")
    if number < 100:
        return _TENS[number // 10 - 2] + (f" {_UNITS[number % 10]}" if number % 10 else "")
    if number >= 1100 and number % 1000 >= 100:
        rest = _spell(str(number % 100)) if number % 100 else "hundred"
        return f"{_spell(str(number // 100))} {rest}"
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = f" {_spell(str(number % size))}" if number % size else ""
    return f"{_spell(str(number // size))} {name}{rest}"


@frozen
class Clip:
    """A recording with what is said on its tracks, in the order of the tracks."""

    path: Path
    seconds: float
    references: tuple[str, ...]

    @property
    def channel_ids(self) -> tuple[int, ...]:
        return tuple(range(len(self.references)))


@frozen
class Score:
    """Word errors against the words of the reference."""

    errors: int
    words: int

    @classmethod
    def of(cls, references: Sequence[str], texts: Sequence[str]) -> Score:
        spoken = [normalize(reference) for reference in references]
        result = jiwer.process_words(spoken, [normalize(text) for text in texts])
        words = result.hits + result.substitutions + result.deletions
        return cls(result.substitutions + result.deletions + result.insertions, words)

    def __str__(self) -> str:
        return f"{self.errors}/{self.words} {100 * self.errors / self.words:5.1f} %"


def read_clips(directory: Path, language: str = "en") -> list[Clip]:
    """Read the recordings of a language that are there."""
    with (directory / "transcripts.tsv").open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if row["language"] == language]
    clips = []
    for row in rows:
        stereo = _STEREO.fullmatch(row["transcript"])
        references = stereo.groups() if stereo else (row["transcript"],)
        clips.append(Clip(directory / row["file"], float(row["seconds"]), references))
    return [clip for clip in clips if clip.path.exists()]


def _text(recognition: Recognition) -> dict[int, str]:
    return {track.channel_id: " ".join(sentence.text for sentence in track.sentences) for track in recognition.tracks}


async def directly(clips: Iterable[Clip]) -> tuple[dict[Path, dict[int, str]], dict[Path, float]]:
    """Recognize without the service; return the text of each track, and the seconds each file took."""
    recognizer = default_recognizer(workers=1)
    texts: dict[Path, dict[int, str]] = {}
    seconds: dict[Path, float] = {}
    try:
        for clip in clips:
            request = RecognitionRequest(clip.path.as_uri(), channel_ids=clip.channel_ids)
            if not texts:
                await recognizer.recognize(request, clip.path)  # loads the models
            started = time.perf_counter()
            texts[clip.path] = _text(await recognizer.recognize(request, clip.path))
            seconds[clip.path] = time.perf_counter() - started
    finally:
        await recognizer.aclose()
    return texts, seconds


async def through_service(paths: Sequence[Path], channel_ids: Sequence[int]) -> dict[Path, dict[int, str]]:
    """Recognize by uploading to the emulator with the client; return the text of each track."""
    from aiofunasr import Session  # noqa: PLC0415  # the direct half runs without the client
    from aiofunasr.emulator import EmulatorServer  # noqa: PLC0415

    texts: dict[Path, dict[int, str]] = {}
    async with (
        EmulatorServer(recognizer=default_recognizer()) as server,
        Session(api_key=server.api_key, base_url=server.base_url) as session,
    ):
        async for result in session.transcribe(paths, channel_id=list(channel_ids)):
            if result.error is not None:
                raise result.error
            channels = result.transcript.channels if result.transcript else ()
            texts[Path(result.source)] = {channel.channel_id: channel.text for channel in channels}
    return texts


def _group(items: Iterable[_Item], key: Callable[[_Item], tuple[int, ...]]) -> dict[tuple[int, ...], list[_Item]]:
    groups: dict[tuple[int, ...], list[_Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _score(clip: Clip, texts: dict[Path, dict[int, str]]) -> Score:
    tracks = texts[clip.path]
    return Score.of(clip.references, [tracks.get(number, "") for number in clip.channel_ids])


def _total(scores: Iterable[Score]) -> Score:
    scores = list(scores)
    return Score(sum(score.errors for score in scores), sum(score.words for score in scores))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recognition", description=__doc__.split("\n")[0])
    parser.add_argument("directory", type=Path, help="a directory with a transcripts.tsv")
    parser.add_argument("--direct", action="store_true", help="leave the road through the service out")
    arguments = parser.parse_args()
    clips = read_clips(arguments.directory.resolve())
    if not clips:
        parser.error(f"{arguments.directory} has no English recordings")

    texts, seconds = asyncio.run(directly(clips))
    roads = {"direct": texts}
    if not arguments.direct:
        served: dict[Path, dict[int, str]] = {}
        for channel_ids, group in _group(clips, lambda clip: clip.channel_ids).items():
            served |= asyncio.run(through_service([clip.path for clip in group], channel_ids))
        roads["service"] = served

    print(f"{'file':42} {'audio':>7} {'RTF':>6}" + "".join(f"{road:>16}" for road in roads))
    for clip in clips:
        columns = "".join(f"{_score(clip, found)!s:>16}" for found in roads.values())
        name = str(clip.path.relative_to(arguments.directory.resolve()))
        print(f"{name:42} {clip.seconds:6.1f}s {seconds[clip.path] / clip.seconds:6.3f}{columns}")
    audio = sum(clip.seconds for clip in clips)
    columns = "".join(f"{_total(_score(clip, found) for clip in clips)!s:>16}" for found in roads.values())
    print(f"{'all':42} {audio:6.1f}s {sum(seconds.values()) / audio:6.3f}{columns}")


if __name__ == "__main__":
    main()
