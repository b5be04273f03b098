"""The default engine: Moonshine tiny-en, whose model comes inside the wheel. English only.

moonshine-voice is pinned to 0.1.0, the last version with a model in the wheel, and its own voice activity
detection is off: on, it puts words such as "You" or "Thank you." in front of what was said.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from threading import Lock
from typing import Any, Final

import numpy as np

from aiofunasr.emulator.speech.decode import SAMPLE_RATE, Samples
from aiofunasr.emulator.speech.engine import Heard

_MIN_SAMPLES: Final = SAMPLE_RATE // 2
"""The model's first layers refuse a few milliseconds of audio; silence is added up to half a second."""

_LOADING: Final = Lock()
"""The package's handle on its native library is not ready yet for a second thread that asks meanwhile."""


class MoonshineEngine:
    """Recognize English with Moonshine; it writes punctuation and capitals, and does not time its words.

    Each engine has a model of its own (120 MB): called from two threads at once, one model mixes up its results.
    """

    name = "moonshine"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        """Load the model: about 0.4 s.

        Raises:
            ImportError: the wheel does not run on this system.
        """
        from moonshine_voice import errors, moonshine_api, utils  # noqa: PLC0415  # loads the native library: 0.3 s
        from moonshine_voice.transcriber import Transcriber  # noqa: PLC0415

        self._check_error = errors.check_error
        self._transcript_type: Any = moonshine_api.TranscriptC
        with _LOADING:
            self._transcriber: Any = Transcriber(
                utils.get_model_path("tiny-en"),
                moonshine_api.ModelArch.TINY,
                options={"vad_threshold": 0.0, "return_audio_data": "false"},
            )

    def recognize_segment(self, samples: Samples, languages: Sequence[str] = ()) -> Heard:  # noqa: ARG002
        """Recognize a segment; the language can only be English.

        The C function is called as the package's own `Transcriber` calls it, but on the samples as they are. The
        package turns them into a tuple and the answer's audio into a list, which holds the GIL, and with it
        the event loop, for 37 ms on 25 s of audio against 6 ms here.

        Raises:
            moonshine_voice.MoonshineError: the model failed.
        """
        audio = np.ascontiguousarray(samples, np.float32)
        if len(audio) < _MIN_SAMPLES:
            audio = np.pad(audio, (0, _MIN_SAMPLES - len(audio)))
        answer = ctypes.POINTER(self._transcript_type)()
        status = self._transcriber._lib.moonshine_transcribe_without_streaming(  # noqa: SLF001
            self._transcriber._handle,  # noqa: SLF001
            audio.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
            len(audio),
            SAMPLE_RATE,
            0,
            ctypes.byref(answer),
        )
        self._check_error(status)
        if not answer:
            return Heard("")
        transcript: Any = answer.contents
        lines = (transcript.lines[number].text for number in range(transcript.line_count))
        return Heard(" ".join(ctypes.string_at(line).decode("utf-8", "replace").strip() for line in lines if line))

    def close(self) -> None:
        """Free the model."""
        self._transcriber.close()
