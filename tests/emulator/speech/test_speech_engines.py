from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from aiofunasr.emulator.speech import HeardPiece, MissingExtraError, default_recognizer, extras
from aiofunasr.emulator.speech import whisper as whisper_module
from aiofunasr.emulator.speech.moonshine import MoonshineEngine
from aiofunasr.emulator.speech.whisper import WhisperEngine


def test_moonshine_takes_any_length() -> None:
    engine = MoonshineEngine()
    for count in (0, 1, 100, 16000):
        assert isinstance(engine.recognize_segment(np.zeros(count, np.float32)).text, str)
    engine.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"engine": "vosk"}, "engine must be 'moonshine' or 'whisper', not 'vosk'"),
        ({"engine": "whisper"}, "needs model"),
        ({"engine": "moonshine", "model": Path("x")}, "brings its own model"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        default_recognizer(**arguments)


@pytest.mark.parametrize(
    ("engine", "package", "extra"),
    [("moonshine", "moonshine_voice", "emulator"), ("whisper", "faster_whisper", "whisper")],
)
def test_a_missing_package_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: str, package: str, extra: str
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == package else find_spec(name))
    with pytest.raises(MissingExtraError) as caught:
        default_recognizer(engine, tmp_path if engine == "whisper" else None)
    assert f'pip install "aiofunasr[{extra}]"' in str(caught.value)
    assert caught.value.extra == extra


def test_importing_without_the_extra_says_what_to_install() -> None:
    program = (
        "import sys; from importlib.machinery import PathFinder; found = PathFinder.find_spec\n"
        "PathFinder.find_spec = lambda name, *more: None if name == 'av' else found(name, *more)\n"
        "import aiofunasr.emulator.speech"
    )
    result = subprocess.run(  # noqa: S603  # our own interpreter and program
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "MissingExtraError" in result.stderr
    assert 'pip install "aiofunasr[emulator]"' in result.stderr


class FakeWhisper:
    """Stands in for faster_whisper, whose models are too large to test with."""

    supported_languages = ("en", "zh")

    def __init__(self, path: str, **options: Any) -> None:
        self.path = path
        self.asked: dict[str, Any] = {}
        self.model = SimpleNamespace(unload_model=lambda: None)

    def detect_language(self, samples: Any) -> Any:
        return "ja", 0.6, [("ja", 0.6), ("zh", 0.3), ("en", 0.1)]

    def transcribe(self, samples: Any, **options: Any) -> Any:
        self.asked = options
        words = [SimpleNamespace(word=" Hello", start=0.1, end=0.5), SimpleNamespace(word=" you.", start=0.6, end=0.9)]
        return iter([SimpleNamespace(words=words), SimpleNamespace(words=None)]), None


def test_whisper_gives_its_own_times(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(whisper_module, "import_module", lambda name: SimpleNamespace(WhisperModel=FakeWhisper))
    (tmp_path / "model.bin").touch()
    engine = WhisperEngine(tmp_path)
    heard = engine.recognize_segment(np.zeros(16000, np.float32), ["en"])
    assert heard.text == "Hello you."
    assert heard.pieces == (HeardPiece(" Hello", 100, 500), HeardPiece(" you.", 600, 900))
    assert engine.languages == {"en", "zh"}
    engine.close()


@pytest.mark.parametrize(
    ("languages", "asked"), [([], None), (["zh"], "zh"), (["en", "zh"], "zh"), (["en", "yue"], "en")]
)
def test_whisper_is_asked_for_the_likeliest_of_the_languages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, languages: list[str], asked: str | None
) -> None:
    monkeypatch.setattr(whisper_module, "import_module", lambda name: SimpleNamespace(WhisperModel=FakeWhisper))
    (tmp_path / "model.bin").touch()
    engine = WhisperEngine(tmp_path)
    engine.recognize_segment(np.zeros(16000, np.float32), languages)
    assert engine._model.asked["language"] == asked


def test_a_directory_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no model\.bin"):
        WhisperEngine(tmp_path)
