import threading

import pytest
from sensor_msgs.msg import Image

from siam_tracker_ros.nodes import mailbox as module
from siam_tracker_ros.nodes.mailbox import Frame, FrameMailbox


def frame(number: int) -> Frame:
    return Frame(number, number * 10, Image())


def test_the_newest_frame_wins_and_the_replaced_ones_are_counted():
    mailbox: FrameMailbox[str] = FrameMailbox()
    for number in (1, 2, 3):
        mailbox.put(frame(number))
    assert mailbox.waiting == frame(3)
    assert mailbox.take() == frame(3)
    assert mailbox.waiting is None
    assert mailbox.dropped == 2


def test_requests_come_first_and_in_order():
    mailbox: FrameMailbox[str] = FrameMailbox()
    mailbox.put(frame(1))
    assert mailbox.post("init")
    assert mailbox.post("clear")
    assert [mailbox.take() for _ in range(3)] == ["init", "clear", frame(1)]
    assert mailbox.dropped == 0


def test_closing_wakes_who_waits_and_hands_back_what_nobody_will_do():
    mailbox: FrameMailbox[str] = FrameMailbox()
    taken: list[object] = ["nothing yet"]
    waiting = threading.Thread(target=lambda: taken.append(mailbox.take()))
    waiting.start()
    assert mailbox.close() == []
    waiting.join(10)
    assert taken[-1] is None
    assert not mailbox.post("init")

    left: FrameMailbox[str] = FrameMailbox()
    left.post("init")
    assert left.close() == ["init"]
    assert left.closed
    assert left.take() is None


def test_what_is_discarded_or_comes_too_late_counts_as_dropped():
    mailbox: FrameMailbox[str] = FrameMailbox()
    mailbox.discard()
    assert mailbox.dropped == 0
    mailbox.put(frame(1))
    mailbox.discard()
    assert (mailbox.waiting, mailbox.dropped) == (None, 1)
    mailbox.put(frame(2))
    mailbox.close()
    assert (mailbox.waiting, mailbox.dropped) == (None, 2)
    mailbox.put(frame(3))
    assert (mailbox.waiting, mailbox.dropped) == (None, 3)


def test_every_frame_is_taken_or_counted_as_dropped():
    mailbox: FrameMailbox[str] = FrameMailbox()
    taken: list[int] = []

    def work() -> None:
        while isinstance(item := mailbox.take(), Frame):
            taken.append(item.number)

    worker = threading.Thread(target=work)
    worker.start()
    for number in range(1, 5001):
        mailbox.put(frame(number))
    mailbox.post("stop")
    worker.join(10)
    still_there = mailbox.waiting is not None
    assert taken == sorted(taken)
    assert len(taken) + mailbox.dropped + still_there == 5000


def test_who_leaves_a_frame_lets_a_sleeping_taker_go_first(wait, monkeypatch):
    monkeypatch.setattr(module, "HAND_OVER", 60.0)
    mailbox: FrameMailbox[str] = FrameMailbox()
    taken: list[object] = []

    def work() -> None:
        while (item := mailbox.take()) is not None:
            taken.append(item)

    worker = threading.Thread(target=work)
    worker.start()
    for number in range(1, 50):
        wait(lambda: mailbox._asleep, "the taker to sleep")
        mailbox.put(frame(number))
        assert mailbox.waiting is None, "it has been taken when put returns"
    mailbox.close()
    worker.join(10)
    assert taken == [frame(number) for number in range(1, 50)]


@pytest.mark.parametrize("closed", [False, True])
def test_who_leaves_a_frame_waits_for_nobody_who_is_busy(monkeypatch, closed):
    monkeypatch.setattr(module, "HAND_OVER", 3600.0)
    mailbox: FrameMailbox[str] = FrameMailbox()
    if closed:
        mailbox.close()
    mailbox.put(frame(1))  # the test would not end
    assert mailbox.dropped == closed


def test_a_taker_that_does_not_get_to_run_is_waited_for_only_so_long(monkeypatch):
    monkeypatch.setattr(module, "HAND_OVER", 0.001)
    mailbox: FrameMailbox[str] = FrameMailbox()
    mailbox._asleep = 1  # one that never wakes
    mailbox.put(frame(1))
    assert mailbox.waiting == frame(1)
