"""The admin route: see and change a running emulator, under a prefix that the service itself has not.

    GET   /emulator/settings        every switch, in tables
    PATCH /emulator/settings        {"limits": {"query_limit": 5}}: those switches and no others
    GET   /emulator/ledger          submissions, billed seconds, counts of requests and faults, events
    POST  /emulator/faults          {"rules": [{"kind": "submit", "fault": "drop_after", "numbers": [1]}]}
    POST  /emulator/reset           forget every task and begin to count anew; the settings stay

Bodies are JSON. It is off unless it was asked for: whoever reaches the port may use it, with no key.
"""

from __future__ import annotations

import json
from typing import Any, Final

from attrs import asdict

from aiofunasr.emulator.configuration import ConfigurationError, read_tables, show_tables, with_changes
from aiofunasr.emulator.ledger import Ledger
from aiofunasr.emulator.messages import HttpRequest, HttpResponse, json_bytes
from aiofunasr.emulator.plans import read_plan
from aiofunasr.emulator.service import Service

ADMIN_PREFIX: Final = "/emulator"

_MOST_ROWS: Final = 10_000


def is_admin(path: str) -> bool:
    """Tell whether a request is for the admin route."""
    return path.startswith(f"{ADMIN_PREFIX}/")


def handle_admin(service: Service, request: HttpRequest, now: float) -> HttpResponse:
    """Answer a request for the admin route; what is wrong with it is a 400 with an `error`."""
    service.advance(now)
    try:
        return _reply(200, _do(service, request))
    except ConfigurationError as error:
        return _reply(400, {"error": str(error)})
    except LookupError:
        return _reply(404, {"error": f"there is no {request.method} {request.path}"})


def _do(service: Service, request: HttpRequest) -> dict[str, Any]:
    match request.method, request.path.removeprefix(ADMIN_PREFIX):
        case "GET", "/settings":
            return show_tables(service.settings)
        case "PATCH", "/settings":
            service.settings = with_changes(service.settings, read_tables(_body(request)))
            return show_tables(service.settings)
        case "GET", "/ledger":
            return show_ledger(service.ledger)
        case "POST", "/faults":
            service.faults = read_plan(_body(request))
            return {"rules": len(service.faults.rules)}
        case "POST", "/reset":
            service.reset()
            return {}
        case _:
            raise LookupError(request.path)


def show_ledger(ledger: Ledger) -> dict[str, Any]:
    """Return the books as JSON can have them: the newest rows of each kind, with all the sums."""
    return {
        "submissions": [asdict(row) for row in ledger.submissions[-_MOST_ROWS:]],
        "events": [asdict(row) for row in ledger.events[-_MOST_ROWS:]],
        "accepted": len(ledger.submissions),
        "billed_ms": ledger.billed_ms,
        "billed_seconds": ledger.billed_seconds,
        "requests": dict(ledger.requests),
        "throttled": dict(ledger.throttled),
        "faults": dict(ledger.faults),
        "duplicates": ledger.duplicates(),
    }


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ConfigurationError("the body must be a JSON object")
    return body


def _reply(status: int, body: Any) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json_bytes(body))
