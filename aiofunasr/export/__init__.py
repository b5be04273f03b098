"""Transcripts as text in the formats people use.

Pure functions: a `Transcript`, or a `SubtaskResult`, goes in and a string comes out.

    text = render(result, "srt")
"""

from aiofunasr.export.cues import Cue, CueRules, make_cues
from aiofunasr.export.documents import result_record, transcript_document
from aiofunasr.export.formats import FORMATS, Format, render

__all__ = [
    "FORMATS",
    "Cue",
    "CueRules",
    "Format",
    "make_cues",
    "render",
    "result_record",
    "transcript_document",
]
