"""Whatever the list's lag and whoever else is there, what is decided of a lost submit is right."""

from __future__ import annotations

from collections.abc import Callable
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


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, bool]:
    random = Random(draw(st.integers(0, 2**32)))
    lag = lag_of(draw(st.sampled_from(["constant", "jittered", "growing"])), draw(st.floats(0, 55)), random)
    sessions = [
        Session(number, draw(st.sampled_from([0.0, -3.0, 40.0, -25000.0, 90000.0])))
        for number in range(draw(st.integers(1, 3)))
    ]
    world = World(sessions)
    labels = world.labels
    strange = draw(st.booleans())
    lacks = draw(
        st.sampled_from(
            [frozenset[str](), frozenset({"gmt_create"}), frozenset({"gmt_create", "start_time", "model_name"})]
        )
    )
    events: list[tuple[float, int, Callable[[], None]]] = []

    def at(when: float, what: Callable[[], None]) -> None:
        events.append((when, len(events), what))

    def task(name: str, when: float, files: tuple[str, ...], maker: tuple[int, int] | None) -> Task:
        return Task(
            id=f"{random.getrandbits(16):04x}-{name}",
            made_at=when,
            ends_at=when + random.choice([0.5, 5.0, 40.0, 300.0]),
            listed_at=when + lag(when),
            files=files,
            maker=maker,
            mute=strange and random.random() < 0.2,
            row_lacks=lacks if random.random() < 0.5 else frozenset(),
            counted=random.random() < 0.7,
            partial=random.random() < 0.3,
            unknown_until=when + random.choice([0.0, 0.0, 20.0]),
        )

    def submit(session: Session, number: int, when: float, files: tuple[str, ...], fate: str) -> None:
        label = random.choice(["", "", "other"])
        labels[session.number, number] = label
        at(when, lambda: session.leaves(number, files, label, when))
        took = random.choice([0.2, 3.0, 60.0])
        if fate == "refused":
            at(when + took, lambda: session.intents.pop(number) and None)
            return
        made = None
        if fate != "never":
            late = random.uniform(0, LATE) + took if fate == "late" else random.uniform(0, took)
            made = task(f"{session.number}.{number}", when + late, files, (session.number, number))
            at(when + late, lambda: world.make(made))
        if fate == "answered":
            assert made is not None
            at(when + took, lambda: session.answered(number, made, when + took))
        else:
            at(when + took, lambda: session.lost(number, when + took))

    for session in sessions:
        for number in range(draw(st.integers(1, 5))):
            when = EPOCH + random.choice([100.0, 100.4, random.uniform(90, 200)])
            fate = draw(st.sampled_from(["made", "late", "never", "answered", "refused"]))
            submit(session, number, when, draw(st.sampled_from(FILES[:3])), fate)
        # The witnesses: other tasks of ours, now and then.
        for number in range(100, 100 + draw(st.integers(0, 12))):
            submit(session, number, EPOCH + random.uniform(0, 600), (f"witness-{number}",), "answered")
        submit(session, 99, EPOCH + 1, ("witness",), "answered")
    for number in range(draw(st.integers(0, 4))):
        when = EPOCH + random.choice([-90000.0, 50.0, random.uniform(95, 130)])
        files = random.choice(FILES) if strange else (f"strange-{number}",)
        stranger = task(f"stranger-{number}", when, files, None)
        at(when, lambda stranger=stranger: world.make(stranger))
    for session in sessions:
        when = EPOCH + 90
        while when < EPOCH + 2500:
            when += random.choice([3.0, 10.0, 45.0])

            def round_(session: Session = session, when: float = when) -> None:
                world.now = when
                world.go_through_list(session, random.choice([0.0, 2.0]))
                for _ in range(2):
                    world.look(session, world.decide(session))

            at(when, round_)
    for _, _, what in sorted(events, key=lambda event: event[:2]):
        what()
    return world, strange


@settings(max_examples=150)
@given(worlds())
def test_what_is_decided_is_right(played: tuple[World, bool]) -> None:
    world, strange = played
    world.check_end()
    for session in world.sessions:
        # A row without a time, and a task without its files, can be waited for without end: patience is for those.
        rows_tell = all(not task.row_lacks and not task.mute for task in world.tasks.values())
        assert not session.intents or not rows_tell, "the evidence is there and it is not decided"
        if not strange and rows_tell and len(world.sessions) == 1:
            labels: dict[frozenset[str], set[str]] = {}
            for decision in session.decided.values():
                labels.setdefault(decision.intent.digests, set()).add(decision.intent.label)
            for intent in session.given_up:
                assert len(labels[intent.digests]) > 1, "it could be told"
