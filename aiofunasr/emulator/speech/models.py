"""The models that one worker has to itself."""

from __future__ import annotations

from aiofunasr.emulator.speech.activity import DetectorSource
from aiofunasr.emulator.speech.engine import Engine
from aiofunasr.emulator.speech.speaker_models import SpeakerModels


class Models:
    """A speech detector and an engine, and what tells speakers apart once that is asked for."""

    def __init__(self, engine: Engine) -> None:
        """Load the speech detector."""
        self.engine = engine
        self.detectors = DetectorSource()
        self._speakers: SpeakerModels | None = None

    @property
    def speakers(self) -> SpeakerModels:
        """The speaker models, loaded when they are first asked for.

        Raises:
            FileNotFoundError: there are none: moonshine-voice, which carries them, is missing or another version.
        """
        if self._speakers is None:
            self._speakers = SpeakerModels()
        return self._speakers

    def close(self) -> None:
        """Free the engine's model."""
        self.engine.close()
