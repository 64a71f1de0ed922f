import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.nodes.stamps import Arrival, StampOrder, to_nanoseconds, to_stamp

S = 10**9


@given(st.integers(0, 2**31 - 1), st.integers(0, S - 1))
def test_a_stamp_goes_to_nanoseconds_and_back(sec, nanosec):
    stamp = Time(sec=sec, nanosec=nanosec)
    assert to_nanoseconds(stamp) == sec * S + nanosec
    assert to_stamp(to_nanoseconds(stamp)) == stamp


@pytest.mark.parametrize(
    ("stamps", "last"),
    [
        ([10 * S], Arrival.IN_ORDER),
        ([10 * S, 10 * S + 1], Arrival.IN_ORDER),
        ([10 * S, 10 * S], Arrival.DUPLICATE),
        ([10 * S, 10 * S - 1], Arrival.OUT_OF_ORDER),
        ([10 * S, 9 * S], Arrival.OUT_OF_ORDER),
        ([10 * S, 9 * S - 1], Arrival.CLOCK_JUMPED),
        ([10 * S, 1 * S, 1 * S + 1], Arrival.IN_ORDER),
        ([10 * S, 9 * S + 1, 9 * S + 2], Arrival.OUT_OF_ORDER),
        ([10 * S, 9 * S + 1, 10 * S + 1], Arrival.IN_ORDER),
        ([0, 0, 0], Arrival.IN_ORDER),
        ([10 * S, 0], Arrival.IN_ORDER),
        ([10 * S, 0, 10 * S], Arrival.DUPLICATE),
    ],
)
def test_the_order_of_stamps(stamps, last):
    order = StampOrder(jump=1.0)
    assert [order.check(stamp) for stamp in stamps][-1] is last


@pytest.mark.parametrize(
    ("frames", "last"),
    [
        ([(10 * S, 5 * S), (11 * S, 6 * S)], Arrival.IN_ORDER),
        ([(10 * S, 5 * S), (12 * S, 5 * S)], Arrival.IN_ORDER),
        ([(10 * S, 5 * S), (12 * S + 1, 5 * S)], Arrival.CLOCK_ADVANCED),
        ([(10 * S, 5 * S), (70 * S, 65 * S)], Arrival.IN_ORDER),
        ([(10 * S, 5 * S), (70 * S, 5 * S), (70 * S + 1, 5 * S)], Arrival.IN_ORDER),
        ([(10 * S, 5 * S), (70 * S, 5 * S), (11 * S, 6 * S)], Arrival.CLOCK_JUMPED),
        ([(10 * S, 5 * S), (0, 5 * S), (11 * S, 6 * S)], Arrival.IN_ORDER),
    ],
)
def test_a_clock_that_was_set_forward(frames, last):
    """Frames as pairs: stamp, time of arrival. Two seconds are allowed here."""
    order = StampOrder(jump=2.0)
    assert [order.check(*frame) for frame in frames][-1] is last


def test_another_time_line_starts_anywhere():
    order = StampOrder(jump=1.0)
    order.check(10 * S)
    order.restart()
    assert order.check(9 * S + 1) is Arrival.IN_ORDER
    assert order.check(9 * S) is Arrival.OUT_OF_ORDER
