"""Whatever is done to a journal, in whatever order, it is what a plain dictionary would be."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from aiofunasr import FileDownloadError, SqliteJournal
from aiofunasr.journal import Attempt, AttemptState, FileEntry, FileState, JournaledFile, StoredResult

T = TypeVar("T")

KEYS = st.sampled_from("abcde")
TEXTS = st.text(max_size=20).filter(
    lambda text: "sk-" not in text and "st-" not in text and "bearer" not in text.lower()
)
TIMES = st.integers(0, 50).map(float)


class Model:
    """A journal as a few dictionaries."""

    def __init__(self) -> None:
        self.attempts: dict[int, Attempt] = {}
        self.newest: dict[str, int | None] = {}
        self.results: dict[str, StoredResult] = {}

    def state(self, key: str) -> FileState:
        if key in self.results:
            return FileState.DONE if self.results[key].error is None else FileState.FAILED
        newest = self.newest[key]
        if newest is None:
            return FileState.NEW
        return {
            AttemptState.SENT: FileState.UNKNOWN,
            AttemptState.UNKNOWN: FileState.UNKNOWN,
            AttemptState.ACCEPTED: FileState.ACCEPTED,
            AttemptState.REFUSED: FileState.NEW,
        }[self.attempts[newest].state]

    def open_attempts(self) -> list[Attempt]:
        waiting = {self.newest[key] for key in self.newest if key not in self.results}
        return [
            one for number, one in self.attempts.items() if number in waiting and one.state is not AttemptState.REFUSED
        ]

    def task_ids(self, since: float) -> set[str]:
        return {one.task_id for one in self.attempts.values() if one.task_id is not None and one.sent_at > since}


class JournalMachine(RuleBasedStateMachine):
    numbers: Bundle[int] = Bundle("numbers")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = Path(tempfile.mkdtemp())
        self.model = Model()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def open(self) -> None:
        self.journal = SqliteJournal(self.directory / "batch.db")
        self.run(self.journal.open())

    @rule()
    def reopen(self) -> None:
        self.run(self.journal.aclose())
        self.open()

    @rule(
        target=numbers,
        keys=st.lists(KEYS, min_size=1, max_size=3, unique=True),
        model=TEXTS,
        sent_at=TIMES,
        region=st.none() | TEXTS,
    )
    def begin(self, keys: list[str], model: str, sent_at: float, region: str | None) -> int:
        files = tuple(JournaledFile(key=key, source=f"https://h/{key}", digest=f"d-{key}") for key in keys)
        attempt = Attempt(files=files, model=model, sent_at=sent_at, region=region)
        number = self.run(self.journal.begin(attempt))
        assert number == len(self.model.attempts) + 1
        self.model.attempts[number] = evolve(attempt, id=number)
        for key in keys:
            self.model.newest[key] = number
            self.model.results.pop(key, None)
        return number

    @rule(
        number=numbers,
        state=st.sampled_from(AttemptState),
        ended_at=TIMES,
        task_id=st.none() | st.sampled_from(["t1", "t2"]),
        request_id=st.none() | TEXTS,
        error=TEXTS,
    )
    def settle(self, number: int, state: AttemptState, ended_at: float, **given: Any) -> None:
        self.run(self.journal.settle(number, state, ended_at=ended_at, **given))
        changes = {name: value for name, value in given.items() if value is not None and value != ""}
        if given["request_id"] == "":
            changes["request_id"] = ""
        self.model.attempts[number] = evolve(self.model.attempts[number], state=state, ended_at=ended_at, **changes)

    @rule(key=KEYS, task_id=st.none() | TEXTS, document=st.none() | st.binary(max_size=200), failed=st.booleans())
    def complete(self, key: str, task_id: str | None, document: bytes | None, failed: bool) -> None:
        error = FileDownloadError("gone", code="E") if failed else None
        result = StoredResult(key=key, task_id=task_id, document=document, error=error, no_speech=not failed)
        self.run(self.journal.complete(result))
        self.model.newest.setdefault(key, None)
        self.model.results[key] = result

    @rule(key=KEYS)
    def forget(self, key: str) -> None:
        self.run(self.journal.forget(key))
        if key in self.model.newest:
            self.model.newest[key] = None
            self.model.results.pop(key, None)

    @rule(keys=st.lists(KEYS, min_size=2, max_size=5, unique=True))
    def complete_together(self, keys: list[str]) -> None:
        async def all_at_once() -> None:
            await asyncio.gather(*(self.journal.complete(StoredResult(key=key)) for key in keys))

        self.run(all_at_once())
        for key in keys:
            self.model.newest.setdefault(key, None)
            self.model.results[key] = StoredResult(key=key)

    @rule(since=TIMES)
    def tasks(self, since: float) -> None:
        found = self.run(self.journal.task_ids(since))
        assert len(found) == len(set(found))
        assert set(found) == self.model.task_ids(since)

    @invariant()
    def is_the_same(self) -> None:
        self.run(self.compare())

    async def compare(self) -> None:
        assert await self.journal.open_attempts() == self.model.open_attempts()
        for key in "abcde":
            entry = await self.journal.file(key)
            if key not in self.model.newest:
                assert entry is None
                continue
            assert entry is not None
            newest = self.model.newest[key]
            assert entry == FileEntry(key=key, state=self.model.state(key), source=entry.source, attempt=newest)
            result = await self.journal.result(key)
            expected = self.model.results.get(key)
            if result is not None and expected is not None and expected.error is not None:
                assert str(result.error) == str(expected.error)
                assert type(result.error) is type(expected.error)
                result, expected = evolve(result, error=None), evolve(expected, error=None)
            assert result == expected
        for number, attempt in self.model.attempts.items():
            assert await self.journal.attempt(number) == attempt

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.run(self.journal.aclose())
        self.runner.close()
        shutil.rmtree(self.directory)


TestLife = JournalMachine.TestCase
TestLife.settings = settings(max_examples=20, stateful_step_count=25)
