from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.bitfield import indexes_of
from actortorrent.rules.geometry import BLOCK_BYTES, Geometry, Run
from actortorrent.rules.picker_policies import PickPolicy
from actortorrent.rules.piece_ledger import PieceLedger
from actortorrent.rules.piece_picking import (
    KEPT_TURNS,
    LEAST_SHARE_BYTES,
    MAX_RUN_BYTES,
    MOST_BEGUN,
    RANDOM_FIRST_PIECES,
    Pick,
    PiecePicker,
    lease_bytes,
)
from tests.swarms import DrawnSwarm, drawn, swarm

PIECE_BYTES = 4 * BLOCK_BYTES
MIB = 1024 * 1024


class Fetching:
    """We fetch from a drawn swarm: some pieces verified already, and leases as they are asked for."""

    def __init__(
        self,
        peers: DrawnSwarm,
        *,
        verified: str = "",
        piece_bytes: int = PIECE_BYTES,
        is_sequential: bool = False,
        policy: PickPolicy | None = None,
        seed: int = 0,
    ) -> None:
        self.peers = peers
        self.geometry = Geometry(peers.piece_count * piece_bytes, piece_bytes)
        self.ledger = PieceLedger(self.geometry, (1 << peers.piece_count) - 1)
        self.ledger.find_verified(drawn(verified))
        self.picker = PiecePicker(
            self.ledger,
            peers.availability,
            self.geometry,
            random.Random(seed),
            is_sequential=is_sequential,
            policy=policy,
        )

    def lend(self, name: str, most_bytes: int = PIECE_BYTES) -> list[Pick]:
        peers = self.peers
        return list(self.picker.lend(peers.conn(name), peers.pieces[name], most_bytes))

    def lend_one(self, name: str, most_bytes: int = PIECE_BYTES) -> Pick:
        (pick,) = self.lend(name, most_bytes)
        return pick

    def pieces(self, name: str, most_bytes: int = PIECE_BYTES) -> list[int]:
        return [pick.loan.run.piece_index for pick in self.lend(name, most_bytes)]


def lengths(picks: list[Pick]) -> list[int]:
    """Return the lengths of what was lent, in blocks."""
    return [pick.loan.run.length // BLOCK_BYTES for pick in picks]


# --- which piece ----------------------------------------------------------------------------------


def test_the_rarest_of_what_the_peer_has_comes_first() -> None:
    fetching = Fetching(
        swarm(
            "A: ########",
            "B: .....###",
            "C: ......##",
            "D: .....###",
            "E: .......#",
        ),
        verified="####....",
    )
    assert fetching.lend_one("D").rule == "rarest first"
    assert fetching.ledger.loans_of(fetching.peers.conn("D"))[0].run.piece_index == 5
    assert [fetching.pieces("A") for _ in range(3)] == [[4], [6], [7]]


@given(st.data(), st.integers(0, 2**32))
def test_what_is_picked_is_as_rare_as_a_naive_count_says(data: st.DataObject, seed: int) -> None:
    piece_count = data.draw(st.integers(RANDOM_FIRST_PIECES + 1, 40))
    row = st.text("#.", min_size=piece_count, max_size=piece_count)
    drawings = data.draw(st.lists(row, min_size=1, max_size=6))
    names = "ABCDEF"[: len(drawings)]
    peers = swarm(*(f"{name}: {row}" for name, row in zip(names, drawings, strict=True)))
    verified = "#" * RANDOM_FIRST_PIECES
    fetching = Fetching(peers, verified=verified, seed=seed)
    turns = cycle(names)
    for _ in range(12):
        name = next(turns)
        mine = fetching.ledger.untouched & peers.pieces[name]
        counts = {i: sum(row[i] == "#" for row in drawings) for i in indexes_of(mine)}
        picked = fetching.pieces(name)
        if fetching.ledger.is_all_lent:
            return
        assert [counts.get(i) for i in picked] == ([min(counts.values())] if counts else [])


def test_among_equally_rare_pieces_chance_decides() -> None:
    peers = swarm("A: " + 10 * "#")
    picked = {
        Fetching(peers, verified="####", seed=seed).lend_one("A").loan.run.piece_index
        for seed in range(60)
    }
    assert picked == set(range(4, 10))


def test_the_first_pieces_are_picked_by_chance_however_rare() -> None:
    peers = swarm("A: ########", "B: .#######", "C: .#######")
    firsts = [Fetching(peers, verified="###", seed=seed).lend_one("A") for seed in range(60)]
    assert {pick.rule for pick in firsts} == {"random first piece"}
    assert {pick.loan.run.piece_index for pick in firsts} == set(range(3, 8))


def test_where_nothing_comes_it_is_lent_again_though_a_piece_is_left_that_nobody_here_has() -> None:
    fetching = Fetching(swarm("A: #####.", "B: #####."), verified="####..")
    assert fetching.pieces("A") == [4]
    assert fetching.pieces("B") == []
    fetching.picker.is_stuck = True
    assert fetching.lend_one("B").rule == "endgame"


@pytest.mark.parametrize("verified", ["", "####...."])
def test_in_order_means_the_lowest_that_the_peer_has(verified: str) -> None:
    peers = swarm("A: ########", "B: .....###")
    fetching = Fetching(peers, verified=verified, is_sequential=True)
    assert fetching.lend_one("B").rule == "sequential"
    lowest = len(verified.rstrip("."))
    assert fetching.pieces("A") == [lowest]
    assert fetching.pieces("B") == [6]
    assert fetching.pieces("A") == [7 if verified else 1]


def test_a_piece_already_begun_comes_before_a_new_one_as_rare() -> None:
    peers = swarm("A: #####.", "B: #####.", "C: .....#", "D: ######", "E: .....#")
    fetching = Fetching(peers, verified="####..")
    assert fetching.pieces("A", BLOCK_BYTES) == [4]
    pick = fetching.lend_one("D", 2 * BLOCK_BYTES)
    assert pick.rule == "piece already begun"
    assert pick.loan.run == Run(4, BLOCK_BYTES, 2 * BLOCK_BYTES)
    assert fetching.pieces("C") == [5]


def test_a_rarer_piece_comes_before_one_already_begun() -> None:
    peers = swarm("A: #####.", "B: #####.", "D: ######")
    fetching = Fetching(peers, verified="####..")
    assert fetching.pieces("A", BLOCK_BYTES) == [4]
    assert fetching.lend_one("D").rule == "rarest first"
    pick = fetching.lend_one("D", 2 * BLOCK_BYTES)
    assert pick.rule == "piece already begun", "nothing new is left"
    assert pick.loan.run == Run(4, BLOCK_BYTES, 2 * BLOCK_BYTES)


def test_nor_are_the_first_pieces_finished_from_the_only_one_who_has_others() -> None:
    peers = swarm("A: #.....", "D: ######")
    fetching = Fetching(peers, verified="......")
    assert fetching.pieces("A", BLOCK_BYTES) == [0]
    pick = fetching.lend_one("D")
    assert pick.rule == "random first piece"
    assert pick.loan.run.piece_index != 0


@pytest.mark.parametrize("is_sequential", [False, True])
def test_where_many_are_begun_or_order_is_given_these_come_before_a_rarer_one(
    *, is_sequential: bool
) -> None:
    begun = 1 if is_sequential else MOST_BEGUN + 1
    common = "#" * (RANDOM_FIRST_PIECES + begun)
    peers = swarm(f"A: {common}.", f"B: {common}.", f"D: {common}#")
    fetching = Fetching(
        peers,
        verified=f"{'#' * RANDOM_FIRST_PIECES}{'.' * (begun + 1)}",
        is_sequential=is_sequential,
    )
    for index in range(RANDOM_FIRST_PIECES, RANDOM_FIRST_PIECES + begun):
        fetching.ledger.lend(1, index, BLOCK_BYTES)
    assert fetching.lend_one("D", BLOCK_BYTES).rule == "piece already begun"


def test_a_begun_piece_that_the_peer_lacks_is_left_to_others() -> None:
    fetching = Fetching(swarm("A: #####.", "B: ....##", "C: .....#"), verified="####..")
    assert fetching.pieces("A", BLOCK_BYTES) == [4]
    fetching.ledger.take_back(fetching.ledger.loans_of(1)[0].lease_id)
    fetching.lend_one("A", BLOCK_BYTES)
    assert fetching.pieces("B", 3 * BLOCK_BYTES) == [4]
    assert fetching.pieces("B") == [5]


def test_whoever_has_nothing_that_is_missing_is_lent_nothing() -> None:
    fetching = Fetching(swarm("A: ####..", "B: ......", "C: ######"), verified="####..")
    assert fetching.lend("A") == fetching.lend("B") == []
    assert fetching.lend("C", 0) == []


def test_a_suspect_piece_that_another_is_fetching_is_passed_over() -> None:
    fetching = Fetching(swarm("A: ######", "B: ######"), verified="####..")
    for name in ("A", "B"):
        loan = fetching.lend_one(name, 2 * BLOCK_BYTES).loan
        fetching.ledger.store(loan.lease_id, loan.run)
    suspect = loan.run.piece_index
    fetching.ledger.fail(suspect, is_suspect=True)
    fetching.ledger.lend(fetching.peers.conn("A"), suspect, BLOCK_BYTES)
    assert fetching.pieces("B") == [9 - suspect]
    assert fetching.pieces("A") == [suspect]


# --- how much ---------------------------------------------------------------------------------------


ODD_BYTES = 4 * BLOCK_BYTES + 5  # of a piece that does not end where a block would: no rows


def test_as_many_whole_pieces_are_lent_as_fit() -> None:
    fetching = Fetching(swarm("A: " + 20 * "#"), verified="####", piece_bytes=ODD_BYTES)
    assert lengths(fetching.lend("A", 3 * ODD_BYTES)) == 3 * [ODD_BYTES // BLOCK_BYTES]
    assert lengths(fetching.lend("A", 3 * ODD_BYTES - 1)) == 2 * [ODD_BYTES // BLOCK_BYTES]


def test_the_first_run_is_cut_to_fit_and_no_other_is() -> None:
    fetching = Fetching(swarm("A: " + 20 * "#"), verified="####", piece_bytes=ODD_BYTES)
    assert lengths(fetching.lend("A", 3 * BLOCK_BYTES)) == [3]
    assert lengths(fetching.lend("A", ODD_BYTES + 3 * BLOCK_BYTES)) == [1, 4]
    assert len(fetching.lend("A", 2 * ODD_BYTES - 1)) == 1


def rows(picks: list[Pick]) -> list[tuple[int, int]]:
    return [(pick.loan.run.piece_index, pick.loan.run.piece_count) for pick in picks]


SMALL_BYTES = 8 * BLOCK_BYTES


def test_small_pieces_are_lent_in_rows_of_neighbours_that_are_as_rare() -> None:
    # Rows of 16 pieces of 128 KiB are as long as a run may be; here all that A and B have.
    fetching = Fetching(
        swarm("A: ####" + 28 * "#", "B: ####" + 8 * "#" + 20 * "."),
        verified="####",
        piece_bytes=SMALL_BYTES,
    )
    lent = [row for _ in range(3) for row in rows(fetching.lend("A", 2 * MIB))]
    assert sorted(lent[:2]) == [(12, 4), (16, 16)]
    assert lent[2:] == [(4, 8)]  # two have these, and only A the others


def test_a_row_is_cut_to_what_is_wanted_and_no_second_one_is() -> None:
    fetching = Fetching(swarm("A: " + 32 * "#"), verified="####", piece_bytes=SMALL_BYTES)
    assert [count for _, count in rows(fetching.lend("A", 3 * SMALL_BYTES + 1))] == [3]
    lent = rows(fetching.lend("A", 20 * SMALL_BYTES))
    assert all((first + count) % 16 == 0 for first, count in lent)
    assert sum(count for _, count in lent) <= 20
    assert fetching.ledger.bytes_out == SMALL_BYTES * (3 + sum(count for _, count in lent))


def test_the_first_pieces_are_lent_one_by_one_so_that_there_is_something_to_trade_soon() -> None:
    fetching = Fetching(swarm("A: " + 32 * "#"), verified="###", piece_bytes=SMALL_BYTES)
    first = fetching.lend("A", 4 * SMALL_BYTES)
    assert {pick.rule for pick in first} == {"random first piece"}
    assert [count for _, count in rows(first)] == [1, 1, 1, 1]
    loan = first[0].loan
    fetching.ledger.store(loan.lease_id, loan.run, verified=loan.run.piece_mask)
    assert max(count for _, count in rows(fetching.lend("A", 2 * MIB))) > 1


def test_in_order_a_row_begins_with_the_lowest_piece() -> None:
    fetching = Fetching(
        swarm("A: " + 20 * "#"), verified="#.##", is_sequential=True, piece_bytes=SMALL_BYTES
    )
    assert rows(fetching.lend("A", 2 * MIB)) == [(1, 1), (4, 12)]
    assert rows(fetching.lend("A", 2 * MIB)) == [(16, 4)]


def test_a_policy_of_the_users_is_asked_for_each_piece() -> None:
    class Latest:
        def choose(self, candidates: Iterable[int], _availability: object, _rng: object) -> int:
            return max(candidates)

    fetching = Fetching(swarm("A: " + 20 * "#"), policy=Latest())
    assert rows(fetching.lend("A", 3 * PIECE_BYTES)) == [(19, 1), (18, 1), (17, 1)]


def test_even_the_smallest_wish_is_granted_a_block() -> None:
    fetching = Fetching(swarm("A: #####"), verified="####.")
    assert lengths(fetching.lend("A", 1)) == [1]


def test_a_large_piece_is_lent_in_runs_to_several_peers() -> None:
    fetching = Fetching(swarm("A: #####", "B: #####"), verified="####.", piece_bytes=8 * MIB)
    first, second = fetching.lend_one("A", MIB), fetching.lend_one("B", MIB)
    assert (first.loan.run, second.loan.run) == (Run(4, 0, MIB), Run(4, MIB, MIB))
    assert MAX_RUN_BYTES == 2 * MIB
    lent = [pick.loan.run.length for pick in fetching.lend("A", 5 * MIB)]
    assert lent == [2 * MIB, 2 * MIB, MIB]


def test_quick_peers_keep_to_the_large_piece_that_each_began() -> None:
    peers = swarm("A: " + 10 * "#", "B: " + 10 * "#")
    fetching = Fetching(peers, verified="####", piece_bytes=8 * MIB)
    lent = [(name, *fetching.pieces(name, 2 * MIB)) for name in ("A", "B", "A", "B", "A")]
    (_, of_a), (_, of_b) = lent[:2]
    assert of_a != of_b
    assert lent[2:] == [("A", of_a), ("B", of_b), ("A", of_a)]


def test_a_large_piece_whose_peer_fetches_no_more_is_anybodys() -> None:
    peers = swarm(*(f"{name}: " + 10 * "#" for name in "ABC"))
    fetching = Fetching(peers, verified="####", piece_bytes=8 * MIB)
    loan = fetching.lend_one("A", 2 * MIB).loan
    left = loan.run.piece_index
    assert fetching.pieces("B", 2 * MIB) != [left]
    fetching.ledger.give_back(loan.lease_id, [Run(left, MIB, MIB)])
    fetching.ledger.store(loan.lease_id, Run(left, 0, MIB))
    fetching.picker.let_go(peers.conn("A"))
    assert fetching.pieces("C", 2 * MIB) == [left]
    assert fetching.pieces("A", 2 * MIB) != [left]  # which is C's now


def test_a_large_piece_is_kept_though_its_peer_waits_for_the_storage() -> None:
    peers = swarm("A: " + 10 * "#", "B: " + 10 * "#")
    fetching = Fetching(peers, verified="####", piece_bytes=8 * MIB)
    loan = fetching.lend_one("A", 2 * MIB).loan
    fetching.ledger.store(loan.lease_id, loan.run)  # and it has nothing out
    (of_a,) = loan.run.pieces
    assert fetching.pieces("B", 2 * MIB) != [of_a]
    assert fetching.pieces("A", 2 * MIB) == [of_a]


def test_a_large_piece_is_let_go_of_when_its_peer_is_lent_nothing_for_long() -> None:
    names = [f"P{number}" for number in range(KEPT_TURNS + 2)]
    peers = swarm(*(f"{name}: " + 100 * "#" for name in ["A", *names]))
    fetching = Fetching(peers, piece_bytes=8 * MIB)
    loan = fetching.lend_one("A", 2 * MIB).loan
    fetching.ledger.store(loan.lease_id, loan.run)
    lent = [piece for name in names for piece in fetching.pieces(name, 2 * MIB)]
    assert loan.run.piece_index not in lent[: KEPT_TURNS - 1]
    assert loan.run.piece_index in lent[KEPT_TURNS - 1 :]


def test_what_is_left_over_of_a_wish_takes_no_crumbs_from_others() -> None:
    peers = swarm("A: " + 10 * "#", "B: " + 10 * "#")
    fetching = Fetching(peers, verified="####", piece_bytes=8 * MIB)
    fetching.lend_one("A", 2 * MIB)
    (pick,) = fetching.lend("B", 2 * MIB + 4 * BLOCK_BYTES)
    assert pick.loan.run.length == 2 * MIB


def test_a_slow_peer_helps_with_what_others_began() -> None:
    peers = swarm("A: " + 10 * "#", "B: " + 10 * "#")
    fetching = Fetching(peers, verified="####", piece_bytes=8 * MIB)
    (begun,) = fetching.pieces("A", 2 * MIB)
    assert fetching.pieces("B", 8 * BLOCK_BYTES) == [begun]


@given(st.data())
def test_a_peer_is_never_lent_more_than_it_asked_for_but_for_a_block(data: st.DataObject) -> None:
    piece_bytes = data.draw(st.sampled_from([BLOCK_BYTES, PIECE_BYTES, 3 * BLOCK_BYTES + 5]))
    fetching = Fetching(
        swarm("A: " + 12 * "#", "B: " + 6 * "#."),
        verified=data.draw(st.sampled_from(["", "####"])),
        piece_bytes=piece_bytes,
    )
    for _ in range(12):
        name = data.draw(st.sampled_from("AB"))
        most_bytes = data.draw(st.integers(1, 4 * PIECE_BYTES))
        lent = sum(pick.loan.run.length for pick in fetching.lend(name, most_bytes))
        assert lent <= max(most_bytes, BLOCK_BYTES)


# --- the endgame ----------------------------------------------------------------------------------------


def in_endgame() -> Fetching:
    """Return a fetch of whose two last pieces A and B have one each."""
    fetching = Fetching(
        swarm("A: ######", "B: ######", "C: ....##", "D: ....#."), verified="####.."
    )
    assert sorted(fetching.pieces("A") + fetching.pieces("B")) == [4, 5]
    return fetching


def test_what_is_lent_is_lent_again_only_when_all_is_lent() -> None:
    fetching = Fetching(swarm("A: #####.", "B: #####.", "C: .....#"), verified="####..")
    assert fetching.pieces("A") == [4]
    assert fetching.lend("B") == []
    assert fetching.pieces("C", BLOCK_BYTES) == [5]
    assert fetching.lend("B") == []
    assert fetching.pieces("C") == [5]
    pick = fetching.lend_one("B")
    assert (pick.rule, pick.loan.run) == ("endgame", fetching.geometry.whole_piece(4))


def test_in_the_endgame_nobody_is_lent_what_it_has_already() -> None:
    fetching = in_endgame()
    (loan_of_a,) = fetching.ledger.loans_of(fetching.peers.conn("A"))
    (loan_of_b,) = fetching.ledger.loans_of(fetching.peers.conn("B"))
    assert fetching.lend_one("A").loan.run == loan_of_b.run
    assert fetching.lend_one("B").loan.run == loan_of_a.run
    assert fetching.lend("A") == fetching.lend("B") == []


def test_in_the_endgame_one_run_is_lent_at_a_time() -> None:
    assert lengths(in_endgame().lend("C", 10 * PIECE_BYTES)) == [4]
    assert lengths(in_endgame().lend("C", 2 * BLOCK_BYTES)) == [2]


def test_in_the_endgame_only_what_the_peer_has_is_lent() -> None:
    fetching = in_endgame()
    assert fetching.pieces("D") == [4]
    assert fetching.pieces("D") == []


def test_when_all_is_verified_nothing_is_lent() -> None:
    fetching = in_endgame()
    for piece_index in (4, 5):
        fetching.ledger.verify(piece_index)
    assert fetching.lend("C") == []


# --- the size of a lease --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "lacking", "peers", "lent"),
    [
        (4 * MIB, 1000 * MIB, 10, 4 * MIB),  # far from the end: what it wants
        (4 * MIB, 40 * MIB, 10, 2 * MIB),  # half a fair share of what is lacking
        (4 * MIB, 10 * MIB, 10, MIB // 2),
        (4 * MIB, MIB, 10, LEAST_SHARE_BYTES),  # but not less than this
        (4 * MIB, 0, 0, LEAST_SHARE_BYTES),
        (3 * BLOCK_BYTES, 1000 * MIB, 1, 2 * BLOCK_BYTES),  # a power of two blocks
        (BLOCK_BYTES, 1000 * MIB, 1, BLOCK_BYTES),
        (100, 1000 * MIB, 1, 100),
    ],
)
def test_leases_shrink_towards_the_end(wanted: int, lacking: int, peers: int, lent: int) -> None:
    assert lease_bytes(wanted, lacking, peers) == lent


@given(st.integers(1, 8 * MIB), st.integers(0, 100 * MIB), st.integers(0, 200))
def test_a_lease_is_never_nothing_nor_more_than_wanted(
    wanted: int, lacking: int, peers: int
) -> None:
    lent = lease_bytes(wanted, lacking, peers)
    assert 0 < lent <= wanted
    assert lent % BLOCK_BYTES == 0 or lent < BLOCK_BYTES or lent >= MAX_RUN_BYTES
