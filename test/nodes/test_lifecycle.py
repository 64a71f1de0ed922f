"""The node as a lifecycle manager sees it: a process of its own, and its transitions as nav2's manager calls them."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_interfaces.srv import InitTarget, RemoveTarget
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.messages import to_box

pytestmark = pytest.mark.ros

CODES = InitTarget.Response
CONFIGURE, CLEANUP = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_CLEANUP
ACTIVATE, DEACTIVATE = Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_DEACTIVATE
UNCONFIGURED, INACTIVE = State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_INACTIVE
ACTIVE, FINALIZED = State.PRIMARY_STATE_ACTIVE, State.PRIMARY_STATE_FINALIZED


class Manager:
    """Changes the state of a node and asks for it, as an operator's node."""

    def __init__(self, operator) -> None:
        self.operator = operator
        self.change_client = operator.node.create_client(ChangeState, f"{operator.node_name}/change_state")
        self.state_client = operator.node.create_client(GetState, f"{operator.node_name}/get_state")

    def change(self, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self.operator.call(self.change_client, request).success)

    @property
    def state(self) -> int:
        return int(self.operator.call(self.state_client, GetState.Request()).current_state.id)


@pytest.fixture(scope="module")
def process(request) -> Iterator:
    """A node that waits for its manager."""
    made = request.getfixturevalue("tracker_process")(
        "autostart:=false", "image_timeout:=0.3", "device:=cpu", namespace="managed"
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def operator(process, operator_class) -> Iterator:
    made = operator_class("/managed/siam_tracker", "/managed/image")
    yield made
    made.close()


@pytest.fixture(scope="module")
def manager(operator) -> Manager:
    return Manager(operator)


@pytest.fixture
def active(manager, operator, scene):
    """The manager of a node that is active and gets the camera's images."""
    if manager.state == UNCONFIGURED:
        assert manager.change(CONFIGURE)
    if manager.state == INACTIVE:
        assert manager.change(ACTIVATE)
    operator.connect(scene.frame(0))
    return manager


def test_without_autostart_it_waits_for_its_manager_and_offers_nothing(manager, operator, process):
    assert manager.state == UNCONFIGURED
    assert "waiting to be configured" in process.output
    assert not operator.init_client.service_is_ready()
    assert not manager.change(ACTIVATE), "it is not configured"
    assert manager.state == UNCONFIGURED


def test_configured_it_loads_the_weights_and_answers_but_takes_no_images(manager, operator, scene, process, wait):
    assert manager.change(CONFIGURE)
    assert manager.state == INACTIVE
    wait(lambda: "configured in" in process.output, "the log")
    assert "model afsn_mobile on cpu" in process.output
    assert operator.camera.get_subscription_count() == 0
    refused = operator.init(scene.box(0))
    assert (refused.success, refused.code) == (False, CODES.NOT_ACTIVE)
    assert "not active" in refused.message
    answer = operator.clear()
    assert (answer.success, "not active" in answer.message) == (False, True)
    remove = operator.node.create_client(RemoveTarget, "/managed/siam_tracker/remove_target")
    assert "not active" in operator.call(remove, RemoveTarget.Request(target_id="a")).message


def test_active_it_follows_and_inactive_it_frees_the_camera_and_publishes_nothing(active, operator, scene, wait):
    assert active.state == ACTIVE
    name = operator.init(scene.box(0)).target_id
    assert operator.detection_of(operator.process(scene.frame(1))).id == name

    assert active.change(DEACTIVATE)
    assert active.state == INACTIVE
    last = wait(lambda: operator.status[-1] if "deactivated" in operator.status[-1].reason else None, "the last status")
    assert (last.state, last.target_id) == (TrackerStatus.STALE, name)
    wait(lambda: operator.camera.get_subscription_count() == 0, "the camera to be free")
    counts = len(operator.status), len(operator.detection), len(operator.detections)
    diagnostics = operator.listen(DiagnosticArray, "/diagnostics")

    def inactive() -> bool:
        operator.publish(scene.frame(2))
        return bool(diagnostics) and "inactive" in diagnostics[-1].status[0].message

    wait(inactive, "the diagnostics to say that it is inactive")
    assert (len(operator.status), len(operator.detection), len(operator.detections)) == counts
    assert operator.init(scene.box(0)).code == CODES.NOT_ACTIVE

    assert active.change(ACTIVATE)
    operator.connect(scene.frame(2))
    seen = operator.detection_of(operator.process(scene.frame(3)))
    assert (seen.id, to_box(seen.bbox).iou(Box(*map(float, scene.box(3)))) > 0.5) == (name, True)


def test_every_frame_is_accounted_for_over_deactivation_and_cleanup(active, operator, scene):
    for transition in (DEACTIVATE, ACTIVATE, DEACTIVATE, CLEANUP, CONFIGURE, ACTIVATE):
        if transition == DEACTIVATE:
            operator.init(scene.box(0))
            for i in range(5):
                operator.publish(scene.frame(i))
            operator.process(scene.frame(5))
            operator.publish(scene.frame(6))  # is in work, or waits, when it is deactivated
        assert active.change(transition)
    operator.connect(scene.frame(0))
    status = operator.status_of(operator.process(scene.frame(1)))
    assert (status.state, status.target_id) == (TrackerStatus.IDLE, ""), "the cleanup forgot the target"
    assert status.frames_received > 12
    assert status.frames_received == status.frames_processed + status.frames_dropped + status.frames_refused


def test_after_a_cleanup_the_trackers_memory_is_free_and_it_can_be_configured_again(active, operator, scene, process):
    def threads() -> int:
        status = Path(f"/proc/{process.process.pid}/status").read_text(encoding="ascii")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("Threads:")))

    before = None
    for _ in range(3):
        assert active.change(DEACTIVATE)
        assert active.change(CLEANUP)
        assert active.state == UNCONFIGURED
        assert operator.init(scene.box(0)).code == CODES.NOT_ACTIVE
        before = before or threads()
        assert active.change(CONFIGURE)
        assert active.change(ACTIVATE)
    operator.connect(scene.frame(0))
    assert operator.init(scene.box(0)).success
    assert operator.detection_of(operator.process(scene.frame(1))) is not None
    assert active.change(DEACTIVATE)
    assert active.change(CLEANUP)
    assert threads() <= before + 1, "no thread is left behind"


def test_shut_down_it_answers_its_state_until_it_is_told_to_end(active, operator, process):
    operator.process(np.zeros((480, 640, 3), np.uint8))
    assert active.change(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert active.state == FINALIZED
    assert operator.camera.get_subscription_count() == 0
    start = time.monotonic()
    process.send(signal.SIGINT)
    assert process.wait_exit() == 0, process.output
    assert time.monotonic() - start < 5
    assert "Traceback" not in process.output


def test_a_configuration_that_fails_says_why_and_can_be_tried_again(start_node, connect, tmp_path, wait):
    weights = tmp_path / "weights.safetensors"
    node = start_node("autostart:=false", f"weights:={weights}", "device:=cuda:99", namespace="failing")
    operator = connect("/failing/siam_tracker", "/failing/image")
    manager = Manager(operator)
    assert not manager.change(CONFIGURE)
    wait(lambda: "there is no such file" in node.output, "the reason")
    weights.write_bytes(b"none")
    assert not manager.change(CONFIGURE)
    wait(lambda: "device 'cuda:99' is not there" in node.output, "the reason")
    assert manager.state == UNCONFIGURED
    assert "Traceback" not in node.output
    node.send(signal.SIGTERM)
    assert node.wait_exit() == 0, node.output
