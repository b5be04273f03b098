"""Measure what becomes of many tasks under the service's limit of queries: who completes, and who loses tasks.

    python -m benchmarks.quota

300 tasks of one file each, in real time and over sockets, against the emulator under the documented limits: 10
submits and 20 queries a second. Each client has a fresh emulator in a process of its own, with the same seed:

- aiofunasr: `Session.submit`, then `Session.as_completed`; with --as-submitted, `Session.transcribe`;
- the official SDK's asyncio client: `AsyncClient.audio.asr.jobs.create`, then `jobs.wait` for all under a `gather`;
- its older class: `Transcription.async_call`, then `Transcription.wait`, with a thread for each task.

First all tasks are submitted, and then all are waited for at the same moment; none ends before. (A session asks about
its tasks from their submits on, in any case.) With --as-submitted, the wait for each begins as soon as it is
submitted. The SDK is used with its own default settings, and given what it
does not have, the pace of submits: one every ninth of a second, which is ours too. It is not asked for the
transcripts, which it does not fetch; ours are downloaded.

How to read the table: `completed` waits ended with the task's success. A task is `lost` when its wait ended without
that, and the service's own list says afterwards that it succeeded: the transcript is there, it is paid for, and
nobody came for it. `doubled` files were submitted more than once. `queries`, for one task or a page of the list, and
`429`, the requests of any kind that were refused, are the service's counts when the last wait had ended, `seconds`
after the first submit: compare those only where as many completed. `billed` files were counted after the
last task had ended.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final

from attrs import frozen

from aiofunasr import Limits, Session, SubtaskResult, TaskStatus
from benchmarks.quota_emulator import FILE_URL, Books, EmulatorProcess, emulator

MODEL: Final = "fun-asr"
SUBMITS_A_SECOND: Final = 9.0
"""A tenth below the limit, so that no submit is throttled."""

SUCCEEDED: Final = str(TaskStatus.SUCCEEDED)
_LOOK_AGAIN_SECONDS: Final = 2.0

Endings = Counter[str]
"""How often a wait ended how: with a status, or with an error."""


@frozen
class Job:
    """What a client is to do."""

    service: EmulatorProcess
    urls: Sequence[str]
    query_limit: int
    as_submitted: bool

    def paced(self) -> Iterator[tuple[str, float]]:
        """Give each URL with the seconds to sleep before it is submitted."""
        started = time.monotonic()
        for index, url in enumerate(self.urls):
            yield url, max(0.0, started + index / SUBMITS_A_SECOND - time.monotonic())


async def _with_aiofunasr(job: Job) -> Endings:
    service, limits = job.service, Limits(query=job.query_limit)
    async with Session(service.api_key, base_url=service.base_url, limits=limits) as session:
        results: AsyncIterator[SubtaskResult]
        if job.as_submitted:
            results = session.transcribe(job.urls, files_per_task=1, model=MODEL)
        else:
            submits = (session.submit(url, model=MODEL) for url in job.urls)
            results = session.as_completed(await asyncio.gather(*submits))
        return Counter([SUCCEEDED if result.ok else type(result.error).__name__ async for result in results])


def with_aiofunasr(job: Job) -> Endings:
    return asyncio.run(_with_aiofunasr(job))


async def _with_async_client(job: Job) -> Endings:
    import dashscope  # noqa: PLC0415  # slow to load, and of no use to the emulator's process

    async with dashscope.AsyncClient(api_key=job.service.api_key, base_url=job.service.base_url) as client:
        jobs, waits = client.audio.asr.jobs, []
        for url, pause in job.paced():
            await asyncio.sleep(pause)
            wait = jobs.wait(await jobs.create(model=MODEL, file_urls=[url]))
            waits.append(asyncio.ensure_future(wait) if job.as_submitted else wait)
        endings = await asyncio.gather(*waits, return_exceptions=True)
    return Counter(type(end).__name__ if isinstance(end, BaseException) else end.status for end in endings)


def with_async_client(job: Job) -> Endings:
    return asyncio.run(_with_async_client(job))


def with_threads(job: Job) -> Endings:
    import dashscope  # noqa: PLC0415
    from dashscope.audio.asr import Transcription  # noqa: PLC0415

    dashscope.base_http_api_url, dashscope.api_key = job.service.base_url, job.service.api_key
    with ThreadPoolExecutor(len(job.urls)) as pool:
        tasks, waits = [], []
        for url, pause in job.paced():
            time.sleep(pause)
            task = Transcription.async_call(model=MODEL, file_urls=[url])
            if job.as_submitted:
                waits.append(pool.submit(Transcription.wait, task))
            tasks.append(task)
        waits = waits or [pool.submit(Transcription.wait, task) for task in tasks]
        return Counter(_ending(wait) for wait in waits)


def _ending(wait: Future[Any]) -> str:
    if error := wait.exception():
        return type(error).__name__
    response = wait.result()
    if response.status_code != HTTPStatus.OK:
        return f"{response.status_code} {response.code}"
    return str(response.output.task_status)


CLIENTS: Final[Mapping[str, tuple[str, Callable[[Job], Endings]]]] = {
    "ours": ("aiofunasr", with_aiofunasr),
    "async": ("dashscope.AsyncClient", with_async_client),
    "threads": ("dashscope Transcription", with_threads),
}


@frozen
class Measure:
    """What became of a client's tasks; `succeeded` and `files_billed` are from after the last task had ended."""

    name: str
    endings: Endings
    books: Books
    seconds: float
    succeeded: int
    files_billed: int

    @property
    def completed(self) -> int:
        return self.endings[SUCCEEDED]

    @property
    def lost(self) -> int:
        return self.succeeded - self.completed

    def __str__(self) -> str:
        books = self.books
        return (
            f"{self.name:24} {self.completed:9} {self.lost:6} {books.submits:8} {books.files_doubled:8}"
            f" {books.queries:8} {books.throttled.total():6} {self.files_billed:7} {self.seconds:8.1f}"
        )

    @property
    def notes(self) -> str:
        """How the waits ended that did not end with success, and which requests were refused."""
        ended = [f"{count} waits ended in {ending}" for ending, count in self.endings.items() if ending != SUCCEEDED]
        refused = [f"429 for {count} x {kind}" for kind, count in self.books.throttled.items()]
        return ", ".join(ended + refused)


HEADER: Final = (
    f"{'':24} {'completed':>9} {'lost':>6} {'submits':>8} {'doubled':>8}"
    f" {'queries':>8} {'429':>6} {'billed':>7} {'seconds':>8}"
)


async def _count_succeeded(service: EmulatorProcess) -> int:
    """Look at the service's own list, slowly, until every task has ended."""
    async with Session(service.api_key, base_url=service.base_url) as session:
        while True:
            tasks = {task.task_id: task.status async for task in session.list_tasks()}
            statuses = Counter(tasks.values())
            if not statuses[TaskStatus.PENDING] and not statuses[TaskStatus.RUNNING]:
                return statuses[SUCCEEDED]
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def measure(client: str, tasks: int, query_limit: int, as_submitted: bool) -> Measure:
    name, run = CLIENTS[client]
    urls = [FILE_URL.format(number) for number in range(tasks)]
    # Until all are submitted, none is done.
    with emulator(query_limit, shortest_task=tasks / SUBMITS_A_SECOND) as service:
        started = time.monotonic()
        endings = run(Job(service, urls, query_limit, as_submitted))
        seconds, books = time.monotonic() - started, service.books()
        succeeded = asyncio.run(_count_succeeded(service))
        return Measure(name, endings, books, seconds, succeeded, service.books().files_billed)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quota", description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", type=int, default=300, help="how many (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=20, help="queries a second (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=CLIENTS, default=list(CLIENTS), help="not all of the clients")
    parser.add_argument("--as-submitted", action="store_true", help="wait for each task from its submit on")
    arguments = parser.parse_args()
    if arguments.tasks < 1 or arguments.limit < 1:
        parser.error("--tasks and --limit must be at least 1")
    # The SDK announces that it is a preview, and logs what it is measured for.
    warnings.filterwarnings("ignore", "dashscope", FutureWarning)
    logging.getLogger("dashscope").setLevel(logging.CRITICAL)

    moment = "each waited for from its submit on" if arguments.as_submitted else "all waited for at once"
    print(f"{arguments.tasks} one-file tasks, {moment}, {arguments.limit} queries a second\n\n{HEADER}")
    measures = []
    for client in arguments.only:
        measures.append(measure(client, arguments.tasks, arguments.limit, arguments.as_submitted))
        print(measures[-1], flush=True)
    print()
    for each in measures:
        if each.notes:
            print(f"{each.name}: {each.notes}")
    losses = ", ".join(f"{each.name} lost {each.lost}" for each in measures)
    print(f"Of {arguments.tasks} tasks, {losses}.")


if __name__ == "__main__":
    main()
