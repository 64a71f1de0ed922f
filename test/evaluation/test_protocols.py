"""The protocols by name, as they are sent to other processes."""

import pickle

import numpy as np
import pytest
from slides import Scripted, slides

from siam_tracker_ros.evaluation.protocols import PROTOCOLS, OnePass, RealTime, Supervised, parse_protocol

BOX = (10, 10, 40, 40)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_by_name(name):
    protocol = parse_protocol(name, rate=12.5)
    assert protocol.name == name
    assert pickle.loads(pickle.dumps(protocol)) == protocol
    assert protocol.title


def test_where_the_tracks_go():
    protocols = [OnePass(), RealTime(30), RealTime(12.5), Supervised()]
    assert [protocol.folder for protocol in protocols] == [
        "results",
        "results_real_time_30",
        "results_real_time_12.5",
        "results_vot",
    ]
    assert [protocol.supervised for protocol in protocols] == [False, False, False, True]


def test_what_there_is_not():
    with pytest.raises(ValueError, match="there is no protocol 'otb'; there are one-pass, real-time, vot"):
        parse_protocol("otb")
    for rate in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="rate must be a positive number"):
            RealTime(rate)


def test_each_does_what_it_says():
    sequence = slides([BOX] * 8)
    off = [BOX] * 3 + [(100, 100, 5, 5)] * 5
    assert OnePass().run(Scripted(off), sequence).starts == (0,)
    assert Supervised().run(Scripted(off), sequence).failures == (3,)
    # A camera of one frame in a thousand seconds waits for everybody.
    assert np.isfinite(RealTime(0.001).run(Scripted(off), sequence).times).all()
