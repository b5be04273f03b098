"""The asyncio-native client for Fun-ASR recorded-speech recognition on Alibaba Cloud Model Studio.

Many files go in, by URL or path; each one's result comes out as it completes:

    async with aiofunasr.Session() as session:
        async for result in session.transcribe(urls, language_hints=["en"]):
            print(result.source, result.text)
"""

from __future__ import annotations

import logging

from aiofunasr.audio import AudioFile
from aiofunasr.batch import BatchProgress, TranscriptionBatch
from aiofunasr.errors import (
    AccessDeniedError,
    AmbiguousSubmissionError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    FileDownloadError,
    FileError,
    FileFormatError,
    FileServiceError,
    FunASRError,
    InvalidArgumentError,
    InvalidFileError,
    InvalidReplyError,
    JournalError,
    JournalLockedError,
    KeyProviderError,
    NotFoundError,
    QuotaExceededError,
    ReplyTooLargeError,
    RequestTimeoutError,
    ServiceError,
    ServiceUnavailableError,
    SessionClosedError,
    TaskCanceledError,
    TaskError,
    TaskExpiredError,
    TaskFailedError,
    ThrottledError,
    TransportError,
    UnexpectedError,
    UsageError,
    WaitTimeoutError,
)
from aiofunasr.journal import Journal, SqliteJournal
from aiofunasr.misfits import OptionsWarning, find_misfits
from aiofunasr.models import MODELS, Dialect, Model, ModelLimits
from aiofunasr.options import ContextTurn, TranscriptionOptions
from aiofunasr.responses import TranscriptionOutput, TranscriptionResponse, TranscriptionUsage
from aiofunasr.results import AudioProperties, Channel, Sentence, SubtaskResult, Transcript, Word
from aiofunasr.schedule.completion import Estimate
from aiofunasr.session import Session, transcribe
from aiofunasr.settings import Limits, Reconciliation, Timeouts
from aiofunasr.snapshots import ListedTask, SubtaskSnapshot, TaskMetrics, TaskSnapshot, TaskStatus
from aiofunasr.statistics import SessionStatistics
from aiofunasr.task import TaskProgress, TranscriptionTask
from aiofunasr.token import TaskToken
from aiofunasr.transcription import Transcription
from aiofunasr.version import __version__
from aiofunasr.wordfilter import SpecialWordFilter

__all__ = [
    "MODELS",
    "AccessDeniedError",
    "AmbiguousSubmissionError",
    "AudioFile",
    "AudioProperties",
    "AuthenticationError",
    "BadRequestError",
    "BatchProgress",
    "Channel",
    "ConfigurationError",
    "ContextTurn",
    "Dialect",
    "Estimate",
    "FileDownloadError",
    "FileError",
    "FileFormatError",
    "FileServiceError",
    "FunASRError",
    "InvalidArgumentError",
    "InvalidFileError",
    "InvalidReplyError",
    "Journal",
    "JournalError",
    "JournalLockedError",
    "KeyProviderError",
    "Limits",
    "ListedTask",
    "Model",
    "ModelLimits",
    "NotFoundError",
    "OptionsWarning",
    "QuotaExceededError",
    "Reconciliation",
    "ReplyTooLargeError",
    "RequestTimeoutError",
    "Sentence",
    "ServiceError",
    "ServiceUnavailableError",
    "Session",
    "SessionClosedError",
    "SessionStatistics",
    "SpecialWordFilter",
    "SqliteJournal",
    "SubtaskResult",
    "SubtaskSnapshot",
    "TaskCanceledError",
    "TaskError",
    "TaskExpiredError",
    "TaskFailedError",
    "TaskMetrics",
    "TaskProgress",
    "TaskSnapshot",
    "TaskStatus",
    "TaskToken",
    "ThrottledError",
    "Timeouts",
    "Transcript",
    "Transcription",
    "TranscriptionBatch",
    "TranscriptionOptions",
    "TranscriptionOutput",
    "TranscriptionResponse",
    "TranscriptionTask",
    "TranscriptionUsage",
    "TransportError",
    "UnexpectedError",
    "UsageError",
    "WaitTimeoutError",
    "Word",
    "__version__",
    "find_misfits",
    "transcribe",
]

logging.getLogger("aiofunasr").addHandler(logging.NullHandler())
