"""The connections of a trace that is exported: whose telling of each direction is believed.

In a merged trace a message that went between two of its nodes stands twice. Each direction
is taken from one end, that which tells the most: every message rather than sums, the bytes
of blocks if it has them, and otherwise the sender. Of the other end is taken what lies
behind the last that this one has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct, field

from actortorrent.captures.packets import Endpoint, endpoint_of
from actortorrent.errors import InvalidTraceError
from actortorrent.tracing.events import CONNECTION_OPENED, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.header import TraceHeader

SUMS = frozenset(
    f"bt:{what}_{way}" for what in ("blocks", "requests") for way in ("sent", "received")
)
UNKNOWN_PORT = 6881
UNKNOWN_NETWORKS = {4: bytes((192, 0, 2)), 16: bytes.fromhex("20010db8") + bytes(10)}
MAX_CONNECTIONS = 100_000

End = tuple[str, int]  # a node, and the number of the connection there


class Telling(Struct):
    """Hold what one end tells of one direction: how far, and how much of it by sums."""

    end: int = 0
    sums: int = 0


class Place(NamedTuple):
    """Say where in the stream of which direction something of an event stands.

    `direction` is 0 for what the flow's first end sent, 1 for what it received.
    """

    direction: int
    offset: int
    length: int


class Flow:
    """Hold one connection, known from one end or both.

    Attributes:
        ends: the nodes and numbers it has in the trace, the first of which is "we".
        we_dialled: whether the first end did.
        told: what each end tells, by direction.
        is_wanted: whether anything of it is.
    """

    def __init__(self, ends: tuple[End, ...]) -> None:
        self.ends = ends
        self.we_dialled = True
        self.is_wanted = False
        self.told = [[Telling() for _ in ends] for _ in range(2)]
        self._names = ["", ""]  # addresses: ours, theirs
        self._next = [[0] * len(ends) for _ in range(2)]

    @property
    def has_bytes(self) -> bool:
        """Say whether anything went over it."""
        return any(telling.end for tellings in self.told for telling in tellings)

    @property
    def addresses(self) -> tuple[Endpoint, Endpoint, bool]:
        """Return our address, theirs, and whether one had to be made up."""
        ours, theirs = map(endpoint_of, self._names)
        is_whole = ours is not None and theirs is not None and len(ours.host) == len(theirs.host)
        if is_whole and ours is not None and theirs is not None:
            return ours, theirs, False
        known = theirs or ours
        size = len(known.host) if known else 4
        return (
            ours if ours and not theirs else _made_up(size, 1, self.ends[0][1]),
            theirs or _made_up(size, 2, self.ends[0][1]),
            True,
        )

    def hear(self, event: Event, which: int) -> None:
        """Learn from an event of an end, by its index, before anything is written."""
        data = event.data
        if event.name == "bt:connection_begun":
            self.we_dialled = (data.get("we_dialled") is not False) is (which == 0)
            self._names[1 - which] = self._names[1 - which] or str(data.get("address", ""))
        elif event.name == CONNECTION_OPENED:
            self._names[which] = str(data.get("local", ""))
            self._names[1 - which] = str(data.get("remote", ""))
        place = self.place(event, which)
        if place is not None:
            telling = self.told[place.direction][which]
            telling.end = max(telling.end, place.offset + place.length)
            telling.sums += event.name in SUMS

    def place(self, event: Event, which: int) -> Place | None:
        """Say where an event's bytes stand; to be asked of each end's events in their order."""
        is_sum = event.name in SUMS
        if not is_sum and event.name not in (WIRE_SENT, WIRE_RECEIVED):
            return None
        direction = int(event.name.endswith("_received")) ^ which
        begins = self._next[direction]
        offset = begins[which] if is_sum else event.data.get("offset")
        length = event.data.get("length")
        if type(offset) is not int or type(length) is not int or length < 0:
            return None
        begins[which] = max(begins[which], offset + length)
        return Place(direction, offset, length)

    def start_again(self) -> None:
        """Forget how far events went, before these are told a second time."""
        self._next = [[0] * len(self.ends) for _ in range(2)]

    def believed(self, direction: int, has_content: Iterable[bool]) -> int:
        """Return the index of the end that is believed of a direction."""
        tellings = self.told[direction]
        content = list(has_content)

        def worth(which: int) -> tuple[bool, bool, bool, bool]:
            one = tellings[which]
            is_sender = which == direction
            return (one.end > 0, not one.sums, content[which] and not is_sender, is_sender)

        return max(range(len(self.ends)), key=worth)


class Flows(Struct):
    """Find the flow and the end that an event is of."""

    header: TraceHeader
    by_end: dict[End, tuple[Flow, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node, conn, other, other_conn in self.header.connections:
            ends = ((node, conn), (other, other_conn))
            if not any(end in self.by_end for end in ends):
                flow = Flow(ends)
                self.by_end.update((end, (flow, which)) for which, end in enumerate(ends))

    def __iter__(self) -> Iterator[Flow]:
        return iter({id(flow): flow for flow, _ in self.by_end.values()}.values())

    def of(self, event: Event) -> tuple[Flow, int] | None:
        """Return flow and end of an event of the wire; new ones where it is the first.

        Raises:
            InvalidTraceError: if there are too many.
        """
        conn = event.data.get("conn")
        if type(conn) is not int or not event.name.startswith("bt:"):
            return None
        end = (event.actor.rpartition("/")[0], conn)
        found = self.by_end.get(end)
        if found is None:
            if len(self.by_end) >= MAX_CONNECTIONS:
                raise InvalidTraceError(f"expected at most {MAX_CONNECTIONS} connections")
            found = self.by_end[end] = (Flow((end,)), 0)
        return found


def levels(header: TraceHeader) -> Mapping[str, str]:
    """Return the level of each node's trace; of one that is not merged, under no name."""
    return {node.name: node.header.level for node in header.nodes} or {"": header.level}


def _made_up(size: int, last: int, port: int) -> Endpoint:
    """Return an address of those kept for documents: RFC 5737 and 3849."""
    network = UNKNOWN_NETWORKS[size]
    host = network + bytes(size - len(network) - 1) + bytes((last,))
    return Endpoint(host, UNKNOWN_PORT if last == 2 else 1024 + port % 60_000)
