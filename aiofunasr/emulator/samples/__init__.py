"""A short recording that ships with the package, to try things with; its source is in the README beside it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

SAMPLE_TEXT: Final = (
    "And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do for them."
)
"""What is said in the sample."""


def sample_path() -> Path:
    """Return the path of the sample: 7.1 s of English, 16 kHz mono wav."""
    return Path(str(files(__name__) / "sense_and_sensibility.wav"))
