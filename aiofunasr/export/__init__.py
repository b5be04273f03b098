"""Transcripts as text in the formats people use, and as tables.

Pure functions: a `Transcript`, or a `SubtaskResult`, goes in and a string, or a list of rows, comes out.

    text = render(result, "srt", Style(cues=CueRules(columns=37)))

For half a day of speech that takes a second, so it belongs in a thread; `FORMATS["srt"].pieces(result)` is the same
text piece by piece, which takes no room.
"""

from aiofunasr.export.cues import Cue, make_cues
from aiofunasr.export.documents import result_record
from aiofunasr.export.formats import FORMATS, Format, render
from aiofunasr.export.rules import CueRules
from aiofunasr.export.style import Style
from aiofunasr.export.tables import SentenceRow, WordRow, rows, schema

__all__ = [
    "FORMATS",
    "Cue",
    "CueRules",
    "Format",
    "SentenceRow",
    "Style",
    "WordRow",
    "make_cues",
    "render",
    "result_record",
    "rows",
    "schema",
]
