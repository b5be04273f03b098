"""What can be asked for: options, models, and what of the one the other would not heed."""

from aiofunasr.options.asked import DEFAULT_MODEL, ContextTurn, TranscriptionOptions

__all__ = ["DEFAULT_MODEL", "ContextTurn", "TranscriptionOptions"]
