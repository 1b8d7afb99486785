from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.choking import (
    PeerStanding,
    SlotDecision,
    default_slot_count,
    fill_free_slots,
    review_slots,
)

NOW = 1000.0


def waiting(
    conn: int,
    *,
    gives: float = 0,
    is_snubbed: bool = False,
    connected: float = 500,
    last_turn: float | None = None,
) -> PeerStanding:
    """Return an interested peer that we choke; times are seconds ago."""
    return PeerStanding(
        conn,
        is_interested=True,
        is_choked_by_us=True,
        connected_at=NOW - connected,
        turn_began_at=None if last_turn is None else NOW - last_turn,
        download_rate=gives,
        is_snubbed=is_snubbed,
    )


def served(
    conn: int, turn: float, *, gives: float = 0, takes: float = 100, is_snubbed: bool = False
) -> PeerStanding:
    """Return an interested peer that has had a slot for `turn` seconds."""
    return PeerStanding(
        conn,
        is_interested=True,
        is_choked_by_us=False,
        connected_at=NOW - 500,
        turn_began_at=NOW - turn,
        download_rate=gives,
        upload_rate=takes,
        is_snubbed=is_snubbed,
    )


def bored(conn: int, *, is_choked_by_us: bool = True) -> PeerStanding:
    return PeerStanding(conn, False, is_choked_by_us, NOW - 500, download_rate=1e6)


def fetching(*peers: PeerStanding, slots: int = 4, seed: int = 0) -> SlotDecision:
    return review_slots(peers, slots, is_seeding=False, now=NOW, rng=random.Random(seed))


def seeding(*peers: PeerStanding, slots: int = 4) -> SlotDecision:
    return review_slots(peers, slots, is_seeding=True, now=NOW, rng=random.Random(0))


def reasons(decision: SlotDecision) -> dict[int, str]:
    return {verdict.conn: verdict.reason for verdict in decision.verdicts}


# --- fetching -------------------------------------------------------------------------------


def test_those_who_send_us_most_earn_all_slots_but_one() -> None:
    decision = fetching(*(waiting(conn, gives=conn * 1000) for conn in range(1, 9)))
    assert {6, 7, 8} < decision.unchoked
    assert len(decision.unchoked) == 4
    assert Counter(reasons(decision).values()) == {
        "sends us most": 3,
        "drawn by lot": 1,
        "others send us more": 4,
    }


def test_when_nobody_sends_anything_yet_all_slots_are_drawn_for() -> None:
    decision = fetching(*(waiting(conn) for conn in range(10)))
    assert len(decision.unchoked) == 4
    assert decision.unchoked == decision.new_turns
    assert Counter(reasons(decision).values())["drawn by lot"] == 4


def test_a_draw_holds_for_thirty_seconds_then_it_is_drawn_anew() -> None:
    others = [waiting(conn) for conn in range(2, 50)]
    givers = [served(conn, 99, gives=conn) for conn in (101, 102, 103)]
    for turn in (0, 10, 20):
        decision = fetching(served(1, turn), *others, *givers)
        assert decision.unchoked == {1, 101, 102, 103}
        assert not decision.new_turns
    assert 1 not in fetching(served(1, 30), *others, *givers).unchoked


def test_a_peer_drawn_twice_begins_a_new_turn() -> None:
    decision = fetching(served(1, 30))
    assert decision.unchoked == decision.new_turns == {1}


def test_a_peer_that_was_drawn_and_sends_most_earns_its_slot() -> None:
    givers = [waiting(conn, gives=1000) for conn in range(2, 6)]
    decision = fetching(served(1, 30, gives=5000), *givers)
    assert reasons(decision)[1] == "sends us most"
    assert not decision.new_turns & {1}


def test_newly_connected_peers_are_drawn_three_times_as_often() -> None:
    peers = [waiting(1, connected=5), waiting(2), waiting(3), waiting(4)]
    drawn = Counter(
        conn for seed in range(1200) for conn in fetching(*peers, slots=1, seed=seed).unchoked
    )
    assert drawn[1] == pytest.approx(600, rel=0.15)
    assert drawn[2] == pytest.approx(200, rel=0.3)


def test_a_peer_that_snubs_us_earns_nothing() -> None:
    snub = served(1, 99, gives=9000, is_snubbed=True)
    decision = fetching(snub, *(served(conn, 99, gives=1) for conn in range(2, 5)), slots=3)
    assert reasons(decision)[2] == reasons(decision)[3] == "sends us most"
    assert reasons(decision)[1] in ("snubs us", "drawn by lot")


def test_a_slot_that_nobody_earns_goes_even_to_a_peer_that_snubs_us() -> None:
    assert fetching(waiting(1, is_snubbed=True), slots=2).unchoked == {1}


def test_among_equals_who_has_a_slot_keeps_it() -> None:
    decision = fetching(waiting(1, gives=100), served(2, 99, gives=100), slots=1)
    assert decision.unchoked == {2}


# --- seeding --------------------------------------------------------------------------------


def test_a_turn_lasts_a_minute_whoever_waits() -> None:
    peers = [served(conn, 50) for conn in range(4)]
    decision = seeding(*peers, *(waiting(conn) for conn in range(10, 20)))
    assert decision.unchoked == {0, 1, 2, 3}
    assert set(reasons(decision).values()) == {"in its turn", "waits for its turn"}


def test_when_turns_are_over_the_slower_half_gives_way_to_the_longest_waiting() -> None:
    decision = seeding(
        *(served(conn, 60, takes=conn * 100) for conn in (1, 2, 3, 4)),
        waiting(10, last_turn=70),
        waiting(11, last_turn=300),
        waiting(12, connected=90),
        waiting(13, last_turn=100),
    )
    assert decision.unchoked == {3, 4, 11, 12}
    assert decision.new_turns == {11, 12}
    assert reasons(decision) == {
        1: "turn over",
        2: "turn over",
        3: "takes fastest",
        4: "takes fastest",
        10: "waits for its turn",
        11: "waited longest",
        12: "waited longest",
        13: "waits for its turn",
    }


def test_when_nobody_waits_a_turn_goes_on() -> None:
    decision = seeding(*(served(conn, 600) for conn in range(4)))
    assert decision.unchoked == {0, 1, 2, 3}
    assert not decision.new_turns


def test_a_peer_that_takes_nothing_gives_way_early() -> None:
    fast = [served(conn, 30) for conn in range(3)]
    assert seeding(*fast, served(9, 20, takes=0), waiting(5)).unchoked == {0, 1, 2, 5}
    assert seeding(*fast, served(9, 10, takes=0), waiting(5)).unchoked == {0, 1, 2, 9}
    assert seeding(*fast, served(9, 20, takes=0)).unchoked == {0, 1, 2, 9}


def test_one_slot_goes_round_too() -> None:
    assert seeding(served(1, 60), waiting(2), slots=1).unchoked == {2}


def test_in_the_long_run_everyone_gets_the_same_time() -> None:
    turns: dict[int, float | None] = dict.fromkeys(range(10))
    unchoked: frozenset[int] = frozenset()
    seconds = Counter[int]()
    for review in range(1200):
        now = NOW + 10 * review
        peers = [
            PeerStanding(
                conn,
                is_interested=True,
                is_choked_by_us=conn not in unchoked,
                connected_at=NOW - 100,
                turn_began_at=turns[conn],
                upload_rate=100,
            )
            for conn in turns
        ]
        decision = review_slots(peers, 4, is_seeding=True, now=now, rng=random.Random(0))
        unchoked = decision.unchoked
        turns.update(dict.fromkeys(decision.new_turns, now))
        seconds.update(dict.fromkeys(unchoked, 10))
    assert max(seconds.values()) <= 1.3 * min(seconds.values())


# --- between reviews ------------------------------------------------------------------------


@pytest.mark.parametrize("is_seeding", [False, True])
def test_a_free_slot_goes_at_once_to_who_waits_and_nobody_loses_one(is_seeding: bool) -> None:
    peers = [served(1, 999), served(2, 5, is_snubbed=True), waiting(3), waiting(4), bored(5)]
    decision = fill_free_slots(peers, 3, is_seeding=is_seeding, now=NOW, rng=random.Random(0))
    assert {1, 2} < decision.unchoked
    assert len(decision.unchoked) == 3
    assert len(decision.new_turns) == 1
    assert decision.new_turns <= {3, 4}
    assert Counter(reasons(decision).values()) == {
        "in its turn": 2,
        "a slot was free": 1,
        "waits for a slot": 1,
        "not interested": 1,
    }


def test_a_peer_that_lost_interest_leaves_its_slot_to_another() -> None:
    peers = [bored(1, is_choked_by_us=False), waiting(2)]
    decision = fill_free_slots(peers, 1, is_seeding=True, now=NOW, rng=random.Random(0))
    assert decision.unchoked == {2}


# --- always ---------------------------------------------------------------------------------

STANDINGS = st.lists(
    st.builds(
        PeerStanding,
        conn=st.integers(1, 40),
        is_interested=st.booleans(),
        is_choked_by_us=st.booleans(),
        connected_at=st.floats(NOW - 500, NOW),
        turn_began_at=st.none() | st.floats(NOW - 200, NOW),
        download_rate=st.sampled_from([0.0, 1.0, 5e4, 1e6]),
        upload_rate=st.sampled_from([0.0, 1.0, 5e4, 1e6]),
        is_snubbed=st.booleans(),
    ),
    unique_by=lambda peer: peer.conn,
    max_size=25,
)


@given(STANDINGS, st.integers(0, 10), st.booleans(), st.integers(0, 5))
def test_slots_are_never_exceeded_never_wasted_and_only_for_the_interested(
    peers: list[PeerStanding], slots: int, is_seeding: bool, seed: int
) -> None:
    for decide in (review_slots, fill_free_slots):
        decision = decide(peers, slots, is_seeding=is_seeding, now=NOW, rng=random.Random(seed))
        interested = {peer.conn for peer in peers if peer.is_interested}
        choked = {peer.conn for peer in peers if peer.is_choked_by_us}
        assert len(decision.unchoked) == min(slots, len(interested))
        assert decision.unchoked <= interested
        assert decision.unchoked & choked <= decision.new_turns <= decision.unchoked
        assert [verdict.conn for verdict in decision.verdicts] == [peer.conn for peer in peers]
        assert decision.unchoked == {v.conn for v in decision.verdicts if v.is_unchoked}
        again = decide(peers, slots, is_seeding=is_seeding, now=NOW, rng=random.Random(seed))
        assert again == decision


@given(STANDINGS, st.integers(0, 10), st.booleans())
def test_filling_free_slots_takes_none_away(
    peers: list[PeerStanding], slots: int, is_seeding: bool
) -> None:
    holders = {peer.conn for peer in peers if peer.is_served}
    decision = fill_free_slots(peers, slots, is_seeding=is_seeding, now=NOW, rng=random.Random(0))
    assert holders <= decision.unchoked or len(holders) > slots


@pytest.mark.parametrize(
    ("upload_limit", "slots"), [(None, 8), (1, 4), (64 * 1024, 5), (150_000, 6), (1e9, 8)]
)
def test_the_default_number_of_slots_grows_with_the_limit(
    upload_limit: float | None, slots: int
) -> None:
    assert default_slot_count(upload_limit) == slots


def test_a_verdict_reads_as_english() -> None:
    (verdict,) = seeding(waiting(3)).verdicts
    assert str(verdict) == "unchoke peer 3: waited longest"
