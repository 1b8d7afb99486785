from __future__ import annotations

import threading

import pytest

from actortorrent.tracing.capture import CapturedTrace, capture_trace, with_captures
from actortorrent.tracing.recorder import LADEN_LIMIT, EntryQueue, LossCount, Tee, unique_name
from actortorrent.tracing.summaries import Payload, summarise


def record(queue: EntryQueue | Tee, lc: int) -> None:
    queue.record(lc, "x", "A", lc, "", {})


def test_a_queue_gives_its_entries_back_oldest_first_and_forgets_them() -> None:
    queue = EntryQueue("piece")
    for lc in range(5):
        record(queue, lc)
    assert [entry[0] for entry in queue.take(3)] == [0, 1, 2]
    assert [entry[0] for entry in queue.take(99)] == [3, 4]
    assert len(queue) == 0


def test_a_full_queue_counts_what_it_does_not_keep() -> None:
    queue = EntryQueue("piece", limit=2)
    for lc in range(5):
        record(queue, lc)
    assert len(queue) == 2
    assert queue.losses.total() == 3


def test_when_many_wait_blocks_that_come_in_full_are_counted_as_lost_and_nothing_else() -> None:
    queue = EntryQueue("payload")
    block = {"conn": 1, "payload": Payload(bytes(16))}
    sent = {"conn": 1, "fields": {"block_data": Payload(bytes(16))}}
    for lc in range(LADEN_LIMIT):
        queue.record(lc, "bt:block_received", "A", lc, "", block)
    for data in (block, sent, {"conn": 1, "fields": {"index": 3}}):
        queue.record(LADEN_LIMIT, "x", "A", 1, "", data)
    kept = list(queue.take(LADEN_LIMIT + 3))
    assert kept[:LADEN_LIMIT] == [
        (lc, "bt:block_received", "A", lc, "", block) for lc in range(LADEN_LIMIT)
    ]
    assert [entry[5] for entry in kept[LADEN_LIMIT:]] == [{"conn": 1, "fields": {"index": 3}}]
    assert queue.losses.total() == 2


@pytest.mark.parametrize("level", ["piece", "block"])
def test_a_bitfield_is_kept_however_many_wait(level: str) -> None:
    queue = EntryQueue(level)
    bitfield = {"conn": 1, "fields": {"bits": Payload(b"\xff"), "set_bits": 8}}
    for lc in range(LADEN_LIMIT + 1):
        queue.record(lc, "bt:message_sent", "A", lc, "", bitfield)
    assert queue.losses.total() == 0
    *_, last = queue.take(LADEN_LIMIT + 1)
    assert summarise(last[5]) == {"conn": 1, "fields": {"bits": "/w==", "set_bits": 8}}


def test_a_closed_queue_keeps_nothing_more() -> None:
    queue = EntryQueue("piece")
    queue.close()
    record(queue, 1)
    assert len(queue) == 0
    assert queue.losses.total() == 1


def test_losses_are_counted_exactly_from_many_threads_and_while_they_are_asked_for() -> None:
    losses = LossCount()

    def lose() -> None:
        for _ in range(1000):
            losses.add_one()

    threads = [threading.Thread(target=lose) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen = [losses.total() for _ in range(50)]
    for thread in threads:
        thread.join()
    assert losses.total() == losses.total() == 4000
    assert seen == sorted(seen)


def test_two_actors_never_appear_under_one_name() -> None:
    queue = EntryQueue("piece")
    names = [unique_name(queue, "Storage", kind) for kind in (int, int, str)]
    assert names == ["Storage", "Storage~2", "Storage~3"]
    assert queue.cast.kind_of("Storage~3") is str
    assert queue.cast.kind_of("Nobody") is None


def test_a_tee_gives_every_event_to_all_and_a_name_only_if_it_is_free_everywhere() -> None:
    first, second = EntryQueue("piece"), EntryQueue("piece")
    unique_name(second, "Storage", int)
    tee = Tee([first, second])
    record(tee, 7)
    assert len(first) == len(second) == 1
    assert unique_name(tee, "Storage", int) == "Storage~2"


def test_a_tee_wants_as_much_as_the_most_curious() -> None:
    assert Tee([EntryQueue("piece"), EntryQueue("payload"), EntryQueue("block")]).level == "payload"


def test_a_capture_is_seen_by_what_starts_inside_its_block_only() -> None:
    own = EntryQueue("piece")
    assert with_captures(None) is None
    with capture_trace() as outer:
        assert with_captures(None) is outer
        assert isinstance(with_captures(own), Tee)
        with capture_trace("block") as inner:
            both = with_captures(None)
            assert both is not None
            both.record(1, "x", "A", 1, "", {"piece": 3})
    assert with_captures(own) is own
    assert [one.data for one in outer.named("x")] == [one.data for one in inner.named("x")]


def test_a_capture_that_has_ended_takes_nothing_more() -> None:
    with capture_trace() as captured:
        pass
    captured.record(1, "x", "A", 1, "", {})
    assert captured.events == ()


def test_a_capture_gives_messages_by_their_type() -> None:
    captured = CapturedTrace()
    stamp = ("A", 1, "", 0, 0)
    captured.record(1, "actor:message", "B", 2, "", ("B", stamp, 2, 3, 9, "tell", "hello", "ok"))
    assert [one.data["type"] for one in captured.messages()] == ["str"]
    assert captured.messages("lease") == []
