"""What became of one file."""

from __future__ import annotations

from os import PathLike

from attrs import field, frozen

from aiofunasr.errors import FunASRError
from aiofunasr.redaction import redact
from aiofunasr.results.transcript import Transcript

Source = str | PathLike[str]


def _shorten(transcript: Transcript | None) -> str:
    return "None" if transcript is None else f"<{len(transcript.text)} characters>"


@frozen(kw_only=True)
class SubtaskResult:
    """What became of one file of a task.

    Attributes:
        source: The file as the caller gave it: a URL or a path.
        file_url: The URL the service was given; an `oss://` URL for an uploaded path, percent-encoded where the
            source needed it. None when the file failed before it had one.
        index: The position in the input, from 0.
        task_id: The task it was part of; None when none was made.
        token: The task's token; None when there is no task.
        transcript: The transcript, or None when `error` says why there is none.
        error: That file's error, or None.
        no_speech: Whether the service found no speech; the transcript is then empty, and `ok` is True.
        transcription_url: Where the document lies for 24 hours; signed, so treat it as a secret.
    """

    source: Source = field(repr=lambda source: redact(repr(source)))
    file_url: str | None = field(default=None, repr=False)
    index: int
    task_id: str | None = None
    token: str | None = field(default=None, repr=False)
    transcript: Transcript | None = field(default=None, repr=_shorten)
    error: FunASRError | None = None
    no_speech: bool = False
    transcription_url: str | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether there is a transcript (an empty one when there was no speech)."""
        return self.error is None

    @property
    def text(self) -> str:
        """The transcript's text; empty when there is none."""
        return self.transcript.text if self.transcript is not None else ""

    def unwrap(self) -> Transcript:
        """Return the transcript, or raise this file's error.

        Raises:
            FunASRError: The file failed.
        """
        if self.error is not None:
            raise self.error
        if self.transcript is None:
            message = "a result has a transcript or an error"
            raise AssertionError(message)
        return self.transcript
