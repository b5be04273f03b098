"""What can be asked of a model on the command line: the options, and what they are made into."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import typer

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.options import TranscriptionOptions
from aiofunasr.wordfilter import SpecialWordFilter

_ASKED = "Recognition (aiofunasr models NAME says what a model takes)"

USUAL_WEIGHT = 4
"""Of a hot word that is given without one; what the service advises (the protocol notes, section 9)."""


def _option(*names: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=_ASKED, show_default=False)


Texts: TypeAlias = list[str] | None

Language: TypeAlias = Annotated[
    Texts, _option("--language", metavar="CODE", help="A language that is spoken, such as en; may be repeated.")
]
Diarize: TypeAlias = Annotated[bool, _option("--diarize", help="Tell speakers apart (mono audio).")]
Speakers: TypeAlias = Annotated[
    int | None,
    _option("--speakers", metavar="N", help="How many speakers there are, 2 to 100; implies --diarize."),
]
Channels: TypeAlias = Annotated[
    list[int] | None,
    _option("--channel", metavar="N", help="A track to transcribe, from 0; may be repeated. Each is billed."),
]
Masked: TypeAlias = Annotated[Texts, _option("--mask", metavar="WORD", help="A word to replace by *; may be repeated.")]
Removed: TypeAlias = Annotated[Texts, _option("--remove", metavar="WORD", help="A word to leave out; may be repeated.")]
Unmasked: TypeAlias = Annotated[
    bool, _option("--unmasked", help="Do not mask the words of the service's own list, as it does by default.")
]
WordFilter: TypeAlias = Annotated[
    str | None, _option("--word-filter", metavar="JSON", help="The word filter as the service has it.")
]
NoiseThreshold: TypeAlias = Annotated[
    float | None,
    _option("--noise-threshold", metavar="X", help="-1.0 to 1.0; the higher, the more is dropped as noise."),
]
VocabularyId: TypeAlias = Annotated[
    str | None, _option("--vocabulary-id", metavar="ID", help="A hot-word list of that model.")
]
HotWords: TypeAlias = Annotated[
    Texts,
    _option("--hot-word", metavar="WORD[=WEIGHT]", help="A word to expect, weight 1 to 5, or 50; may be repeated."),
]
Context: TypeAlias = Annotated[
    Texts, _option("--context", metavar="TEXT", help="What the audio is about, up to 400 characters; may be repeated.")
]
Corpus: TypeAlias = Annotated[str | None, _option("--corpus", metavar="TEXT", help="Names and terms that may come up.")]
NoFillers: TypeAlias = Annotated[bool, _option("--no-fillers", help="Drop filler words.")]
AlignTimes: TypeAlias = Annotated[bool, _option("--align-times", help="Recalibrate the times of words.")]
AudioEvents: TypeAlias = Annotated[bool, _option("--audio-events", help="Detect audio events.")]
PhraseId: TypeAlias = Annotated[
    str | None, _option("--phrase-id", metavar="ID", help="A phrase list of a paraformer v1 model.")
]
Words: TypeAlias = Annotated[
    bool, _option("--words", help="Give the times of words, where a model does not by itself.")
]
Itn: TypeAlias = Annotated[bool, _option("--itn", help="Write numbers as digits.")]
Parameters: TypeAlias = Annotated[
    Texts,
    _option("--parameter", metavar="NAME=JSON", help="Any other parameter, sent as it is; may be repeated."),
]

_OPTION_OF = {
    "model": "--model",
    "channel_id": "--channel",
    "special_word_filter": "--word-filter",
    "masked": "--mask",
    "removed": "--remove",
    "diarization_enabled": "--diarize",
    "speaker_count": "--speakers",
    "language_hints": "--language",
    "speech_noise_threshold": "--noise-threshold",
    "vocabulary_id": "--vocabulary-id",
    "vocabulary": "--hot-word",
    "context": "--context",
    "text": "--context",
    "phrase_id": "--phrase-id",
    "corpus": "--corpus",
    "extra_parameters": "--parameter",
}


def word_filter(
    masked: Texts, removed: Texts, written: str | None, *, unmasked: bool
) -> SpecialWordFilter | str | None:
    """Return the word filter that was asked for, in either way, or None.

    Raises:
        typer.BadParameter: Both ways were used, or a word cannot be filtered.
    """
    if not (masked or removed or unmasked):
        return written
    if written is not None:
        raise typer.BadParameter("--word-filter goes without --mask, --remove and --unmasked")
    try:
        return SpecialWordFilter(masked=masked or (), removed=removed or (), reserved=not unmasked)
    except InvalidArgumentError as error:
        raise _bad(error) from None


def hot_words(given: Texts) -> dict[str, int] | None:
    """Return hot words with their weights.

    Raises:
        typer.BadParameter: A weight is no number.
    """
    found: dict[str, int] = {}
    for text in given or ():
        word, mark, weight = text.rpartition("=")
        if mark and not weight.isdecimal():
            raise typer.BadParameter(f"--hot-word {text}: a whole number is needed after the =")
        found[word if mark else text] = int(weight) if mark else USUAL_WEIGHT
    return found or None


def extra_parameters(given: Texts) -> dict[str, Any]:
    """Return parameters that have no option of their own; what is no JSON is a text.

    Raises:
        typer.BadParameter: A name is missing.
    """
    found: dict[str, Any] = {}
    for text in given or ():
        name, mark, value = text.partition("=")
        if not name or not mark:
            raise typer.BadParameter(f"--parameter {text}: NAME=JSON is needed")
        try:
            found[name] = json.loads(value)
        except (ValueError, RecursionError):
            found[name] = value
    return found


def transcription_options(**asked: Any) -> TranscriptionOptions:
    """Make the options, and speak of what is wrong with them in the words of the command line.

    Raises:
        typer.BadParameter: A value cannot be used.
    """
    given = {name: value for name, value in asked.items() if not _is_nothing(value)}
    try:
        return TranscriptionOptions(**given)
    except InvalidArgumentError as error:
        raise _bad(error) from None


def _is_nothing(value: object) -> bool:
    return value is None or value is False or (isinstance(value, Sequence | dict) and len(value) == 0)


def _bad(error: InvalidArgumentError) -> typer.BadParameter:
    option = _OPTION_OF.get(error.argument, error.argument)
    return typer.BadParameter(str(error).replace(error.argument, option, 1))
