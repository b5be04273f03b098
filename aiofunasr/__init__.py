"""The asyncio-native client for Fun-ASR recorded-speech recognition on Alibaba Cloud Model Studio.

Many files go in, by URL or path; each one's result comes out as it completes:

    async with aiofunasr.Session() as session:
        async for result in session.transcribe(urls, language_hints=["en"]):
            print(result.source, result.text)
"""

from __future__ import annotations

import logging

from aiofunasr.audio import AudioFile, UploadedFile
from aiofunasr.batch import BatchProgress, TranscriptionBatch
from aiofunasr.errors import (
    AccessDeniedError,
    AmbiguousSubmissionError,
    AmbiguousVocabularyError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    EventSignatureError,
    FileDownloadError,
    FileError,
    FileFormatError,
    FileServiceError,
    FunASRError,
    InvalidArgumentError,
    InvalidEventError,
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
    VocabularyTimeoutError,
    WaitTimeoutError,
)
from aiofunasr.events import EventFilter, TaskEvent, parse_event, verify_signature
from aiofunasr.journal import Journal, SqliteJournal
from aiofunasr.options import ContextTurn, TranscriptionOptions
from aiofunasr.options.misfits import OptionsWarning, find_misfits
from aiofunasr.options.models import MODELS, Dialect, Model, ModelLimits
from aiofunasr.options.wordfilter import SpecialWordFilter
from aiofunasr.responses import TranscriptionOutput, TranscriptionResponse, TranscriptionUsage
from aiofunasr.results import AudioProperties, Channel, Sentence, SubtaskResult, Transcript, Word
from aiofunasr.results.passages import Passage, Turn
from aiofunasr.schedule.completion import Estimate
from aiofunasr.session import Session, transcribe
from aiofunasr.settings import Limits, Reconciliation, Timeouts
from aiofunasr.snapshots import ListedTask, SubtaskSnapshot, TaskMetrics, TaskSnapshot, TaskStatus
from aiofunasr.statistics import SessionStatistics
from aiofunasr.task import TaskProgress, TranscriptionTask
from aiofunasr.temporary_token import TemporaryToken
from aiofunasr.token import TaskToken
from aiofunasr.token_provider import TokenProvider
from aiofunasr.transcription import Transcription
from aiofunasr.version import __version__
from aiofunasr.vocabularies import Vocabularies
from aiofunasr.vocabulary import HotWord, Vocabulary

__all__ = [
    "MODELS",
    "AccessDeniedError",
    "AmbiguousSubmissionError",
    "AmbiguousVocabularyError",
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
    "EventFilter",
    "EventSignatureError",
    "FileDownloadError",
    "FileError",
    "FileFormatError",
    "FileServiceError",
    "FunASRError",
    "HotWord",
    "InvalidArgumentError",
    "InvalidEventError",
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
    "Passage",
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
    "TaskEvent",
    "TaskExpiredError",
    "TaskFailedError",
    "TaskMetrics",
    "TaskProgress",
    "TaskSnapshot",
    "TaskStatus",
    "TaskToken",
    "TemporaryToken",
    "ThrottledError",
    "Timeouts",
    "TokenProvider",
    "Transcript",
    "Transcription",
    "TranscriptionBatch",
    "TranscriptionOptions",
    "TranscriptionOutput",
    "TranscriptionResponse",
    "TranscriptionTask",
    "TranscriptionUsage",
    "TransportError",
    "Turn",
    "UnexpectedError",
    "UploadedFile",
    "UsageError",
    "Vocabularies",
    "Vocabulary",
    "VocabularyTimeoutError",
    "WaitTimeoutError",
    "Word",
    "__version__",
    "find_misfits",
    "parse_event",
    "transcribe",
    "verify_signature",
]

logging.getLogger("aiofunasr").addHandler(logging.NullHandler())
