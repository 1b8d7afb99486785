"""The slots in a swarm that changes all the time: who holds one, since when, and who lost it why.

The rules decide for themselves each time; here all their decisions are carried out, one after
another, as the seeder does it.
"""

from __future__ import annotations

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec.structs import replace

from actortorrent.rules.choking import (
    IDLE_TURN_SECONDS,
    OPTIMISTIC_SECONDS,
    REVIEW_SECONDS,
    SEED_TURN_SECONDS,
    PeerStanding,
    SlotDecision,
    fill_free_slots,
    review_slots,
)

EARLY_SECONDS = REVIEW_SECONDS / 2  # a turn may end so much before its time
RATES = st.sampled_from([0.0, 100.0, 5e4, 1e6])
MOST_PEERS = 12
TOLD = st.lists(  # what each peer gives and takes, and whether it snubs us
    st.tuples(RATES, RATES, st.sampled_from([False, False, False, True])),
    min_size=MOST_PEERS,
    max_size=MOST_PEERS,
)


class SlotsInASwarm(RuleBasedStateMachine):
    """Play the seeder, its peers and its clock."""

    @initialize(
        slots=st.sampled_from([0, 1, 2, 3, 4, 5, 5]),
        is_seeding=st.booleans(),
        peer_count=st.integers(0, MOST_PEERS),
        seed=st.integers(0, 3),
    )
    def begin(self, slots: int, is_seeding: bool, peer_count: int, seed: int) -> None:
        self.slots = slots
        self.is_seeding = is_seeding
        self.rng = random.Random(seed)
        self.now = 1000.0
        self.peers: dict[int, PeerStanding] = {}
        self.next_conn = 1
        self.join(peer_count, is_interested=True)

    # --- what happens ---------------------------------------------------------------------------

    @precondition(lambda self: len(self.peers) < MOST_PEERS)
    @rule(count=st.integers(1, 4), is_interested=st.booleans())
    def peers_join(self, count: int, is_interested: bool) -> None:
        self.join(min(count, MOST_PEERS - len(self.peers)), is_interested=is_interested)

    def join(self, count: int, *, is_interested: bool) -> None:
        for _ in range(count):
            self.peers[self.next_conn] = PeerStanding(
                self.next_conn, is_interested, is_choked_by_us=True, connected_at=self.now
            )
            self.next_conn += 1
            self.fill()

    @precondition(lambda self: self.peers)
    @rule(data=st.data())
    def a_peer_leaves(self, data: st.DataObject) -> None:
        del self.peers[data.draw(st.sampled_from(list(self.peers)))]
        self.fill()

    @precondition(lambda self: self.peers)
    @rule(data=st.data(), is_interested=st.booleans())
    def a_peer_changes_its_mind(self, data: st.DataObject, is_interested: bool) -> None:
        conn = data.draw(st.sampled_from(list(self.peers)))
        self.peers[conn] = replace(self.peers[conn], is_interested=is_interested)
        self.fill()

    @rule(is_seeding=st.booleans())
    def content_is_complete_or_no_more(self, is_seeding: bool) -> None:
        self.is_seeding = is_seeding
        self.fill()

    @rule(told=TOLD, times=st.sampled_from([1, 1, 8]), lateness=st.sampled_from([0.0, 0.1, 2.0]))
    def the_slots_are_reviewed(
        self, told: list[tuple[float, float, bool]], times: int, lateness: float
    ) -> None:
        for conn, (gives, takes, is_snubbed) in zip(list(self.peers), told, strict=False):
            self.peers[conn] = replace(
                self.peers[conn], download_rate=gives, upload_rate=takes, is_snubbed=is_snubbed
            )
        for _ in range(times):
            self.now += REVIEW_SECONDS + lateness
            self.review()

    # --- what is decided ------------------------------------------------------------------------

    def holders(self) -> set[int]:
        return {conn for conn, peer in self.peers.items() if not peer.is_choked_by_us}

    def fill(self) -> None:
        before = {conn for conn in self.holders() if self.peers[conn].is_interested}
        decision = fill_free_slots(
            list(self.peers.values()),
            self.slots,
            is_seeding=self.is_seeding,
            now=self.now,
            rng=self.rng,
        )
        self.carry_out(decision)
        assert before <= decision.unchoked

    def review(self) -> SlotDecision:
        before = dict(self.peers)
        decision = review_slots(
            list(before.values()),
            self.slots,
            is_seeding=self.is_seeding,
            now=self.now,
            rng=self.rng,
        )
        self.carry_out(decision)
        lost = [v.conn for v in decision.verdicts if not v.is_unchoked]
        for peer in (before[conn] for conn in lost if before[conn].is_served):
            self.check_loss(peer, {v.reason for v in decision.verdicts if v.is_unchoked})
        if self.is_seeding:
            self.check_turns(before, decision)
        else:
            self.check_trade(before, decision)
        return decision

    def carry_out(self, decision: SlotDecision) -> None:
        for conn, peer in self.peers.items():
            began = self.now if conn in decision.new_turns else peer.turn_began_at
            is_choked = conn not in decision.unchoked
            self.peers[conn] = replace(peer, is_choked_by_us=is_choked, turn_began_at=began)

    def check_loss(self, peer: PeerStanding, reasons: set[str]) -> None:
        """Take no slot away before its time, but where all are earned, or hold no less."""
        turn = peer.turn_seconds(self.now) + EARLY_SECONDS
        if not self.is_seeding:
            assert turn > OPTIMISTIC_SECONDS or reasons <= {"sends us most", "its draw still holds"}
        elif peer.upload_rate <= 0:
            assert turn > IDLE_TURN_SECONDS
        else:
            assert turn > SEED_TURN_SECONDS

    def check_turns(self, before: dict[int, PeerStanding], decision: SlotDecision) -> None:
        """Pass on at most half of the slots in one review, and those that nobody uses."""
        served = [peer for peer in before.values() if peer.is_served]
        idle = [peer for peer in served if peer.upload_rate <= 0]
        lost = [peer for peer in served if peer.conn not in decision.unchoked]
        assert len(lost) <= max(1, self.slots // 2, len(idle))

    def check_trade(self, before: dict[int, PeerStanding], decision: SlotDecision) -> None:
        """Have all slots but one earned, and none by who snubs us."""
        earners = [v.conn for v in decision.verdicts if v.reason == "sends us most"]
        assert len(earners) <= max(1, self.slots - 1)
        assert not any(before[conn].is_snubbed for conn in earners)
        least = min((before[conn].download_rate for conn in earners), default=0.0)
        others = [p for p in before.values() if p.is_interested and not p.is_snubbed]
        better = [p for p in others if p.download_rate > least and p.conn not in earners]
        assert not earners or not better

    # --- what always holds ----------------------------------------------------------------------

    @invariant()
    def no_slot_is_exceeded_wasted_or_held_by_who_wants_nothing(self) -> None:
        interested = {conn for conn, peer in self.peers.items() if peer.is_interested}
        assert self.holders() <= interested
        assert len(self.holders()) == min(self.slots, len(interested))

    @invariant()
    def whoever_holds_a_slot_is_in_a_turn(self) -> None:
        for conn in self.holders():
            assert self.peers[conn].turn_began_at is not None

    def teardown(self) -> None:
        """Let nothing change but the time: everybody who waits is served at last."""
        if not self.slots:
            return
        wanting = {conn for conn, peer in self.peers.items() if peer.is_interested}
        served = self.holders()
        for conn in wanting:  # while fetching all are then strangers, for whom lots are drawn
            self.peers[conn] = replace(self.peers[conn], download_rate=0.0, is_snubbed=False)
        turns = len(wanting) if self.is_seeding else 10 * len(wanting)
        for _ in range(turns * round(SEED_TURN_SECONDS / REVIEW_SECONDS)):
            if served >= wanting:
                break
            self.now += REVIEW_SECONDS
            self.review()
            served |= self.holders()
        assert served >= wanting


TestSlotsInASwarm = SlotsInASwarm.TestCase
TestSlotsInASwarm.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
