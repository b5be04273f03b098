"""A service with a list that lags, sessions that lose replies, and a schedule of passes and looks, all in numbers.

Time is the truth's; each session's own clock is `behind` it. Sessions know their own tasks only: what the others make
is a stranger's. After every decision its rightness is checked against the truth.
"""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import Factory, define, evolve, frozen

from aiofunasr.reconcile.clock import ServiceClock
from aiofunasr.reconcile.coverage import Coverage
from aiofunasr.reconcile.intents import Absent, Adopt, Decision, Intent, Pending, Sight, Suspect, Undecidable
from aiofunasr.reconcile.matching import decide
from aiofunasr.snapshots import ListedTask

EPOCH = 1_790_000_000.0
LATE = 30.0
LAG = 60.0


@frozen(kw_only=True)
class Task:
    """A task of the service, whoever made it.

    Attributes:
        id: Its id.
        made_at: When, by the truth.
        ends_at: When it ends.
        listed_at: From when on the list shows it.
        files: Its files.
        maker: The session and the intent that made it; None for a stranger's.
        mute: Whether it ends without a word about its files.
        row_lacks: Fields that its row does not have.
        counted: Whether answers about it say how many files it has.
        partial: Whether answers show its first file while it runs.
        unknown_until: Until when answers are UNKNOWN.
    """

    id: str
    made_at: float
    ends_at: float
    listed_at: float
    files: tuple[str, ...]
    maker: tuple[int, int] | None = None
    mute: bool = False
    row_lacks: frozenset[str] = frozenset()
    counted: bool = True
    partial: bool = False
    unknown_until: float = 0.0

    def row(self) -> ListedTask:
        """Return its row."""
        at = None if "gmt_create" in self.row_lacks else datetime.fromtimestamp(self.made_at, UTC)
        # It begins to run whenever it likes.
        start = None if "start_time" in self.row_lacks else datetime.fromtimestamp(self.made_at + 500.0, UTC)
        model = None if "model_name" in self.row_lacks else "fun-asr"
        return ListedTask(task_id=self.id, status="RUNNING", model_name=model, gmt_create=at, start_time=start)

    def sight(self, now: float) -> Sight:
        """Return what a query says of it."""
        if now < self.unknown_until:
            return Sight(ended=False)
        ended, count = now >= self.ends_at, len(self.files) if self.counted else None
        shown = frozenset(self.files[: 0 if self.mute else None] if ended else self.files[:1] * self.partial)
        many = len(self.files) if ended and not self.mute else len(shown)
        return Sight(ended=ended, count=count, digests=shown or None, shown=many, made_at=self.made_at)


@define
class Session:
    """One session: what it knows, and nothing else.

    Attributes:
        number: Which one.
        ahead: How many seconds its clock is ahead of the truth's.
    """

    number: int
    ahead: float
    clock: ServiceClock = Factory(ServiceClock)
    coverage: Coverage = Factory(lambda: Coverage(lag=LAG))
    intents: dict[int, Intent] = Factory(dict)
    sought_since: dict[int, float] = Factory(dict)
    given_up: list[Intent] = Factory(list)
    decided: dict[int, Decision] = Factory(dict)
    rows: dict[str, ListedTask] = Factory(dict)
    sights: dict[str, Sight] = Factory(dict)
    owned: set[str] = Factory(set)

    def time(self, now: float) -> float:
        """Return what its clock shows."""
        return now + self.ahead

    def leaves(self, number: int, files: tuple[str, ...], label: str, now: float) -> None:
        """Note a submit that leaves."""
        self.intents[number] = Intent(
            id=number, model="fun-asr", digests=frozenset(files), label=label, sent_at=self.time(now), ended_at=None
        )

    def answered(self, number: int, task: Task, now: float) -> None:
        """Note a submit that was answered with its task."""
        intent = self.intents.pop(number)
        self.owned.add(task.id)
        self.coverage.accepted(task.id, intent.sent_at, self.time(now))

    def lost(self, number: int, now: float) -> None:
        """Note a submit whose reply was lost."""
        self.intents[number] = evolve(self.intents[number], ended_at=self.time(now))
        self.sought_since[number] = self.time(now)

    def replied(self, sent_at: float, now: float) -> None:
        """Learn the time from a reply that was written half way."""
        self.clock.replied(float(int((sent_at + now) / 2)), self.time(sent_at), self.time(now))


@define
class World:
    """The service, its sessions, and what each submit asked for of its files."""

    sessions: list[Session]
    labels: dict[tuple[int, int], str] = Factory(dict)
    tasks: dict[str, Task] = Factory(dict)
    now: float = EPOCH

    def make(self, task: Task) -> None:
        """Let a task be made."""
        self.tasks[task.id] = task

    def go_through_list(self, session: Session, took: float = 0.0) -> None:
        """Let a session go through the list, which takes some seconds."""
        wanted = [intent.sent_at for intent in session.intents.values() if intent.ended_at is not None]
        if not wanted:
            return
        begun_at, since = self.now, session.coverage.since(min(wanted))
        session.replied(self.now, self.now + 0.2)
        self.now += took
        start = session.clock.window(since, since)[0]
        rows = [task.row() for task in self.tasks.values() if task.listed_at <= begun_at and start <= task.made_at]
        for row in rows:
            if row.task_id not in session.owned:
                session.rows[row.task_id] = row
        session.coverage.passed({row.task_id for row in rows}, since, session.time(begun_at))

    def look(self, session: Session, decisions: list[Decision]) -> None:
        """Let a session ask about what it is waiting for."""
        for decision in decisions:
            if isinstance(decision, Pending):
                for task_id in decision.to_look_at:
                    session.sights[task_id] = self.tasks[task_id].sight(self.now)

    def decide(self, session: Session) -> list[Decision]:
        """Let a session decide, and check what it decides."""
        decisions = decide(
            session.intents.values(),
            {
                task_id: Suspect(row, session.sights.get(task_id))
                for task_id, row in session.rows.items()
                if task_id not in session.owned
            },
            session.clock,
            lambda intent: session.coverage.covers(intent, late=LATE, sought_since=session.sought_since[intent.id]),
            given_up=session.given_up,
            late=LATE,
        )
        for decision in decisions:
            if isinstance(decision, Pending):
                continue
            intent = session.intents.pop(decision.intent.id)
            session.decided[intent.id] = decision
            match decision:
                case Adopt(_, task_id):
                    self._check_adopted(session, intent, task_id)
                    session.owned.add(task_id)
                case Absent():
                    self._check_absent(session, intent)
                case Undecidable():
                    session.given_up.append(intent)
        return decisions

    def _check_adopted(self, session: Session, intent: Intent, task_id: str) -> None:
        task = self.tasks[task_id]
        assert task_id not in session.owned, "it was given to another"
        assert frozenset(task.files) == intent.digests
        assert len(task.files) == len(intent.digests), "it bills a file of it twice"
        if task.maker is None or task.maker[0] != session.number:
            # The one exception that is stated: the very same files, in the same seconds.
            end = (intent.ended_at or 0.0) + LATE
            sent_at, until = intent.sent_at - session.ahead, end - session.ahead
            assert sent_at - 10 <= task.made_at <= until + 10, "a stranger's task of another time"
            return
        # Whoever was given a stranger's task instead left its own to be mistaken for another's.
        mistaken = self._strangers_taken(session, intent)
        assert mistaken or self.labels[task.maker] == intent.label, "its task asks for something else"

    def _check_absent(self, session: Session, intent: Intent) -> None:
        left = self.left_behind(session, intent)
        assert not left, f"submit {intent.id} is sent again: {left}"

    def _strangers_taken(self, session: Session, intent: Intent) -> list[Decision]:
        return [
            decision
            for decision in session.decided.values()
            if isinstance(decision, Adopt)
            and decision.intent.digests == intent.digests
            and ((maker := self.tasks[decision.task_id].maker) is None or maker[0] != session.number)
        ]

    def left_behind(self, session: Session, intent: Intent) -> list[Task]:
        """Return the tasks a submit, or one as good, made that nobody has, if nobody is left who may be given them."""

        def is_alike(files: frozenset[str], label: str) -> bool:
            return (files, label) == (intent.digests, intent.label)

        open_ones = [*session.intents.values(), *session.given_up]
        loose = [
            task
            for task in self.tasks.values()
            if task.maker is not None
            and task.maker[0] == session.number
            and task.id not in session.owned
            and is_alike(frozenset(task.files), self.labels[task.maker])
        ]
        # Whoever was given a stranger's task, which is the one exception, left its own.
        strangers = self._strangers_taken(session, intent)
        may_have = len([each for each in open_ones if is_alike(each.digests, each.label)]) + len(strangers)
        return loose if len(loose) > may_have else []

    def check_end(self) -> None:
        """Make sure that nothing accepted was left behind by anybody, late as it may have come."""
        for session in self.sessions:
            for decision in session.decided.values():
                assert not self.left_behind(session, decision.intent), "what came late was left behind"
