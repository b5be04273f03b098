"""Codes of a file, or of a task as a whole, in the answer to a query (the protocol notes, section 6.3)."""

from __future__ import annotations

from aiofunasr.catalogue.entry import Again, CodeEntry
from aiofunasr.errors import FileDownloadError, FileError, FileFormatError, FileServiceError

_YES, _NO, _CHANGED, _LATER = Again.YES, Again.NO, Again.CHANGED, Again.LATER


def _code(
    codes: str, error: type[FileError] | None, resubmit: Again, meaning: str, advice: str
) -> tuple[CodeEntry, ...]:
    """Make an entry for each of the codes that mean the same."""
    return tuple(
        CodeEntry(code, ("file", "task"), (), error, None, resubmit, meaning, advice) for code in codes.split()
    )


_FRESH = (
    "Submit the file with a URL that is public and lasts some hours, or as a local path, which is uploaded; "
    "spaces and the like in its name must be escaped."
)
_CONVERT = "Check that the file plays, and convert it to a common format such as 16 kHz mono WAV, FLAC or MP3."
_RESUBMIT = "Submit the file again; if it fails again, report the task id to the service."

FILE_CODES: tuple[CodeEntry, ...] = (
    # --- It could not be had ---
    *_code(
        "InvalidFile.DownloadFailed FILE_DOWNLOAD_FAILED",
        FileDownloadError,
        _CHANGED,
        "The file could not be downloaded: a bad, private or expired URL, or a slow origin.",
        _FRESH,
    ),
    *_code(
        "BadRequest.InputDownloadFailed InvalidURL",
        FileDownloadError,
        _CHANGED,
        "The file's URL cannot be used.",
        _FRESH,
    ),
    *_code(
        "FILE_403_FORBIDDEN",
        FileDownloadError,
        _CHANGED,
        "The file's server refused to give it: a signature that has expired, or protection against hotlinks.",
        "Sign the URL anew, for some hours because a task may queue, or submit a local path; then submit again.",
    ),
    *_code(
        "FILE_404_NOT_FOUND",
        FileDownloadError,
        _NO,
        "There is no file at that URL.",
        "Check the URL, its upper and lower case too: the file's server does not know it.",
    ),
    *_code(
        "FILE_SERVER_ERROR",
        FileDownloadError,
        _YES,
        "The file's server failed while it was downloaded.",
        "Submit the file again once its server works, or as a local path, which is uploaded.",
    ),
    *_code(
        "CONTENT_LENGTH_CHECK_FAILED",
        FileDownloadError,
        _CHANGED,
        "The file's server announces another length than it sends.",
        "Have the file's server send a right Content-Length, or submit a local path, which is uploaded.",
    ),
    *_code(
        "REQUEST_INVALID_FILE_URL_VALUE",
        FileDownloadError,
        _CHANGED,
        "That is no URL the service understands.",
        "Give an http, https or oss URL with what is not ASCII escaped.",
    ),
    # --- It could not be read ---
    *_code(
        "FILE_CHECK_FAILED InvalidFile",
        FileFormatError,
        _CHANGED,
        "The file cannot be read as media.",
        _CONVERT,
    ),
    *_code(
        "FILE_TOO_LARGE",
        FileFormatError,
        _CHANGED,
        "The file has more than 2 GB.",
        "Compress or split the file: as mono speech in Opus or MP3, 12 hours are far below 2 GB.",
    ),
    *_code(
        "AUDIO_DURATION_TOO_LONG",
        FileFormatError,
        _CHANGED,
        "The audio is longer than 12 hours.",
        "Split the file into parts of at most 12 hours.",
    ),
    *_code(
        "FILE_NORMALIZE_FAILED FILE_PARSE_FAILED MKV_PARSE_FAILED",
        FileFormatError,
        _CHANGED,
        "The file could not be parsed or converted.",
        _CONVERT,
    ),
    *_code(
        "UNSUPPORTED_FORMAT",
        FileFormatError,
        _CHANGED,
        "The service does not read this container or codec.",
        _CONVERT,
    ),
    *_code("DECODE_ERROR", FileFormatError, _CHANGED, "The audio in the file cannot be decoded.", _CONVERT),
    *_code(
        "NO_VALID_AUDIO_ERROR",
        FileFormatError,
        _CHANGED,
        "There is no audio in the file, or it is empty.",
        "Check that the file has an audio track, and that it is not cut off.",
    ),
    # --- There was nothing to write down ---
    *_code(
        "SUCCESS_WITH_NO_VALID_FRAGMENT",
        None,
        _NO,
        "No speech was found in the file.",
        "Nothing: the transcript is empty; if there is speech, lower speech_noise_threshold or check channel_id.",
    ),
    *_code(
        "ASR_RESPONSE_HAVE_NO_WORDS",
        None,
        _NO,
        "Nothing was recognized: noise, or fillers alone.",
        "Nothing: the transcript is empty; if there is speech, check language_hints and channel_id.",
    ),
    # --- The service failed, or will not ---
    *_code("FILE_TRANS_TASK_EXPIRED", FileServiceError, _YES, "The task waited for too long.", _RESUBMIT),
    *_code(
        "SERVER_ERROR",
        FileServiceError,
        _YES,
        "The service failed on the file; on a dedicated deployment, it may lack the model.",
        "Submit the file again, a few times at most; on a dedicated deployment, check that the model is loaded.",
    ),
    *_code("InternalError SystemError", FileServiceError, _YES, "The service failed on the file.", _RESUBMIT),
    *_code(
        "InternalError.Timeout",
        FileServiceError,
        _CHANGED,
        "The task ran for longer than the three hours it may.",
        "Submit the file in parts, or without diarization, which is for about two hours of audio.",
    ),
    *_code(
        "DataInspectionFailed",
        FileError,
        _NO,
        "The content was refused by the service's content policy.",
        "Leave this file out; if it was refused by mistake, ask the service with the task id.",
    ),
    *_code(
        "AllocationQuota.FreeTierOnly",
        FileError,
        _LATER,
        "The free quota ran out after the task was accepted, and the account is set to use nothing else.",
        'Switch "free quota only" off in the console, or wait for the next quota, then submit again.',
    ),
    *_code(
        "Throttling Throttling.RateQuota Throttling.BurstRate",
        FileServiceError,
        _YES,
        "A limit of the account was hit after the task was accepted.",
        "Submit the file again, more slowly.",
    ),
    *_code(
        "Throttling.AllocationQuota",
        FileServiceError,
        _LATER,
        "A quota of the account was used up after the task was accepted.",
        "Wait a minute and submit the file again; if it stays so, raise the quota in the console.",
    ),
)
