"""Fun-ASR's recorded-speech service on one machine: for trying, developing and testing, with no key.

`Service` is the pure core, with the clock passed in; `EmulatorServer` puts it on a socket. Nothing here knows
the client, and importing this package loads no media library.
"""

from aiofunasr.emulator.admin import ADMIN_PREFIX
from aiofunasr.emulator.board import FileJob, FinishedFile
from aiofunasr.emulator.configuration import (
    ConfigurationError,
    Switch,
    read_tables,
    show_tables,
    switches,
    with_changes,
)
from aiofunasr.emulator.faults import Fault, FaultPlan, FaultRule
from aiofunasr.emulator.ledger import EventPush, Ledger, Submission
from aiofunasr.emulator.limits import RateLimit
from aiofunasr.emulator.messages import HttpRequest, HttpResponse, UploadedForm
from aiofunasr.emulator.plans import read_plan, read_rule_words
from aiofunasr.emulator.recognizer import (
    FileProblemError,
    HotWord,
    Recognition,
    RecognitionRequest,
    RecognizedSentence,
    RecognizedTrack,
    RecognizedWord,
    Recognizer,
)
from aiofunasr.emulator.scripted import ScriptedRecognizer
from aiofunasr.emulator.server import EmulatorServer
from aiofunasr.emulator.service import Service
from aiofunasr.emulator.settings import DEFAULT_API_KEY, EmulatorSettings
from aiofunasr.emulator.signing import MissingCryptographyError
from aiofunasr.emulator.tasks import FileProblem

__all__ = [
    "ADMIN_PREFIX",
    "DEFAULT_API_KEY",
    "ConfigurationError",
    "EmulatorServer",
    "EmulatorSettings",
    "EventPush",
    "Fault",
    "FaultPlan",
    "FaultRule",
    "FileJob",
    "FileProblem",
    "FileProblemError",
    "FinishedFile",
    "HotWord",
    "HttpRequest",
    "HttpResponse",
    "Ledger",
    "MissingCryptographyError",
    "RateLimit",
    "Recognition",
    "RecognitionRequest",
    "RecognizedSentence",
    "RecognizedTrack",
    "RecognizedWord",
    "Recognizer",
    "ScriptedRecognizer",
    "Service",
    "Submission",
    "Switch",
    "UploadedForm",
    "read_plan",
    "read_rule_words",
    "read_tables",
    "show_tables",
    "switches",
    "with_changes",
]
