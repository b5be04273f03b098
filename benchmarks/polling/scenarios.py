"""What is measured: so many tasks, under such a service, and what our poller is to reach there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from attrs import field, frozen

from aiofunasr.emulator import EmulatorSettings, RateLimit

CALM: Final = 8.0
BUSY: Final = 90.0
"""Medians of the seconds a task queues."""

QUERIES: Final = 20
"""The service's limit: queries, list pages and cancels together, a second."""


@frozen
class Targets:
    """The most that our poller may need; None: nothing was promised. Shares are of one."""

    mean: float | None = None
    p95: float | None = None
    requests: float | None = None
    throttled: float | None = None
    lost: float | None = None
    fairness: float | None = None
    """The least, here."""


@frozen(kw_only=True)
class Scenario:
    """A service and its load.

    `lengths_given`: our program says how long each file is.

    `strangers`: 10,000 tasks of other programs on the account, `"passing"` (some hundred live at any time) or
    `"queued"` (all live all the time). `limits` are changes of the limit: the second, and the requests a second from
    then on. `peer_seeds` bounds the peers' seeds, where they take long.
    """

    name: str
    tasks: int
    queue_median: float = CALM
    service: Mapping[str, Any] = field(factory=dict)
    sessions: int = 1
    lengths_given: bool = False
    strangers: Literal["none", "passing", "queued"] = "none"
    limits: tuple[tuple[float, int], ...] = ()
    targets: Targets = Targets()
    peer_seeds: int | None = None

    @property
    def title(self) -> str:
        """What is special about it, in words."""
        parts = [f"{self.tasks} tasks, {'calm' if self.queue_median == CALM else 'busy'}"]
        parts += [f"{name}={value}" for name, value in self.service.items()]
        if self.lengths_given:
            parts.append("lengths given")
        if self.sessions > 1:
            parts.append(f"{self.sessions} sessions that share them")
        if self.strangers != "none":
            parts.append(f"among 10,000 strangers' tasks, {self.strangers}")
        parts += [f"{limit} queries/s from {at:g} s" for at, limit in self.limits]
        return ", ".join(parts)

    def settings(self, seed: int, *, submits_unlimited: bool) -> EmulatorSettings:
        """Return the service's settings, by the strict reading of its limits: one pool for all of an account."""
        limits: dict[str, Any] = {"submit_limit": RateLimit(1000)} if submits_unlimited else {}
        return EmulatorSettings(
            query_limit=RateLimit(QUERIES), share_task_limits=True, seed=seed, **limits, **self.service
        )


def _targets(
    mean: float, p95: float, requests: float, throttled: float = 0.0, fairness: float | None = None
) -> Targets:
    return Targets(mean, p95, requests, throttled, 0.0, fairness)


_NO_LIST: Final = {"list_enabled": False}
_LATE: Final = {"list_lag": 5.0}

SCENARIOS: Final = (
    Scenario(name="calm-20", tasks=20, targets=_targets(0.6, 1.2, 7.5)),
    Scenario(name="calm-20-no-list", tasks=20, service=_NO_LIST, targets=_targets(1.5, 3.2, 10)),
    Scenario(name="calm-1000", tasks=1000, targets=_targets(0.8, 1.5, 1.6)),
    Scenario(name="calm-1000-short-pages", tasks=1000, service={"list_page_size_cap": 10}, targets=_targets(2.5, 6, 3)),
    Scenario(name="calm-1000-no-list", tasks=1000, service=_NO_LIST, targets=_targets(4.5, 10, 2.8)),
    Scenario(
        name="calm-20-no-list-lengths", tasks=20, service=_NO_LIST, lengths_given=True, targets=_targets(1.5, 3.2, 10)
    ),
    Scenario(
        name="calm-1000-no-list-lengths",
        tasks=1000,
        service=_NO_LIST,
        lengths_given=True,
        targets=_targets(4.5, 10, 2.8),
    ),
    Scenario(
        name="calm-1000-no-list-begins",
        tasks=1000,
        service=_NO_LIST | {"scheduled_time": "running"},
        lengths_given=True,
        targets=_targets(4.5, 10, 2.8),
    ),
    Scenario(name="busy-1000", tasks=1000, queue_median=BUSY, targets=_targets(0.8, 1.5, 3.5)),
    Scenario(name="calm-10000", tasks=10_000, targets=_targets(1.5, 3, 1.6), peer_seeds=1),
    Scenario(name="strangers", tasks=1000, service=_LATE, strangers="passing", targets=_targets(6, 9, 3)),
    Scenario(name="strangers-queued", tasks=1000, service=_LATE, strangers="queued"),
    Scenario(name="four-sessions", tasks=1000, sessions=4, targets=_targets(4, 10, 6, 0.05, 0.95)),
    Scenario(
        name="limit-halves", tasks=1000, limits=((30.0, QUERIES // 2), (70.0, QUERIES)), targets=_targets(3, 8, 3, 0.03)
    ),
    Scenario(name="busy-20", tasks=20, queue_median=BUSY),
    Scenario(name="busy-20-no-list", tasks=20, queue_median=BUSY, service=_NO_LIST),
    Scenario(name="busy-200", tasks=200, queue_median=BUSY),
    Scenario(name="busy-200-no-list", tasks=200, queue_median=BUSY, service=_NO_LIST),
)
