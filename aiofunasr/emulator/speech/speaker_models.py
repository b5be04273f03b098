"""The two models that tell speakers apart: where one stops and another starts, and what a voice is like.

They are those of pyannote's speaker-diarization-community-1 (CC BY 4.0): a segmentation model, and a WeSpeaker
ResNet that turns a stretch of speech into a vector. moonshine-voice carries them as data inside of its native library,
for its own diarization, which takes its time as if the audio came from a microphone and has no place for a
number of speakers. Here they run in onnxruntime, which the speech detector brought along.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiofunasr.emulator.speech.decode import SAMPLE_RATE, Samples
from aiofunasr.emulator.speech.features import filter_bank

Voice = NDArray[np.float32]
"""What a voice is like: a vector of length 1. Those of one speaker point in about the same direction."""

CHUNK_SAMPLES: Final = 10 * SAMPLE_RATE
"""What the segmentation model looks at at once."""
LOCAL_SPEAKERS: Final = 3
"""How many voices it tells apart in there."""
_PACKAGE: Final = "moonshine_voice"
_LIBRARIES: Final = ("libmoonshine.so", "libmoonshine.dylib", "moonshine.dll")
_IDENTIFIER: Final = b"ORTM"
"""What stands in every onnxruntime model, after the four bytes that it begins with."""
_BEFORE_IDENTIFIER: Final = 4


class SpeakerModels:
    """Both models, loaded: 0.2 s and 40 MB. One thread at a time uses them."""

    def __init__(self, library: Path | None = None) -> None:
        """Load the models out of a native library; None stands for that of the installed moonshine-voice.

        Raises:
            FileNotFoundError: there is no such library, or no such model in it.
        """
        sessions = {session.get_inputs()[0].name: session for session in _sessions(library or find_library())}
        try:
            self._segmentation, self._embedding = sessions["waveforms"], sessions["fbank"]
        except KeyError:
            raise FileNotFoundError(
                f"{library or _PACKAGE} holds no speaker models: the emulator needs moonshine-voice 0.1.0"
            ) from None

    def who_speaks(self, chunk: Samples) -> NDArray[np.bool_]:
        """Return who of up to 3 voices speaks when, in a row for each of the chunk's equal frames of about 17 ms.

        The numbers of the voices mean something within this chunk of 10 s alone.
        """
        (activity,) = self._segmentation.run(None, {"waveforms": chunk.reshape(1, 1, CHUNK_SAMPLES)})
        spoken: NDArray[np.bool_] = activity[0] > 0.5
        return spoken

    def voice(self, samples: Samples, keep: NDArray[np.bool_]) -> Voice:
        """Return what the voice in some samples is like, going by the frames of 10 ms to keep."""
        features = filter_bank(samples)
        weights = np.zeros(len(features), np.float32)
        weights[: len(keep)] = keep[: len(features)]
        if not weights.any():
            weights[:] = 1.0
        (found,) = self._embedding.run(None, {"fbank": features[None], "weights": weights[None]})
        vector: Voice = found[0] / max(float(np.linalg.norm(found[0])), 1e-6)
        return vector


def find_library() -> Path:
    """Return the path of moonshine-voice's native library, without loading it.

    Raises:
        FileNotFoundError: the package is not installed, or has none for this system.
    """
    spec = find_spec(_PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        for name in _LIBRARIES:
            if (path := Path(folder, name)).is_file():
                return path
    raise FileNotFoundError('telling speakers apart needs moonshine-voice: pip install "aiofunasr[emulator]"')


def _sessions(library: Path) -> Iterator[Any]:
    # By name: it comes with the speech detector, has no types, and takes 0.2 s.
    onnxruntime: Any = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    # With the engine's own threads, and the event loop's, there are enough for a small machine.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for model in _models_in(library):
        yield onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _models_in(library: Path) -> Iterator[bytes]:
    """Return the models that lie in a file, each with whatever comes after it: a model knows its own end."""
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        begins = []
        found = content.find(_IDENTIFIER)
        while found >= 0:
            begins.append(found - _BEFORE_IDENTIFIER)
            found = content.find(_IDENTIFIER, found + 1)
        for begin, end in pairwise([*begins, len(content)]):
            yield content[begin:end]
