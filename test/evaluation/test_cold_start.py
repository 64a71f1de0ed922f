"""What a start costs, in a process of its own."""

import pytest

from siam_tracker_ros.evaluation.cold_start import ColdStartError, cold_start
from siam_tracker_ros.evaluation.entrants import EntrantSpec, peer_spec


def test_ours_takes_more_memory_than_a_peer_since_it_loads_torch():
    peer, ours = cold_start(peer_spec("kcf"), 1), cold_start(EntrantSpec("ours", "afsn_mobile", runtime="eager"), 1)
    for start in (peer, ours):
        assert min(start.load, start.init, start.first) > 0
        assert start.device_memory == 0
    assert ours.memory > peer.memory > 0


def test_what_cannot_be_started_says_why():
    with pytest.raises(ColdStartError, match=r"lost could not be started: .*unknown model 'nowhere'"):
        cold_start(EntrantSpec("lost", "nowhere"), 1)
    with pytest.raises(ColdStartError, match="ours was not ready after 0 s"):
        cold_start(EntrantSpec("ours", "afsn_mobile", runtime="eager"), 1, timeout=0.01)
