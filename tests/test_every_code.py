"""Every documented code, provoked in the emulator: the right class, its advice, and what is done about it by itself.

The tables are those of the protocol notes, sections 6.2 and 6.3, written out: HTTP status, code, message, whether a
request may be sent again, what becomes of it, and a word its advice must have.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from aiofunasr import (
    AccessDeniedError,
    AmbiguousSubmissionError,
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
    Session,
    SubtaskResult,
    TaskFailedError,
    ThrottledError,
    TranscriptionOptions,
)
from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.wire import replies, requests
from aiofunasr.wire.messages import Kind, Reply, Request
from aiofunasr.wire.requests import Caller
from support import play, urls

INSTANT = EmulatorSettings.instant()

Refusal = tuple[int, str, str, bool, type[ServiceError], str]

LACKS = "Required parameter(x) missing or invalid, please check the request parameters."
GOOD_STANDING = "Access denied, please make sure your account is in good standing."
AGAIN = "An internal error has occurred, please try again later"
BUSY = "Too many requests. Your requests are being throttled due to system capacity limits."

REQUEST_LEVEL: list[Refusal] = [
    (400, "InvalidParameter", "input must contain file_urls", False, BadRequestError, "message"),
    (400, "InvalidParameter", "url error, please check url！", False, BadRequestError, "message"),  # noqa: RUF001
    (400, "InvalidParameter", "Model not exist.", False, BadRequestError, "message"),
    (400, "InvalidParameter", LACKS, False, BadRequestError, "message"),
    (400, "InvalidParameter.DataInspection", "Unable to download", False, BadRequestError, "oss://"),
    (400, "invalid_parameter_error", "Unable to download", False, BadRequestError, "oss://"),
    (400, "BadRequest.EmptyInput", "", False, BadRequestError, "body"),
    (400, "BadRequest.EmptyParameters", 'Required parameter "parameters" missing', False, BadRequestError, "body"),
    (400, "BadRequest.EmptyModel", "", False, BadRequestError, "body"),
    (400, "BadRequest.IllegalInput", "", False, BadRequestError, "model"),
    (400, "BadRequest.InputDownloadFailed", "", False, BadRequestError, "URL"),
    (400, "BadRequest.UnsupportedFileFormat", "", False, BadRequestError, "convert"),
    (400, "BadRequest.TooLarge", "", False, BadRequestError, "files_per_task"),
    (400, "BadRequest.ResourceNotExist", "", False, BadRequestError, "phrase_id"),
    (400, "InvalidURL", "", False, BadRequestError, "URL"),
    (400, "InvalidURL.ConnectionRefused", "", False, BadRequestError, "URL"),
    (400, "InvalidURL.Timeout", "", False, BadRequestError, "URL"),
    (400, "InvalidFile.Format", "", False, BadRequestError, "convert"),
    (400, "InvalidFile.Size", "", False, BadRequestError, "2 GB"),
    (400, "InvalidFile.Duration", "", False, BadRequestError, "12 hours"),
    (400, "InvalidFile.Openerror", "", False, BadRequestError, "convert"),
    (400, "DataInspectionFailed", "", False, BadRequestError, "Leave"),
    (400, "Arrearage", GOOD_STANDING, False, AccessDeniedError, "bill"),
    (400, "UnsupportedOperation", "Failed to cancel the task", False, BadRequestError, "runs to its end"),
    (400, "Throttling.AllocationQuota", "Free allocated quota exceeded.", False, QuotaExceededError, "Delete"),
    (401, "InvalidApiKey", "Invalid API-key provided.", False, AuthenticationError, "region"),
    (401, "", "NOT AUTHORIZED", False, AuthenticationError, "workspace"),
    (401, "", "invalid access token or token expired", False, AuthenticationError, "temporary"),
    (403, "AccessDenied", "current user api does not support synchronous calls.", False, AccessDeniedError, "may use"),
    (403, "AccessDenied", "... does not support asynchronous calls.", False, AccessDeniedError, "dedicated"),
    (403, "AccessDenied", "Access denied.", False, AccessDeniedError, "may use"),
    (403, "AccessDenied", "Invalid according to Policy: Policy expired.", False, AccessDeniedError, "may use"),
    (403, "AccessDenied.Unpurchased", "", False, AccessDeniedError, "Activate"),
    (403, "Model.AccessDenied", "", False, AccessDeniedError, "Grant"),
    (403, "Workspace.AccessDenied", "", False, AccessDeniedError, "Grant"),
    (403, "App.AccessDenied", "", False, AccessDeniedError, "Grant"),
    (403, "AllocationQuota.FreeTierOnly", "", False, AccessDeniedError, "free quota"),
    (404, "ModelNotFound", "Model can not be found.", False, NotFoundError, "aiofunasr models"),
    (404, "WorkSpaceNotFound", "", False, NotFoundError, "workspace"),
    (404, "NotFound", "", False, NotFoundError, "/api/v1"),
    (429, "Throttling", "Requests throttling triggered.", True, ThrottledError, "Limits"),
    (429, "Throttling.RateQuota", "Requests rate limit exceeded", True, ThrottledError, "Limits"),
    (429, "LimitRequests", "Requests rate limit exceeded", True, ThrottledError, "Limits"),
    (429, "Throttling.BurstRate", "Request rate increased too quickly.", True, ThrottledError, "Limits"),
    (429, "Throttling.AllocationQuota", "Allocated quota exceeded", True, QuotaExceededError, "Wait a minute"),
    (429, "CommodityNotPurchased", "", False, AccessDeniedError, "Activate"),
    (429, "PrepaidBillOverdue", "", False, AccessDeniedError, "bill"),
    (429, "PostpaidBillOverdue", "", False, AccessDeniedError, "bill"),
    (500, "InternalError", AGAIN, True, ServiceUnavailableError, "by itself"),
    (500, "InternalError.Algo", AGAIN, True, ServiceUnavailableError, "by itself"),
    (500, "InternalError.Upload", AGAIN, True, ServiceUnavailableError, "by itself"),
    (500, "InternalError.FileUpload", AGAIN, True, ServiceUnavailableError, "by itself"),
    (500, "InternalError.Timeout", "", False, ServiceUnavailableError, "in parts"),
    (500, "SystemError", "", True, ServiceUnavailableError, "by itself"),
    (500, "ModelServiceFailed", "", True, ServiceUnavailableError, "by itself"),
    (500, "RequestTimeOut", "", True, ServiceUnavailableError, "by itself"),
    (500, "ResponseTimeout", "", True, ServiceUnavailableError, "by itself"),
    (500, "ModelServingError", BUSY, True, ServiceUnavailableError, "by itself"),
    (503, "ModelServingError", BUSY, True, ServiceUnavailableError, "by itself"),
    (503, "ModelUnavailable", BUSY, True, ServiceUnavailableError, "by itself"),
    (503, "ServiceUnavailable", BUSY, True, ServiceUnavailableError, "by itself"),
    (504, "GatewayTimeout", "", True, ServiceUnavailableError, "by itself"),
]

Fate = tuple[str, type[FileError] | None, str]

FILE_LEVEL: list[Fate] = [
    ("InvalidFile.DownloadFailed", FileDownloadError, "public"),
    ("FILE_DOWNLOAD_FAILED", FileDownloadError, "public"),
    ("FILE_403_FORBIDDEN", FileDownloadError, "Sign"),
    ("FILE_404_NOT_FOUND", FileDownloadError, "Check the URL"),
    ("FILE_SERVER_ERROR", FileDownloadError, "again"),
    ("CONTENT_LENGTH_CHECK_FAILED", FileDownloadError, "Content-Length"),
    ("REQUEST_INVALID_FILE_URL_VALUE", FileDownloadError, "escaped"),
    ("FILE_CHECK_FAILED", FileFormatError, "convert"),
    ("FILE_TOO_LARGE", FileFormatError, "split"),
    ("AUDIO_DURATION_TOO_LONG", FileFormatError, "12 hours"),
    ("FILE_NORMALIZE_FAILED", FileFormatError, "convert"),
    ("FILE_PARSE_FAILED", FileFormatError, "convert"),
    ("MKV_PARSE_FAILED", FileFormatError, "convert"),
    ("UNSUPPORTED_FORMAT", FileFormatError, "convert"),
    ("DECODE_ERROR", FileFormatError, "convert"),
    ("NO_VALID_AUDIO_ERROR", FileFormatError, "audio track"),
    ("SUCCESS_WITH_NO_VALID_FRAGMENT", None, ""),
    ("ASR_RESPONSE_HAVE_NO_WORDS", None, ""),
    ("FILE_TRANS_TASK_EXPIRED", FileServiceError, "again"),
    ("SERVER_ERROR", FileServiceError, "dedicated"),
    ("InternalError", FileServiceError, "again"),
    ("InternalError.Timeout", FileServiceError, "in parts"),
    ("SystemError", FileServiceError, "again"),
    ("DataInspectionFailed", FileError, "Leave"),
    ("AllocationQuota.FreeTierOnly", FileError, "free quota"),
    ("Throttling", FileServiceError, "slowly"),
    ("Throttling.RateQuota", FileServiceError, "slowly"),
    ("Throttling.BurstRate", FileServiceError, "slowly"),
    ("Throttling.AllocationQuota", FileServiceError, "Wait a minute"),
]


def of(entry: tuple[Any, ...]) -> str:
    return "-".join(str(part) for part in entry[: 2 if isinstance(entry[0], int) else 1])


def answer_with(entry: Refusal) -> Fault:
    status, code, message, *_ = entry
    return Fault(status=status, code=code, message=message)


Operation = tuple[Kind, Callable[[Caller], Request], Callable[[Reply], Any]]

OPERATIONS: dict[str, Operation] = {
    "submit": (
        Kind.SUBMIT,
        lambda caller: requests.submit(caller, urls(1), TranscriptionOptions()),
        replies.read_accepted,
    ),
    "query": (Kind.QUERY, lambda caller: requests.query(caller, "t"), lambda reply: replies.read_snapshot(reply, "t")),
    "cancel": (Kind.CANCEL, lambda caller: requests.cancel(caller, "t"), replies.read_done),
    "list": (Kind.LIST, requests.list_tasks, replies.read_task_page),
    "policy": (
        Kind.UPLOAD_POLICY,
        lambda caller: requests.upload_policy(caller, "fun-asr"),
        replies.read_upload_policy,
    ),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("entry", REQUEST_LEVEL, ids=of)
def test_a_refused_request_says_why_and_what_can_be_done(entry: Refusal, operation: str) -> None:
    status, code, message, retryable, kind, word = entry

    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(ServiceError) as caught:
            await session._engine.gateway.send(*OPERATIONS[operation])
        error = caught.value
        assert type(error) is kind
        assert (error.status, error.code, error.message, error.retryable) == (status, code, message, retryable)
        assert word in error.advice
        assert error.advice not in str(error)
        assert error.for_task("task-1", "token-1").advice == error.advice
        assert service.ledger.requests[operation] == 1

    play(scenario, INSTANT, faults=FaultPlan().on(operation, answer_with(entry), 1))


@pytest.mark.parametrize("spelling", [str, lambda code: code.lower()], ids=["as ever", "lower case"])
@pytest.mark.parametrize("form", ["nested", "msg", "bare", "JSON in the message"])
@pytest.mark.parametrize("entry", [entry for entry in REQUEST_LEVEL if entry[1]], ids=of)
def test_a_refusal_is_the_same_however_it_is_written(entry: Refusal, form: Any, spelling: Callable[[str], str]) -> None:
    status, code, message, retryable, kind, word = entry
    as_text, settings = form == "JSON in the message", INSTANT
    written = json.dumps({"code": spelling(code), "message": message or code}) if as_text else message
    if not as_text:
        settings = INSTANT.replace(error_form=form)
    fault = Fault(status=status, code=spelling(code), message=written)

    async def scenario(session: Session, service: Service) -> None:
        with pytest.raises(ServiceError) as caught:
            await session._engine.gateway.send(*OPERATIONS["list"])
        error = caught.value
        assert type(error) is kind
        assert (error.code, error.retryable) == (spelling(code), retryable)
        assert error.message == (message or code if as_text else message)
        assert word in error.advice

    play(scenario, settings, faults=FaultPlan().on("list", fault, 1))


@pytest.mark.parametrize("entry", REQUEST_LEVEL, ids=of)
def test_a_submit_is_refused_or_sent_again_or_told_to_be_unknown(entry: Refusal) -> None:
    status, code, _, retryable, kind, word = entry

    async def scenario(session: Session, service: Service) -> None:
        if status >= 500:
            with pytest.raises(AmbiguousSubmissionError) as unknown:
                await session.submit(urls(1))
            error = unknown.value.__cause__
        elif retryable:
            (result,) = await (await session.submit(urls(1)))
            assert result.ok
            assert (len(service.ledger.submissions), service.ledger.requests["submit"]) == (1, 2)
            return
        else:
            with pytest.raises(ServiceError) as refused:
                await session.submit(urls(1))
            error = refused.value
        assert type(error) is kind
        assert error.code == code
        assert word in error.advice
        assert (len(service.ledger.submissions), service.ledger.requests["submit"]) == (0, 1)

    play(scenario, INSTANT, faults=FaultPlan().on("submit", answer_with(entry), 1), on_unknown_submit="raise")


ENDS_A_RUN = {AuthenticationError, AccessDeniedError, NotFoundError, QuotaExceededError}
"""Refusals that every other file would get as well."""


@pytest.mark.parametrize("entry", REQUEST_LEVEL, ids=of)
def test_a_batch_goes_on_without_the_refused_file_unless_all_would_be_refused(entry: Refusal) -> None:
    status, code, _, retryable, kind, word = entry
    files = urls(3)

    async def everything(session: Session) -> list[SubtaskResult]:
        async with session.transcribe(files, files_per_task=1) as batch:
            return [result async for result in batch]

    async def scenario(session: Session, service: Service) -> None:
        if kind in ENDS_A_RUN and not retryable:
            with pytest.raises(kind) as caught:
                await everything(session)
            failed = [caught.value]
        else:
            results = await everything(session)
            assert len(results) == len(files)
            failed = [result.error for result in results if isinstance(result.error, ServiceError)]
            assert [result.ok for result in results].count(False) == len(failed)
            # What failed on the service's side is searched for and sent again.
            assert len(failed) == (0 if retryable or status >= 500 else 1)
        for error in failed:
            assert type(error) is kind
            assert error.code == code
            assert word in error.advice

    play(scenario, INSTANT, faults=FaultPlan().on("submit", answer_with(entry), 1))


def check_fate(result: SubtaskResult, fate: Fate) -> None:
    code, kind, word = fate
    if kind is None:
        assert result.ok
        assert result.no_speech
        assert result.text == ""
        return
    assert type(result.error) is kind
    assert isinstance(result.error, FileError)
    assert result.error.code == code
    assert word in result.error.advice
    assert result.error.task_id == result.task_id


@pytest.mark.parametrize("form", ["failed", "succeeded", "bare"])
@pytest.mark.parametrize("fate", FILE_LEVEL, ids=of)
def test_a_task_that_fails_with_its_only_file_says_why(fate: Fate, form: str) -> None:
    async def scenario(session: Session, service: Service) -> None:
        task = await session.submit([f"https://media.example/{fate[0]}.wav"])
        (result,) = await task
        check_fate(result, fate)
        assert task.snapshot is not None
        assert task.snapshot.task_status == ("SUCCEEDED" if form == "succeeded" else "FAILED")
        assert bool(task.snapshot.results) is (form != "bare")

    play(scenario, INSTANT.replace(all_failed_form=form))


@pytest.mark.parametrize("fate", FILE_LEVEL, ids=of)
def test_a_file_that_fails_beside_others_says_why_and_they_do_not(fate: Fate) -> None:
    async def scenario(session: Session, service: Service) -> None:
        good = urls(1)[0]
        first, second = await (await session.submit([f"https://media.example/{fate[0]}.wav", good]))
        check_fate(first, fate)
        assert second.ok
        assert second.text
        assert not second.no_speech

    play(scenario, INSTANT)


@pytest.mark.parametrize("fate", FILE_LEVEL, ids=of)
def test_a_task_that_failed_as_a_whole_says_so_of_each_file(fate: Fate) -> None:
    code, _, word = fate

    async def scenario(session: Session, service: Service) -> None:
        files = [f"https://media.example/{number}/{code}.wav" for number in range(2)]
        for result in await (await session.submit(files)):
            assert isinstance(result.error, TaskFailedError)
            assert result.error.code == code
            assert word in result.error.advice

    play(scenario, INSTANT.replace(all_failed_form="bare"))
