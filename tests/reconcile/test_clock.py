from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.reconcile.clock import SLACK, ServiceClock


@given(st.floats(-90000, 90000), st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 60), st.floats(0, 1)), max_size=20))
def test_the_true_difference_is_never_left_out(ahead: float, replies: list[tuple[float, float, float]]) -> None:
    clock = ServiceClock()
    for sent_at, took, share in replies:
        written = sent_at + took * share + ahead
        clock.replied(float(written // 1), sent_at, sent_at + took)
        clock.created(written, sent_at, sent_at + took)
        assert clock.least <= ahead <= clock.most
    begin, end = clock.window(100.0, 200.0)
    assert begin <= 100 + ahead
    assert end >= 200 + ahead


def test_nothing_is_known_before_the_first_reply() -> None:
    assert not ServiceClock().is_known
    clock = ServiceClock()
    assert clock.replied(1000.0, 1000.0, 1000.5)
    assert clock.is_known
    assert (clock.least, clock.most) == (-0.5 - SLACK, 1.0 + SLACK)


def test_a_task_of_ours_tells_more_than_a_reply() -> None:
    clock = ServiceClock()
    clock.replied(1000.0, 1000.0, 1020.0)
    clock.created(1000.2, 1000.0, 1000.4)
    assert clock.most - clock.least < 5


def test_where_a_clock_was_set_both_are_believed_until_nothing_of_before_matters() -> None:
    clock = ServiceClock()
    clock.replied(1000.0, 1000.0, 1000.5)
    assert not clock.replied(4600.0, 1001.0, 1001.5)
    # The next replies agree with the newest one, and that alone does not make the old times false.
    assert clock.replied(4610.0, 1011.0, 1011.5)
    assert clock.window(1000.0, 1000.0)[0] < 1000
    assert clock.window(1000.0, 1000.0)[1] > 4600
    assert clock.most - clock.least > 3000
    clock.settle()
    assert clock.is_known
    assert clock.window(1000.0, 1000.0)[0] > 4500


def test_the_difference_shows_in_its_repr() -> None:
    clock = ServiceClock()
    clock.created(10.0, 0.0, 0.0)
    assert repr(clock) == "<ServiceClock ahead by 8.000 to 12.000 s>"
