"""Faults on request: what goes wrong, with which request, and when (protocol notes, section 14).

A plan is a value: rules that say which requests of a kind are hit, by number, by chance or by time.
The kinds are submit, query, cancel, list, policy, token, vocabulary, upload, result, and `"*"` for any.
"""

from __future__ import annotations

import math
import random
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

from attrs import define, evolve, field, frozen, validators

from aiofunasr.emulator.messages import Drop

ANY_KIND: Final = "*"

Damage = Literal["cut", "garbage", "nested", "huge", "bomb"]
"""How a body is spoiled; its framing stays right."""

_CODES: Final = {
    429: ("Throttling.RateQuota", "Requests rate limit exceeded, please try again later."),
    500: ("InternalError", "An internal error has occurred, please try again later."),
    502: ("InternalError", "Bad gateway."),
    503: ("ModelServingError", "Too many requests. Your requests are being throttled."),
    504: ("GatewayTimeout", "Gateway timeout."),
}  # fmt: skip


@frozen(kw_only=True)
class Fault:
    """One thing that goes wrong with one request; the class methods name the usual ones.

    `status` answers with an error body in place of the reply: the request is not handled unless `handled` is
    set, which makes it the error of a gateway that gave up on a service that did the work. With a `drop` of
    `"silence"`, too, `handled` says whether the work is done. `size` is the length of a huge body, or the depth of
    a nested one. `link_life` is how many seconds the result links of a query's reply last.
    """

    drop: Drop | None = None
    delay: float = field(default=0.0, validator=validators.ge(0.0))
    status: int | None = None
    code: str = ""
    message: str = ""
    html: bool = False
    handled: bool = False
    content_type: str | None = None
    other_task: bool = False
    expired_link: bool = False
    link_life: float | None = field(default=None, validator=validators.optional(validators.ge(0.0)))
    damage: Damage | None = None
    size: int = field(default=0, validator=validators.ge(0))
    results: Literal["as they are", "reordered", "repeated"] = "as they are"
    retry_after: float | None = None

    @classmethod
    def drop_before(cls) -> Fault:
        """Close the connection without reading the request."""
        return cls(drop="before")

    @classmethod
    def drop_after(cls) -> Fault:
        """Handle the request and close the connection without a reply: the fault that bills twice."""
        return cls(drop="after")

    @classmethod
    def timed_out(cls, *, handled: bool = True) -> Fault:
        """Never reply, and leave the connection open."""
        return cls(drop="silence", handled=handled)

    @classmethod
    def truncated(cls) -> Fault:
        """Send half of the reply's body, then close: a connection reset in the middle of it."""
        return cls(drop="truncate")

    @classmethod
    def cut_document(cls) -> Fault:
        """Send half of the reply's body as if it were all of it, with a length to match."""
        return cls(damage="cut")

    @classmethod
    def garbage(cls) -> Fault:
        """Send a body that is neither text nor JSON."""
        return cls(damage="garbage")

    @classmethod
    def nested(cls, depth: int = 100_000) -> Fault:
        """Send JSON that is objects in objects, so many deep."""
        return cls(damage="nested", size=depth)

    @classmethod
    def huge(cls, size: int = 2**30, *, compressed: bool = False) -> Fault:
        """Send a JSON document of so many bytes; `compressed` makes it a gzip bomb, whoever asked for gzip."""
        return cls(damage="bomb" if compressed else "huge", size=size)

    @classmethod
    def delayed(cls, seconds: float) -> Fault:
        """Handle the request at once and reply late."""
        return cls(delay=seconds)

    @classmethod
    def error(
        cls, status: int, code: str = "", message: str = "", *, html: bool = False, handled: bool = False
    ) -> Fault:
        """Answer with an error status, as JSON or as a gateway's HTML page."""
        usual_code, usual_message = _CODES.get(status, ("SystemError", "System error."))
        return cls(
            status=status,
            code=code or usual_code,
            message=message or usual_message,
            html=html,
            handled=handled,
        )

    @classmethod
    def throttled(cls, code: str = "", *, retry_after: float | None = None) -> Fault:
        """Answer 429; `retry_after` seconds are sent as a header."""
        return evolve(cls.error(429, code), retry_after=retry_after)

    @classmethod
    def html_page(cls, *, handled: bool = False) -> Fault:
        """Answer 200 with a web page, as captive portals and misplaced proxies do."""
        return cls(status=200, html=True, handled=handled)

    @classmethod
    def wrong_content_type(cls, content_type: str = "text/plain") -> Fault:
        """Send the right body under a wrong content type."""
        return cls(content_type=content_type)

    @classmethod
    def no_content_type(cls) -> Fault:
        """Send the right body without a content type."""
        return cls(content_type="")

    @classmethod
    def answer_for_another_task(cls) -> Fault:
        """Answer with what is another task's: a query its state, a submit its id, a download its document."""
        return cls(other_task=True)

    @classmethod
    def expired(cls) -> Fault:
        """Answer a result download as if its link had expired."""
        return cls(expired_link=True)

    @classmethod
    def short_links(cls, seconds: float = 0.0) -> Fault:
        """Answer a query with result links that expire after so many seconds.

        Whether another query gives better ones is the settings' `resign_links`.
        """
        return cls(link_life=seconds)

    @classmethod
    def reordered(cls) -> Fault:
        """Answer a query with its results in another order."""
        return cls(results="reordered")

    @classmethod
    def repeated(cls) -> Fault:
        """Answer a query with each of its results twice."""
        return cls(results="repeated")


@frozen
class FaultRule:
    """Which requests a fault hits: of a kind, with a number (from 1), by chance, between two times.

    With `every`, only those in the first `lasting` seconds of every so many since the epoch, or since `begin`.
    """

    kind: str
    fault: Fault
    numbers: frozenset[int] | None = None
    chance: float = field(default=1.0, validator=[validators.ge(0.0), validators.le(1.0)])
    begin: float = -math.inf
    end: float = math.inf
    every: float | None = field(default=None, validator=validators.optional(validators.gt(0.0)))
    lasting: float = field(default=0.0, validator=validators.ge(0.0))

    def covers(self, now: float) -> bool:
        """Tell whether a moment is among those the rule is about."""
        if not self.begin <= now < self.end:
            return False
        since = now if math.isinf(self.begin) else now - self.begin
        return self.every is None or since % self.every < self.lasting


@frozen
class FaultPlan:
    """An immutable set of rules, built step by step; the first rule that hits decides.

    `unknown_for`: seconds after its submit during which a task's query answers UNKNOWN (section 13.6), for a share
    of the tasks.
    """

    rules: tuple[FaultRule, ...] = ()
    unknown_for: float = field(default=0.0, validator=validators.ge(0.0))
    unknown_share: float = field(default=1.0, validator=[validators.ge(0.0), validators.le(1.0)])

    def on(self, kind: str, fault: Fault, numbers: int | Iterable[int]) -> FaultPlan:
        """Hit the requests of a kind with these numbers, counted from 1 since the plan took effect."""
        chosen = frozenset({numbers} if isinstance(numbers, int) else numbers)
        return self.add(FaultRule(kind, fault, numbers=chosen))

    def sometimes(self, kind: str, fault: Fault, chance: float) -> FaultPlan:
        """Hit each request of a kind with a probability."""
        return self.add(FaultRule(kind, fault, chance=chance))

    def between(self, kind: str, fault: Fault, begin: float, end: float) -> FaultPlan:
        """Hit every request of a kind that arrives in `[begin, end)`, seconds since the epoch: an outage."""
        return self.add(FaultRule(kind, fault, begin=begin, end=end))

    def bursts(self, kind: str, fault: Fault, *, every: float, lasting: float, begin: float = -math.inf) -> FaultPlan:
        """Hit every request of a kind for `lasting` seconds, again and again: a limit that others use up."""
        return self.add(FaultRule(kind, fault, begin=begin, every=every, lasting=lasting))

    def always(self, kind: str, fault: Fault) -> FaultPlan:
        """Hit every request of a kind."""
        return self.add(FaultRule(kind, fault))

    def add(self, rule: FaultRule) -> FaultPlan:
        """Return the plan with one more rule."""
        return evolve(self, rules=(*self.rules, rule))

    def is_unknown(self, task_id: str, age: float) -> bool:
        """Tell whether a task of this age is one that is not known yet."""
        # By its id, so that it is the same tasks every time they are asked about.
        return age < self.unknown_for and zlib.crc32(task_id.encode()) < self.unknown_share * 2**32


@define
class FaultInjector:
    """A plan at work: counts the requests of each kind and draws the chances."""

    plan: FaultPlan
    _chance: random.Random
    _seen: Counter[str] = field(factory=Counter, init=False)

    def next(self, kind: str, now: float) -> Fault | None:
        """Return what goes wrong with the request of a kind that arrived now, if anything."""
        self._seen[kind] += 1
        self._seen[ANY_KIND] += 1
        for rule in self.plan.rules:
            if rule.kind not in {kind, ANY_KIND} or not rule.covers(now):
                continue
            if rule.numbers is not None and self._seen[rule.kind] not in rule.numbers:
                continue
            if rule.chance >= 1.0 or self._chance.random() < rule.chance:
                return rule.fault
        return None
