"""All that can go wrong with requests, with one probability."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final

from aiofunasr.emulator import Fault, FaultPlan

UNKNOWN_SECONDS: Final = 5.0
BURST_EVERY: Final = 30.0
"""Seconds from one burst of 429 to the next; how long each lasts follows from its share."""

# Larger than any reply that is read, so that it must be left in the middle.
_HUGE: Final = 100 * 2**20
_NESTED: Final = 20_000

_ANY: Final[tuple[tuple[float, Fault], ...]] = (
    (1.0, Fault.drop_before()),
    (2.0, Fault.drop_after()),
    (1.0, Fault.timed_out()),
    (0.5, Fault.timed_out(handled=False)),
    (1.0, Fault.truncated()),
    *(
        (0.5, Fault.error(status, html=status == 502, handled=handled))
        for status in (500, 502, 503, 504)
        for handled in (False, True)
    ),
    (0.5, Fault.html_page()),
    (0.5, Fault.html_page(handled=True)),
    (1.0, Fault.cut_document()),
    (0.5, Fault.garbage()),
    (0.5, Fault.nested(_NESTED)),
    (0.5, Fault.wrong_content_type()),
    (0.5, Fault.no_content_type()),
    (0.05, Fault.huge(_HUGE)),
    (0.05, Fault.huge(_HUGE, compressed=True)),
)
"""Weights, and faults that any request may meet."""

_ALSO: Final[Mapping[str, tuple[tuple[float, Fault], ...]]] = {
    "query": (
        (1.0, Fault.answer_for_another_task()),
        (0.5, Fault.reordered()),
        (0.5, Fault.repeated()),
        (1.0, Fault.short_links()),
    ),
    "result": ((1.0, Fault.expired()),),
}
_MIXED_UP: Final = (0.5, Fault.answer_for_another_task())

_BURST: Final = 2.0
NOT_CONNECTED: Final = 1.0
"""The weights of a burst, and of a request that never left, which is the transport's to fail."""

KINDS: Final = ("submit", "query", "list", "cancel", "policy", "upload", "result")


def hostile_plan(share: float, seed: int = 0, *, mixed_up: bool = True) -> FaultPlan:
    """Return a plan in which each request of any kind meets some fault with a probability of `share`.

    The share of requests that are not connected is in it: see `not_connected`. `seed` moves the bursts; which requests
    are hit is drawn by the service's own seed. `mixed_up`: also submits and downloads get another task's reply.
    """
    plan = FaultPlan(unknown_for=UNKNOWN_SECONDS, unknown_share=share)
    if not share:
        return plan
    chance = Random(f"{seed}/bursts")
    for kind in KINDS:
        faults = faults_of(kind, mixed_up=mixed_up)
        unit = share / (sum(weight for weight, _ in faults) + _BURST + NOT_CONNECTED)
        plan = plan.bursts(
            kind,
            Fault.throttled(),
            every=BURST_EVERY,
            lasting=BURST_EVERY * unit * _BURST,
            begin=-chance.random() * BURST_EVERY,
        )
        # The first rule that hits decides, so each is given its chance of what those before it have left.
        left = 1.0
        for weight, fault in faults:
            plan = plan.sometimes(kind, fault, unit * weight / left)
            left -= unit * weight
    return plan


def faults_of(kind: str, *, mixed_up: bool = True) -> list[tuple[float, Fault]]:
    """Return what requests of a kind may meet beside bursts, and how often, as weights."""
    mixes = mixed_up and kind in {"submit", "result"}
    return [*_ANY, *_ALSO.get(kind, ()), *([_MIXED_UP] if mixes else [])]


def not_connected(share: float) -> float:
    """Return the probability with which a transport should fail to connect, so that `share` is reached."""
    return share * NOT_CONNECTED / (sum(weight for weight, _ in _ANY) + _BURST + NOT_CONNECTED)
