"""What can be asked of a model on the command line: the options, and what they are made into."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

import typer

from aiofunasr.cli.gathering import Choice, choice, gathered, name_of
from aiofunasr.errors import InvalidArgumentError
from aiofunasr.options import DEFAULT_MODEL, TranscriptionOptions
from aiofunasr.options.wordfilter import SpecialWordFilter

_ASKED = "Recognition (aiofunasr models NAME says what a model takes)"

USUAL_WEIGHT = 4
"""Of a hot word that is given without one; what the service advises (the protocol notes, section 9)."""


Texts: TypeAlias = list[str] | None


def _word_filter(
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


def _hot_words(given: Texts) -> dict[str, int] | None:
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


def _extra_parameters(given: Texts) -> dict[str, Any]:
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


def _transcription_options(
    *,
    model: str,
    mask: Texts,
    remove: Texts,
    unmasked: bool,
    special_word_filter: str | None,
    vocabulary: Texts,
    extra_parameters: Texts,
    **rest: Any,
) -> TranscriptionOptions:
    """Make the options, and speak of what is wrong with them in the words of the command line.

    Raises:
        typer.BadParameter: A value cannot be used.
    """
    rest["diarization_enabled"] |= rest["speaker_count"] is not None
    rest["special_word_filter"] = _word_filter(mask, remove, special_word_filter, unmasked=unmasked)
    rest["vocabulary"] = _hot_words(vocabulary)
    rest["extra_parameters"] = _extra_parameters(extra_parameters)
    given = {name: value for name, value in rest.items() if not _is_nothing(value)}
    try:
        return TranscriptionOptions(model=model, **given)
    except InvalidArgumentError as error:
        raise _bad(error) from None


def _is_nothing(value: object) -> bool:
    return value is None or value is False or (isinstance(value, Sequence | dict) and len(value) == 0)


def _bad(error: InvalidArgumentError) -> typer.BadParameter:
    option = _OPTION_OF.get(error.argument, error.argument)
    return typer.BadParameter(str(error).replace(error.argument, option, 1))


def _option(kind: Any, *names: str, **more: Any) -> Choice:
    return choice(kind, *names, rich_help_panel=_ASKED, **more)


_OPTIONS = {
    "model": choice(str, "--model", help="One of the service's models for recorded files.", default=DEFAULT_MODEL),
    "language_hints": _option(
        Texts, "--language", metavar="CODE", help="A language that is spoken, such as en; may be repeated."
    ),
    "diarization_enabled": _option(bool, "--diarize", default=False, help="Tell speakers apart (mono audio)."),
    "speaker_count": _option(
        int | None, "--speakers", metavar="N", help="How many speakers there are, 2 to 100; implies --diarize."
    ),
    "channel_id": _option(
        list[int] | None,
        "--channel",
        metavar="N",
        help="A track to transcribe, from 0; may be repeated. Each is billed.",
    ),
    "mask": _option(Texts, "--mask", metavar="WORD", help="A word to replace by *; may be repeated."),
    "remove": _option(Texts, "--remove", metavar="WORD", help="A word to leave out; may be repeated."),
    "unmasked": _option(
        bool,
        "--unmasked",
        default=False,
        help="Do not mask the words of the service's own list, as it does by default.",
    ),
    "special_word_filter": _option(
        str | None, "--word-filter", metavar="JSON", help="The word filter as the service has it."
    ),
    "speech_noise_threshold": _option(
        float | None,
        "--noise-threshold",
        metavar="X",
        help="-1.0 to 1.0; the higher, the more is dropped as noise.",
    ),
    "vocabulary_id": _option(str | None, "--vocabulary-id", metavar="ID", help="A hot-word list of that model."),
    "vocabulary": _option(
        Texts,
        "--hot-word",
        metavar="WORD[=WEIGHT]",
        help="A word to expect, weight 1 to 5, or 50; may be repeated.",
    ),
    "context": _option(
        Texts,
        "--context",
        metavar="TEXT",
        help="What the audio is about, up to 400 characters; may be repeated.",
    ),
    "corpus": _option(str | None, "--corpus", metavar="TEXT", help="Names and terms that may come up."),
    "disfluency_removal_enabled": _option(bool, "--no-fillers", default=False, help="Drop filler words."),
    "timestamp_alignment_enabled": _option(
        bool, "--align-times", default=False, help="Recalibrate the times of words."
    ),
    "audio_event_detection_enabled": _option(bool, "--audio-events", default=False, help="Detect audio events."),
    "phrase_id": _option(str | None, "--phrase-id", metavar="ID", help="A phrase list of a paraformer v1 model."),
    "enable_words": _option(
        bool, "--words", default=False, help="Give the times of words, where a model does not by itself."
    ),
    "enable_itn": _option(bool, "--itn", default=False, help="Write numbers as digits."),
    "extra_parameters": _option(
        Texts,
        "--parameter",
        metavar="NAME=JSON",
        help="Any other parameter, sent as it is; may be repeated.",
    ),
}
_OPTION_OF = {name: name_of(option) for name, option in _OPTIONS.items()} | {
    "masked": "--mask",
    "removed": "--remove",
    "text": "--context",
}

with_options = gathered("asked", _transcription_options, _OPTIONS)
"""Give a command the options of recognition, all in its argument `asked`, which is `TranscriptionOptions`."""
