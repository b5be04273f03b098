"""Error codes of the service, and the class each becomes (the protocol notes, sections 6.1 to 6.3).

The code decides, exactly first, then by its first part (`Throttling.Anything` is throttling); the HTTP status is
the fallback, and an unknown code survives as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from aiofunasr.errors import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    FileDownloadError,
    FileError,
    FileFormatError,
    FileServiceError,
    NotFoundError,
    QuotaExceededError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
)


@frozen
class _Refusal:
    error: type[ServiceError]
    retryable: bool = False


_BAD = _Refusal(BadRequestError)
_KEY = _Refusal(AuthenticationError)
_DENIED = _Refusal(AccessDeniedError)
_MISSING = _Refusal(NotFoundError)
_SLOW_DOWN = _Refusal(ThrottledError, retryable=True)
_QUOTA = _Refusal(QuotaExceededError, retryable=True)
_FAILED = _Refusal(ServiceUnavailableError, retryable=True)

_REQUEST_CODES: Mapping[str, _Refusal] = {
    "InvalidParameter": _BAD,
    "invalid_parameter_error": _BAD,
    "BadRequest": _BAD,
    "InvalidURL": _BAD,
    "InvalidFile": _BAD,
    "DataInspectionFailed": _BAD,
    "UnsupportedOperation": _BAD,
    "InvalidApiKey": _KEY,
    "Arrearage": _DENIED,
    "AccessDenied": _DENIED,
    "Model.AccessDenied": _DENIED,
    "Workspace.AccessDenied": _DENIED,
    "App.AccessDenied": _DENIED,
    "AllocationQuota.FreeTierOnly": _DENIED,
    "CommodityNotPurchased": _DENIED,
    "PrepaidBillOverdue": _DENIED,
    "PostpaidBillOverdue": _DENIED,
    "ModelNotFound": _MISSING,
    "Model.NotExist": _MISSING,
    "WorkSpaceNotFound": _MISSING,
    "NotFound": _MISSING,
    "Throttling": _SLOW_DOWN,
    "LimitRequests": _SLOW_DOWN,
    "Throttling.AllocationQuota": _QUOTA,
    "InternalError": _FAILED,
    "InternalError.Timeout": _Refusal(ServiceUnavailableError),
    "SystemError": _FAILED,
    "ModelServiceFailed": _FAILED,
    "RequestTimeOut": _FAILED,
    "ResponseTimeout": _FAILED,
    "ModelServingError": _FAILED,
    "ModelUnavailable": _FAILED,
    "ServiceUnavailable": _FAILED,
    "GatewayTimeout": _FAILED,
}

_BY_STATUS: Mapping[int, _Refusal] = {
    401: _KEY,
    403: _DENIED,
    404: _MISSING,
    408: _FAILED,
    429: _SLOW_DOWN,
}

NO_SPEECH_CODES = frozenset({"SUCCESS_WITH_NO_VALID_FRAGMENT", "ASR_RESPONSE_HAVE_NO_WORDS"})
"""File codes that say the file was read and there was nothing in it to write down: no error (6.3)."""

_FILE_CODES: Mapping[str, type[FileError]] = {
    "InvalidFile.DownloadFailed": FileDownloadError,
    "FILE_DOWNLOAD_FAILED": FileDownloadError,
    "FILE_403_FORBIDDEN": FileDownloadError,
    "FILE_404_NOT_FOUND": FileDownloadError,
    "FILE_SERVER_ERROR": FileDownloadError,
    "CONTENT_LENGTH_CHECK_FAILED": FileDownloadError,
    "REQUEST_INVALID_FILE_URL_VALUE": FileDownloadError,
    "InvalidURL": FileDownloadError,
    "BadRequest.InputDownloadFailed": FileDownloadError,
    "InvalidFile": FileFormatError,
    "FILE_CHECK_FAILED": FileFormatError,
    "FILE_TOO_LARGE": FileFormatError,
    "AUDIO_DURATION_TOO_LONG": FileFormatError,
    "FILE_NORMALIZE_FAILED": FileFormatError,
    "FILE_PARSE_FAILED": FileFormatError,
    "MKV_PARSE_FAILED": FileFormatError,
    "UNSUPPORTED_FORMAT": FileFormatError,
    "DECODE_ERROR": FileFormatError,
    "NO_VALID_AUDIO_ERROR": FileFormatError,
    "FILE_TRANS_TASK_EXPIRED": FileServiceError,
    "SERVER_ERROR": FileServiceError,
    "InternalError": FileServiceError,
    "SystemError": FileServiceError,
    "Throttling": FileServiceError,
}


def _first_part(code: str) -> str:
    return code.partition(".")[0]


def refusal(
    status: int,
    code: str,
    message: str,
    *,
    request_id: str | None = None,
    retry_after: float | None = None,
) -> ServiceError:
    """Make the error for a refused request."""
    found = _REQUEST_CODES.get(code) or _REQUEST_CODES.get(_first_part(code)) or _BY_STATUS.get(status)
    if found is None:
        found = _FAILED if status >= 500 else _BAD if status >= 400 else _Refusal(ServiceError)
    # The vocabulary limit answers 400 with a throttling code: waiting does not help there (section 9).
    retryable = found.retryable and status != 400
    return found.error(status, code, message, request_id=request_id, retryable=retryable, retry_after=retry_after)


def file_failure(code: str, message: str) -> FileError:
    """Make the error for a file that has no transcript."""
    kind = _FILE_CODES.get(code) or _FILE_CODES.get(_first_part(code)) or FileError
    return kind(message or code, code=code)
