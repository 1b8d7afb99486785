"""A trace as a packet capture: each connection as TCP would have carried it.

::

    report = export_capture(header, events, wanted, out)   # `events()` is called twice

Sequence numbers are the trace's offsets plus one, so that any tool for packets puts the
streams together as they were. What a trace does not have is made up as little as possible,
and counted: handshakes of TCP, the bytes of blocks, and at the level "piece" the numbers of
blocks and requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from actortorrent.captures.connection_packets import Connection, Told
from actortorrent.captures.contents import with_contents
from actortorrent.captures.flows import SUMS, Flow, Flows, Place, levels
from actortorrent.captures.rebuilding import Rebuilder, summed
from actortorrent.captures.writing import CaptureWriter, writing_capture
from actortorrent.errors import InvalidTraceError, UsageError
from actortorrent.tracing.events import CONNECTION_OPENED, Event
from actortorrent.tracing.header import TraceHeader

SAME_ADDRESSES_STEP = 1 << 28  # between the first sequence numbers of connections of one pair


class ExportReport(Struct):
    """Say what a capture holds, and what of it no trace has told.

    Attributes:
        packets, size_bytes: of the file.
        connections, messages: that are in it.
        made_up: messages that the trace only counted, so that their piece is not known.
        blank_bytes: of blocks, for which zeros stand.
        missing_bytes: gaps in the streams, where the trace lacks events.
        made_up_addresses: connections of which the trace does not tell both addresses.
    """

    packets: int = 0
    size_bytes: int = 0
    connections: int = 0
    messages: int = 0
    made_up: int = 0
    blank_bytes: int = 0
    missing_bytes: int = 0
    made_up_addresses: int = 0


def export_capture(
    header: TraceHeader,
    events: Callable[[], Iterable[Event]],
    wanted: Callable[[Event], bool],
    out: Path,
) -> ExportReport:
    """Write the connections of a trace, of which any event is wanted, as a capture.

    Raises:
        UsageError: if `out` is there and is no such capture, or nothing is to be written.
        InvalidTraceError: if the trace's header has no time of day.
    """
    begin_ns = _begin_ns(header)
    flows = Flows(header)
    for event in events():
        is_wanted = wanted(event)
        found = flows.of(event)
        if found is not None:
            found[0].hear(event, found[1])
            found[0].is_wanted |= is_wanted
    if not any(flow.is_wanted and flow.has_bytes for flow in flows):
        raise UsageError("expected a connection to export, found none that fits")
    with writing_capture(out) as writer:
        export = _Export(header, flows, writer, begin_ns)
        for event, content in with_contents(events(), levels(header)):
            export.take(event, content)
        export.finish()
        export.report.packets, export.report.size_bytes = writer.packets, writer.size_bytes
    return export.report


def _begin_ns(header: TraceHeader) -> int:
    """Return what makes times of the trace those of the wall clock."""
    try:
        return header.wall_clock_ns - header.monotonic_ns
    except ValueError as error:
        raise InvalidTraceError("expected a time as wall_clock_time in the header") from error


@dataclass(slots=True)
class _Export:
    """Write events as packets, in the order of time."""

    header: TraceHeader
    flows: Flows
    writer: CaptureWriter
    begin_ns: int
    report: ExportReport = field(default_factory=ExportReport)
    _open: dict[int, Connection] = field(default_factory=dict)
    _uses: Counter[frozenset[object]] = field(default_factory=Counter)
    _rebuilder: Rebuilder = field(init=False)

    def __post_init__(self) -> None:
        self._rebuilder = Rebuilder(self.header)
        for flow in self.flows:
            flow.start_again()

    def take(self, event: Event, content: bytes) -> None:
        """Write what an event says of the wire."""
        found = self.flows.of(event)
        if found is None or not found[0].is_wanted:
            return
        flow, which = found
        place = flow.place(event, which)
        if place is not None:
            self._bytes(event, place, which, content)
        elif event.name == CONNECTION_OPENED:
            self._connection(flow, event.time_ns)
        elif event.name == "bt:connection_closed" and id(flow) in self._open:
            self._open[id(flow)].closing(which)
            self._write(event.time_ns, self._open[id(flow)].due_endings())

    def _bytes(self, event: Event, place: Place, which: int, content: bytes) -> None:
        flow = self.flows.of(event)
        assert flow is not None
        connection = self._connection(flow[0], event.time_ns)
        told = Told(event, place, which, content)
        if not connection.takes(place, which) or connection.holds(told):
            return
        self._put(connection, told, event.time_ns)
        for due in connection.take_due(place.direction):
            self._put(connection, due, event.time_ns)

    def finish(self) -> None:
        """Write what waited for something that nobody told."""
        for connection in self._open.values():
            for told in (*connection.take_held(0), *connection.take_held(1)):
                self._put(connection, told, told.event.time_ns)

    def _put(self, connection: Connection, told: Told, time_ns: int) -> None:
        messages = self._messages(told.event, told.content)
        if messages is None:
            return  # a gap: the next message says where it stands
        place = told.place
        self.report.missing_bytes += connection.gap_before(place)
        offset = place.offset
        for message in messages:
            self._write(time_ns, connection.message(place.direction, offset, message))
            offset += len(message)
            self._count(told.event, message, told.content)
        self._write(time_ns, connection.due_endings())

    def _messages(self, event: Event, content: bytes) -> Iterable[bytes] | None:
        if event.name in SUMS:
            return summed(event)
        message = self._rebuilder.message(event.data, content)
        return None if message is None else (message,)

    def _count(self, event: Event, message: bytes, content: bytes) -> None:
        is_summed = event.name in SUMS
        is_block = event.name.startswith("bt:blocks_") or event.data.get("type") == "piece"
        self.report.messages += 1
        self.report.made_up += is_summed
        self.report.blank_bytes += len(message) - 13 if is_block and not content else 0

    def _connection(self, flow: Flow, time_ns: int) -> Connection:
        connection = self._open.get(id(flow))
        if connection is None:
            ours, theirs, is_made_up = flow.addresses
            pair = frozenset((ours, theirs))
            first = self._uses[pair] * SAME_ADDRESSES_STEP
            self._uses[pair] += 1
            connection = Connection(flow, first, self._believed(flow))
            self._open[id(flow)] = connection
            self.report.connections += 1
            self.report.made_up_addresses += is_made_up
            self._write(time_ns, connection.opening())
        return connection

    def _believed(self, flow: Flow) -> tuple[int, int]:
        of_node = levels(self.header)
        content = [of_node.get(node) == "payload" for node, _ in flow.ends]
        return flow.believed(0, content), flow.believed(1, content)

    def _write(self, time_ns: int, packets: Iterable[bytes]) -> None:
        for packet in packets:
            self.writer.write(self.begin_ns + time_ns, packet)
