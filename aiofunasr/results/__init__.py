"""What comes back: one `SubtaskResult` a file, and the `Transcript` in it."""

from aiofunasr.results.subtask import Source, SubtaskResult
from aiofunasr.results.transcript import AudioProperties, Channel, Sentence, Transcript, Word

__all__ = ["AudioProperties", "Channel", "Sentence", "Source", "SubtaskResult", "Transcript", "Word"]
