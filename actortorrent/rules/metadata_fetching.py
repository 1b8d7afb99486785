"""The info dictionary of a torrent from several peers at once, believed by its hash alone: BEP 9.

Every peer says how long it is, and hands out parts of 16 KiB. Peers that say the same length
fill one copy together; those of another length another, so that a wrong length harms only
who believes it. A copy is right if its SHA-1 is the info-hash:

* it is wrong, and one peer sent all of it: that peer is a liar;
* it is wrong, and several did: it is fetched again, each time from a single one. When it is
  right at last, whoever had sent other bytes before is a liar.

An ask that is not answered in time is put to others, and the peer is left alone for a while;
its answer is still taken if it comes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct, field

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.metadata_exchange import (
    MAX_METADATA_BYTES,
    PART_BYTES,
    MetadataKind,
    MetadataMessage,
)

PARTS_AT_ONCE = 4  # asked of one peer
MOST_ASKERS = 2  # of one part, when all that is missing is asked for
ANSWER_SECONDS = 10.0
REJECT_PAUSE_SECONDS = 30.0  # it may get the metadata itself, or we asked too much
TIMEOUT_PAUSE_SECONDS = 15.0  # and that much more for each further time
MOST_PAUSE_SECONDS = 120.0
MAX_HELD_BYTES = 2 * MAX_METADATA_BYTES  # of all copies together
MAX_EVIDENCE = 8 * MAX_METADATA_BYTES // PART_BYTES  # digests of parts of copies that were wrong


class PartRequest(Struct, frozen=True):
    """Say which part is to be asked of which connection."""

    conn: int
    part_index: int


class Judgement(Struct, frozen=True):
    """Say what a message led to.

    Attributes:
        metadata: the info dictionary, now that it is known.
        liars: connections, perhaps gone by now, that sent what cannot be right.
        contributors: connections that sent parts of a whole copy that is wrong.
    """

    metadata: bytes | None = None
    liars: tuple[int, ...] = ()
    contributors: tuple[int, ...] = ()


NOTHING_YET = Judgement()


class _Source(Struct):
    """Hold a peer: `asked` is part and deadline, `owed` what it did not answer in time."""

    conn: int
    size: int
    asked: dict[int, float] = field(default_factory=dict)
    owed: set[int] = field(default_factory=set)
    idle_until: float = 0.0
    timeouts: int = 0  # in a row


class _Copy(Struct):
    """Hold the parts that came of metadata of one size; of the same keys, who sent each."""

    size: int
    parts: dict[int, bytes] = field(default_factory=dict)
    senders: dict[int, int] = field(default_factory=dict)
    is_single: bool = False  # to come from one connection alone
    only: int | None = None  # from that one

    @property
    def part_count(self) -> int:
        return -(-self.size // PART_BYTES)

    @property
    def held_bytes(self) -> int:
        return sum(map(len, self.parts.values()))

    def part_length(self, part_index: int) -> int:
        return min(PART_BYTES, self.size - part_index * PART_BYTES)

    def takes_from(self, conn: int) -> bool:
        return not self.is_single or self.only == conn

    def forget(self) -> None:
        self.parts.clear()
        self.senders.clear()


class MetadataLedger:
    """Keep what came of the metadata, and say what to ask of whom.

    Args:
        info_hash: 20 bytes, the SHA-1 that the metadata must have.
        max_bytes: how long it may be at most.

    Attributes:
        metadata: the info dictionary, once it is there; nothing is asked for then.
    """

    def __init__(self, info_hash: bytes, max_bytes: int = MAX_METADATA_BYTES) -> None:
        self._info_hash = info_hash
        self._max_bytes = min(max_bytes, MAX_METADATA_BYTES)
        self._sources: dict[int, _Source] = {}
        self._copies: dict[int, _Copy] = {}  # by their size
        self._evidence: dict[tuple[int, int], bytes] = {}  # connection, part: what it had sent
        self.metadata: bytes | None = None

    # --- peers --------------------------------------------------------------------------------

    def peer_offers(self, conn: int, size: int) -> bool:
        """Note that a peer has metadata of so many bytes; return whether that can be fetched."""
        known = self._sources.get(conn)
        if known is not None and known.size == size:
            return True
        self.peer_left(conn)
        if not 0 < size <= self._max_bytes:
            return False
        self._sources[conn] = _Source(conn, size)
        return True

    def peer_left(self, conn: int) -> None:
        """Note that a peer has gone, or is to be asked no more; what it sent stays."""
        source = self._sources.pop(conn, None)
        if source is not None and not self._of(source.size):
            self._copies.pop(source.size, None)

    @property
    def progress(self) -> tuple[int, int]:
        """Return how many parts there are of how many, in the copy that is nearest its end."""
        copies = [(len(one.parts), one.part_count) for one in self._copies.values()]
        return max(copies, key=lambda copy: copy[0] / copy[1], default=(0, 0))

    # --- asking -------------------------------------------------------------------------------

    def requests(self, now: float) -> tuple[PartRequest, ...]:
        """Return what is to be asked now, and note it as asked; take back what is late."""
        if self.metadata is not None:
            return ()
        for source in self._sources.values():
            _take_back(source, now)
        return tuple(
            PartRequest(source.conn, part_index)
            for source in self._sources.values()
            if source.idle_until <= now
            for part_index in self._ask(source, now)
        )

    def seconds_to_next(self, now: float) -> float | None:
        """Return the seconds until `requests` may say more by time alone; None if never."""
        if self.metadata is not None:
            return None
        times = [time for one in self._sources.values() for time in one.asked.values()]
        times += [one.idle_until for one in self._sources.values() if one.idle_until > now]
        return max(0.0, min(times) - now) if times else None

    def _ask(self, source: _Source, now: float) -> Iterator[int]:
        copy = self._copies.setdefault(source.size, _Copy(source.size))
        if copy.is_single and not self._is_at_work(copy, now):
            copy.forget()
            copy.only = source.conn
        if not copy.takes_from(source.conn):
            return
        askers = Counter(part for one in self._of(source.size) for part in one.asked)
        missing = [part for part in range(copy.part_count) if part not in copy.parts]
        missing.sort(key=lambda part: askers[part])
        for part in missing:
            is_free = part not in source.asked and askers[part] < MOST_ASKERS
            if len(source.asked) >= PARTS_AT_ONCE:
                return
            if is_free:
                source.asked[part] = now + ANSWER_SECONDS
                source.owed.discard(part)
                yield part

    def _is_at_work(self, copy: _Copy, now: float) -> bool:
        """Say whether the only source of a copy is there, and not left alone for a while."""
        source = self._sources.get(copy.only) if copy.only is not None else None
        return source is not None and source.size == copy.size and source.idle_until <= now

    def _of(self, size: int) -> list[_Source]:
        return [one for one in self._sources.values() if one.size == size]

    # --- answers ------------------------------------------------------------------------------

    def answer_came(self, conn: int, message: MetadataMessage, now: float) -> Judgement:
        """Take the data or the reject that a peer sent.

        Raises:
            PeerProtocolError: if it was not asked for, or is not what was asked for.
        """
        source = self._sources.get(conn)
        part = message.part_index
        if source is None or (part not in source.asked and part not in source.owed):
            if self.metadata is not None:
                return NOTHING_YET
            raise PeerProtocolError(f"expected no {message}: it was not asked for")
        source.asked.pop(part, None)
        source.owed.discard(part)
        if message.kind is MetadataKind.REJECT:
            source.idle_until = now + REJECT_PAUSE_SECONDS
            return NOTHING_YET
        return self._take(source, message)

    def _take(self, source: _Source, message: MetadataMessage) -> Judgement:
        copy = self._copies.setdefault(source.size, _Copy(source.size))
        _check_form(copy, message)
        source.timeouts = 0
        is_news = message.part_index not in copy.parts and copy.takes_from(source.conn)
        if self.metadata is not None or not is_news:
            return NOTHING_YET
        copy.parts[message.part_index] = message.data
        copy.senders[message.part_index] = source.conn
        if len(copy.parts) == copy.part_count:
            return self._judge(copy)
        self._keep_within_limit(copy)
        return NOTHING_YET

    def _keep_within_limit(self, latest: _Copy) -> None:
        """Let go of the longest other copy where all are too much: it is fetched again, maybe."""
        if sum(one.held_bytes for one in self._copies.values()) > MAX_HELD_BYTES:
            others = [one for one in self._copies.values() if one is not latest]
            max(others, key=lambda one: one.held_bytes).forget()

    # --- judging ------------------------------------------------------------------------------

    def _judge(self, copy: _Copy) -> Judgement:
        whole = b"".join(copy.parts[part] for part in range(copy.part_count))
        if _digest(whole) == self._info_hash:
            self.metadata = whole
            self._copies.clear()
            return Judgement(whole, self._liars(whole))
        senders = tuple(sorted(set(copy.senders.values())))
        if len(senders) > 1:
            self._fetch_from_single_ones(copy)
            return Judgement(contributors=senders)
        copy.forget()
        copy.only = None
        (liar,) = senders
        self.peer_left(liar)
        return Judgement(liars=senders, contributors=senders)

    def _fetch_from_single_ones(self, copy: _Copy) -> None:
        """Begin a copy again, from one source at a time; what others still send is not used."""
        self._keep_evidence(copy)
        copy.forget()
        copy.is_single = True
        for source in self._of(copy.size):
            source.owed.update(source.asked)
            source.asked.clear()

    def _keep_evidence(self, copy: _Copy) -> None:
        for part, data in copy.parts.items():
            if len(self._evidence) < MAX_EVIDENCE:
                self._evidence[copy.senders[part], part] = _digest(data)

    def _liars(self, whole: bytes) -> tuple[int, ...]:
        good = [
            _digest(whole[start : start + PART_BYTES]) for start in range(0, len(whole), PART_BYTES)
        ]
        liars = {
            conn
            for (conn, part), digest in self._evidence.items()
            if part >= len(good) or digest != good[part]
        }
        return tuple(sorted(liars))


def _take_back(source: _Source, now: float) -> None:
    late = [part for part, deadline in source.asked.items() if deadline <= now]
    if not late:
        return
    source.owed.update(source.asked)
    source.asked.clear()
    source.timeouts += 1
    pause = min(TIMEOUT_PAUSE_SECONDS * source.timeouts, MOST_PAUSE_SECONDS)
    source.idle_until = max(source.idle_until, now + pause)


def _check_form(copy: _Copy, message: MetadataMessage) -> None:
    length = copy.part_length(message.part_index)
    if len(message.data) != length:
        raise PeerProtocolError(f"expected {length} bytes, found {message}")
    if message.total_size not in (None, copy.size):
        raise PeerProtocolError(
            f"expected metadata of {copy.size} bytes, as was said, found {message.total_size}"
        )


def _digest(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()
