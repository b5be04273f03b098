"""Codes that a request is refused with (the protocol notes, section 6.2)."""

from __future__ import annotations

from typing import Protocol

from aiofunasr.catalogue.entry import Again, CodeEntry
from aiofunasr.errors import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    QuotaExceededError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
)


class _Rule(Protocol):
    def __call__(
        self, codes: str, statuses: int | tuple[int, ...], error: type[ServiceError], meaning: str, advice: str
    ) -> tuple[CodeEntry, ...]: ...


def _rule(retry: Again, resubmit: Again) -> _Rule:
    """Return what makes the entries of codes that mean the same; where there is no code, of their HTTP status."""

    def make(
        codes: str, statuses: int | tuple[int, ...], error: type[ServiceError], meaning: str, advice: str
    ) -> tuple[CodeEntry, ...]:
        with_it = (statuses,) if isinstance(statuses, int) else statuses
        return tuple(
            CodeEntry(code, ("request",), with_it, error, retry, resubmit, meaning, advice)
            for code in codes.split() or [""]
        )

    return make


# Whether the same request may be sent again, and whether another can help.
_never = _rule(Again.NO, Again.NO)
_fixable = _rule(Again.NO, Again.CHANGED)
_account = _rule(Again.NO, Again.LATER)
_quota = _rule(Again.YES, Again.LATER)
_passing = _rule(Again.YES, Again.YES)

_COMPARE = "Compare the request with the service's message: it names what is missing or wrong."
_ITSELF = (
    "Nothing: the request is sent again by itself, a submit only where it certainly made no task; "
    "if it goes on for long, report the request id to the service."
)
_SLOWER = (
    "Nothing: requests slow down and go on by themselves; if others use the account too, give them their share with "
    "Limits(...), or ask the service for a higher limit."
)
_PAY = "See to the account's bill in the console, then submit again."
_REACHABLE = "Give a URL that anybody on the internet can read, or a local path, which is uploaded."
_PLAYABLE = "Check that the file plays, and convert it to a common format such as 16 kHz mono WAV, FLAC or MP3."

REQUEST_CODES: tuple[CodeEntry, ...] = (
    # --- 400 ---
    *_fixable(
        "InvalidParameter",
        400,
        BadRequestError,
        "The request lacks something, or has a value the service does not take.",
        _COMPARE,
    ),
    *_fixable(
        "InvalidParameter.DataInspection invalid_parameter_error",
        400,
        BadRequestError,
        "A file could not be looked at: an oss:// URL without the header that resolves it, or unreadable media.",
        "Let this library send the oss:// URL, which adds the header; an upload lives 48 hours.",
    ),
    *_fixable("BadRequest", 400, BadRequestError, "The service cannot make anything of the request.", _COMPARE),
    *_fixable(
        "BadRequest.EmptyInput BadRequest.EmptyParameters BadRequest.EmptyModel",
        400,
        BadRequestError,
        "A part of the request that must be there is missing: input, parameters or model.",
        "Look for a proxy or a transport that changes the request's body: this library always sends all three.",
    ),
    *_fixable(
        "BadRequest.IllegalInput",
        400,
        BadRequestError,
        "The input of the request is not what the model takes.",
        "Check that the model is one for recorded files (aiofunasr models), and what it takes as input.",
    ),
    *_fixable(
        "BadRequest.InputDownloadFailed",
        400,
        BadRequestError,
        "A file could not be downloaded.",
        _REACHABLE,
    ),
    *_fixable(
        "BadRequest.UnsupportedFileFormat",
        400,
        BadRequestError,
        "The service does not read this kind of file.",
        _PLAYABLE,
    ),
    *_fixable(
        "BadRequest.TooLarge",
        400,
        BadRequestError,
        "The request, or a file in it, is too large.",
        "Put fewer files into a task (files_per_task), and none over 2 GB.",
    ),
    *_fixable(
        "BadRequest.ResourceNotExist",
        400,
        BadRequestError,
        "Something the request names does not exist, such as a phrase list.",
        "Check the ids in the request: phrase_id, vocabulary_id.",
    ),
    *_fixable(
        "InvalidURL InvalidURL.ConnectionRefused InvalidURL.Timeout",
        400,
        BadRequestError,
        "A URL in the request cannot be used, or nobody answers there.",
        _REACHABLE,
    ),
    *_fixable(
        "InvalidFile InvalidFile.Format InvalidFile.Openerror",
        400,
        BadRequestError,
        "A file in the request cannot be read as media.",
        _PLAYABLE,
    ),
    *_fixable(
        "InvalidFile.Size InvalidFile.Duration",
        400,
        BadRequestError,
        "A file in the request is too large, too long, or too short.",
        "Split the file: one may have 2 GB and 12 hours.",
    ),
    *_never(
        "DataInspectionFailed",
        400,
        BadRequestError,
        "The content was refused by the service's content policy.",
        "Leave this file out; if it was refused by mistake, ask the service with the request id.",
    ),
    *_account(
        "Arrearage",
        400,
        AccessDeniedError,
        "The account owes money, so the service is closed to it.",
        _PAY,
    ),
    *_never(
        "UnsupportedOperation",
        400,
        BadRequestError,
        "The task cannot be cancelled: it is no longer PENDING, or there is none.",
        "Nothing: the task runs to its end and is billed; its result need not be fetched.",
    ),
    *_never(
        "Throttling.AllocationQuota",
        400,
        QuotaExceededError,
        "The account has as many hot-word lists as it may, or a list as many words.",
        "Delete a hot-word list that is not needed, or update one: there may be 10 for all models, of 500 words each.",
    ),
    # --- 401 ---
    *_fixable(
        "InvalidApiKey",
        401,
        AuthenticationError,
        "The API key is missing, wrong, or of another region.",
        "Check the key (DASHSCOPE_API_KEY or the argument api_key), and that the region is the one it was made in.",
    ),
    # --- 403 ---
    *_fixable(
        "AccessDenied",
        403,
        AccessDeniedError,
        "This key, or this kind of deployment, may not do that; or an upload came after its permission had expired.",
        "Check in the console what the key's workspace may use; a dedicated deployment may take no tasks at all.",
    ),
    *_account(
        "AccessDenied.Unpurchased",
        403,
        AccessDeniedError,
        "Model Studio is not activated for this account.",
        "Activate Model Studio in the console, in the region of the key, then submit again.",
    ),
    *_account(
        "Model.AccessDenied Workspace.AccessDenied App.AccessDenied",
        403,
        AccessDeniedError,
        "The workspace of this key has no right to the model.",
        "Grant the workspace the model in the console, or use a key of a workspace that has it.",
    ),
    *_account(
        "AllocationQuota.FreeTierOnly",
        403,
        AccessDeniedError,
        "The free quota is used up, and the account is set to use nothing else.",
        'Switch "free quota only" off in the console, or wait for the next quota, then submit again.',
    ),
    # --- 404 ---
    *_fixable(
        "ModelNotFound Model.NotExist",
        404,
        NotFoundError,
        "There is no such model here.",
        "Check the model's name and the region it is offered in (aiofunasr models).",
    ),
    *_fixable(
        "WorkSpaceNotFound",
        404,
        NotFoundError,
        "There is no such workspace.",
        "Check the workspace id (workspace= or DASHSCOPE_WORKSPACE) and its region in the console.",
    ),
    *_fixable(
        "NotFound",
        404,
        NotFoundError,
        "There is nothing at that place of the service.",
        "Check the base URL: it ends in /api/v1.",
    ),
    # --- 429 ---
    *_passing("Throttling", 429, ThrottledError, "The account sends more requests than it may.", _SLOWER),
    *_passing(
        "Throttling.RateQuota LimitRequests",
        429,
        ThrottledError,
        "The account sends more requests in a second, or in a minute, than it may.",
        _SLOWER,
    ),
    *_passing(
        "Throttling.BurstRate",
        429,
        ThrottledError,
        "The rate of requests rose too quickly, though it is within the limit.",
        _SLOWER,
    ),
    *_quota(
        "Throttling.AllocationQuota",
        429,
        QuotaExceededError,
        "A quota is used up: mostly one of this minute, seldom the free one.",
        "Wait a minute and submit again; if it stays so, raise the quota in the console.",
    ),
    *_account(
        "CommodityNotPurchased",
        429,
        AccessDeniedError,
        "The service was not bought for this account.",
        "Activate Model Studio in the console, then submit again.",
    ),
    *_account(
        "PrepaidBillOverdue PostpaidBillOverdue",
        429,
        AccessDeniedError,
        "A bill of the account is overdue.",
        _PAY,
    ),
    # --- 5xx ---
    *_passing(
        "InternalError InternalError.Algo SystemError ModelServiceFailed",
        500,
        ServiceUnavailableError,
        "The service failed.",
        _ITSELF,
    ),
    *_passing(
        "InternalError.Upload InternalError.FileUpload",
        500,
        ServiceUnavailableError,
        "The service failed to store a file.",
        _ITSELF,
    ),
    *_fixable(
        "InternalError.Timeout",
        500,
        ServiceUnavailableError,
        "The task ran for longer than the three hours it may.",
        "Submit the file in parts, or without diarization, which is for about two hours of audio.",
    ),
    *_passing(
        "RequestTimeOut ResponseTimeout",
        500,
        ServiceUnavailableError,
        "The service did not answer itself in time.",
        _ITSELF,
    ),
    *_passing(
        "ModelServingError ModelUnavailable ServiceUnavailable",
        (503, 500),
        ServiceUnavailableError,
        "The service has no room for the request at the moment.",
        _ITSELF,
    ),
    *_passing(
        "GatewayTimeout",
        504,
        ServiceUnavailableError,
        "A gateway of the service gave up waiting.",
        _ITSELF,
    ),
)

BY_STATUS: tuple[CodeEntry, ...] = (
    *_fixable("", 400, BadRequestError, "The service does not accept the request.", _COMPARE),
    *_fixable(
        "",
        401,
        AuthenticationError,
        "The key is not for this host, or a temporary one has expired.",
        "Check that the key is of this workspace and region; temporary keys last minutes, so give a callable for them.",
    ),
    *_fixable(
        "",
        403,
        AccessDeniedError,
        "The service, or a proxy before it, does not allow this.",
        "Check what the key may do, and that nothing stands between this machine and the service.",
    ),
    *_fixable(
        "",
        404,
        NotFoundError,
        "There is nothing at that URL.",
        "Check the base URL: it ends in /api/v1.",
    ),
    *_passing("", 408, ServiceUnavailableError, "The request did not arrive in time.", _ITSELF),
    *_passing("", 429, ThrottledError, "Too many requests.", _SLOWER),
    *_passing("", 500, ServiceUnavailableError, "The service, or a gateway before it, failed.", _ITSELF),
)
"""What the HTTP status says where the code says nothing; 400 and 500 stand for all others of theirs, too."""
