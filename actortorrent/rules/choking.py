"""Whom to upload to: tit-for-tat, optimistic unchokes, turns when seeding (BEP 3).

Only a few peers are served at once, each in a *slot*, since many slow uploads help
nobody and a connection needs time to become fast. Every ten seconds the slots are
reviewed; between two reviews only free ones are filled.

While fetching, slots are *earned* by those who send us most. One, if there are two or
more, goes to a peer drawn by lot (the *optimistic* unchoke), for thirty seconds: so
newcomers get something to trade with, and we find better partners. A peer that *snubs* us (owes us
blocks and sends none) earns nothing, whatever it sent before; slots that nobody earns
are drawn for as well.

While seeding nobody can repay, so peers take *turns* of a minute. When a turn is over
the slowest takers give way first, to those who have waited longest, at most half of
the slots in one review; a peer that takes nothing gives way early.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from actortorrent.rules.rates import NOTHING, Recent

REVIEW_SECONDS = 10.0
OPTIMISTIC_SECONDS = 30.0
SEED_TURN_SECONDS = 60.0
IDLE_TURN_SECONDS = 20.0  # time enough to begin to take
NEWLY_CONNECTED_SECONDS = 60.0
NEWLY_CONNECTED_WEIGHT = 3  # BEP 3: three times as likely
LEAST_SLOTS = 4
MOST_SLOTS = 8  # of the default rule; an option may ask for more
BYTES_PER_SECOND_A_SLOT = 64 * 1024

_TOLERANCE_SECONDS = REVIEW_SECONDS / 2  # reviews come a little late, never a whole one

Reason = Literal[
    "sends us most",
    "drawn by lot",
    "its draw still holds",
    "in its turn",
    "takes fastest",
    "turn over, nobody waits longer",
    "waited longest",
    "a slot was free",
    "not interested",
    "snubs us",
    "others send us more",
    "turn over",
    "takes nothing",
    "waits for its turn",
    "waits for a slot",
]


class PeerRates(Struct, frozen=True):
    """Say how a connection trades: what its peer's actor tells about once a second.

    Attributes:
        downloaded_bytes_total, uploaded_bytes_total: bytes of blocks since it began,
            from the peer and to it.
        download_rate, upload_rate: bytes a second now, from the peer and to it.
        recent_download, recent_upload: what these rates were made of.
        is_snubbed: whether the peer owes us blocks and has sent none for long.
        wasted_bytes_total: of what came from it, what nobody had asked it for any more.
    """

    conn: int
    downloaded_bytes_total: int
    uploaded_bytes_total: int
    download_rate: float
    upload_rate: float
    is_snubbed: bool
    wasted_bytes_total: int = 0
    recent_download: Recent = NOTHING
    recent_upload: Recent = NOTHING


class PeerStanding(Struct, frozen=True):
    """Say all about a peer that decides whether it gets a slot.

    Attributes:
        download_rate, upload_rate: bytes a second, from it and to it.
        connected_at: monotonic seconds.
        turn_began_at: when it last was given a slot (or drawn again), None if never.
    """

    conn: int
    is_interested: bool
    is_choked_by_us: bool
    connected_at: float
    turn_began_at: float | None = None
    download_rate: float = 0.0
    upload_rate: float = 0.0
    is_snubbed: bool = False
    recent_download: Recent = NOTHING
    recent_upload: Recent = NOTHING

    @property
    def is_served(self) -> bool:
        """Say whether it holds a slot and has use for it."""
        return self.is_interested and not self.is_choked_by_us

    def turn_seconds(self, now: float) -> float:
        """Return how long ago its last turn began, or it came if it had none."""
        began = self.connected_at if self.turn_began_at is None else self.turn_began_at
        return now - began


class Verdict(Struct, frozen=True):
    """Say what one peer gets, and why: the figures are those that were compared.

    Rates are rounded; `recent_download` and `recent_upload` are what they were made of.
    """

    conn: int
    is_unchoked: bool
    reason: Reason
    download_rate: int
    upload_rate: int
    turn_seconds: int
    recent_download: Recent
    recent_upload: Recent

    def __str__(self) -> str:
        return f"{'unchoke' if self.is_unchoked else 'choke'} peer {self.conn}: {self.reason}"


class SlotDecision(Struct, frozen=True):
    """Say who is served from now on.

    Attributes:
        unchoked: the peers that hold a slot, at most as many as there are.
        new_turns: those of them whose turn begins now.
        verdicts: what each peer gets, and why, in the order they were given.
    """

    rule: str
    unchoked: frozenset[int]
    new_turns: frozenset[int]
    verdicts: tuple[Verdict, ...]


def default_slot_count(upload_limit: float | None) -> int:
    """Return how many peers to serve at once under a limit in bytes a second, or none."""
    if upload_limit is None:
        return MOST_SLOTS
    return min(MOST_SLOTS, LEAST_SLOTS + int(upload_limit // BYTES_PER_SECOND_A_SLOT))


def review_slots(
    peers: Sequence[PeerStanding], slots: int, *, is_seeding: bool, now: float, rng: random.Random
) -> SlotDecision:
    """Decide anew who is served: every `REVIEW_SECONDS`."""
    review = _Review(peers, slots, now)
    if is_seeding:
        _take_turns(review)
        return review.decision("turns")
    _trade(review, rng)
    return review.decision("tit-for-tat")


def fill_free_slots(
    peers: Sequence[PeerStanding], slots: int, *, is_seeding: bool, now: float, rng: random.Random
) -> SlotDecision:
    """Let all who are served go on, and give slots that are free to who waits."""
    review = _Review(peers, slots, now)
    for peer in _by_rate(peer for peer in review.hopeful if peer.is_served):
        review.keep(peer, "in its turn")
    waiting = [peer for peer in review.hopeful if not peer.is_served]
    if is_seeding:
        chosen = sorted(waiting, key=_longest_waiting)
    else:
        chosen = _draw(waiting, review.free_slots, now, rng)
    for peer in chosen:
        review.begin_turn(peer, "a slot was free")
    review.refuse(waiting, "waits for a slot")
    return review.decision("fill free slots")


class _Review:
    """Gather the verdicts of one decision; give no more slots than there are."""

    def __init__(self, peers: Sequence[PeerStanding], slots: int, now: float) -> None:
        self.peers = peers
        self.free_slots = slots
        self.slots = slots
        self.now = now
        self.hopeful = [peer for peer in peers if peer.is_interested]
        self._reasons: dict[int, Reason] = {}
        self._unchoked: set[int] = set()
        self._new_turns: set[int] = set()

    def is_open(self, peer: PeerStanding) -> bool:
        """Say whether nothing was decided about the peer yet."""
        return peer.conn not in self._reasons

    def keep(self, peer: PeerStanding, reason: Reason) -> None:
        """Give the peer a slot, if one is free, in the turn it has if it has one."""
        if self.free_slots > 0 and self.is_open(peer):
            self.free_slots -= 1
            self._unchoked.add(peer.conn)
            self._reasons[peer.conn] = reason
            if peer.is_choked_by_us:
                self._new_turns.add(peer.conn)

    def begin_turn(self, peer: PeerStanding, reason: Reason) -> None:
        """Give the peer a slot, if one is free, and a turn that begins now."""
        self.keep(peer, reason)
        if peer.conn in self._unchoked:
            self._new_turns.add(peer.conn)

    def refuse(self, peers: Iterable[PeerStanding], reason: Reason) -> None:
        """Give no slot to those of these peers that have none by now."""
        for peer in peers:
            self._reasons.setdefault(peer.conn, reason)

    def decision(self, rule: str) -> SlotDecision:
        """Return what was decided; who wants nothing gets nothing."""
        self.refuse([peer for peer in self.peers if not peer.is_interested], "not interested")
        self.refuse(self.hopeful, "waits for a slot")
        return SlotDecision(
            rule=rule,
            unchoked=frozenset(self._unchoked),
            new_turns=frozenset(self._new_turns),
            verdicts=tuple(self._verdict(peer) for peer in self.peers),
        )

    def _verdict(self, peer: PeerStanding) -> Verdict:
        return Verdict(
            conn=peer.conn,
            is_unchoked=peer.conn in self._unchoked,
            reason=self._reasons[peer.conn],
            download_rate=round(peer.download_rate),
            upload_rate=round(peer.upload_rate),
            turn_seconds=round(peer.turn_seconds(self.now)),
            recent_download=peer.recent_download,
            recent_upload=peer.recent_upload,
        )


def _trade(review: _Review, rng: random.Random) -> None:
    """Give slots to who sends us most, and draw for the rest: one, if there are several."""
    now = review.now
    givers = [peer for peer in review.hopeful if peer.download_rate > 0 and not peer.is_snubbed]
    givers.sort(key=lambda peer: (-peer.download_rate, peer.is_choked_by_us, peer.conn))
    for peer in givers[: max(1, review.slots - 1)]:
        review.keep(peer, "sends us most")
    others = [peer for peer in review.hopeful if review.is_open(peer)]
    for peer in sorted(others, key=lambda peer: peer.turn_seconds(now)):
        if peer.is_served and not _is_over(peer, OPTIMISTIC_SECONDS, now):
            review.keep(peer, "its draw still holds")
    for peer in _draw(filter(review.is_open, others), review.free_slots, now, rng):
        review.begin_turn(peer, "drawn by lot")
    review.refuse([peer for peer in others if peer.is_snubbed], "snubs us")
    review.refuse(others, "others send us more")


def _take_turns(review: _Review) -> None:
    """Let turns go on; when they are over, let half of the slots pass to who waits."""
    served = _by_rate(peer for peer in review.hopeful if peer.is_served)
    waiting = sorted((p for p in review.hopeful if not p.is_served), key=_longest_waiting)
    idle = [peer for peer in served if _is_idle(peer, review.now)]
    over = [
        peer
        for peer in served
        if peer not in idle and _is_over(peer, SEED_TURN_SECONDS, review.now)
    ]
    for peer in served:
        if peer not in over and peer not in idle:
            review.keep(peer, "in its turn")
    staying = max(0, review.free_slots - max(1, review.slots // 2, len(idle)))
    for peer in over[:staying]:
        review.keep(peer, "takes fastest")
    for peer in waiting:
        review.begin_turn(peer, "waited longest")
    for peer in over + idle:
        review.keep(peer, "turn over, nobody waits longer")
    review.refuse(over, "turn over")
    review.refuse(idle, "takes nothing")
    review.refuse(waiting, "waits for its turn")


def _is_over(peer: PeerStanding, seconds: float, now: float) -> bool:
    return peer.turn_seconds(now) > seconds - _TOLERANCE_SECONDS


def _is_idle(peer: PeerStanding, now: float) -> bool:
    return peer.upload_rate <= 0 and _is_over(peer, IDLE_TURN_SECONDS, now)


def _by_rate(peers: Iterable[PeerStanding]) -> list[PeerStanding]:
    """Return the fastest takers first."""
    return sorted(peers, key=lambda peer: (-peer.upload_rate, peer.conn))


def _longest_waiting(peer: PeerStanding) -> tuple[float, float, int]:
    """Order by the last turn: who never had one comes first, by age."""
    last_turn = float("-inf") if peer.turn_began_at is None else peer.turn_began_at
    return (last_turn, peer.connected_at, peer.conn)


def _draw(
    peers: Iterable[PeerStanding], count: int, now: float, rng: random.Random
) -> list[PeerStanding]:
    """Draw peers by lot; those newly connected have three lots each."""
    hat = list(peers)
    drawn: list[PeerStanding] = []
    while hat and len(drawn) < count:
        is_new = [now - peer.connected_at < NEWLY_CONNECTED_SECONDS for peer in hat]
        weights = [NEWLY_CONNECTED_WEIGHT if new else 1 for new in is_new]
        position = rng.choices(range(len(hat)), weights)[0]
        drawn.append(hat.pop(position))
    return drawn
