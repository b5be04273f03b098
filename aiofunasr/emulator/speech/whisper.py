"""The engine for other languages: faster-whisper with a model that the user brings."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from aiofunasr.emulator.speech.decode import Samples
from aiofunasr.emulator.speech.engine import Heard, HeardPiece

_MODEL_FILE: Final = "model.bin"


class WhisperEngine:
    """Recognize any language of a Whisper model in CTranslate2's format, with the model's own word times."""

    name = "whisper"

    def __init__(self, model: Path) -> None:
        """Load the model from its directory; nothing is downloaded.

        Raises:
            FileNotFoundError: the directory holds no such model.
        """
        check_model(model)
        # By name: an extra of its own, which a checkout that is type-checked need not have.
        self._model: Any = import_module("faster_whisper").WhisperModel(
            str(model), device="cpu", compute_type="int8", local_files_only=True
        )
        self.languages: frozenset[str] = frozenset(self._model.supported_languages)

    def recognize_segment(self, samples: Samples, languages: Sequence[str] = ()) -> Heard:
        """Recognize a segment in the one of the languages that the model finds it to be in, or in any."""
        segments, _ = self._model.transcribe(
            samples,
            language=languages[0] if len(languages) == 1 else self._likeliest(samples, languages),
            beam_size=5,
            word_timestamps=True,
            # Speech was found before, and each segment stands for itself: a text carried on repeats itself.
            vad_filter=False,
            condition_on_previous_text=False,
        )
        pieces = tuple(
            HeardPiece(word.word, round(word.start * 1000), round(word.end * 1000))
            for segment in segments
            for word in segment.words or ()
        )
        return Heard("".join(piece.text for piece in pieces).strip(), pieces)

    def _likeliest(self, samples: Samples, languages: Sequence[str]) -> str | None:
        if not languages:
            return None
        _, _, found = self._model.detect_language(samples)
        chances = dict(found)
        return max(languages, key=lambda language: float(chances.get(language, 0.0)))

    def close(self) -> None:
        """Free the model."""
        self._model.model.unload_model()


def check_model(model: Path) -> None:
    """Check that a directory holds a model.

    Raises:
        FileNotFoundError: it does not; the message says what should be there.
    """
    if not (model / _MODEL_FILE).is_file():
        raise FileNotFoundError(f"{model} is no CTranslate2 Whisper model: it has no {_MODEL_FILE}")
