"""What is to be transcribed, by which program, and what must come of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Final, Literal

from attrs import frozen

from aiofunasr.emulator import FileProblem, RecognitionRequest, ScriptedRecognizer
from aiofunasr.emulator.document import transcription_document
from aiofunasr.emulator.word_filter import WordFilter

Way = Literal["transcribe", "upload", "submit", "attach", "cancel"]
FilesPerTask = int | Literal["auto"]

STRANGERS: Final = 200
STRANGERS_FROM, STRANGERS_TO = -30.0, 240.0
"""The stretch in which strangers' tasks come, around the start of the run."""

_NO_TRANSCRIPT: Final = ("404", "silence", "DECODE_ERROR")
_BATCHES: Final[tuple[tuple[str, int, float, FilesPerTask], ...]] = (
    ("packed", 0, 0.42, "auto"),
    ("single", 0, 0.34, 1),
    ("second", 1, 0.09, "auto"),
    ("uploads", 0, 0.01, "auto"),
    ("closed early", 2, 0.05, 1),
)
"""Name, session, share of the files and files per task; what is left is for single tasks."""

SESSIONS: Final = 3
CLOSED_EARLY: Final = 2
"""The session that is closed after some seconds; what it left unfinished is then attached on the first."""

_SINGLE: Final[tuple[Way, ...]] = ("submit", "attach", "cancel", "submit", "attach")


@frozen
class Job:
    """Files for one call of a program: `session` is a number, and `urls` may hold the same twice.

    Those to be uploaded are names of files.
    """

    name: str
    way: Way
    urls: tuple[str, ...]
    session: int = 0
    files_per_task: FilesPerTask = "auto"


@frozen
class Expected:
    """What must come of a file: its text, or the code of its failure; no speech is an empty text."""

    text: str
    code: str = ""


def make_jobs(files: int, seed: int) -> tuple[Job, ...]:
    """Share `files` different files out."""
    chance = Random(f"{seed}/files")
    urls = [_url(number, chance) for number in range(files)]
    jobs: list[Job] = []
    rest = urls
    for name, session, share, width in _BATCHES:
        own, rest = rest[: round(files * share)], rest[round(files * share) :]
        if name == "uploads":
            jobs.append(Job(name, "upload", tuple(f"upload-{index}.wav" for index in range(len(own)))))
        else:
            jobs.append(Job(name, "transcribe", tuple(own), session, width))
    batches = len(jobs)
    while rest:
        count = min(len(rest), chance.randint(1, 8))
        own, rest = rest[:count], rest[count:]
        given = own + chance.choices(own, k=chance.randint(0, 5))
        chance.shuffle(given)
        jobs.append(Job(f"task {len(jobs)}", _SINGLE[(len(jobs) - batches) % len(_SINGLE)], tuple(given)))
    return tuple(job for job in jobs if job.urls)


def strangers(seed: int) -> Sequence[tuple[float, tuple[str, ...]]]:
    """Return when somebody else's tasks come, in seconds from the start, and their files."""
    chance = Random(f"{seed}/strangers")
    moments = sorted(chance.uniform(STRANGERS_FROM, STRANGERS_TO) for _ in range(STRANGERS))
    return [
        (at, tuple(f"https://other.example/{number}/{file}-8s.wav" for file in range(chance.choice((1, 1, 1, 3)))))
        for number, at in enumerate(moments)
    ]


@lru_cache(maxsize=100_000)
def expected(url: str) -> Expected:
    """Return what the service makes of a file."""
    request = RecognitionRequest(url)
    outcome = ScriptedRecognizer().outcome(request)
    if isinstance(outcome, FileProblem):
        return Expected("", "" if outcome.code == "SUCCESS_WITH_NO_VALID_FRAGMENT" else outcome.code)
    document = json.loads(transcription_document(request, outcome, WordFilter()))
    return Expected("\n".join(track["text"] for track in document["transcripts"]))


def _url(number: int, chance: Random) -> str:
    name = chance.choice(_NO_TRANSCRIPT) if chance.random() < 1 / 30 else f"call-{chance.randint(3, 12)}s"
    return f"https://media.example.com/{number}/{name}.wav"
