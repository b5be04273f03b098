"""The emulated service: every route of it, with the clock passed in.

`Service.handle` depends on nothing but its state, a request and `now`. The same object runs behind a socket
(`EmulatorServer`) and in virtual time. Routes, orders of checks and bodies are in the protocol notes,
sections 1 to 9 and 14.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any, Final, Literal

from attrs import evolve

from aiofunasr.emulator.board import FileJob, FinishedFile, TaskBoard
from aiofunasr.emulator.damage import damaged
from aiofunasr.emulator.faults import Fault, FaultInjector, FaultPlan
from aiofunasr.emulator.framing import (
    Call,
    compressed,
    dated,
    gateway_reply,
    json_reply,
    storage_refusal,
    storage_reply,
)
from aiofunasr.emulator.gate import Gate
from aiofunasr.emulator.ledger import Ledger, Submission
from aiofunasr.emulator.limits import RateLimit, as_rate_limit
from aiofunasr.emulator.listing import ListQuery, list_body
from aiofunasr.emulator.messages import (
    API_PREFIX,
    OSS_PREFIX,
    HttpRequest,
    HttpResponse,
    RefusalError,
    StorageRefusalError,
    json_bytes,
)
from aiofunasr.emulator.multipart import parse_form
from aiofunasr.emulator.replies import UNSUPPORTED_CANCEL, task_output, task_usage
from aiofunasr.emulator.results import ResultFiles
from aiofunasr.emulator.routes import Kind, route
from aiofunasr.emulator.scripted import ScriptedRecognizer
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.storage import ObjectStorage
from aiofunasr.emulator.submit import Submit, read_body, read_submit
from aiofunasr.emulator.tasks import FileProblem
from aiofunasr.emulator.tokens import TokenDesk
from aiofunasr.emulator.vocabularies import VocabularyShelf

DEFAULT_PUBLIC_URL: Final = "http://localhost"

_LIST_REFUSALS: Final = {
    400: ("InvalidParameter", "Required parameter(task_id) missing or invalid, please check the request parameters."),
    403: ("AccessDenied", "Access denied."),
    404: ("NotFound", "The requested resource could not be found."),
}
# What a download gets that should have got another's document, when there is no other.
_SOME_DOCUMENT: Final = json_bytes({"file_url": "https://media.example.com/of-another-task.wav", "transcripts": []})


class Service:
    """The service behind any front end.

    `recognizer_script` plans the life of every task when it is accepted; without one, tasks wait for workers
    that `take_file` and `finish_file`. `faults` may be replaced at any time and then count from 1 again.

    Times that go in or come out are the caller's. The service's own clock may be ahead of it: those in its
    replies, its ledger and its tasks are by that clock.
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
        self._tokens = TokenDesk(self._new_id)
        self._vocabularies = VocabularyShelf(self.settings, self._new_id)
        self._gate = Gate(self.settings, self.ledger, self._tokens)
        self._latest_task: dict[str, str] = {}
        self._latest_result = ("", _SOME_DOCUMENT)
        self._operations: dict[Kind, Callable[[Call], dict[str, Any]]] = {
            "submit": self._submit,
            "query": self._query,
            "cancel": self._cancel,
            "list": self._list,
            "policy": self._policy,
            "token": self._token,
            "vocabulary": self._vocabulary,
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
        if fault.drop == "before" or (fault.drop == "silence" and not fault.handled):
            return HttpResponse(503, drop=fault.drop)
        call = Call(request, kind, argument, self._new_id(), now + self._ahead, fault)
        if fault.status is None:
            response = self._answer(call)
        else:
            if fault.handled:
                # A gateway's error hides that the work was done.
                self._answer(call)
            if fault.status == 429:
                self.ledger.throttled[kind] += 1
            response = gateway_reply(call, self.settings, fault.status)
        response = self._dressed(call, response)
        return evolve(response, delay=fault.delay, drop=fault.drop) if fault.delay or fault.drop else response

    def advance(self, now: float) -> None:
        """Let time pass: bill what ended, forget what expired. Every request does it too."""
        for task in self._board.advance(now + self._ahead):
            self._results.forget(task)
        self.storage.expire(now + self._ahead)

    # What a scenario may change while the service runs

    def set_limit(self, kind: Literal["submit", "query", "cancel", "list", "policy"], limit: int | RateLimit) -> None:
        """Change a limit without notice; requests of the last window count against the new one.

        `settings` shows it from now on. Models with a submit limit of their own keep that.
        """
        self.settings = self._gate.settings = self.settings.replace(**{f"{kind}_limit": as_rate_limit(limit)})

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
        task = self._board.accept(Submit.plain(model, file_urls), account, api_key, ids, now + self._ahead)
        return task.task_id

    # Work, for recognizers that need time

    def take_file(self, now: float) -> FileJob | None:
        """Give a worker the next file that is due, or None."""
        job = self._board.take_file(now + self._ahead)
        return None if job is None else evolve(job, deadline=job.deadline - self._ahead)

    def next_ready(self) -> float | None:
        """Return when the next task leaves the queue, or None if nothing is queued."""
        ready_at = self._board.next_ready()
        return None if ready_at is None else ready_at - self._ahead

    def finish_file(self, job: FileJob, outcome: FinishedFile | FileProblem, now: float) -> None:
        """Record what a worker made of a file."""
        self._board.finish_file(job, outcome, now + self._ahead)

    # Answers

    def _answer(self, call: Call) -> HttpResponse:
        try:
            if call.kind == "upload":
                return storage_reply(call, self._upload(call), b"")
            if call.kind == "result":
                return storage_reply(call, 200, self._result(call))
            return json_reply(call, self.settings, 200, self._operations[call.kind](call))
        except StorageRefusalError as refusal:
            return storage_refusal(call, refusal, self.public_url.partition("://")[2])
        except RefusalError as refusal:
            # A few errors of the gateway have a message and no code.
            named = {"code": refusal.code} if refusal.code else {}
            error = {**named, "message": refusal.message, "request_id": call.request_id}
            return json_reply(call, self.settings, refusal.status, error, refusal.headers)

    def _dressed(self, call: Call, response: HttpResponse) -> HttpResponse:
        """Spoil the body as the fault says, and add what every reply has."""
        fault = call.fault
        response = damaged(response, fault)
        if fault.content_type is not None:
            others = {name: value for name, value in response.headers.items() if name != "content-type"}
            typed = {"content-type": fault.content_type} if fault.content_type else {}
            response = evolve(response, headers={**others, **typed})
        if self.settings.date_header:
            response = dated(response, call.now)
        return compressed(call, response, self.settings)

    def _submit(self, call: Call) -> dict[str, Any]:
        account, api_key = self._gate.authenticate(call)
        submit = read_submit(call.request, self.settings)
        if submit.vocabulary_id is not None:
            words = self._vocabularies.hot_words_for(submit.vocabulary_id, submit.model, account, call.now)
            submit = evolve(submit, hot_words=words)
        limit = self.settings.submit_limits.get(submit.model, self.settings.submit_limit)
        self._gate.throttle(call, limit, account, submit.model)
        if len(self._board) >= self.settings.max_live_tasks:
            raise self._gate.too_often(call, "Throttling", 1.0)
        task = self._board.accept(submit, account, api_key, (self._new_id(), call.request_id), call.now)
        earlier, self._latest_task[account] = self._latest_task.get(account), task.task_id
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
        told = (earlier or self._new_id()) if call.fault.other_task else task.task_id
        return {"output": {"task_status": "PENDING", "task_id": told}, "request_id": call.request_id}

    def _query(self, call: Call) -> dict[str, Any]:
        account, _ = self._gate.authenticate(call)
        self._gate.throttle(call, self.settings.query_limit, account)
        task_id = call.argument
        if call.fault.other_task:
            latest = self._latest_task.get(account)
            task_id = self._new_id() if latest in {None, task_id} else str(latest)
        task = self._board.find(task_id, account)
        if task is None or self.faults.is_unknown(task_id, call.now - task.submitted_at):
            unknown = {"task_id": task_id, "task_status": "UNKNOWN"}
            return {"request_id": call.request_id, "output": unknown}
        output = task_output(
            task,
            call.now,
            self.settings,
            lambda task, file: self.public_url + self._results.link(task, file, call.now, call.fault.link_life),
        )
        if call.fault.results != "as they are" and "results" in output:
            output["results"] = output["results"][::-1] * (1 + (call.fault.results == "repeated"))
        body: dict[str, Any] = {"request_id": call.request_id, "output": output}
        usage = task_usage(task, call.now, self.settings)
        if usage is not None:
            body["usage"] = usage
        return body

    def _cancel(self, call: Call) -> dict[str, Any]:
        account, _ = self._gate.authenticate(call)
        self._gate.throttle(call, self.settings.cancel_limit, account)
        task = self._board.find(call.argument, account)
        if task is None or not self._board.cancel(task, call.now):
            raise RefusalError(*UNSUPPORTED_CANCEL)
        return {"request_id": call.request_id}

    def _list(self, call: Call) -> dict[str, Any]:
        account, _ = self._gate.authenticate(call)
        self._gate.throttle(call, self.settings.list_limit, account)
        if not self.settings.list_enabled:
            status = self.settings.list_refusal
            raise RefusalError(status, *_LIST_REFUSALS[status])
        query = ListQuery.read(call.request.arguments(), call.now, self.settings)
        seen_at = call.now - self.settings.list_lag
        tasks = self._board.listed(account, query, seen_at)
        body = list_body(query, tasks, seen_at, self.settings, self._list_order)
        return {**body, "request_id": call.request_id}

    def _policy(self, call: Call) -> dict[str, Any]:
        account, _ = self._gate.authenticate(call)
        arguments = call.request.arguments()
        if arguments.get("action") != "getPolicy":
            raise RefusalError(400, "InvalidParameter", "action must be getPolicy")
        model = arguments.get("model", "")
        if model not in self.settings.models:
            raise RefusalError(404, "ModelNotFound", f"Model can not be found. (model: {model})")
        self._gate.throttle(call, self.settings.policy_limit, account, model)
        upload_host = f"{self.public_url}{OSS_PREFIX}{self.settings.upload_bucket}"
        data = self.storage.grant(account, model, call.now, call.request_id, upload_host)
        return {"request_id": call.request_id, "data": data}

    def _token(self, call: Call) -> dict[str, Any]:
        # It cannot be renewed, so a token must not make another.
        _, api_key = self._gate.authenticate(call, tokens=self.settings.tokens_make_tokens)
        return self._tokens.issue(api_key, call.request.arguments(), call.now)

    def _vocabulary(self, call: Call) -> dict[str, Any]:
        account, _ = self._gate.authenticate(call)
        output = self._vocabularies.act(read_body(call.request, self.settings), account, call.now)
        return {"output": output, "usage": {"count": 1}, "request_id": call.request_id}

    def _other(self, call: Call) -> dict[str, Any]:
        del call
        raise RefusalError(404, "NotFound", "The requested resource could not be found.")

    def _upload(self, call: Call) -> int:
        request = call.request
        if call.argument != self.settings.upload_bucket:
            raise StorageRefusalError(404, "NoSuchBucket", "The specified bucket does not exist.")
        if "chunked" in request.header("Transfer-Encoding").lower():
            message = "You must provide the Content-Length HTTP header."
            raise StorageRefusalError(411, "MissingContentLength", message)
        form = request.upload or parse_form(request.header("Content-Type"), request.body)
        return self.storage.accept(form, call.argument, call.now)

    def _result(self, call: Call) -> bytes:
        if call.fault.expired_link:
            raise StorageRefusalError(403, "AccessDenied", "Request has expired.")
        document = self._results.read(call.request, call.now)
        (path, earlier), self._latest_result = self._latest_result, (call.request.path, document)
        if call.fault.other_task:
            return _SOME_DOCUMENT if path == call.request.path else earlier
        return document

    @property
    def _ahead(self) -> float:
        return self.settings.clock_offset_seconds

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._identity.getrandbits(128), version=4))

    def _inject(self, plan: FaultPlan) -> FaultInjector:
        return FaultInjector(plan, random.Random(f"{self.settings.seed}/faults"))
