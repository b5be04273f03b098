"""All tasks of the service: planned or worked on, billed when they end, forgotten a day later.

The life of a task is in the protocol notes, section 3; retention in 3.5; what is checked of a file's URL,
when its task runs and not before, in 2.2 and 7.3.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Final, Literal
from urllib.parse import urlsplit

from attrs import frozen

from aiofunasr.emulator.gate import Caller
from aiofunasr.emulator.index import TaskIndex
from aiofunasr.emulator.ledger import Ledger
from aiofunasr.emulator.listing import ListQuery
from aiofunasr.emulator.recognizer import HotWord, RecognitionRequest
from aiofunasr.emulator.replies import listed_status
from aiofunasr.emulator.scripted import ScriptedRecognizer
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.storage import OSS_SCHEME, ObjectStorage, StoredObject
from aiofunasr.emulator.submit import Submit
from aiofunasr.emulator.tasks import FileProblem, Task, TaskFile

_SCHEDULING_SECONDS: Final = 0.031
_DOWNLOAD_CODES: Final = frozenset(
    {
        "CONTENT_LENGTH_CHECK_FAILED",
        "FILE_403_FORBIDDEN",
        "FILE_404_NOT_FOUND",
        "FILE_DOWNLOAD_FAILED",
        "FILE_SERVER_ERROR",
        "InvalidFile.DownloadFailed",
    }
)
_DOWNLOAD_FAILED: Final = FileProblem("InvalidFile.DownloadFailed", "The audio file cannot be downloaded.")
TIMED_OUT: Final = FileProblem("InternalError.Timeout", "An internal timeout error has occurred during execution.")

_Event = tuple[float, int, Literal["end", "forget"], Task]


@frozen
class FileJob:
    """A file for a worker to recognize before `deadline`; `stored` is its content if it was uploaded."""

    task: Task
    file: TaskFile
    deadline: float
    stored: StoredObject | None = None

    @property
    def request(self) -> RecognitionRequest:
        """What the file is to be recognized with."""
        return self.file.request


@frozen
class FinishedFile:
    """What a worker made of a file: the transcription document, and the speech to bill."""

    document: bytes
    speech_ms: int


class TaskBoard:
    """Keeps every task from its submit until it is forgotten.

    With a script, `accept` plans the whole life of a task. Without, workers `take_file` and `finish_file`.
    """

    def __init__(
        self,
        settings: EmulatorSettings,
        storage: ObjectStorage,
        ledger: Ledger,
        script: ScriptedRecognizer | None,
        chance: random.Random,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._ledger = ledger
        self._script = script
        self._chance = chance
        self._tasks: dict[str, Task] = {}
        self._indexes: defaultdict[tuple[str, str, str | None], TaskIndex] = defaultdict(
            lambda: TaskIndex(self._tasks, lambda task, at: listed_status(task, at, self.settings))
        )
        self._latest_submit = -inf
        self._events: list[_Event] = []
        self._numbers = count()
        self._busy_until: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
        self._queue: list[tuple[float, int, Task]] = []
        self._waiting_files: deque[tuple[Task, TaskFile]] = deque()

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def settings(self) -> EmulatorSettings:
        """How tasks behave from now on."""
        return self._settings

    @settings.setter
    def settings(self, settings: EmulatorSettings) -> None:
        before, self._settings = self._settings, settings
        if before.all_failed_form != settings.all_failed_form:
            # What a task is listed as is another thing now.
            for index in self._indexes.values():
                index.start_over()

    def accept(
        self, submit: Submit, caller: Caller, ids: tuple[str, str], now: float, hot_words: tuple[HotWord, ...] = ()
    ) -> Task:
        """Create a task; `ids` are the task's and the submit's own."""
        queue_seconds = self._draw_queue_seconds(submit.file_urls[0])
        # Even a clock that was set back leaves the places in order.
        self._latest_submit = max(self._latest_submit, now)
        task = Task(
            place=(self._latest_submit, next(self._numbers)),
            task_id=ids[0],
            request_id=ids[1],
            account=caller.account,
            api_key=caller.api_key,
            site=caller.site,
            model=submit.model,
            files=[TaskFile(submit.recognition_request(url, hot_words)) for url in submit.file_urls],
            word_filter=submit.read.word_filter,
            submitted_at=now,
            scheduled_at=now + min(queue_seconds, _SCHEDULING_SECONDS),
            ready_at=now + queue_seconds,
            resolves_oss=submit.resolves_oss,
            failure=submit.failure,
            results_order=self._draw_order(len(submit.file_urls)),
        )
        self._tasks[task.task_id] = task
        if self._script is not None or task.failure is not None:
            self._plan(task)
        else:
            heappush(self._queue, (task.ready_at, next(self._numbers), task))
        for index in self._indexes_of(task):
            index.add(task)
        return task

    def find(self, task_id: str, account: str, region: str | None = None) -> Task | None:
        """Return a task of the account in a region (or any), or None if it is unknown, another's, or forgotten."""
        task = self._tasks.get(task_id)
        if task is None or task.account != account:
            return None
        return task if region in {None, task.site.region} else None

    def listed(self, account: str, region: str, query: ListQuery, seen_at: float) -> list[Task]:
        """Return the account's tasks of the model, status and span asked for, the oldest first."""
        index = self._indexes.get((account, region, query.model))
        return [] if index is None else index.find(query.begin, min(query.end, seen_at), query.status, seen_at)

    def cancel(self, task: Task, now: float) -> bool:
        """Cancel a task that is PENDING; return whether it was."""
        if task.canceled_at is not None or task.status(now) != "PENDING":
            return False
        task.canceled_at = now + self.settings.cancel_delay
        self._note_change(task, now)
        self._schedule(task.canceled_at + self.settings.retention, "forget", task)
        return True

    def advance(self, now: float) -> tuple[list[Task], list[Task]]:
        """Bill what ended and forget what is past its retention; return both."""
        ended: list[Task] = []
        forgotten: list[Task] = []
        while self._events and self._events[0][0] <= now:
            _, _, event, task = heappop(self._events)
            if event == "forget":
                if self._tasks.pop(task.task_id, None) is None:
                    # A clock that was set back let it end twice.
                    continue
                for index in self._indexes_of(task):
                    index.note_expired()
                forgotten.append(task)
            elif task.canceled_at is None and task.ends_at is not None:
                self._ledger.bill(task.billed_ms)
                self._schedule(task.ends_at + self.settings.retention, "forget", task)
                ended.append(task)
        return ended, forgotten

    def next_event(self) -> float | None:
        """Return when `advance` has something to do next, or None."""
        return self._events[0][0] if self._events else None

    # Work

    def next_ready(self) -> float | None:
        """Return when the next queued task may begin, or None if none is queued."""
        while self._queue and self._queue[0][2].canceled_at is not None:
            heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def take_file(self, now: float) -> FileJob | None:
        """Give a worker the next file, which makes its task RUNNING; None if there is nothing to do yet."""
        while True:
            while self._waiting_files:
                task, file = self._waiting_files.popleft()
                problem, stored = self._look_at_source(task, file, now)
                if problem is None:
                    deadline = (task.begins_at or now) + self.settings.task_timeout
                    return FileJob(task, file, deadline, stored)
                self._finish(task, file, problem, now)
            ready_at = self.next_ready()
            if ready_at is None or ready_at > now:
                return None
            task = heappop(self._queue)[2]
            task.begins_at = now
            self._note_change(task, now)
            self._waiting_files.extend((task, file) for file in task.files)

    def finish_file(self, job: FileJob, outcome: FinishedFile | FileProblem, now: float) -> None:
        """Record what came of a file; the last one ends its task. What a reset forgot is forgotten."""
        if job.task.task_id not in self._tasks:
            return
        self._finish(job.task, job.file, outcome, now)

    def _finish(self, task: Task, file: TaskFile, outcome: FinishedFile | FileProblem, now: float) -> None:
        if isinstance(outcome, FinishedFile):
            file.document = outcome.document
            file.speech_ms = outcome.speech_ms
        else:
            file.problem = self._worded(outcome)
        file.ends_at = now
        if all(other.ends_at is not None for other in task.files):
            task.ends_at = now
            self._note_change(task, now)
            self._schedule(now, "end", task)

    # Planning

    def _plan(self, task: Task) -> None:
        begins_at = self._draw_begin(task)
        task.begins_at = begins_at
        if task.failure is not None or self._script is None:
            task.ends_at = begins_at + self.settings.min_processing_seconds
        else:
            for file in task.files:
                self._plan_file(task, file, self._script, begins_at)
            task.ends_at = max(file.ends_at or begins_at for file in task.files)
        for key, _ in self._caps(task):
            heappush(self._busy_until[key], task.ends_at)
        self._schedule(task.ends_at, "end", task)

    def _plan_file(self, task: Task, file: TaskFile, script: ScriptedRecognizer, begins_at: float) -> None:
        settings = self.settings
        problem, _ = self._look_at_source(task, file, begins_at)
        seconds: float | None = settings.min_processing_seconds
        if problem is None:
            plan = script.plan(file.request, self._chance)
            problem, seconds = plan.problem, plan.processing_seconds
            file.speech_ms = plan.speech_ms
            if seconds is None:
                audio_seconds = plan.duration_ms / 1000
                seconds = max(settings.min_processing_seconds, audio_seconds / settings.processing_speed)
                if problem is not None and problem.code in _DOWNLOAD_CODES:
                    seconds = settings.dead_link_seconds
        if seconds is not None and seconds > settings.task_timeout:
            problem, seconds = TIMED_OUT, settings.task_timeout
        file.problem = None if problem is None else self._worded(problem)
        file.ends_at = begins_at + (seconds or 0.0)

    def _draw_begin(self, task: Task) -> float:
        begins_at = task.ready_at
        for key, limit in self._caps(task):
            busy_until = self._busy_until[key]
            while busy_until and busy_until[0] <= task.ready_at:
                heappop(busy_until)
            while len(busy_until) >= limit:
                begins_at = max(begins_at, heappop(busy_until))
        return begins_at

    def _caps(self, task: Task) -> list[tuple[tuple[str, ...], int]]:
        """Return how many tasks may run at once, of whom."""
        caps: list[tuple[tuple[str, ...], int]] = []
        if self.settings.max_running_tasks is not None:
            caps.append(((task.account,), self.settings.max_running_tasks))
        if self.settings.concurrency_limits and task.model.concurrency is not None:
            caps.append(((task.account, task.site.region, task.model.name), task.model.concurrency))
        return caps

    def _draw_queue_seconds(self, first_url: str) -> float:
        drawn = None if self._script is None else self._script.queue_seconds(first_url, self._chance)
        return self._chance.uniform(*self.settings.queue_seconds) if drawn is None else drawn

    def _draw_order(self, files: int) -> list[int]:
        order = list(range(files))
        if self.settings.results_order == "reversed":
            order.reverse()
        elif self.settings.results_order == "shuffled":
            self._chance.shuffle(order)
        return order

    def _look_at_source(self, task: Task, file: TaskFile, now: float) -> tuple[FileProblem | None, StoredObject | None]:
        """Find what is wrong with a URL before anything is fetched, and the object an `oss://` URL names."""
        url = file.request.file_url
        if not url.isascii() or any(character <= " " for character in url):
            return _DOWNLOAD_FAILED, None
        if url.startswith(OSS_SCHEME):
            stored = self._find_stored(url, task, now)
            return (_DOWNLOAD_FAILED if stored is None else None), stored
        return (None if _has_host(url) else FileProblem("REQUEST_INVALID_FILE_URL_VALUE")), None

    def _find_stored(self, url: str, task: Task, now: float) -> StoredObject | None:
        if not task.resolves_oss:
            return None
        return self._storage.find(url, task.account, task.model.name, task.site, now)

    def _worded(self, problem: FileProblem) -> FileProblem:
        """Give a problem the code and message of the settings (section 6.3)."""
        if problem.code == _DOWNLOAD_FAILED.code:
            return FileProblem(problem.code, problem.message or _DOWNLOAD_FAILED.message)
        if problem.code in _DOWNLOAD_CODES and not self.settings.specific_download_codes:
            return _DOWNLOAD_FAILED
        return problem

    def _indexes_of(self, task: Task) -> tuple[TaskIndex, TaskIndex]:
        account, region = task.account, task.site.region
        return self._indexes[account, region, None], self._indexes[account, region, task.model.name]

    def _note_change(self, task: Task, at: float) -> None:
        for index in self._indexes_of(task):
            index.note_change(task, at)

    def _schedule(self, when: float, event: Literal["end", "forget"], task: Task) -> None:
        heappush(self._events, (when, next(self._numbers), event, task))


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
