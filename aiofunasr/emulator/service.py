"""The emulated service: every route of it, with the clock passed in.

`Service.handle` depends on nothing but its state, a request and `now`. The same object runs behind a socket
(`EmulatorServer`) and in virtual time. Routes, orders of checks and bodies are in the protocol notes,
sections 1 to 7 and 14.
"""

from __future__ import annotations

import gzip
import math
import random
import uuid
from collections.abc import Callable
from typing import Any, Final, Literal

from attrs import evolve, frozen

from aiofunasr.emulator.board import FileJob, FinishedFile, TaskBoard
from aiofunasr.emulator.faults import Fault, FaultInjector, FaultPlan
from aiofunasr.emulator.ledger import Ledger, Submission
from aiofunasr.emulator.limits import RateLimit, SlidingWindow, as_rate_limit
from aiofunasr.emulator.listing import ListQuery, list_body
from aiofunasr.emulator.messages import (
    API_PREFIX,
    OSS_PREFIX,
    HttpRequest,
    HttpResponse,
    RefusalError,
    StorageRefusalError,
    json_bytes,
    xml_error,
)
from aiofunasr.emulator.multipart import parse_form
from aiofunasr.emulator.replies import UNSUPPORTED_CANCEL, task_output, task_usage
from aiofunasr.emulator.results import ResultFiles
from aiofunasr.emulator.routes import Kind, route
from aiofunasr.emulator.scripted import ScriptedRecognizer
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.storage import ObjectStorage
from aiofunasr.emulator.submit import Submit, read_submit
from aiofunasr.emulator.tasks import FileProblem

DEFAULT_PUBLIC_URL: Final = "http://localhost"

_THROTTLE_MESSAGES: Final = {
    "Throttling": "Requests throttling triggered.",
    "Throttling.RateQuota": "Requests rate limit exceeded, please try again later.",
    "Throttling.BurstRate": "Request rate increased too quickly. Please scale requests more smoothly.",
    "Throttling.AllocationQuota": "Allocated quota exceeded, please increase your quota limit.",
}
_LIST_REFUSALS: Final = {
    400: ("InvalidParameter", "Required parameter(task_id) missing or invalid, please check the request parameters."),
    403: ("AccessDenied", "Access denied."),
    404: ("NotFound", "The requested resource could not be found."),
}
_HTML: Final = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>%d</h1></body></html>"
# The object storage leaves small files alone, and compressing large ones would hold an event loop up.
_GZIP_RESULT_BYTES: Final = range(1024, 2**20)


@frozen
class _Call:
    """A request on its way through the service."""

    request: HttpRequest
    kind: Kind
    argument: str
    request_id: str
    now: float
    fault: Fault


class Service:
    """The service behind any front end.

    `recognizer_script` plans the life of every task when it is accepted; without one, tasks wait for workers
    that `take_file` and `finish_file`. `faults` may be replaced at any time and then count from 1 again.
    """

    def __init__(
        self,
        settings: EmulatorSettings | None = None,
        recognizer_script: ScriptedRecognizer | None = None,
        faults: FaultPlan | None = None,
    ) -> None:
        self.settings = settings or EmulatorSettings()
        self.ledger = Ledger()
        self.storage = ObjectStorage(self.settings)
        self.public_url = self.settings.public_url or DEFAULT_PUBLIC_URL
        self._identity = random.Random(f"{self.settings.seed}/ids")
        self._list_order = random.Random(f"{self.settings.seed}/list")
        self._injector = self._inject(faults or FaultPlan())
        self._board = TaskBoard(
            self.settings,
            self.storage,
            self.ledger,
            recognizer_script,
            random.Random(f"{self.settings.seed}/times"),
        )
        self._results = ResultFiles(self.settings, self.storage, recognizer_script, self._new_id)
        self._budgets: dict[tuple[str, ...], SlidingWindow] = {}
        self._latest_task: dict[str, str] = {}
        self._operations: dict[Kind, Callable[[_Call], dict[str, Any]]] = {
            "submit": self._submit,
            "query": self._query,
            "cancel": self._cancel,
            "list": self._list,
            "policy": self._policy,
            "other": self._other,
        }

    def __repr__(self) -> str:
        accepted = len(self.ledger.submissions)
        return f"<Service {self.public_url} tasks={len(self._board)} accepted={accepted}>"

    @property
    def base_url(self) -> str:
        """What a client is given: ends in `/api/v1`."""
        return self.public_url + API_PREFIX

    @property
    def faults(self) -> FaultPlan:
        """The plan of what goes wrong."""
        return self._injector.plan

    @faults.setter
    def faults(self, plan: FaultPlan) -> None:
        self._injector = self._inject(plan)

    def handle(self, request: HttpRequest, now: float) -> HttpResponse:
        """Answer a request that arrived at `now`, seconds since the epoch; never raises for what is in it."""
        self.advance(now)
        kind, argument = route(request)
        self.ledger.requests[kind] += 1
        fault = self._injector.next(kind, now)
        if fault is None:
            fault = Fault()
        else:
            self.ledger.faults[kind] += 1
        if fault.drop == "before":
            return HttpResponse(503, drop="before")
        call = _Call(request, kind, argument, self._new_id(), now, fault)
        if fault.status is None:
            response = self._answer(call)
        else:
            if fault.handled:
                # A gateway's error hides that the work was done.
                self._answer(call)
            response = self._faulty(call, fault.status)
        if fault.content_type is not None:
            response = evolve(response, headers={**response.headers, "content-type": fault.content_type})
        if fault.delay or fault.drop:
            response = evolve(response, delay=fault.delay, drop=fault.drop)
        return self._compressed(call, response)

    def advance(self, now: float) -> None:
        """Let time pass: bill what ended, forget what expired. Every request does it too."""
        for task in self._board.advance(now):
            self._results.forget(task)
        self.storage.expire(now)

    # What a scenario may change while the service runs

    def set_limit(self, kind: Literal["submit", "query", "cancel", "list", "policy"], limit: int | RateLimit) -> None:
        """Change a limit without notice; requests of the last window count against the new one.

        `settings` shows it from now on. Models with a submit limit of their own keep that.
        """
        self.settings = self.settings.replace(**{f"{kind}_limit": as_rate_limit(limit)})

    def add_task(self, *file_urls: str, now: float, model: str = "fun-asr", account: str | None = None) -> str:
        """Add a task of another program on the account, and return its id.

        It is listed, queried, cancelled and billed like any other, but passes no limit and is not among the
        ledger's submissions. By default it is the first account's.
        """
        self.advance(now)
        keys = self.settings.api_keys
        account = account or next(iter(keys.values()))
        api_key = next((key for key, owner in keys.items() if owner == account), "")
        ids = (self._new_id(), self._new_id())
        return self._board.accept(Submit.plain(model, file_urls), account, api_key, ids, now).task_id

    # Work, for recognizers that need time

    def take_file(self, now: float) -> FileJob | None:
        """Give a worker the next file that is due, or None."""
        return self._board.take_file(now)

    def next_ready(self) -> float | None:
        """Return when the next task leaves the queue, or None if nothing is queued."""
        return self._board.next_ready()

    def finish_file(self, job: FileJob, outcome: FinishedFile | FileProblem, now: float) -> None:
        """Record what a worker made of a file."""
        self._board.finish_file(job, outcome, now)

    # Answers

    def _answer(self, call: _Call) -> HttpResponse:
        try:
            if call.kind == "upload":
                return self._from_storage(call, self._upload(call), b"")
            if call.kind == "result":
                return self._from_storage(call, 200, self._result(call))
            return self._json(call, 200, self._operations[call.kind](call))
        except StorageRefusalError as refusal:
            host = self.public_url.partition("://")[2]
            body = xml_error(refusal.code, refusal.message, _storage_id(call.request_id), host)
            return self._from_storage(call, refusal.status, body, "application/xml")
        except RefusalError as refusal:
            error = {"code": refusal.code, "message": refusal.message, "request_id": call.request_id}
            return self._json(call, refusal.status, error, refusal.headers)

    def _submit(self, call: _Call) -> dict[str, Any]:
        account, api_key = self._authenticate(call)
        submit = read_submit(call.request, self.settings)
        limit = self.settings.submit_limits.get(submit.model, self.settings.submit_limit)
        self._throttle(call, limit, account, submit.model)
        if len(self._board) >= self.settings.max_live_tasks:
            raise self._throttled(call, "Throttling", 1.0)
        task = self._board.accept(submit, account, api_key, (self._new_id(), call.request_id), call.now)
        self._latest_task[account] = task.task_id
        self.ledger.accept(
            Submission(
                time=call.now,
                account=account,
                model=submit.model,
                file_urls=submit.file_urls,
                task_id=task.task_id,
                request_id=call.request_id,
                parameters=submit.parameters,
            )
        )
        return {
            "output": {"task_status": "PENDING", "task_id": task.task_id},
            "request_id": call.request_id,
        }

    def _query(self, call: _Call) -> dict[str, Any]:
        account, _ = self._authenticate(call)
        self._throttle(call, self.settings.query_limit, account)
        task_id = call.argument
        if call.fault.other_task:
            latest = self._latest_task.get(account)
            task_id = self._new_id() if latest in {None, task_id} else str(latest)
        task = self._board.find(task_id, account)
        if task is None or call.now < task.submitted_at + self.faults.unknown_for:
            output: dict[str, Any] = {"task_id": task_id, "task_status": "UNKNOWN"}
            return {"request_id": call.request_id, "output": output}
        body: dict[str, Any] = {
            "request_id": call.request_id,
            "output": task_output(
                task,
                call.now,
                self.settings,
                lambda task, file: self.public_url + self._results.link(task, file, call.now),
            ),
        }
        usage = task_usage(task, call.now, self.settings)
        if usage is not None:
            body["usage"] = usage
        return body

    def _cancel(self, call: _Call) -> dict[str, Any]:
        account, _ = self._authenticate(call)
        self._throttle(call, self.settings.cancel_limit, account)
        task = self._board.find(call.argument, account)
        if task is None or not self._board.cancel(task, call.now):
            raise RefusalError(*UNSUPPORTED_CANCEL)
        return {"request_id": call.request_id}

    def _list(self, call: _Call) -> dict[str, Any]:
        account, _ = self._authenticate(call)
        self._throttle(call, self.settings.list_limit, account)
        if not self.settings.list_enabled:
            status = self.settings.list_refusal
            raise RefusalError(status, *_LIST_REFUSALS[status])
        query = ListQuery.read(call.request.arguments(), call.now, self.settings)
        seen_at = call.now - self.settings.list_lag
        tasks = self._board.listed(account, query, seen_at)
        body = list_body(query, tasks, seen_at, self.settings, self._list_order)
        return {**body, "request_id": call.request_id}

    def _policy(self, call: _Call) -> dict[str, Any]:
        account, _ = self._authenticate(call)
        arguments = call.request.arguments()
        if arguments.get("action") != "getPolicy":
            raise RefusalError(400, "InvalidParameter", "action must be getPolicy")
        model = arguments.get("model", "")
        if model not in self.settings.models:
            raise RefusalError(404, "ModelNotFound", f"Model can not be found. (model: {model})")
        self._throttle(call, self.settings.policy_limit, account, model)
        upload_host = f"{self.public_url}{OSS_PREFIX}{self.settings.upload_bucket}"
        data = self.storage.grant(account, model, call.now, call.request_id, upload_host)
        return {"request_id": call.request_id, "data": data}

    def _other(self, call: _Call) -> dict[str, Any]:
        del call
        raise RefusalError(404, "NotFound", "The requested resource could not be found.")

    def _upload(self, call: _Call) -> int:
        request = call.request
        if call.argument != self.settings.upload_bucket:
            raise StorageRefusalError(404, "NoSuchBucket", "The specified bucket does not exist.")
        if "chunked" in request.header("Transfer-Encoding").lower():
            message = "You must provide the Content-Length HTTP header."
            raise StorageRefusalError(411, "MissingContentLength", message)
        form = request.upload or parse_form(request.header("Content-Type"), request.body)
        return self.storage.accept(form, call.argument, call.now)

    def _result(self, call: _Call) -> bytes:
        if call.fault.expired_link:
            raise StorageRefusalError(403, "AccessDenied", "Request has expired.")
        return self._results.read(call.request, call.now)

    # Credentials and limits

    def _authenticate(self, call: _Call) -> tuple[str, str]:
        scheme, _, api_key = call.request.header("Authorization").partition(" ")
        account = self.settings.account_of(api_key.strip()) if scheme.lower() == "bearer" else None
        if account is None:
            raise RefusalError(401, "InvalidApiKey", "Invalid API-key provided.")
        return account, api_key.strip()

    def _throttle(self, call: _Call, limit: RateLimit, account: str, model: str = "") -> None:
        if not self.settings.limits_enabled:
            return
        kind: str = call.kind
        if self.settings.share_task_limits and kind in {"query", "list", "cancel"}:
            kind, limit = "task", self.settings.query_limit
        key = (kind, account, model)
        budget = self._budgets.get(key)
        if budget is None:
            budget = self._budgets[key] = SlidingWindow(limit)
        elif budget.limit is not limit:
            budget.change(limit)
        wait = budget.admit(call.now)
        if wait:
            raise self._throttled(call, self.settings.throttle_code, wait)

    def _throttled(self, call: _Call, code: str, wait: float) -> RefusalError:
        self.ledger.throttled[call.kind] += 1
        headers = {"retry-after": str(math.ceil(wait))} if self.settings.retry_after else {}
        return RefusalError(429, code, _THROTTLE_MESSAGES[code], headers)

    # Replies

    def _json(
        self, call: _Call, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> HttpResponse:
        milliseconds = str(int(call.now * 1000))
        sent = {
            "x-request-id": call.request_id,
            "x-dashscope-call-gateway": "true",
            "req-cost-time": "1",
            "req-arrive-time": milliseconds,
            "resp-start-time": milliseconds,
            "x-envoy-upstream-service-time": "1",
            "server": "istio-envoy",
            **(headers or {}),
        }
        if status < 400 or self.settings.error_content_type:
            sent["content-type"] = "application/json;charset=UTF-8"
        return HttpResponse(status, sent, json_bytes(body))

    def _from_storage(
        self, call: _Call, status: int, body: bytes, content_type: str = "application/json"
    ) -> HttpResponse:
        headers = {"server": "AliyunOSS", "x-oss-request-id": _storage_id(call.request_id)}
        if body:
            headers["content-type"] = content_type
        return HttpResponse(status, headers, body)

    def _faulty(self, call: _Call, status: int) -> HttpResponse:
        fault = call.fault
        if status == 429:
            self.ledger.throttled[call.kind] += 1
        if fault.html:
            return HttpResponse(status, {"content-type": "text/html"}, _HTML % (status, status))
        body = {"code": fault.code, "message": fault.message, "request_id": call.request_id}
        headers = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
        return self._json(call, status, body, headers)

    def _compressed(self, call: _Call, response: HttpResponse) -> HttpResponse:
        wanted = self.settings.gzip and "gzip" in call.request.header("Accept-Encoding").lower()
        if not wanted or not response.body:
            return response
        if call.kind == "result" and len(response.body) not in _GZIP_RESULT_BYTES:
            return response
        headers = {**response.headers, "content-encoding": "gzip", "vary": "Accept-Encoding"}
        return evolve(response, headers=headers, body=gzip.compress(response.body, 1, mtime=0))

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._identity.getrandbits(128), version=4))

    def _inject(self, plan: FaultPlan) -> FaultInjector:
        return FaultInjector(plan, random.Random(f"{self.settings.seed}/faults"))


def _storage_id(request_id: str) -> str:
    return request_id.replace("-", "")[:24].upper()
