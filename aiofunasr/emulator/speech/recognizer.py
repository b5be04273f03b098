"""The emulator's recognizer that hears: decoding, speech detection and an engine, in worker threads.

Threads, not processes, by measurement: libav, onnxruntime and the engine release the GIL while they work. With
one worker on two cores the event loop waited 8 ms at worst in the quietest runs, which is one turn of the GIL
(5 ms) and a little, and 15 to 35 ms where other programs wanted the cores too: that is a wait for a core, which a
process would bring as well, along with 300 MB. Loading the libraries with the first file holds the loop once, by 15 ms.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Final

import anyio
import anyio.to_thread

from aiofunasr.emulator.recognizer import Recognition, RecognitionRequest, Recognizer
from aiofunasr.emulator.speech.assembly import StoppedError, recognize_file
from aiofunasr.emulator.speech.decode import refuse_too_long
from aiofunasr.emulator.speech.engine import Engine
from aiofunasr.emulator.speech.models import Models

DEFAULT_WORKERS: Final = 1
"""The default engine works on several cores by itself: on two, a second worker recognized no more an hour, took
another 200 MB, and left the event loop waiting for a core, 30 ms at worst.
"""


class SpeechRecognizer(Recognizer):
    """Recognize media files, `workers` of them at once, in threads.

    A worker loads its models with its first file and keeps them. Nothing is bound to an event loop, so one
    recognizer may serve several loops one after the other.

    Cancelling `recognize` stops the work: a file that waits is dropped at once, one that is being worked on is
    left after the segment at hand (under a second with the default engine), and only then does the cancellation go
    on, so that no thread still reads a file that the caller deletes. A second cancellation does not wait for that.

    With `diarization_enabled` on one track, sentences carry their `speaker_id` and end where the speaker changes.
    """

    needs_media = True

    def __init__(self, engine: Callable[[], Engine], *, workers: int = DEFAULT_WORKERS) -> None:
        """Prepare the workers; nothing is loaded yet. `engine` loads a model, and is called once per worker."""
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self._load_engine = engine
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="aiofunasr-speech")
        self._idle: list[Models] = []
        self._running: dict[Future[Recognition], Event] = {}
        self._closed = False

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self._running)} files at hand"
        return f"<SpeechRecognizer: {state}, {self._workers} workers>"

    async def recognize(self, request: RecognitionRequest, media: Path | None) -> Recognition:
        """Recognize one file.

        Raises:
            FileProblemError: the file has no result, with the code of the protocol notes, section 6.3. An engine
                that does not know the language is `InvalidParameter`: section 6.3 has nothing for it, and
                the request is what has to change.
            RuntimeError: the recognizer is closed, or was while the file was waiting or at hand.
        """
        if self._closed:
            raise RuntimeError("this recognizer is closed")
        if media is None:
            raise ValueError("speech recognition reads the file: media must not be None")
        stop = Event()
        job = self._pool.submit(self._work, request, media, stop)
        self._running[job] = stop
        job.add_done_callback(self._running.pop)
        done = asyncio.wrap_future(job)
        try:
            await asyncio.wait([done])
        except asyncio.CancelledError:
            if not job.cancel():
                stop.set()
                # Looked at, or asyncio would report an error that nobody wants to know.
                done.add_done_callback(lambda stopped: stopped.exception())
                with anyio.CancelScope(shield=True):
                    await asyncio.wait([done])
            raise
        if job.cancelled():
            raise StoppedError("the recognizer was closed")
        return done.result()

    async def inspect(self, head: Path) -> None:
        """Refuse a file whose header says that it is longer than 12 hours.

        Not in the workers: they may be at other files for long.

        Raises:
            FileProblemError: `AUDIO_DURATION_TOO_LONG`.
        """
        await anyio.to_thread.run_sync(refuse_too_long, head)

    async def aclose(self) -> None:
        """Stop the work at hand, wait for the threads and free the models."""
        self._closed = True
        for stop in list(self._running.values()):
            stop.set()
        await anyio.to_thread.run_sync(self._shut_down)

    def _shut_down(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        while self._idle:
            self._idle.pop().close()

    def _work(self, request: RecognitionRequest, media: Path, stop: Event) -> Recognition:
        with self._models() as models:
            return recognize_file(media, request, models, stop)

    @contextmanager
    def _models(self) -> Iterator[Models]:
        """Lend a set of models that no other worker uses, loading one if all are out."""
        try:
            models = self._idle.pop()
        except IndexError:
            models = Models(self._load_engine())
        try:
            yield models
        finally:
            self._idle.append(models)
