"""The options several commands have, and how their values are read."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from aiofunasr.cli.gathering import choice, gathered
from aiofunasr.cli.place import Place
from aiofunasr.cli.running import CommandError
from aiofunasr.export import FORMATS, Format
from aiofunasr.schedule.packing import MOST_FILES

_LOCAL = "On this machine"
_RESULTS = "Results"


class FormatName(StrEnum):
    """The formats of `aiofunasr.export` that can be asked for."""

    TXT = "txt"
    JSON = "json"
    JSONL = "jsonl"
    SRT = "srt"
    VTT = "vtt"
    ASS = "ass"
    HTML = "html"
    CSV = "csv"
    TSV = "tsv"
    TEXTGRID = "textgrid"
    CTM = "ctm"
    RTTM = "rttm"


class EngineName(StrEnum):
    """The speech recognition engines of the emulator."""

    MOONSHINE = "moonshine"
    WHISPER = "whisper"


Formats: TypeAlias = Annotated[
    list[FormatName] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="NAME",
        help=f"How results are written (txt); may be repeated with --output: {', '.join(FORMATS)}.",
        rich_help_panel=_RESULTS,
        show_default=False,
    ),
]
Output: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Write each result into a file in DIR and print its path.",
        rich_help_panel=_RESULTS,
        show_default=False,
    ),
]
Overwrite: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--overwrite/--no-overwrite",
        help="Whether a file in DIR that has the name of a result is replaced; if not, that result fails.",
        rich_help_panel=_RESULTS,
    ),
]
Journal: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="Write down in FILE what is sent and what comes back. The same command again, or aiofunasr resume FILE, "
        "goes on where a run was, and submits nothing twice.",
        rich_help_panel=_RESULTS,
        show_default=False,
    ),
]
RetryFailed: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--retry-failed",
        help="Submit files again that the journal says the service could not transcribe.",
        rich_help_panel=_RESULTS,
    ),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no summary.", rich_help_panel=_RESULTS)
]
Verbose: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Show what the library logs, and statistics at the end.", rich_help_panel=_RESULTS
    ),
]
VerboseLogs: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show what the library logs.", rich_help_panel=_RESULTS)
]

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]

EngineOption: TypeAlias = Annotated[
    EngineName | None,
    typer.Option(
        "--engine", help="moonshine (English, default) or whisper.", rich_help_panel=_LOCAL, show_default=False
    ),
]
EngineModel: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--engine-model",
        metavar="DIR",
        help="The CTranslate2 model of the whisper engine.",
        rich_help_panel=_LOCAL,
        show_default=False,
    ),
]
# The emulator has no model of the service to ask for, so the short name is free.
EmulatorModel: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "--engine-model",
        metavar="DIR",
        help="The CTranslate2 model of the whisper engine.",
        rich_help_panel=_LOCAL,
        show_default=False,
    ),
]
Local: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--local",
        help="Recognize speech in this process: no key, no network. Without a file, a sample is transcribed.",
        rich_help_panel=_LOCAL,
    ),
]


def formats_of(names: Iterable[str] | None, output: Path | None) -> tuple[Format, ...]:
    """Return the formats that were asked for, each once; plain text where none was.

    Raises:
        CommandError: There are several, and no directory to put them into.
    """
    formats = tuple(FORMATS[name] for name in dict.fromkeys(names or ("txt",)))
    if len(formats) > 1 and output is None:
        raise CommandError("several of --format go with --output: on stdout they would run into each other")
    return formats


def files_per_task(text: str) -> int | str:
    """Read how many files go into a task: a number, or the word that leaves it open."""
    if text == "auto":
        return text
    if not text.isdecimal() or not 1 <= int(text) <= MOST_FILES:
        raise typer.BadParameter(f"a number from 1 to {MOST_FILES}, or auto")
    return int(text)


_ACCOUNT = "Account"

with_place = gathered(
    "place",
    Place,
    {
        "api_key": choice(str | None, "--api-key", help="Default: DASHSCOPE_API_KEY.", rich_help_panel=_ACCOUNT),
        "region": choice(
            str | None,
            "--region",
            help="cn-beijing (default) or ap-southeast-1; or DASHSCOPE_REGION.",
            rich_help_panel=_ACCOUNT,
        ),
        "workspace": choice(
            str | None, "--workspace", help="A workspace id; or DASHSCOPE_WORKSPACE.", rich_help_panel=_ACCOUNT
        ),
        "base_url": choice(str | None, "--base-url", help="Or DASHSCOPE_BASE_URL.", rich_help_panel=_ACCOUNT),
    },
)
"""Give a command the options that say who asks and where, all in its argument `place`, which is a `Place`."""
