"""What the service accepted, billed and counted, for tests to assert on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field, frozen

_KEPT_SUBMISSIONS: Final = 1_000_000


@frozen
class Submission:
    """One accepted submit; `time` is seconds since the epoch, `parameters` as sent, None if they were not.

    `context` is what was read of it: role and text of each turn.
    """

    time: float
    account: str
    model: str
    file_urls: tuple[str, ...]
    task_id: str
    request_id: str
    parameters: Mapping[str, Any] | None = None
    region: str = ""
    context: tuple[tuple[str, str], ...] = ()


@frozen
class EventPush:
    """One delivery of a completion event; `status` is what the receiver answered, None if it did not."""

    time: float
    event_id: str
    task_id: str
    status: int | None


@define
class Ledger:
    """The emulator's books.

    `requests`, `throttled` and `faults` count by kind: submit, query, cancel, list, policy, token, vocabulary, upload,
    result, other. `requests` counts whatever arrived, also what a fault then dropped. Only the newest million of
    submissions, and of events, is kept, so that a long-running emulator does not grow.
    """

    submissions: list[Submission] = field(factory=list, init=False)
    events: list[EventPush] = field(factory=list, init=False)
    requests: Counter[str] = field(factory=Counter, init=False)
    throttled: Counter[str] = field(factory=Counter, init=False)
    faults: Counter[str] = field(factory=Counter, init=False)
    billed_ms: int = field(default=0, init=False)
    """Speech in files of tasks that ended, over all their tracks."""
    billed_seconds: int = field(default=0, init=False)
    """The sum of `usage.duration` over tasks that ended, each rounded up to a second."""

    def accept(self, submission: Submission) -> None:
        """Enter an accepted submit."""
        self.submissions.append(submission)
        if len(self.submissions) > _KEPT_SUBMISSIONS:
            del self.submissions[: _KEPT_SUBMISSIONS // 10]

    def deliver(self, push: EventPush) -> None:
        """Enter a delivery of an event."""
        self.events.append(push)
        if len(self.events) > _KEPT_SUBMISSIONS:
            del self.events[: _KEPT_SUBMISSIONS // 10]

    def bill(self, speech_ms: int) -> None:
        """Charge a task that ended."""
        self.billed_ms += speech_ms
        self.billed_seconds += -(-speech_ms // 1000)

    def clear(self) -> None:
        """Begin a new page."""
        self.submissions.clear()
        self.events.clear()
        for counts in (self.requests, self.throttled, self.faults):
            counts.clear()
        self.billed_ms = self.billed_seconds = 0

    def submissions_of(self, file_url: str) -> list[Submission]:
        """Return the accepted submissions that hold a file, the oldest first."""
        return [submission for submission in self.submissions if file_url in submission.file_urls]

    def file_counts(self) -> Counter[str]:
        """Count how often each file was accepted."""
        return Counter(url for submission in self.submissions for url in submission.file_urls)

    def duplicates(self) -> dict[str, int]:
        """Return the files accepted more than once, which a client that bills once never causes."""
        return {url: count for url, count in self.file_counts().items() if count > 1}
