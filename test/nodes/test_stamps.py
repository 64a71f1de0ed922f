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
