"""Goes through the account's task list, page by page (the protocol notes, section 4.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from aiofunasr.snapshots import ListedTask, TaskPage

_REPEATED_PAGES = 3
"""How many pages in a row may hold nothing new, while new tasks push the rows back."""


async def every_row(ask: Callable[[int], Awaitable[TaskPage]]) -> AsyncIterator[ListedTask]:
    """Go through all rows, each once; `ask` gets the page of a number, counted from 1.

    Rows move to later pages while new tasks come in, so one may be seen again. The end is an empty page, or as many
    rows as the list says there are.
    """
    seen: set[str] = set()
    page_no, repeated = 1, 0
    while True:
        page = await ask(page_no)
        new = [row for row in page.data if row.task_id not in seen]
        for row in new:
            seen.add(row.task_id)
            yield row
        repeated = 0 if new else repeated + 1
        if not page.data or repeated > _REPEATED_PAGES or (page.total is not None and len(seen) >= page.total):
            return
        page_no += 1
