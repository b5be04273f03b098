"""What the service does for each kind of request (protocol notes, sections 1 to 9)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from aiofunasr.emulator.board import TaskBoard
from aiofunasr.emulator.faults import FaultPlan
from aiofunasr.emulator.framing import Call, error_body, json_reply, storage_refusal, storage_reply
from aiofunasr.emulator.gate import Caller, Gate
from aiofunasr.emulator.ledger import Ledger, Submission
from aiofunasr.emulator.listing import ListQuery, list_body
from aiofunasr.emulator.messages import (
    OSS_PREFIX,
    HttpResponse,
    RefusalError,
    StorageRefusalError,
    json_bytes,
)
from aiofunasr.emulator.multipart import parse_form
from aiofunasr.emulator.recognizer import HotWord
from aiofunasr.emulator.replies import UNSUPPORTED_CANCEL, task_output, task_usage
from aiofunasr.emulator.results import ResultFiles
from aiofunasr.emulator.routes import Kind
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.storage import ObjectStorage
from aiofunasr.emulator.submit import Submit, find_model, read_body, read_submit
from aiofunasr.emulator.tasks import Task, TaskFile
from aiofunasr.emulator.tokens import TokenDesk
from aiofunasr.emulator.vocabularies import VocabularyShelf

_LIST_REFUSALS: Final = {
    400: ("InvalidParameter", "Required parameter(task_id) missing or invalid, please check the request parameters."),
    403: ("AccessDenied", "Access denied."),
    404: ("NotFound", "The requested resource could not be found."),
}
# What a download gets that should have got another's document, when there is no other.
_SOME_DOCUMENT: Final = json_bytes({"file_url": "https://media.example.com/of-another-task.wav", "transcripts": []})


State = tuple[dict[str, Any], dict[str, Any] | None]
"""The `output` of a query, and its `usage` if it has one."""


class Operations:
    """Answers one request at a time, after the faults that spare it and before those that spoil the reply.

    `faults` and `public_url` are the service's, which keeps them up to date; so is `event_certificate`, in PEM.
    """

    def __init__(
        self,
        settings: EmulatorSettings,
        ledger: Ledger,
        board: TaskBoard,
        storage: ObjectStorage,
        results: ResultFiles,
        *,
        new_id: Callable[[], str],
        public_url: str,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._board = board
        self._storage = storage
        self._results = results
        self._new_id = new_id
        self.public_url = public_url
        self.faults = FaultPlan()
        self.event_certificate: bytes | None = None
        self._tokens = TokenDesk(new_id)
        self._vocabularies = VocabularyShelf(settings, new_id)
        self._gate = Gate(settings, ledger, self._tokens)
        self._list_order = random.Random(f"{settings.seed}/list")
        self._latest_task: dict[str, str] = {}
        self._latest_result = ("", _SOME_DOCUMENT)
        self.handlers: dict[Kind, Callable[[Call], dict[str, Any]]] = {
            "submit": self._submit,
            "query": self._query,
            "cancel": self._cancel,
            "list": self._list,
            "policy": self._policy,
            "token": self._token,
            "vocabulary": self._vocabulary,
            "other": self._other,
        }

    @property
    def settings(self) -> EmulatorSettings:
        """How the service behaves from now on."""
        return self._settings

    @settings.setter
    def settings(self, settings: EmulatorSettings) -> None:
        self._settings = self._gate.settings = self._vocabularies.settings = settings

    def answer(self, call: Call) -> HttpResponse:
        """Return the reply, a refusal included."""
        try:
            if call.kind == "upload":
                return storage_reply(call, self._upload(call), b"")
            if call.kind == "certificate":
                return storage_reply(call, 200, self._certificate(), "application/x-pem-file")
            if call.kind == "result":
                return storage_reply(call, 200, self._result(call))
            return json_reply(call, self.settings, 200, self.handlers[call.kind](call))
        except StorageRefusalError as refusal:
            return storage_refusal(call, refusal, self.public_url.partition("://")[2])
        except RefusalError as refusal:
            error = error_body(call, self.settings, refusal.code, refusal.message)
            return json_reply(call, self.settings, refusal.status, error, refusal.headers)

    def state(self, task: Task, now: float, link_life: float | None = None) -> State:
        """Return what a query of the task answers; `link_life` as a fault has it."""

        def link_of(task: Task, file: TaskFile) -> str:
            return (self.settings.result_url or self.public_url) + self._results.link(task, file, now, link_life)

        return task_output(task, now, self.settings, link_of), task_usage(task, now, self.settings)

    def _submit(self, call: Call) -> dict[str, Any]:
        caller = self._gate.authenticate(call)
        account = caller.account
        submit = read_submit(call.request, caller.site, self.settings)
        hot_words = self._hot_words(submit, caller, call.now)
        self._gate.throttle_submit(call, caller, submit.model)
        if len(self._board) >= self.settings.max_live_tasks:
            raise self._gate.too_often(call, "Throttling", 1.0)
        task = self._board.accept(submit, caller, (self._new_id(), call.request_id), call.now, hot_words)
        earlier, self._latest_task[account] = self._latest_task.get(account), task.task_id
        self._ledger.accept(
            Submission(
                time=call.now,
                account=account,
                region=caller.site.region,
                model=submit.model.name,
                file_urls=submit.file_urls,
                task_id=task.task_id,
                request_id=call.request_id,
                parameters=submit.parameters,
                context=submit.context,
            )
        )
        told = (earlier or self._new_id()) if call.fault.other_task else task.task_id
        return {"output": {"task_status": "PENDING", "task_id": told}, "request_id": call.request_id}

    def _hot_words(self, submit: Submit, caller: Caller, now: float) -> tuple[HotWord, ...]:
        vocabulary_id = submit.read.vocabulary_id
        if vocabulary_id is None:
            return submit.read.hot_words
        return self._vocabularies.hot_words_for(vocabulary_id, submit.model.name, caller.account, now)

    def _query(self, call: Call) -> dict[str, Any]:
        if call.request.method not in self.settings.query_methods:
            return self._other(call)
        caller = self._gate.authenticate(call)
        self._gate.throttle(call, self.settings.query_limit, caller)
        task_id = call.argument
        if call.fault.other_task:
            latest = self._latest_task.get(caller.account)
            task_id = self._new_id() if latest in {None, task_id} else str(latest)
        task = self._board.find(task_id, caller.account, caller.site.region)
        if task is None or self.faults.is_unknown(task_id, call.now - task.submitted_at):
            unknown = {"task_id": task_id, "task_status": "UNKNOWN"}
            return {"request_id": call.request_id, "output": unknown}
        output, usage = self.state(task, call.now, call.fault.link_life)
        if call.fault.results != "as they are" and "results" in output:
            output["results"] = output["results"][::-1] * (1 + (call.fault.results == "repeated"))
        body: dict[str, Any] = {"request_id": call.request_id, "output": output}
        if usage is not None:
            body["usage"] = usage
        return body

    def _cancel(self, call: Call) -> dict[str, Any]:
        caller = self._gate.authenticate(call)
        self._gate.throttle(call, self.settings.cancel_limit, caller)
        task = self._board.find(call.argument, caller.account, caller.site.region)
        if task is None or not self._board.cancel(task, call.now):
            raise RefusalError(*UNSUPPORTED_CANCEL)
        return {"request_id": call.request_id}

    def _list(self, call: Call) -> dict[str, Any]:
        caller = self._gate.authenticate(call)
        self._gate.throttle(call, self.settings.list_limit, caller)
        if not self.settings.list_enabled:
            status = self.settings.list_refusal
            raise RefusalError(status, *_LIST_REFUSALS[status])
        query = ListQuery.read(call.request.arguments(), call.now, self.settings)
        seen_at = call.now - self.settings.list_lag
        tasks = self._board.listed(caller.account, caller.site.region, query, seen_at)
        body = list_body(query, tasks, seen_at, self.settings, self._list_order)
        return {**body, "request_id": call.request_id}

    def _policy(self, call: Call) -> dict[str, Any]:
        caller = self._gate.authenticate(call)
        arguments = call.request.arguments()
        if arguments.get("action") != "getPolicy":
            raise RefusalError(400, "InvalidParameter", "action must be getPolicy")
        model = find_model(arguments.get("model", ""), caller.site, self.settings).name
        self._gate.throttle(call, self.settings.policy_limit, caller, model)
        upload_host = f"{self.public_url}{OSS_PREFIX}{self.settings.upload_bucket}"
        data = self._storage.grant(
            caller.account, model, caller.site, call.now, request_id=call.request_id, upload_host=upload_host
        )
        return {"request_id": call.request_id, "data": data}

    def _token(self, call: Call) -> dict[str, Any]:
        # It cannot be renewed, so a token must not make another.
        caller = self._gate.authenticate(call, tokens=self.settings.tokens_make_tokens)
        return self._tokens.issue(caller.api_key, call.request.arguments(), call.now)

    def _vocabulary(self, call: Call) -> dict[str, Any]:
        caller = self._gate.authenticate(call)
        output = self._vocabularies.act(read_body(call.request, self.settings), caller.account, call.now)
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
        return self._storage.accept(form, call.argument, call.now)

    def _certificate(self) -> bytes:
        if self.event_certificate is None:
            raise StorageRefusalError(404, "NoSuchKey", "The specified key does not exist.")
        return self.event_certificate

    def _result(self, call: Call) -> bytes:
        if call.fault.expired_link:
            raise StorageRefusalError(403, "AccessDenied", "Request has expired.")
        document = self._results.read(call.request, call.now)
        (path, earlier), self._latest_result = self._latest_result, (call.request.path, document)
        if call.fault.other_task:
            return _SOME_DOCUMENT if path == call.request.path else earlier
        return document
