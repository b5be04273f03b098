"""A recognizer that answers at once, from a table or from the URL itself, for tests and simulations.

The names it understands (`.../404.wav`, `.../silence.wav`) follow the protocol notes, section 14. Everything
else gets a plausible transcript that depends on the URL alone, so that a test can ask for the same again.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from anyio import to_thread
from attrs import frozen

from aiofunasr.emulator.document import no_speech_code, speech_ms
from aiofunasr.emulator.fillers import without_fillers
from aiofunasr.emulator.hot_words import with_hot_words
from aiofunasr.emulator.recognizer import (
    FileProblemError,
    Recognition,
    RecognitionRequest,
    RecognizedSentence,
    RecognizedTrack,
    RecognizedWord,
)
from aiofunasr.emulator.tasks import FileProblem

_PROBLEMS: Final = {
    "400": "InvalidFile.DownloadFailed",
    "403": "FILE_403_FORBIDDEN",
    "404": "FILE_404_NOT_FOUND",
    "500": "FILE_SERVER_ERROR",
    "503": "FILE_SERVER_ERROR",
    "bad": "UNSUPPORTED_FORMAT",
    "broken": "DECODE_ERROR",
    "empty": "NO_VALID_AUDIO_ERROR",
    "length": "CONTENT_LENGTH_CHECK_FAILED",
    "noise": "ASR_RESPONSE_HAVE_NO_WORDS",
    "silence": "SUCCESS_WITH_NO_VALID_FRAGMENT",
    "toolarge": "FILE_TOO_LARGE",
    "toolong": "AUDIO_DURATION_TOO_LONG",
    "unreachable": "InvalidFile.DownloadFailed",
}
"""The last path segment of a URL without its extension, and the code it gives."""

_CODES: Final = frozenset(
    {
        "ASR_RESPONSE_HAVE_NO_WORDS",
        "AUDIO_DURATION_TOO_LONG",
        "AllocationQuota.FreeTierOnly",
        "CONTENT_LENGTH_CHECK_FAILED",
        "DECODE_ERROR",
        "DataInspectionFailed",
        "FILE_403_FORBIDDEN",
        "FILE_404_NOT_FOUND",
        "FILE_CHECK_FAILED",
        "FILE_DOWNLOAD_FAILED",
        "FILE_NORMALIZE_FAILED",
        "FILE_PARSE_FAILED",
        "FILE_SERVER_ERROR",
        "FILE_TOO_LARGE",
        "FILE_TRANS_TASK_EXPIRED",
        "InternalError",
        "InternalError.Timeout",
        "InvalidFile.DownloadFailed",
        "MKV_PARSE_FAILED",
        "NO_VALID_AUDIO_ERROR",
        "REQUEST_INVALID_FILE_URL_VALUE",
        "SERVER_ERROR",
        "SUCCESS_WITH_NO_VALID_FRAGMENT",
        "SystemError",
        "Throttling",
        "Throttling.AllocationQuota",
        "Throttling.BurstRate",
        "Throttling.RateQuota",
        "UNSUPPORTED_FORMAT",
    }
)
_SECONDS: Final = re.compile(r"(?:^|[-_])(\d{1,5})s$")
_ENGLISH: Final = re.findall(
    r"\w+",
    "river morning window garden letter summer engine paper mountain station winter music market bridge "
    "captain village harvest silver signal number picture island ocean answer journey teacher winner question",
)
_CHINESE: Final = re.findall(
    r"\w+", "今天 我们 开始 一个 新的 项目 他们 在 这里 学习 音乐 和 历史 明天 下午 城市 天气 很 好"
)
_SENTENCE_MS: Final = 4000


Outcome = Recognition | FileProblem
Table = Mapping[str, Outcome] | Callable[[str], Outcome | None]


@frozen
class PlannedFile:
    """What will come of a file, without the transcript itself; None stands for the settings' own times."""

    problem: FileProblem | None
    duration_ms: int
    speech_ms: int
    processing_seconds: float | None


class ScriptedRecognizer:
    """Answers from a table, else from the URL; never reads the file.

    `table` maps a URL to its outcome (or is a callable that may return None). A URL ending in `/404.wav`,
    `/silence.mp3` and the like, or in `/DECODE_ERROR.wav` with any file-level code, fails accordingly;
    `.../call-90s.wav` lasts 90 seconds. `duration_seconds` maps a URL to the length of its audio. Both may be
    asked in any thread. What is a near miss of a hot word becomes that word.
    `processing_seconds` and `queue_seconds` draw how long a file is processed and how long its task queues,
    given the (first) URL and a seeded generator: `lambda url, chance: chance.lognormvariate(2.0, 0.8)`.
    """

    needs_media = False

    def __init__(
        self,
        table: Table | None = None,
        *,
        duration_seconds: Callable[[str], float] | None = None,
        processing_seconds: Callable[[str, random.Random], float] | None = None,
        queue_seconds: Callable[[str, random.Random], float] | None = None,
    ) -> None:
        self._table = table
        self._duration_seconds = duration_seconds or _duration_from_url
        self._processing_seconds = processing_seconds
        self._queue_seconds = queue_seconds

    def queue_seconds(self, file_url: str, chance: random.Random) -> float | None:
        """Draw how long a task stays PENDING, or None to leave it to the settings."""
        return None if self._queue_seconds is None else max(0.0, self._queue_seconds(file_url, chance))

    def plan(self, request: RecognitionRequest, chance: random.Random) -> PlannedFile:
        """Say what will come of a file, in little time and memory: there may be a million of them."""
        url = request.file_url
        seconds = None if self._processing_seconds is None else max(0.0, self._processing_seconds(url, chance))
        outcome = self._listed(request) or _problem_from_url(url)
        if isinstance(outcome, Recognition):
            code = no_speech_code(outcome)
            problem = FileProblem(code) if code else None
            return PlannedFile(problem, outcome.duration_ms, speech_ms(outcome), seconds)
        if outcome is not None:
            return PlannedFile(outcome, 0, 0, seconds)
        duration_ms = self._duration_ms(url)
        speech = _speech_ms(duration_ms) * len(request.channel_ids)
        return PlannedFile(None, duration_ms, speech, seconds)

    def outcome(self, request: RecognitionRequest) -> Outcome:
        """Return what comes of a file: the same for the same request, always."""
        outcome = self._listed(request) or _problem_from_url(request.file_url) or self._invent(request)
        return with_hot_words(outcome, request.hot_words) if isinstance(outcome, Recognition) else outcome

    async def recognize(self, request: RecognitionRequest, media: Path | None = None) -> Recognition:
        """Answer at once (the `Recognizer` protocol).

        Raises:
            FileProblemError: the script says so.
        """
        del media
        outcome = await to_thread.run_sync(self.outcome, request)
        if isinstance(outcome, FileProblem):
            raise FileProblemError(outcome.code, outcome.message or None)
        return outcome

    async def aclose(self) -> None:
        """Hold nothing, so release nothing."""

    def _listed(self, request: RecognitionRequest) -> Outcome | None:
        if self._table is None:
            return None
        url = request.file_url
        outcome = self._table(url) if callable(self._table) else self._table.get(url)
        if request.disfluency_removal_enabled and isinstance(outcome, Recognition):
            return without_fillers(outcome)
        return outcome

    def _duration_ms(self, url: str) -> int:
        return max(1, round(self._duration_seconds(url) * 1000))

    def _invent(self, request: RecognitionRequest) -> Recognition:
        duration_ms = self._duration_ms(request.file_url)
        count = max(request.channel_ids) + 1
        return Recognition(
            audio_format=_format_from_url(request.file_url),
            channels=tuple(range(count)),
            sampling_rate=16000,
            duration_ms=duration_ms,
            tracks=tuple(self._invent_track(request, channel, duration_ms) for channel in request.channel_ids),
        )

    def _invent_track(self, request: RecognitionRequest, channel: int, duration_ms: int) -> RecognizedTrack:
        chance = random.Random(f"{request.file_url}#{channel}")
        chinese = request.language_hints[:1] == ("zh",)
        speakers = request.speaker_count or 2
        slot, spoken, count = _layout(duration_ms)
        sentences: list[RecognizedSentence] = []
        for index in range(count):
            speaker = index % speakers if request.diarization_enabled else None
            sentences.append(_invent_sentence(chance, index * slot, spoken, chinese, speaker))
        return RecognizedTrack(channel, spoken * count, tuple(sentences))


def _layout(duration_ms: int) -> tuple[int, int, int]:
    """Return the milliseconds from one sentence to the next, those of them spoken, and the sentences."""
    count = max(1, duration_ms // _SENTENCE_MS)
    slot = duration_ms // count
    return slot, max(1, slot - min(600, slot // 5)), count


def _speech_ms(duration_ms: int) -> int:
    _, spoken, count = _layout(duration_ms)
    return spoken * count


def _invent_sentence(
    chance: random.Random, begin: int, length: int, chinese: bool, speaker: int | None
) -> RecognizedSentence:
    texts = chance.choices(_CHINESE if chinese else _ENGLISH, k=max(1, length // 400))
    if not chinese:
        texts[0] = texts[0].capitalize()
    comma, stop, gap = ("\uff0c", "\u3002", "") if chinese else (", ", ".", " ")
    words: list[RecognizedWord] = []
    pause_after = len(texts) // 2 if len(texts) > 5 else -1
    for index, text in enumerate(texts):
        is_last = index == len(texts) - 1
        mark = stop if is_last else comma if index == pause_after else ""
        words.append(
            RecognizedWord(
                begin + length * index // len(texts),
                begin + length * (index + 1) // len(texts),
                text if mark else text + gap,
                mark,
            )
        )
    sentence = "".join(word.text + word.punctuation for word in words)
    return RecognizedSentence(begin, begin + length, sentence, tuple(words), speaker)


def _stem_and_extension(url: str) -> tuple[str, str]:
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    stem, _, extension = name.rpartition(".")
    return (stem, extension.lower()) if stem else (name, "")


def _problem_from_url(url: str) -> FileProblem | None:
    stem, extension = _stem_and_extension(url)
    if stem in _PROBLEMS:
        return FileProblem(_PROBLEMS[stem])
    if stem in _CODES:
        return FileProblem(stem)
    return FileProblem("UNSUPPORTED_FORMAT") if extension == "txt" else None


def _duration_from_url(url: str) -> float:
    match = _SECONDS.search(_stem_and_extension(url)[0])
    return float(match[1]) if match else 4.0 + zlib.crc32(url.encode()) % 116


def _format_from_url(url: str) -> str:
    extension = _stem_and_extension(url)[1]
    return {"mp3": "mp3", "m4a": "aac", "aac": "aac", "flac": "flac", "ogg": "vorbis", "opus": "opus"}.get(
        extension, "pcm_s16le"
    )
