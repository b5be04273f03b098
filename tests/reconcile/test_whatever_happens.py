"""Whatever the list's lag and whoever else is there, what is decided of a lost submit is right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from reconcile.world import EPOCH, LAG, LATE, Session, Task, World

FILES = [("a",), ("a", "b"), ("b",), ("a", "a")]


def lag_of(kind: str, size: float, random: Random) -> Callable[[float], float]:
    """Return how much later than it is made a task is listed, by when it is made."""
    if kind == "constant":
        return lambda _: size
    if kind == "jittered":
        # Within what the module allows for rows that come out of their order.
        return lambda _: random.uniform(0, min(size, LAG / 4))
    return lambda at: min(size, max(at - EPOCH, 0.0) / 4)


class Story:
    """What happens in a world, and when; drawn by chance from a few choices."""

    def __init__(self, world: World, random: Random, lag: Callable[[float], float], *, strange: bool) -> None:
        self.world = world
        self.strange = strange
        self._random = random
        self._lag = lag
        self._lacks = random.choice([(), ("gmt_create",), ("gmt_create", "start_time", "model_name")])
        self._events: list[tuple[float, int, Callable[[], object]]] = []

    def _at(self, when: float, what: Callable[[], object]) -> None:
        self._events.append((when, len(self._events), what))

    def play(self) -> None:
        for _, _, what in sorted(self._events, key=lambda event: event[:2]):
            what()

    def _task(self, name: str, when: float, files: tuple[str, ...], maker: tuple[int, int] | None = None) -> Task:
        chance = self._random
        task = Task(
            # Their ids come in no order.
            id=f"{chance.getrandbits(16):04x}-{name}",
            made_at=when,
            ends_at=when + chance.choice([0.5, 5.0, 40.0, 300.0]),
            listed_at=when + self._lag(when),
            files=files,
            maker=maker,
            mute=self.strange and chance.random() < 0.2,
            row_lacks=frozenset(self._lacks if chance.random() < 0.5 else ()),
            counted=chance.random() < 0.7,
            partial=chance.random() < 0.3,
            unknown_until=when + chance.choice([0.0, 0.0, 20.0]),
        )
        self._at(when, lambda: self.world.make(task))
        return task

    def stranger(self, number: int) -> None:
        chance = self._random
        when = EPOCH + chance.choice([-90000.0, 50.0, chance.uniform(95, 130)])
        self._task(f"stranger-{number}", when, chance.choice(FILES) if self.strange else (f"strange-{number}",))

    def submit(self, session: Session, number: int, when: float, files: tuple[str, ...], fate: str) -> None:
        chance = self._random
        label = self.world.labels[session.number, number] = chance.choice(["", "", "other"])
        took = chance.choice([0.2, 3.0, 60.0])
        self._at(when, lambda: session.leaves(number, files, label, when))
        made_at = when + (took + chance.uniform(0, LATE) if fate == "late" else chance.uniform(0, took))
        if fate == "answered":
            task = self._task(f"{session.number}.{number}", made_at, files, (session.number, number))
            self._at(when + took, lambda: session.answered(number, task, when + took))
        elif fate == "refused":
            self._at(when + took, lambda: session.intents.pop(number))
        else:
            if fate != "never":
                self._task(f"{session.number}.{number}", made_at, files, (session.number, number))
            self._at(when + took, lambda: session.lost(number, when + took))

    def rounds(self, session: Session) -> None:
        when = EPOCH + 90
        while when < EPOCH + 2500:
            when += self._random.choice([3.0, 10.0, 45.0])
            self._at(when, partial(self._round, session, when))

    def _round(self, session: Session, when: float) -> None:
        self.world.now = when
        self.world.go_through_list(session, self._random.choice([0.0, 2.0]))
        for _ in range(2):
            self.world.look(session, self.world.decide(session))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    random = Random(draw(st.integers(0, 2**32)))
    lag = lag_of(draw(st.sampled_from(["constant", "jittered", "growing"])), draw(st.floats(0, 55)), random)
    ahead = st.sampled_from([0.0, -3.0, 40.0, -25000.0, 90000.0])
    sessions = [Session(number, draw(ahead)) for number in range(draw(st.integers(1, 3)))]
    story = Story(World(sessions), random, lag, strange=draw(st.booleans()))
    for session in sessions:
        for number in range(draw(st.integers(1, 5))):
            when = EPOCH + random.choice([100.0, 100.4, random.uniform(90, 200)])
            fate = draw(st.sampled_from(["made", "late", "never", "answered", "refused"]))
            story.submit(session, number, when, draw(st.sampled_from(FILES[:3])), fate)
        # The witnesses: other tasks of ours, one before and some now and then.
        story.submit(session, 99, EPOCH + 1, ("witness",), "answered")
        for number in range(100, 100 + draw(st.integers(0, 12))):
            story.submit(session, number, EPOCH + random.uniform(0, 600), (f"witness-{number}",), "answered")
        story.rounds(session)
    for number in range(draw(st.integers(0, 4))):
        story.stranger(number)
    return story


@settings(max_examples=150)
@given(stories())
def test_what_is_decided_is_right(story: Story) -> None:
    world = story.world
    story.play()
    world.check_end()
    # A row without a time, and a task without its files, can be waited for without end: patience is for those.
    rows_tell = all(not task.row_lacks and not task.mute for task in world.tasks.values())
    for session in world.sessions:
        assert not session.intents or not rows_tell, "the evidence is there and it is not decided"
        if story.strange or not rows_tell or len(world.sessions) > 1:
            continue
        for intent in session.given_up:
            labels = {each.intent.label for each in session.decided.values() if each.intent.digests == intent.digests}
            assert len(labels) > 1, "it could be told"
