"""How transcripts are written, as far as there is a choice."""

from __future__ import annotations

from attrs import field, frozen, validators

from aiofunasr.export.rules import CueRules
from aiofunasr.export.tables import Level, check_level


@frozen(kw_only=True)
class Style:
    """What can be chosen about formats; each takes from it what concerns it.

    Attributes:
        cues: What subtitles obey (srt, vtt, ass).
        names: Whether it is said who speaks, where there are several (txt, srt, vtt, ass).
        times: Whether each paragraph begins with its time (txt).
        level: What a row of a table is: "sentences" or "words" (csv, tsv).
        audio: Where the page finds the recording: a relative path, an http, https, file or data URL. None takes it
            from the transcript, without what comes after the path of a URL: it may be a signature (html).

    Raises:
        InvalidArgumentError: There is no such level.
    """

    cues: CueRules = field(factory=CueRules, validator=validators.instance_of(CueRules))
    names: bool = True
    times: bool = False
    level: Level = field(default="sentences", validator=lambda _, __, value: check_level(value))
    audio: str | None = field(default=None, repr=False)
