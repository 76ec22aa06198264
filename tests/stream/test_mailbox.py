"""The mailbox: one item, a named policy, losses counted, nobody left waiting."""

import threading
import time

import pytest

from stream.mailbox import CAPACITY, Closed, Mailbox


def test_newest_wins_keeps_the_newest_and_counts_the_loss():
    box = Mailbox("newest_wins")
    for item in (1, 2, 3):
        box.put(item)
    assert box.get() == 3
    assert box.n_dropped == 2
    assert box.get(timeout_s=0.01) is None


def test_as_many_as_are_said_may_wait_and_the_oldest_goes_first():
    box = Mailbox("newest_wins", 3)
    for item in range(5):
        box.put(item)
    assert [box.get(), box.get(), box.get()] == [2, 3, 4]
    assert box.n_dropped == 2


def test_block_makes_the_sender_wait_and_loses_nothing():
    box = Mailbox("block")
    received = []
    sender = threading.Thread(target=lambda: [box.put(i) for i in range(50)])
    sender.start()
    while len(received) < 50:
        received.append(box.get(timeout_s=5))
    sender.join(5)
    assert received == list(range(50))
    assert box.n_dropped == 0


def test_what_waits_can_be_taken_after_closing():
    box = Mailbox("block")
    box.put("last")
    box.close()
    assert not box.is_finished
    assert box.get() == "last"
    assert box.is_finished
    assert box.get() is None


def test_discard_throws_the_waiting_item_away():
    box = Mailbox("block")
    box.put("last")
    assert box.discard() == 1
    assert box.is_finished
    assert box.get() is None


def test_nothing_can_be_put_into_a_closed_mailbox():
    box = Mailbox("newest_wins")
    box.close()
    with pytest.raises(Closed):
        box.put(1)


@pytest.mark.parametrize("side", ["sender", "receiver"])
def test_closing_wakes_whoever_waits(side):
    box = Mailbox("block")
    woken = []

    def wait():
        try:
            box.put(2) if side == "sender" else woken.append(box.get())
        except Closed:
            woken.append(None)

    if side == "sender":
        for _ in range(CAPACITY["block"]):
            box.put(1)
    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.05)
    assert thread.is_alive()
    box.close()
    thread.join(2)
    assert woken == [None]
