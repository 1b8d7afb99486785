"""Who is who in a capture: its clients, their connections, and the torrents they share.

A client shows itself in several ways: by its peer id (libtorrent has one for each
connection), by the address where it is dialled, and by the port that it tells others
(`p` of BEP 10). What shows up together on one end is one client.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct, field

from actortorrent.captures.decoding import Heard
from actortorrent.captures.packets import Endpoint
from actortorrent.captures.rebuilding import UNKNOWN_PIECE
from actortorrent.captures.shapes import Shape
from actortorrent.captures.talking import Talk
from actortorrent.errors import BencodeError, InvalidCaptureError
from actortorrent.wire import bencoding
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.messages import Extended, PieceHeader, Request

Mark: TypeAlias = bytes | Endpoint  # a peer id, or an address where somebody listens
MAX_TALKS = 100_000  # connections of one trace
MAX_EXTENDED_BYTES = 64 * 1024


class End(Struct):
    """Hold what one side of a connection shows of who it is."""

    address: Endpoint
    peer_id: bytes = b""
    listens_on: int = 0
    losses: int = 0


class TalkSurvey(Struct):
    """Hold what is known of a connection that speaks BitTorrent."""

    number: int
    ends: tuple[End, End]
    dialler: int
    info_hash: bytes = b""
    messages: int = 0


class Survey(Struct):
    """Learn, as a listener of `Talks`, all that is needed before a trace can be written.

    Attributes:
        talks: the connections by their number.
        shapes: what torrents are like, by their info-hash.
        first_ns: when the first of these connections began to speak.
        counted: whether blocks or requests stand there only to be counted (`UNKNOWN_PIECE`).
        malformed: messages that break the form of their kind.
    """

    talks: dict[int, TalkSurvey] = field(default_factory=dict)
    shapes: dict[bytes, Shape] = field(default_factory=dict)
    first_ns: int = 0
    counted: bool = False
    malformed: int = 0

    def began(self, talk: Talk, time_ns: int) -> None:
        """Note a connection; raises InvalidCaptureError if there are too many."""
        if len(self.talks) >= MAX_TALKS:
            raise InvalidCaptureError(f"expected at most {MAX_TALKS} connections of peers")
        if not self.talks:
            self.first_ns = time_ns
        ends = (End(talk.sides[0].end), End(talk.sides[1].end))
        self.talks[talk.number] = TalkSurvey(talk.number, ends, talk.dialler)

    def heard(self, talk: Talk, way: int, time_ns: int, heard: Heard) -> None:  # noqa: ARG002
        """Learn from a message."""
        known = self.talks[talk.number]
        end, message = known.ends[way], heard.message
        if message is None:
            end.losses += 1
            return
        known.messages += 1
        self.malformed += message.name == "malformed"
        if isinstance(message, Handshake):
            end.peer_id = end.peer_id or message.peer_id
            known.info_hash = known.info_hash or message.info_hash
        elif isinstance(message, Extended):
            end.listens_on = end.listens_on or _listening_port(message)
        elif isinstance(message, Request | PieceHeader):
            self.counted |= message.piece_index == UNKNOWN_PIECE
        if known.info_hash:
            self.shapes.setdefault(known.info_hash, Shape()).hear(message)

    def ended(self, talk: Talk, time_ns: int, why: str) -> None:
        """Learn nothing from an end."""

    def of_torrent(self, info_hash: bytes) -> list[TalkSurvey]:
        """Return the connections of a torrent."""
        return [talk for talk in self.talks.values() if talk.info_hash == info_hash]

    def torrents(self) -> list[bytes]:
        """Return the info-hashes, that of which most was said first."""
        said: Counter[bytes] = Counter()
        for talk in self.talks.values():
            said[talk.info_hash] += talk.messages
        return [info_hash for info_hash, _ in said.most_common() if info_hash]


class Client(Struct):
    """Hold one client: the ends that are its own, by connection and side.

    Attributes:
        peer_id: the first that it showed.
        address: where it is dialled, or says that it is; else that of its first end.
        addresses: all that it was seen at.
    """

    ends: list[tuple[int, int]] = field(default_factory=list)
    peer_id: bytes = b""
    address: Endpoint | None = None
    listens: bool = False
    addresses: set[Endpoint] = field(default_factory=set)

    @property
    def connections(self) -> set[int]:
        """Return in which connections it takes part."""
        return {number for number, _ in self.ends}


def clients_of(talks: Iterable[TalkSurvey]) -> list[Client]:
    """Find the clients of some connections, in the order in which they appear."""
    talks = list(talks)
    groups = _Groups()
    for talk in talks:
        for way, end in enumerate(talk.ends):
            groups.join(_marks(talk, way, end))
    clients: dict[Mark, Client] = {}
    for talk in talks:
        for way, end in enumerate(talk.ends):
            client = clients.setdefault(groups.head(_marks(talk, way, end)[0]), Client())
            client.ends.append((talk.number, way))
            client.peer_id = client.peer_id or end.peer_id
            _learn_address(client, end, is_dialled=way != talk.dialler)
    return list(clients.values())


def _learn_address(client: Client, end: End, *, is_dialled: bool) -> None:
    client.addresses.add(end.address)
    listens = is_dialled or end.listens_on > 0
    if client.address is None or (listens and not client.listens):
        port = end.address.port if is_dialled or not listens else end.listens_on
        client.address, client.listens = Endpoint(end.address.host, port), listens


def _marks(talk: TalkSurvey, way: int, end: End) -> list[Mark]:
    """Return by what an end is known: at least its host.

    Whoever dials and is not answered shows nothing else, as a peer id may be of one
    connection only: all those of one host are put together.
    """
    is_answered = bool(talk.ends[1 - way].peer_id)
    marks: list[Mark] = []
    if way != talk.dialler:
        marks.append(end.address)
    elif end.listens_on:
        marks.append(Endpoint(end.address.host, end.listens_on))
    if end.peer_id and (marks or is_answered):
        marks.append(end.peer_id)
    return marks or [Endpoint(end.address.host, 0)]


class _Groups:
    """Keep which marks belong together."""

    def __init__(self) -> None:
        self._above: dict[Mark, Mark] = {}

    def head(self, mark: Mark) -> Mark:
        """Return the mark that stands for all of the group."""
        while (above := self._above.setdefault(mark, mark)) != mark:
            self._above[mark] = self._above[above]
            mark = above
        return mark

    def join(self, marks: list[Mark]) -> None:
        """Make one group of those of all marks."""
        first = self.head(marks[0])
        for mark in marks[1:]:
            self._above[self.head(mark)] = first


def _listening_port(message: Extended) -> int:
    """Return the port that a greeting of BEP 10 tells, 0 for none."""
    if message.extended_id or len(message.payload) > MAX_EXTENDED_BYTES:
        return 0
    try:
        greeting = bencoding.decode(message.payload)
    except BencodeError:
        return 0
    port = greeting.get(b"p") if isinstance(greeting, dict) else None
    return port if isinstance(port, int) and 0 < port < 65_536 else 0
