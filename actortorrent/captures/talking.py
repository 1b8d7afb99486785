"""The connections in a capture: which speak BitTorrent, and what both sides say.

A connection is one if either side's stream begins with the handshake. Of all others only
their number is kept, and whether they look like BitTorrent's encryption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Protocol

from msgspec import Struct, field

from actortorrent.captures.decoding import Heard, MessageReader, is_handshake_start
from actortorrent.captures.files import Packet
from actortorrent.captures.packets import ACK, FIN, RST, SYN, Endpoint
from actortorrent.captures.segments import Other, Segment, segment_of
from actortorrent.captures.streams import Budget, Run, Stream

MAX_CONNECTIONS = 50_000  # of any protocol, that are followed at the same time
LEAST_OVER = 0.1  # of these, before room is made for others
KEY_BYTES = 96  # with which an encrypted connection begins: each side's public key
LEAST_DISTINCT = 60  # different bytes among them; of random ones there are 80 or so
TLS_START = b"\x16\x03"  # whose greetings look like chance, too


class Nature(Enum):
    """Say what a connection is."""

    UNDECIDED = "too short to tell"
    BITTORRENT = "BitTorrent"
    ENCRYPTED = "encrypted"
    OTHER = "something else"


class Side:
    """Hold one side's stream; `sent` is what it begins with, until it is known what it is."""

    def __init__(self, end: Endpoint, budget: Budget) -> None:
        self.end = end
        self.stream = Stream(budget)
        self.reader = MessageReader(budget)
        self.sent = b""
        self.runs: list[Run] = []  # until the nature is known
        self.has_hung_up = False


class Talk:
    """Hold one connection between two sides.

    Attributes:
        number: which it was, of all those of the capture.
        dialler: which side dialled: 0 or 1.
    """

    def __init__(self, number: int, first: Endpoint, second: Endpoint, budget: Budget) -> None:
        self.number = number
        self.sides = (Side(first, budget), Side(second, budget))
        self.nature = Nature.UNDECIDED
        self.dialler = 0
        self.has_syn = False
        self.packets = 0
        self.is_over = False

    def way_of(self, segment: Segment) -> int:
        """Return 0 for what the first side sent, 1 for the other."""
        return 0 if segment.source == self.sides[0].end else 1


class Listener(Protocol):
    """Be told what is said, in the order of the capture."""

    def began(self, talk: Talk, time_ns: int) -> None:
        """Hear that a connection speaks BitTorrent, before anything of it."""

    def heard(self, talk: Talk, way: int, time_ns: int, heard: Heard) -> None:
        """Hear a message, or that some bytes are lost."""

    def ended(self, talk: Talk, time_ns: int, why: str) -> None:
        """Hear that a connection was closed."""


class CaptureCounts(Struct):
    """Count what a capture holds.

    Attributes:
        packets: all of them.
        talking: those of connections that speak BitTorrent.
        others: those without a segment of TCP, by why.
        connections: by their nature.
        unheeded: packets of connections beyond the limit of what can be followed at once.
    """

    packets: int = 0
    talking: int = 0
    others: Counter[Other] = field(default_factory=Counter)
    connections: Counter[Nature] = field(default_factory=Counter)
    unheeded: int = 0


class Talks:
    """Follow all connections of a capture, and tell a listener of those that matter."""

    def __init__(self, listener: Listener, budget: Budget | None = None) -> None:
        self._listener = listener
        self._budget = budget or Budget()
        self._talks: dict[frozenset[Endpoint], Talk] = {}
        self._time_ns = 0
        self._numbers = 0
        self._over = 0  # of the talks
        self.counts = CaptureCounts()

    def follow(self, packets: Iterable[Packet]) -> CaptureCounts:
        """Take all packets, and return what there was."""
        for packet in packets:
            self.take(packet)
        self.end()
        return self.counts

    def take(self, packet: Packet) -> None:
        """Take the next packet."""
        self._time_ns = max(self._time_ns, packet.time_ns)
        self.counts.packets += 1
        segment = segment_of(packet)
        if isinstance(segment, Other):
            self.counts.others[segment] += 1
        else:
            self._take(segment)

    def end(self) -> None:
        """Take it that nothing more comes."""
        for talk in self._talks.values():
            self._finish(talk)

    def _take(self, segment: Segment) -> None:
        talk = self._talk_of(segment)
        if talk is None:
            self.counts.unheeded += 1
            return
        if talk.is_over and talk.nature is Nature.BITTORRENT:
            self.counts.talking += 1
            return
        talk.packets += 1
        if talk.is_over or talk.nature in (Nature.ENCRYPTED, Nature.OTHER):
            return
        way = talk.way_of(segment)
        side, far = talk.sides[way], talk.sides[1 - way]
        if segment.flags & SYN:
            talk.has_syn = True
            side.stream.begin(segment.sequence + 1)
        if segment.flags & ACK:
            far.stream.acknowledged(segment.acknowledged)
        if segment.length and not segment.flags & RST:
            sequence = segment.sequence + bool(segment.flags & SYN)
            self._hear(talk, way, side.stream.take(sequence, segment.data, segment.length))
        if segment.flags & (FIN | RST):
            self._hang_up(talk, side, is_reset=bool(segment.flags & RST))

    def _talk_of(self, segment: Segment) -> Talk | None:
        key = frozenset((segment.source, segment.target))
        talk = self._talks.get(key)
        is_dialling = segment.flags & (SYN | ACK) == SYN
        if talk is not None and is_dialling and not self._is_again(talk, segment):
            self._finish(talk)
            del self._talks[key]
            self._over -= 1
            talk = None
        if talk is None and len(key) == 2 and self._has_room():
            ends = (segment.source, segment.target)
            is_answer = segment.flags & (SYN | ACK) == SYN | ACK
            self._numbers += 1
            talk = Talk(self._numbers, *(ends[::-1] if is_answer else ends), self._budget)
            self._talks[key] = talk
        return talk

    def _has_room(self) -> bool:
        """Say whether one more connection can be followed; forget those that are over."""
        is_worth_it = self._over >= MAX_CONNECTIONS * LEAST_OVER
        if len(self._talks) >= MAX_CONNECTIONS and is_worth_it:
            self._talks = {key: one for key, one in self._talks.items() if not one.is_over}
            self._over = 0
        return len(self._talks) < MAX_CONNECTIONS

    def _is_again(self, talk: Talk, segment: Segment) -> bool:
        """Say whether a SYN is one of the same connection, sent once more."""
        stream = talk.sides[talk.way_of(segment)].stream
        return not talk.is_over and (not stream.has_begun or stream.begins_at(segment.sequence + 1))

    # --- what is said -------------------------------------------------------------------------

    def _hear(self, talk: Talk, way: int, runs: Sequence[Run]) -> None:
        if talk.nature is Nature.BITTORRENT:
            self._tell(talk, way, runs)
            return
        side = talk.sides[way]
        for run in runs:
            side.runs.append(run)
            if len(side.sent) < KEY_BYTES:
                side.sent = (side.sent + run.data)[:KEY_BYTES] if not run.lost else side.sent
        self._judge(talk)

    def _judge(self, talk: Talk) -> None:
        """Decide what a connection is, once enough of it is there."""
        verdicts = [is_handshake_start(side.sent) if side.sent else None for side in talk.sides]
        if True in verdicts:
            talk.nature = Nature.BITTORRENT
            if not talk.has_syn:
                talk.dialler = verdicts.index(True)  # who dials speaks first
            self._listener.began(talk, self._time_ns)
            for way, side in enumerate(talk.sides):
                self._tell(talk, way, side.runs)
                side.runs = []
        elif False in verdicts:
            for side in talk.sides:
                side.runs = []
            if all(len(side.sent) == KEY_BYTES for side in talk.sides):
                talk.nature = _nature_of_others(talk)

    def _tell(self, talk: Talk, way: int, runs: Sequence[Run]) -> None:
        for run in runs:
            for heard in talk.sides[way].reader.take(run):
                self._listener.heard(talk, way, self._time_ns, heard)

    # --- the end ------------------------------------------------------------------------------

    def _hang_up(self, talk: Talk, side: Side, *, is_reset: bool) -> None:
        side.has_hung_up = True
        if is_reset or all(one.has_hung_up for one in talk.sides):
            self._finish(talk)
            if talk.nature is Nature.BITTORRENT:
                why = f"{side.end} reset it" if is_reset else "both hung up"
                self._listener.ended(talk, self._time_ns, why)

    def _finish(self, talk: Talk) -> None:
        if talk.is_over:
            return
        talk.is_over = True
        self._over += 1
        for way, side in enumerate(talk.sides):
            self._hear(talk, way, side.stream.end())
        for way, side in enumerate(talk.sides):
            for heard in side.reader.end():
                self._listener.heard(talk, way, self._time_ns, heard)
        if talk.nature is Nature.UNDECIDED and any(side.sent for side in talk.sides):
            talk.nature = _nature_of_others(talk)
        self.counts.connections[talk.nature] += 1
        if talk.nature is Nature.BITTORRENT:
            self.counts.talking += talk.packets


def _nature_of_others(talk: Talk) -> Nature:
    """Judge by the first bytes of both sides: public keys look like chance (no BEP has it)."""
    looks_random = all(
        len(side.sent) == KEY_BYTES
        and len(set(side.sent)) >= LEAST_DISTINCT
        and not side.sent.startswith(TLS_START)
        for side in talk.sides
    )
    return Nature.ENCRYPTED if looks_random else Nature.OTHER
