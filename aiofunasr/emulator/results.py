"""The result files: their signed links, and what a download gets (protocol notes, section 3.6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from aiofunasr.emulator.document import transcription_document
from aiofunasr.emulator.messages import HttpRequest, StorageRefusalError
from aiofunasr.emulator.recognizer import Recognition, RecognitionRequest
from aiofunasr.emulator.replies import service_zone
from aiofunasr.emulator.scripted import ScriptedRecognizer
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.storage import ObjectStorage, result_path
from aiofunasr.emulator.tasks import Task, TaskFile
from aiofunasr.emulator.word_filter import WordFilter

_SNAPSHOTS: Final = {"fun-asr": "fun-asr-2025-11-07", "fun-asr-mtl": "fun-asr-mtl-2025-08-25"}


class ResultFiles:
    """Knows the result files that were linked to, by their path."""

    def __init__(
        self,
        settings: EmulatorSettings,
        storage: ObjectStorage,
        script: ScriptedRecognizer | None,
        new_id: Callable[[], str],
    ) -> None:
        self.settings = settings
        self._storage = storage
        self._script = script
        self._new_id = new_id
        self._files: dict[str, tuple[Task, TaskFile]] = {}

    def link(self, task: Task, file: TaskFile, now: float, life: float | None = None) -> str:
        """Return the path and signed query of a finished file; asked again, the same one.

        `life`: seconds from now that it lasts, where it is not the usual time from the end of the task.
        """
        settings = self.settings
        ended_at = (file.ends_at if task.ends_at is None or task.ends_at > now else task.ends_at) or now
        if file.link is None:
            folder = datetime.fromtimestamp(ended_at, service_zone(settings))
            path = result_path(_SNAPSHOTS.get(task.model.name, task.model.name), folder, self._new_id())
            self._files[path] = (task, file)
        elif settings.resign_links:
            path, ended_at = file.link.partition("?")[0], now
        else:
            return file.link
        expires = math.floor(ended_at) + int(settings.result_link_life)
        if life is not None:
            # A link is good until its second has passed.
            expires = math.ceil(now + life) - 1
        file.link = self._storage.link(path, expires)
        return file.link

    def read(self, request: HttpRequest, now: float) -> bytes:
        """Return the document a link names.

        Raises:
            StorageRefusalError: the link has expired, was altered, or came with an API key.
        """
        task, file = self._find(request, now)
        document = request.document or file.document or self._writing(task, file)()
        if document is None:
            raise _no_such_key()
        return document

    def unwritten(self, request: HttpRequest, now: float) -> Callable[[], bytes | None] | None:
        """Return what writes the document a link names, in any thread; None if it is written, or is refused."""
        try:
            task, file = self._find(request, now)
        except StorageRefusalError:
            return None
        return self._writing(task, file) if file.document is None else None

    def _find(self, request: HttpRequest, now: float) -> tuple[Task, TaskFile]:
        status = self.settings.authorized_result_status
        if status is not None and request.header("Authorization"):
            code = "InvalidArgument" if status == 400 else "AccessDenied"
            message = "Only one auth mechanism allowed: the query string or the Authorization header."
            raise StorageRefusalError(status, code, message)
        self._storage.check_link(request.path, request.query, now)
        found = self._files.get(request.path) or self._files.get(request.path.replace(":", "%3A"))
        if found is None:
            raise _no_such_key()
        return found

    def _writing(self, task: Task, file: TaskFile) -> Callable[[], bytes | None]:
        return partial(_write, self._script, file.request, task.word_filter, self.settings.missing_speaker_every)

    def forget(self, task: Task) -> None:
        """Drop the results of a task."""
        for file in task.files:
            if file.link is not None:
                self._files.pop(file.link.partition("?")[0], None)


def _write(
    script: ScriptedRecognizer | None, request: RecognitionRequest, word_filter: WordFilter, missing_speaker_every: int
) -> bytes | None:
    """Write what the script says of a file: with many hot words, or of hours of speech, that takes seconds."""
    outcome = None if script is None else script.outcome(request)
    if not isinstance(outcome, Recognition):
        return None
    return transcription_document(request, outcome, word_filter, missing_speaker_every)


def _no_such_key() -> StorageRefusalError:
    return StorageRefusalError(404, "NoSuchKey", "The specified key does not exist.")
