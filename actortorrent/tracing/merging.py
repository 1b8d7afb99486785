"""Traces of several peers made into one, in which a message is the cause of its arrival.

For those who build on it::

    merge = merge_traces([path, ...])           # names=[...] to call the nodes otherwise
    merge.header                                # .nodes: one `TracedNode` for each trace
    merge.report                                # matched, unmatched, by how much clocks differ
    for event in merge.events(): ...            # by time; may be called again
    write_merge(merge, out)                     # a trace file like any other
    with open_traces([path, ...]) as (header, events): ...   # one file, or several merged

In a merged trace an actor is called `node/Peer-1`, a message that came over the wire has
its sending in another node as its cause, and both ends name each other as `match`. All
times are on one clock that begins at 0; arrows never go backwards (see `clocks.py`).
Numbers of connections and names of peers inside `data` stay those of the event's node.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from actortorrent.errors import InvalidTraceError, UsageError
from actortorrent.tracing.clocks import ClockCycleError, Crossing, MergedClocks, offsets
from actortorrent.tracing.connections import Connections
from actortorrent.tracing.events import HEADER_START, Event
from actortorrent.tracing.header import EPOCH, TracedNode, TraceHeader
from actortorrent.tracing.order import in_order
from actortorrent.tracing.pairing import pair_connections
from actortorrent.tracing.reader import TraceFile
from actortorrent.tracing.recorder import LEVELS
from actortorrent.tracing.renaming import Renaming, in_node
from actortorrent.tracing.ticks import Tick, ticks_of

WORTH_TELLING_NS = 1_000_000  # less is what two clocks of one machine may differ by
MAX_NODE_NAME = 80


class MergeReport(Struct, frozen=True):
    """Say how well the traces fitted together.

    Attributes:
        connections: those of which both ends are traced.
        matched: wire messages found at both ends.
        never_arrived: those that only their sender has.
        from_nowhere: those that only their receiver has; 0 unless a trace lost events.
        summed: those that one end has one by one and the other only counted.
        held_back, most_held_back_ns: arrivals moved behind their sending, beyond what
            setting the clocks right did.
        clocks: nodes whose clock had to be set, and by how many ns it was ahead of the
            first one's (negative: behind).
    """

    connections: int
    matched: int
    never_arrived: int
    from_nowhere: int
    summed: int
    held_back: int = 0
    most_held_back_ns: int = 0
    clocks: tuple[tuple[str, int], ...] = ()


class _Source(Struct, frozen=True):
    """Hold one trace on its way into the merged one."""

    path: Path
    name: str
    header: TraceHeader
    connections: Connections
    begin_wall_ns: int
    has_end: bool
    lost: int

    @property
    def to_wall_ns(self) -> int:
        """Return what makes this trace's times those of its wall clock."""
        return self.begin_wall_ns - self.header.monotonic_ns

    def events(self) -> Iterator[Event]:
        """Read the events from the file, anew each time."""
        with TraceFile(self.path) as trace:
            yield from trace.events()


class Merge:
    """Hold what is needed to read several traces as one."""

    def __init__(self, sources: Sequence[_Source], clocks: MergedClocks) -> None:
        self._sources = sources
        self._clocks = clocks
        self._pairs = pair_connections([source.connections for source in sources])
        self._leads_ns = offsets(len(sources), self._crossings())
        self._matches = self._match()
        self._settle()
        self.header = self._header()
        self.report = self._report()

    def events(self) -> Iterator[Event]:
        """Yield all events of all traces in one order."""
        rows = [self._renamed(source) for source in self._sources]
        return heapq.merge(*rows, key=lambda event: (event.time_ns, event.lc))

    def _renamed(self, source: _Source) -> Iterator[Event]:
        renaming = Renaming(source.name, self._clocks, self._matches)
        return in_order(map(renaming.renamed, source.events()))

    def _crossings(self) -> Iterator[Crossing]:
        to_wall_ns = [source.to_wall_ns for source in self._sources]
        for pair in self._pairs:
            for sender, receiver, sent, received in pair.matched:
                yield Crossing(
                    sender,
                    receiver,
                    sent.time_ns + to_wall_ns[sender],
                    received.time_ns + to_wall_ns[receiver],
                )

    def _match(self) -> dict[Tick, Tick]:
        """Return, for each end of a message, the other; put arrivals behind sendings."""
        matches: dict[Tick, Tick] = {}
        for pair in self._pairs:
            for match in pair.matched:
                sent = self._tick(match.sender, match.sent.tick)
                received = self._tick(match.receiver, match.received.tick)
                matches[sent], matches[received] = received, sent
                self._clocks.put_behind(received, sent)
        return matches

    def _tick(self, node: int, tick: Tick) -> Tick:
        return in_node(self._sources[node].name, tick)

    def _settle(self) -> None:
        walls = self._begin_walls()
        begin = min(walls)
        added_ns = {
            source.name: wall - begin - source.header.monotonic_ns
            for source, wall in zip(self._sources, walls, strict=True)
        }
        try:
            self._clocks.settle(added_ns)
        except ClockCycleError as error:
            raise InvalidTraceError(
                f"these traces contradict each other: {error} would come before itself"
            ) from error

    def _begin_walls(self) -> list[int]:
        """Return when each trace began, by the one wall clock."""
        return [
            source.begin_wall_ns + lead
            for source, lead in zip(self._sources, self._leads_ns, strict=True)
        ]

    # --- what it says of itself -----------------------------------------------------------

    def _header(self) -> TraceHeader:
        walls = self._begin_walls()
        begin = min(walls)
        nodes = tuple(
            TracedNode(
                name=source.name,
                header=source.header,
                begin_ns=wall - begin,
                clock_added_ns=lead,
                has_end=source.has_end,
                lost=source.lost,
            )
            for source, wall, lead in zip(self._sources, walls, self._leads_ns, strict=True)
        )
        levels = {source.header.level for source in self._sources}
        return replace(
            self._sources[0].header,
            node="merged",
            peer_id="",
            seed=None,
            level=next((level for level in LEVELS if level in levels), LEVELS[0]),
            argv=(),
            wall_clock_time=(EPOCH + timedelta(microseconds=begin // 1000)).isoformat(),
            monotonic_ns=0,
            nodes=nodes,
            connections=tuple(
                (names[0], pair.ends[0].connection.conn, names[1], pair.ends[1].connection.conn)
                for pair in self._pairs
                for names in [[self._sources[end.node].name for end in pair.ends]]
            ),
        )

    def _report(self) -> MergeReport:
        pairs = self._pairs
        return MergeReport(
            connections=len(pairs),
            matched=sum(len(pair.matched) for pair in pairs),
            never_arrived=sum(len(pair.never_arrived) for pair in pairs),
            from_nowhere=sum(len(pair.from_nowhere) for pair in pairs),
            summed=sum(pair.summed for pair in pairs),
            held_back=self._clocks.held_back,
            most_held_back_ns=self._clocks.most_held_back_ns,
            clocks=tuple(
                (source.name, -lead)
                for source, lead in zip(self._sources, self._leads_ns, strict=True)
                if abs(lead) >= WORTH_TELLING_NS
            ),
        )


def merge_traces(paths: Sequence[Path], names: Sequence[str] = ()) -> Merge:
    """Put traces of several peers of one torrent together.

    Args:
        paths: of the traces; the first one's clock is believed.
        names: what to call their nodes; by default as the files, if these differ.

    Raises:
        InvalidTraceError: if one is no trace, or they contradict each other.
        UsageError: if they are of different torrents, or merged already.
    """
    if len(paths) < 2:
        raise UsageError("expected at least two traces to merge")
    clocks = MergedClocks()
    called = _names(paths, names)
    sources = [_read(path, name, clocks) for path, name in zip(paths, called, strict=True)]
    first = sources[0].header
    for source in sources[1:]:
        if source.header.info_hash != first.info_hash:
            raise UsageError(f"{source.path} is of another torrent than {sources[0].path}")
    return Merge(sources, clocks)


@contextmanager
def open_traces(paths: Sequence[Path]) -> Iterator[tuple[TraceHeader, Iterator[Event]]]:
    """Open one trace, or several merged into one: its header, and its events by time."""
    if len(paths) == 1:
        with TraceFile(paths[0]) as trace:
            yield trace.header, in_order(trace.events())
    else:
        merge = merge_traces(paths)
        yield merge.header, merge.events()


def write_merge(merge: Merge, out: Path) -> int:
    """Write a merged trace, and return how many events it has.

    Raises:
        UsageError: if there is a file at `out` that is no trace.
    """
    return write_trace(out, merge.header, merge.events())


def write_trace(out: Path, header: TraceHeader, events: Iterable[Event]) -> int:
    """Write a trace, and return how many events it has.

    Raises:
        UsageError: if there is a file at `out` that is no trace.
    """
    if out.exists() and not _is_trace(out):
        raise UsageError(f"{out} is there and is no trace: it is not overwritten")
    part = out.with_name(f"{out.name}.part")
    count = 0
    with part.open("wb") as file:
        file.write(header.to_line())
        for event in events:
            file.write(event.to_line())
            count += 1
    part.replace(out)
    return count


def _is_trace(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(HEADER_START)) in (HEADER_START, b"")


def _read(path: Path, name: str, clocks: MergedClocks) -> _Source:
    connections = Connections()
    with TraceFile(path) as trace:
        if trace.header.nodes:
            raise UsageError(f"{path} is merged already")
        for event in trace.events():
            connections.hear(event)
            for moment in ticks_of(event):
                tick = in_node(name, moment.tick)
                clocks.add(tick, moment.time_ns)
                if moment.after is not None:
                    clocks.put_behind(tick, in_node(name, moment.after))
        begin_wall_ns = _wall_ns(path, trace.header)
        return _Source(
            path, name, trace.header, connections, begin_wall_ns, trace.has_end, trace.lost
        )


def _wall_ns(path: Path, header: TraceHeader) -> int:
    try:
        return header.wall_clock_ns
    except ValueError as error:
        raise InvalidTraceError(f"{path}: expected a time as wall_clock_time") from error


def _names(paths: Sequence[Path], names: Sequence[str]) -> list[str]:
    """Return a name for each node: those given, or the files' own, made to differ."""
    wanted = list(names) or [path.name.partition(".")[0] or path.name for path in paths]
    called: list[str] = []
    for name in wanted:
        clean = name.replace("/", "-").replace("#", "-")[:MAX_NODE_NAME] or "node"
        count = sum(one.partition("~")[0] == clean for one in called)
        called.append(f"{clean}~{count + 1}" if count else clean)
    return called
