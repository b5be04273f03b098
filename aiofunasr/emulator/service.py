"""The emulated service: every route of it, with the clock passed in.

`Service.handle` depends on nothing but its state, a request and `now`. The same object runs behind a socket
(`EmulatorServer`) and in virtual time. Routes, orders of checks and bodies are in the protocol notes,
sections 1 to 9 and 14.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Final, Literal

from attrs import evolve

from aiofunasr.emulator.board import FileJob, FinishedFile, TaskBoard
from aiofunasr.emulator.damage import damaged
from aiofunasr.emulator.events import EventDelivery, EventOutbox, event_body
from aiofunasr.emulator.faults import Fault, FaultInjector, FaultPlan
from aiofunasr.emulator.framing import (
    Call,
    compressed,
    dated,
    gateway_reply,
)
from aiofunasr.emulator.gate import Caller
from aiofunasr.emulator.ledger import EventPush, Ledger
from aiofunasr.emulator.limits import RateLimit, as_rate_limit
from aiofunasr.emulator.messages import (
    API_PREFIX,
    RESULTS_PREFIX,
    HttpRequest,
    HttpResponse,
)
from aiofunasr.emulator.models import model_named
from aiofunasr.emulator.operations import Operations
from aiofunasr.emulator.results import ResultFiles
from aiofunasr.emulator.routes import route
from aiofunasr.emulator.scripted import ScriptedRecognizer
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.sites import Site
from aiofunasr.emulator.storage import ObjectStorage
from aiofunasr.emulator.submit import Submit
from aiofunasr.emulator.tasks import FileProblem

DEFAULT_PUBLIC_URL: Final = "http://localhost"


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
        self._settings = settings or EmulatorSettings()
        self.ledger = Ledger()
        self._script = recognizer_script
        self._public_url = self._settings.public_url or DEFAULT_PUBLIC_URL
        self._certificate: bytes | None = None
        self._injector = self._inject(faults or FaultPlan())
        self._build()

    def _build(self) -> None:
        """Make everything that a reset makes anew."""
        settings = self._settings
        self._identity = random.Random(f"{settings.seed}/ids")
        self.storage = ObjectStorage(settings)
        self._board = TaskBoard(
            settings, self.storage, self.ledger, self._script, random.Random(f"{settings.seed}/times")
        )
        self._results = ResultFiles(settings, self.storage, self._script, self._new_id)
        self._outbox = EventOutbox(settings, self._new_id, random.Random(f"{settings.seed}/events"))
        self._operations = Operations(
            settings,
            self.ledger,
            self._board,
            self.storage,
            self._results,
            new_id=self._new_id,
            public_url=self._public_url,
        )
        self._operations.faults = self.faults
        self._operations.event_certificate = self._certificate

    def __repr__(self) -> str:
        accepted = len(self.ledger.submissions)
        return f"<Service {self.public_url} tasks={len(self._board)} accepted={accepted}>"

    @property
    def base_url(self) -> str:
        """What a client is given: ends in `/api/v1`."""
        return self.public_url + API_PREFIX

    @property
    def public_url(self) -> str:
        """What the service's links begin with; the front end knows it."""
        return self._public_url

    @public_url.setter
    def public_url(self, url: str) -> None:
        self._public_url = self._operations.public_url = url

    @property
    def event_certificate(self) -> bytes | None:
        """The certificate, in PEM, that events are signed with; set by whoever signs them."""
        return self._certificate

    @event_certificate.setter
    def event_certificate(self, certificate: bytes) -> None:
        self._certificate = self._operations.event_certificate = certificate

    @property
    def settings(self) -> EmulatorSettings:
        """How the service behaves; others may be set at any time, and hold for whatever comes after.

        A task that was planned keeps its times, and what was drawn by chance stays drawn: `seed` counts from a reset
        on.
        """
        return self._settings

    @settings.setter
    def settings(self, settings: EmulatorSettings) -> None:
        self._settings = settings
        if settings.public_url is not None:
            self.public_url = settings.public_url
        for part in (self._board, self.storage, self._results, self._outbox, self._operations):
            part.settings = settings

    @property
    def faults(self) -> FaultPlan:
        """The plan of what goes wrong."""
        return self._injector.plan

    @faults.setter
    def faults(self, plan: FaultPlan) -> None:
        self._injector = self._inject(plan)
        self._operations.faults = plan

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
            response = self._operations.answer(call)
        else:
            if fault.handled:
                # A gateway's error hides that the work was done.
                self._operations.answer(call)
            if fault.status == 429:
                self.ledger.throttled[kind] += 1
            response = gateway_reply(call, self.settings, fault.status)
        response = self._dressed(call, response)
        return evolve(response, delay=fault.delay, drop=fault.drop) if fault.delay or fault.drop else response

    def unwritten(self, request: HttpRequest, now: float) -> Callable[[], bytes | None] | None:
        """Return what writes the document that a request is for, or None if there is none to be written.

        It may take seconds and may run in any thread; `handle` takes what it returns as the request's `document`, and
        writes it itself where it has none.
        """
        if not request.path.startswith(RESULTS_PREFIX):
            return None
        return self._results.unwritten(request, now + self._ahead)

    def advance(self, now: float) -> None:
        """Let time pass: bill what ended, forget what expired. Every request does it too."""
        ended, forgotten = self._board.advance(now + self._ahead)
        for task in ended:
            self._outbox.add(task, task.ends_at or now)
        for task in forgotten:
            self._results.forget(task)
        self.storage.expire(now + self._ahead)

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
        caller = Caller(account, api_key, Site(self.settings.region))
        ids = (self._new_id(), self._new_id())
        task = self._board.accept(Submit(model_named(model), file_urls), caller, ids, now + self._ahead)
        return task.task_id

    def reset(self) -> None:
        """Forget every task, upload, token, list and count, and begin the faults anew; the settings stay."""
        self.ledger.clear()
        left = self.storage.clear()
        self.faults = self.faults
        self._build()
        self.storage.adopt_orphans(left)

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

    # Events, for whoever pushes them

    def take_event(self, now: float) -> EventDelivery | None:
        """Give a pusher the next event that is due, or None."""
        self.advance(now)
        return self._outbox.take(now + self._ahead)

    def next_event(self) -> float | None:
        """Return when there may be an event next, or None if no task is known to end."""
        if self.settings.events_url is None:
            return None
        moments = [moment for moment in (self._outbox.next_due(), self._board.next_event()) if moment is not None]
        return min(moments) - self._ahead if moments else None

    def event_body(self, delivery: EventDelivery, now: float) -> bytes:
        """Write an event as it is published now."""
        return event_body(delivery, now + self._ahead, self.settings, self._operations.state)

    def settle_event(self, delivery: EventDelivery, status: int | None, now: float) -> None:
        """Record the status a receiver answered with, None if it did not; what was not taken is tried again."""
        self.ledger.deliver(EventPush(now + self._ahead, delivery.event_id, delivery.task.task_id, status))
        if status is None or not 200 <= status < 300:
            self._outbox.refused(delivery, now + self._ahead)

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

    @property
    def _ahead(self) -> float:
        return self.settings.clock_offset_seconds

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._identity.getrandbits(128), version=4))

    def _inject(self, plan: FaultPlan) -> FaultInjector:
        return FaultInjector(plan, random.Random(f"{self.settings.seed}/faults"))
