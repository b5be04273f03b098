"""Goes through the account's task list, page by page (the protocol notes, section 4.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime, timedelta

from aiofunasr.snapshots import ListedTask, TaskPage

_REPEATED_PAGES = 3
"""How many pages in a row may hold nothing new, while new tasks push the rows back."""

LONGEST_SPAN = timedelta(hours=24)
"""How long a time one list may cover."""


def windows(
    start: datetime | None, end: datetime | None, now: datetime
) -> Iterator[tuple[datetime | None, datetime | None]]:
    """Cut a time into spans that the service lists, newest first; None is for it to choose.

    What is newest is left open where the caller left it open: by the clock here, it might be in the service's future.
    """
    if start is None:
        yield None, end
        return
    until = end
    while (now if until is None else until) - start > LONGEST_SPAN:
        since = (now if until is None else until) - LONGEST_SPAN
        # With a start alone, the service goes on from there for 24 hours.
        yield since, until
        until = since
    yield start, until


async def every_row(
    ask: Callable[[int], Awaitable[TaskPage]], seen: set[str] | None = None
) -> AsyncIterator[ListedTask]:
    """Go through all rows, each once; `ask` gets the page of a number, counted from 1.

    What is in `seen` is passed over, and what is given is added to it.

    Rows move to later pages while new tasks come in, so one may be seen again. The end is an empty page, or as many
    rows as the list says there are.
    """
    seen = set() if seen is None else seen
    listed: set[str] = set()
    page_no, repeated = 1, 0
    while True:
        page = await ask(page_no)
        before = len(listed)
        for row in page.data:
            listed.add(row.task_id)
            if row.task_id not in seen:
                seen.add(row.task_id)
                yield row
        repeated = 0 if len(listed) > before else repeated + 1
        if not page.data or repeated > _REPEATED_PAGES or (page.total is not None and len(listed) >= page.total):
            return
        page_no += 1
