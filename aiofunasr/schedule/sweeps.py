"""One list page instead of a hundred questions: what a sweep of the task list is, and what to believe of it.

The theory, in a paragraph. The task list shows a page of the account's tasks for the price of one question. A sweep
reads the list of the RUNNING tasks: who was in it before and is not now has ended, or so it seems. Now and then a
sweep is full and reads the list of the PENDING tasks first, so that a task which began and ended between two sweeps
is missed in both (first PENDING, then RUNNING: whoever moves on meanwhile is met in the second). Nothing that a list
says is final. A task is only suspected, and one question confirms it. The list may lag behind, so that what it shows
is taken for the past. How many suspicions come true is its trust: a list that is wrong half of the time has to be
wrong twice about a task, and one that is nearly always wrong is read in another way, or not at all for a while.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Set as AbstractSet
from enum import Enum
from math import ceil, exp2
from random import Random

from attrs import evolve, frozen

from aiofunasr.snapshots import TaskPage, TaskStatus

# An enumeration's values take several times as long to get at.
_PENDING, _RUNNING = TaskStatus.PENDING.value, TaskStatus.RUNNING.value

PAGE_SIZE = 100
"""Rows asked for; the service may give fewer, and what it gives is what counts."""

SHORTEST_GAP = 1.06
"""Seconds between the beginnings of two sweeps, at least."""

SHORT_GAP = 0.9
"""The same while each list takes a page: few tasks are waited for, and a sweep costs no more than a question."""

JITTER = 0.1

OFF_FOR = 600.0
"""Seconds for which a list that was refused, or made no sense, is left alone."""

DOUBTED = 0.35
"""Below this share of confirmed suspicions a task has to be missing twice."""

REJECTED = 0.15
"""Below this one the list is read in another way."""

MARGIN = 300.0
"""Seconds before the oldest task from which on the list is asked for; the two clocks may differ."""

_MOST_PAGES = 2000
_NEWS = 0.15
"""The weight of one confirmed or refuted suspicion in the trust."""

_FADES_IN = 60.0
"""Seconds in which half of what was known about other people's tasks is forgotten."""

_LONGEST_LAG = 120.0

_THROTTLED_OFTEN = 8

_ODD = 3
"""Rows with another status than was asked for, on pages of mostly such, after which the list is read in another way.

One alone may have changed between the search and the reply.
"""

_BLIND = 5
"""Sweeps in a row that meet none of our tasks, after which the list is read in another way."""


class Form(Enum):
    """The ways to read the list, the cheapest first."""

    BY_STATUS = "by status"
    RECENT = "since the oldest task"
    EVERYTHING = "everything"


@frozen
class Page:
    """A page to ask for.

    Attributes:
        sweep: The sweep it belongs to.
        number: The page's number, from 1.
        status: Only tasks with this status, or None for all.
        since: Only tasks submitted since then, on the schedule's clock, or None for the service's default of a day.
    """

    sweep: int
    number: int
    status: str | None = None
    since: float | None = None


@frozen(kw_only=True)
class SweepStatistics:
    """What a session does with the task list.

    Attributes:
        sweeps: Sweeps completed.
        pages: Pages read.
        form: How the list is read now, or None while it is left alone.
        trust: The share of suspicions that came true of late.
        lag: By how many seconds the list was seen to lag behind.
        rows_per_page: How many rows the service puts on a page.
    """

    sweeps: int
    pages: int
    form: str | None
    trust: float
    lag: float
    rows_per_page: int


class Sweeper:
    """Reads the list page by page, and remembers how far it can be believed."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.form = Form.BY_STATUS
        self.trust = 1.0
        self.lag = 0.0
        self._rows_per_page = PAGE_SIZE
        self._others: dict[str | None, tuple[float, float]] = {}
        self._off_until = self._earliest = float("-inf")
        self._failures = self._throttled = self._blind = self._odd = 0
        self._sweep: _Sweep | None = None
        self._number = 0
        self.sweeps = self.pages = 0

    def statistics(self, now: float) -> SweepStatistics:
        """Return what was done and learned so far."""
        return SweepStatistics(
            sweeps=self.sweeps,
            pages=self.pages,
            form=None if now < self._off_until else self.form.value,
            trust=self.trust,
            lag=self.lag,
            rows_per_page=self._rows_per_page,
        )

    # --- before a sweep ---

    @property
    def may_begin_at(self) -> float:
        """The earliest time for the next sweep."""
        return max(self._earliest, self._off_until)

    def cost(self, now: float, *, running: int, pending: int, full: bool) -> int:
        """Return how many pages a sweep is expected to take, when so many of the tasks are our own."""
        # Each decision what to ask next goes by this.
        if self.form is not Form.BY_STATUS:
            return self._pages_of(now, None, running + pending)
        pages = self._pages_of(now, _RUNNING, running)
        return pages + self._pages_of(now, _PENDING, pending) if full else pages

    def _lists(self, *, full: bool) -> tuple[str | None, ...]:
        if self.form is not Form.BY_STATUS:
            return (None,)
        return (_PENDING, _RUNNING) if full else (_RUNNING,)

    def _pages_of(self, now: float, status: str | None, ours: int) -> int:
        others, at = self._others.get(status, (0.0, now))
        # What was seen of strangers once is believed less and less, so that a list that became short is found out.
        faded = others * exp2((at - now) / _FADES_IN)
        return max(ceil((ours + faded) / self._rows_per_page), 1)

    # --- a sweep ---

    @property
    def is_sweeping(self) -> bool:
        """Whether a sweep is under way."""
        return self._sweep is not None

    @property
    def has_page(self) -> bool:
        """Whether a page can be asked for now, without an answer to wait for first."""
        return self._sweep is not None and bool(self._sweep.pages)

    def begin(self, now: float, expected: set[str], *, full: bool, oldest: float, pages: int) -> None:
        """Begin a sweep.

        Args:
            now: The time.
            expected: The tasks it should meet.
            full: Whether the PENDING ones are among them.
            oldest: When the first of all tasks was submitted.
            pages: How many pages a full one is expected to take.
        """
        self._number += 1
        gap = SHORT_GAP if pages <= len(self._lists(full=True)) else SHORTEST_GAP
        self._earliest = now + gap * self._random.uniform(1 - JITTER, 1 + JITTER)
        first = Page(self._number, 1, since=oldest - MARGIN if self.form is Form.RECENT else None)
        lists = deque(evolve(first, status=status) for status in self._lists(full=full))
        self._sweep = _Sweep(now, full, expected, lists)

    def next_page(self) -> Page:
        """Take the next page to ask for."""
        assert self._sweep is not None  # noqa: S101  (`has_page` said so)
        self._sweep.on_the_way += 1
        return self._sweep.pages.popleft()

    def meet(self, page: Page, task_id: str) -> None:
        """Note that a task stood on a page of the sweep, alive or not."""
        if self._sweep is not None and page.sweep == self._sweep.number:
            self._sweep.unseen.discard(task_id)
            self._sweep.met = True

    def unseen_in(self, page: Page) -> set[str]:
        """Return the tasks the sweep of this page still expects; who takes one out of it has judged it."""
        if self._sweep is None or page.sweep != self._sweep.number:
            return set()
        return self._sweep.unseen

    def read(self, page: Page, reply: TaskPage, ours: int, now: float) -> CompleteSweep | None:
        """Take in a page with so many expected rows in all; return the sweep when this completed it."""
        self.pages += 1
        self._failures = self._throttled = 0
        sweep = self._sweep
        if sweep is None or page.sweep != sweep.number:
            return None
        sweep.on_the_way -= 1
        rows = len(reply.data)
        strange = sum(1 for row in reply.data if row.status != page.status)
        if page.status is not None and rows > 0:
            self._odd = self._odd + strange if 2 * strange > rows else 0
            if self._odd >= _ODD:
                # The filter by status is ignored, so the list is of everything.
                self._change_form(now)
                return None
        pages = reply.total_page
        # A first page that does not show all there is shows as much as fits.
        more = rows < (reply.total or 0) or (pages or 1) > 1
        if rows > self._rows_per_page or (page.number == 1 and rows > 0 and more):
            self._rows_per_page = rows
        elif reply.page_size is not None and 0 < reply.page_size < self._rows_per_page:
            self._rows_per_page = reply.page_size
        total = reply.total
        if total is None and pages is not None:
            total = pages * self._rows_per_page
        if page.number == 1 and total is not None:
            self._others[page.status] = (max(total - ours, 0), now)
        self._go_on(sweep, page, rows, total)
        if sweep.pages or sweep.on_the_way:
            return None
        self._sweep = None
        self.sweeps += 1
        self._blind = 0 if sweep.met or not ours else self._blind + 1
        if self._blind > _BLIND + self.lag:
            self._change_form(now)
        return CompleteSweep(sweep.began_at, sweep.full or self.form is not Form.BY_STATUS, sweep.unseen)

    def _go_on(self, sweep: _Sweep, page: Page, rows: int, total: int | None) -> None:
        """Find out which pages are still to be asked for."""
        if total is None:
            last = page.number + 1 if rows >= self._rows_per_page else page.number
        else:
            # Tasks that come in meanwhile push others back, to a page that was not there at first.
            last = ceil(total / self._rows_per_page) if rows else page.number
        if rows:
            last = min(last, _MOST_PAGES)
            sweep.pages.extend(evolve(page, number=number) for number in range(sweep.asked + 1, last + 1))
            sweep.asked = max(sweep.asked, last)
        else:
            # Whatever the total says, nothing comes after an empty page.
            sweep.pages.clear()
        if not sweep.pages and not sweep.on_the_way and sweep.lists:
            sweep.turn_to(sweep.lists.popleft())

    def abandon(self) -> None:
        """Break the sweep off; what was read of it stays known."""
        self._sweep = None

    def again(self, page: Page, now: float) -> None:
        """Put a page back that was throttled; several in a row are as good as a failure."""
        self._throttled += 1
        if self._throttled >= _THROTTLED_OFTEN:
            self._throttled = 0
            self.failed(now, refused=False)
        elif self._sweep is not None and page.sweep == self._sweep.number:
            self._sweep.on_the_way -= 1
            self._sweep.pages.appendleft(page)

    def failed(self, now: float, *, refused: bool) -> None:
        """Note that a page could not be had: refused for good, or not there for the moment."""
        self.abandon()
        self._failures += 1
        if refused:
            self._off_until = now + OFF_FOR
        else:
            self._earliest = max(self._earliest, now + min(2.0**self._failures, 60.0))

    # --- what to believe ---

    @property
    def absences_needed(self) -> int:
        """How many sweeps in a row have to miss a task before it is suspected."""
        return 1 if self.trust >= DOUBTED else 2

    def confirmed(self, *, done: bool, now: float) -> None:
        """Note whether a suspected task was done indeed."""
        self.trust += _NEWS * (done - self.trust)
        if self.trust < REJECTED:
            self._change_form(now)

    def lags(self, seconds: float) -> None:
        """Note that a list showed something that was over for so many seconds, or not yet what was so long ago.

        Below zero it says that the list was right.
        """
        # A constant lag shows up as anything up to itself, so the largest of late is the lag.
        self.lag = min(max(seconds, self.lag * 0.995), _LONGEST_LAG)
        if self.lag < 0.3:
            # No more than the clocks are worth.
            self.lag = 0.0

    def _change_form(self, now: float) -> None:
        forms = list(Form)
        at = forms.index(self.form) + 1
        self.abandon()
        self._others.clear()
        self._blind = self._odd = 0
        self.trust = (1.0 + DOUBTED) / 2
        if at == len(forms):
            self._off_until = now + OFF_FOR
        self.form = forms[at % len(forms)]


@frozen
class CompleteSweep:
    """A sweep that was read to its end.

    Attributes:
        began_at: When.
        full: Whether PENDING tasks should have been met, too.
        missing: The expected tasks that were not met; not copied, because there may be very many.
    """

    began_at: float
    full: bool
    missing: AbstractSet[str]


class _Sweep:
    def __init__(self, began_at: float, full: bool, expected: set[str], lists: deque[Page]) -> None:
        first = lists.popleft()
        self.number = first.sweep
        self.began_at = began_at
        self.full = full
        self.unseen = expected
        self.lists = lists
        self.pages: deque[Page] = deque()
        self.on_the_way = 0
        self.met = False
        self.asked = 0
        self.turn_to(first)

    def turn_to(self, first: Page) -> None:
        """Begin another list with its first page."""
        self.pages.append(first)
        self.asked = 1
