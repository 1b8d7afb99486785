from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actortorrent.errors import PeerProtocolError
from actortorrent.rules import metadata_fetching
from actortorrent.rules.metadata_fetching import (
    ANSWER_SECONDS,
    NOTHING_YET,
    PARTS_AT_ONCE,
    REJECT_PAUSE_SECONDS,
    TIMEOUT_PAUSE_SECONDS,
    Judgement,
    MetadataLedger,
    PartRequest,
)
from actortorrent.wire.metadata_exchange import (
    MAX_METADATA_BYTES,
    PART_BYTES,
    MetadataKind,
    MetadataMessage,
)

GOOD = random.Random(1).randbytes(5 * PART_BYTES + 1_000)  # 6 parts
SIZE = len(GOOD)


def new_ledger(good: bytes = GOOD) -> MetadataLedger:
    return MetadataLedger(hashlib.sha1(good).digest())


def asked(ledger: MetadataLedger, now: float = 0.0) -> list[tuple[int, int]]:
    return [(one.conn, one.part_index) for one in ledger.requests(now)]


def data(part: int, whole: bytes = GOOD) -> MetadataMessage:
    part_bytes = whole[part * PART_BYTES : (part + 1) * PART_BYTES]
    return MetadataMessage(MetadataKind.DATA, part, len(whole), part_bytes)


def reject(part: int) -> MetadataMessage:
    return MetadataMessage(MetadataKind.REJECT, part)


def lie(part: int) -> MetadataMessage:
    true = data(part)
    return MetadataMessage(MetadataKind.DATA, part, SIZE, bytes(len(true.data)))


def answer_all(
    ledger: MetadataLedger,
    answers: dict[int, Callable[[int], MetadataMessage]],
    now: float = 0.0,
    rounds: int = 100,
) -> list[int]:
    """Let peers answer all that they are asked, and return who was named a liar."""
    liars: list[int] = []
    for _ in range(rounds):
        requests = ledger.requests(now)
        for one in requests:
            if one.conn in answers:
                judgement = ledger.answer_came(one.conn, answers[one.conn](one.part_index), now)
                liars += judgement.liars
        if not requests or ledger.metadata is not None:
            break
    return liars


def test_one_peer_is_asked_for_a_few_parts_at_once_until_all_is_there() -> None:
    ledger = new_ledger()
    assert ledger.peer_offers(1, SIZE)
    assert asked(ledger) == [(1, part) for part in range(PARTS_AT_ONCE)]
    assert asked(ledger) == [], "it has enough to do"
    for part in range(5):
        assert ledger.answer_came(1, data(part), 0.0) == NOTHING_YET
        assert asked(ledger) == ([(1, 4)], [(1, 5)], [], [], [])[part]
    assert ledger.progress == (5, 6)
    assert ledger.answer_came(1, data(5), 0.0) == Judgement(GOOD)
    assert ledger.metadata == GOOD
    assert asked(ledger) == []
    assert ledger.seconds_to_next(0.0) is None


def test_several_peers_are_asked_for_different_parts_as_far_as_there_are_some() -> None:
    ledger = new_ledger(bytes(20 * PART_BYTES))
    for conn in (1, 2, 3):
        ledger.peer_offers(conn, 20 * PART_BYTES)
    requests = asked(ledger)
    assert len({part for _, part in requests}) == len(requests) == 3 * PARTS_AT_ONCE


def test_when_all_is_asked_for_a_second_peer_is_asked_too_and_no_third() -> None:
    ledger = new_ledger(bytes(2 * PART_BYTES))
    for conn in (1, 2, 3):
        ledger.peer_offers(conn, 2 * PART_BYTES)
    assert asked(ledger) == [(1, 0), (1, 1), (2, 0), (2, 1)]


def test_the_second_answer_to_the_same_part_does_no_harm() -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, SIZE)
    ledger.peer_offers(2, SIZE)
    asked(ledger)
    asked(ledger)
    ledger.answer_came(2, data(4), 0.0)
    asked(ledger)
    for conn, part in ((1, 0), (1, 1), (1, 2), (1, 3)):
        ledger.answer_came(conn, data(part), 0.0)
    assert (2, 0) not in asked(ledger)
    assert answer_all(ledger, {1: data, 2: data}) == []
    assert ledger.progress[0] >= 5


def test_what_was_not_asked_for_is_the_peers_fault() -> None:
    ledger = new_ledger()
    with pytest.raises(PeerProtocolError, match="was not asked for"):
        ledger.answer_came(1, data(0), 0.0)
    ledger.peer_offers(1, SIZE)
    with pytest.raises(PeerProtocolError, match="expected no metadata data part 0"):
        ledger.answer_came(1, data(0), 0.0)
    asked(ledger)
    with pytest.raises(PeerProtocolError, match="was not asked for"):
        ledger.answer_came(1, data(5), 0.0)
    ledger.answer_came(1, data(0), 0.0)
    with pytest.raises(PeerProtocolError, match="was not asked for"):
        ledger.answer_came(1, data(0), 0.0)


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (MetadataMessage(MetadataKind.DATA, 0, SIZE, b"short"), "expected 16384 bytes"),
        (MetadataMessage(MetadataKind.DATA, 5, SIZE, bytes(PART_BYTES)), "expected 1000 bytes"),
        (MetadataMessage(MetadataKind.DATA, 0, 7, bytes(PART_BYTES)), "as was said, found 7"),
    ],
)
def test_a_part_of_another_length_or_of_other_metadata_is_too(
    message: MetadataMessage, fault: str
) -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, SIZE)
    for part in range(4):
        asked(ledger)
        ledger.answer_came(1, data(part), 0.0) if message.part_index == 5 else None
    asked(ledger)
    with pytest.raises(PeerProtocolError, match=fault):
        ledger.answer_came(1, message, 0.0)


def test_a_total_size_that_is_not_said_is_no_fault() -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, SIZE)
    asked(ledger)
    ledger.answer_came(1, MetadataMessage(MetadataKind.DATA, 0, None, data(0).data), 0.0)
    assert ledger.progress == (1, 6)


@pytest.mark.parametrize("size", [0, -1, MAX_METADATA_BYTES + 1, 2**62])
def test_metadata_of_a_size_beyond_the_limit_is_not_fetched(size: int) -> None:
    ledger = new_ledger()
    assert not ledger.peer_offers(1, size)
    assert asked(ledger) == []


def test_the_limit_can_be_less_but_not_more() -> None:
    assert not MetadataLedger(bytes(20), 1_000).peer_offers(1, 1_001)
    assert not MetadataLedger(bytes(20), 2**40).peer_offers(1, MAX_METADATA_BYTES + 1)


# --- rejects, time-outs, and peers that go ----------------------------------------------------


def test_who_rejects_is_left_alone_for_a_while_and_others_are_asked() -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, SIZE)
    asked(ledger)
    for part in range(PARTS_AT_ONCE):
        ledger.answer_came(1, reject(part), 5.0)
    assert asked(ledger, 5.0) == []
    assert ledger.seconds_to_next(5.0) == REJECT_PAUSE_SECONDS
    ledger.peer_offers(2, SIZE)
    assert asked(ledger, 6.0) == [(2, part) for part in range(PARTS_AT_ONCE)]
    assert {conn for conn, _ in asked(ledger, 5.0 + REJECT_PAUSE_SECONDS)} == {1}


def test_what_does_not_come_in_time_is_asked_of_others() -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, SIZE)
    asked(ledger)
    assert ledger.seconds_to_next(4.0) == ANSWER_SECONDS - 4.0
    ledger.peer_offers(2, SIZE)
    assert asked(ledger, ANSWER_SECONDS) == [(2, 0), (2, 1), (2, 2), (2, 3)]
    assert ledger.seconds_to_next(ANSWER_SECONDS) == ANSWER_SECONDS
    assert asked(ledger, ANSWER_SECONDS + 1) == []


def test_a_late_answer_is_taken_all_the_same() -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, SIZE)
    asked(ledger)
    assert asked(ledger, ANSWER_SECONDS) == []
    ledger.answer_came(1, data(2), ANSWER_SECONDS + 1)
    assert ledger.progress == (1, 6)
    with pytest.raises(PeerProtocolError):
        ledger.answer_came(1, data(2), ANSWER_SECONDS + 1)


def test_who_stays_silent_is_asked_less_and_less_often() -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, SIZE)
    asked(ledger, 0.0)
    now, pauses = 0.0, []
    for _ in range(12):
        now += ANSWER_SECONDS
        assert asked(ledger, now) == []
        pauses.append(ledger.seconds_to_next(now) or 0.0)
        now += pauses[-1]
        assert len(asked(ledger, now)) == PARTS_AT_ONCE
    assert pauses[:3] == [TIMEOUT_PAUSE_SECONDS * times for times in (1, 2, 3)]
    assert pauses[-1] == metadata_fetching.MOST_PAUSE_SECONDS


def test_what_a_peer_sent_stays_when_it_goes_and_another_sends_the_rest() -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, SIZE)
    ledger.peer_offers(2, SIZE)
    asked(ledger)
    ledger.answer_came(1, data(0), 0.0)
    ledger.peer_left(1)
    assert ledger.progress == (1, 6)
    assert answer_all(ledger, {2: data}, ANSWER_SECONDS + 20) == []
    ledger.peer_left(2)
    assert ledger.progress == (0, 0), "nobody is left who says that there is such metadata"
    ledger.peer_left(2)


def test_who_says_another_size_later_is_asked_for_that() -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, 5)
    assert asked(ledger) == [(1, 0)]
    assert ledger.peer_offers(1, SIZE)
    assert ledger.peer_offers(1, SIZE)
    assert answer_all(ledger, {1: data}) == []
    assert ledger.metadata == GOOD


# --- liars ----------------------------------------------------------------------------------


def test_who_alone_sent_what_is_wrong_is_a_liar_and_asked_no_more() -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, SIZE)
    assert answer_all(ledger, {1: lie}) == [1]
    assert asked(ledger) == []
    ledger.peer_offers(2, SIZE)
    assert answer_all(ledger, {2: data}) == []
    assert ledger.metadata == GOOD


@pytest.mark.parametrize("liars", [{1}, {2}, {3}, {1, 2}, {2, 3}, {1, 3}])
def test_among_several_the_liars_are_found_and_the_honest_not_blamed(liars: set[int]) -> None:
    ledger = new_ledger()
    for conn in (1, 2, 3):
        ledger.peer_offers(conn, SIZE)
    found = answer_all(ledger, {conn: lie if conn in liars else data for conn in (1, 2, 3)})
    assert ledger.metadata == GOOD
    assert set(found) <= liars
    assert found or liars == {3}, "the third was second with all that it sent"


def test_a_liar_that_has_gone_is_named_once_the_truth_is_known() -> None:
    ledger = new_ledger(bytes(2 * PART_BYTES))
    whole = bytes(2 * PART_BYTES)
    bad = MetadataMessage(MetadataKind.DATA, 0, len(whole), b"x" * PART_BYTES)
    ledger.peer_offers(1, len(whole))
    ledger.peer_offers(2, len(whole))
    asked(ledger)
    ledger.answer_came(1, bad, 0.0)
    assert ledger.answer_came(2, data(1, whole), 0.0) == Judgement(contributors=(1, 2))
    ledger.peer_left(1)
    assert asked(ledger) == [(2, 0), (2, 1)], "all again, from a single one"
    ledger.answer_came(2, data(0, whole), 0.0)
    assert ledger.answer_came(2, data(1, whole), 0.0) == Judgement(whole, liars=(1,))


def test_a_single_source_that_falls_silent_gives_way_to_another() -> None:
    ledger = new_ledger(bytes(2 * PART_BYTES))
    whole = bytes(2 * PART_BYTES)
    for conn in (1, 2, 3):
        ledger.peer_offers(conn, len(whole))
    asked(ledger)
    ledger.answer_came(1, MetadataMessage(MetadataKind.DATA, 0, None, b"x" * PART_BYTES), 0.0)
    ledger.answer_came(2, data(1, whole), 0.0)
    assert asked(ledger) == [(1, 0), (1, 1)]
    assert asked(ledger, ANSWER_SECONDS) == [(2, 0), (2, 1)]
    ledger.answer_came(1, MetadataMessage(MetadataKind.DATA, 0, None, b"x" * PART_BYTES), 11.0)
    ledger.answer_came(2, data(0, whole), 11.0)
    assert ledger.answer_came(2, data(1, whole), 11.0) == Judgement(whole, liars=(1,))


def test_a_wrong_size_harms_only_those_who_say_it() -> None:
    ledger = new_ledger()
    for conn in range(1, 30):
        ledger.peer_offers(conn, SIZE + conn * PART_BYTES)
    ledger.peer_offers(30, SIZE)
    asked(ledger)
    assert answer_all(ledger, {30: data}, rounds=3) == []
    for part in (0, 1, 2, 3):
        ledger.answer_came(30, data(part), 0.0)
    assert answer_all(ledger, {30: data}) == []
    assert ledger.metadata == GOOD


def test_copies_of_many_sizes_together_stay_within_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata_fetching, "MAX_HELD_BYTES", 8 * PART_BYTES)
    ledger = new_ledger()
    for conn in range(1, 11):
        ledger.peer_offers(conn, SIZE + conn)
    for conn, part in asked(ledger):
        ledger.answer_came(
            conn, MetadataMessage(MetadataKind.DATA, part, None, bytes(PART_BYTES)), 0
        )
        held = sum(copy.held_bytes for copy in ledger._copies.values())
        assert held <= 8 * PART_BYTES
    ledger.peer_offers(99, SIZE)
    assert answer_all(ledger, {99: data}) == []
    assert ledger.metadata == GOOD


def test_after_the_end_answers_on_their_way_do_no_harm() -> None:
    ledger = new_ledger()
    ledger.peer_offers(1, SIZE)
    ledger.peer_offers(2, SIZE)
    requests = asked(ledger)
    for conn, part in requests:
        if conn == 1:
            ledger.answer_came(conn, data(part), 0.0)
    answer_all(ledger, {1: data})
    assert ledger.metadata == GOOD
    for conn, part in requests:
        assert ledger.answer_came(conn, data(part), 99.0) == NOTHING_YET
    assert ledger.answer_came(7, data(0), 99.0) == NOTHING_YET


BEHAVIOURS = st.sampled_from(["honest", "liar", "silent", "rejecting", "leaving", "short"])


@settings(max_examples=150, deadline=None)
@given(st.lists(BEHAVIOURS, max_size=8), st.integers(0, 2**32), st.integers(1, 4 * PART_BYTES))
def test_with_one_honest_peer_among_any_others_the_metadata_is_found(
    others: list[str], seed: int, size: int
) -> None:
    rng = random.Random(seed)
    good = rng.randbytes(size)
    ledger = new_ledger(good)
    behaviours = dict(enumerate([*others, "honest"], 1))
    conns = list(behaviours)
    rng.shuffle(conns)
    for conn in conns:
        ledger.peer_offers(conn, size)
    liars: set[int] = set()
    now = 0.0
    for _ in range(500):
        if ledger.metadata is not None:
            break
        requests = list(ledger.requests(now))
        rng.shuffle(requests)
        for one in requests:
            liars.update(play(ledger, behaviours[one.conn], one, good, now))
        if not requests:
            now += ledger.seconds_to_next(now) or 0.0
    assert ledger.metadata == good
    assert all(behaviours[conn] == "liar" for conn in liars)


def play(
    ledger: MetadataLedger, behaviour: str, one: PartRequest, good: bytes, now: float
) -> tuple[int, ...]:
    """Let a peer do as it does with what it was asked for; return who was found to lie."""
    true = data(one.part_index, good)
    false = MetadataMessage(MetadataKind.DATA, one.part_index, None, b"!" * len(true.data))
    try:
        match behaviour:
            case "honest":
                return ledger.answer_came(one.conn, true, now).liars
            case "liar":
                return ledger.answer_came(one.conn, false, now).liars
            case "rejecting":
                return ledger.answer_came(one.conn, reject(one.part_index), now).liars
            case "short":
                bad = MetadataMessage(MetadataKind.DATA, one.part_index, None, true.data + b"x")
                return ledger.answer_came(one.conn, bad, now).liars
            case "leaving":
                ledger.peer_left(one.conn)
    except PeerProtocolError:
        ledger.peer_left(one.conn)
    return ()
