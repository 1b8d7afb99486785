"""What a report is made of: one trace or several, read as often as needed, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from actortorrent.tracing.events import Event
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.merging import MergeReport, merge_traces
from actortorrent.tracing.order import in_order
from actortorrent.tracing.reader import TraceFile


class Node(Struct, frozen=True):
    """Name a client whose trace this is, or is a part of this."""

    name: str
    peer_id: str
    about: str

    def to_json(self) -> dict[str, Any]:
        """Return the node as the page has it."""
        return {"name": self.name, "peer_id": self.peer_id, "about": self.about}


class Source(Struct, frozen=True):
    """Hold a trace that can be read again and again.

    Attributes:
        header: of the trace, or of all of them.
        nodes: the clients that it is of; the names of their actors begin with `node/`
            if there are several traces.
        events: yields all events by the time they began, each time it is called.
        remarks: returns what the trace lacks, in sentences, once its events were read.
    """

    header: TraceHeader
    nodes: tuple[Node, ...]
    events: Callable[[], Iterator[Event]]
    remarks: Callable[[], tuple[str, ...]]


def open_source(paths: Sequence[Path]) -> Source:
    """Open one trace, merged or not, or merge several.

    Raises:
        InvalidTraceError: where one is none.
        UsageError: if they do not belong together.
        OSError: if one cannot be read.
    """
    if len(paths) > 1:
        merge = merge_traces(paths)
        remarks = (*_remarks_of_nodes(merge.header), *_remarks_of_merge(merge.report))
        return Source(merge.header, _nodes(merge.header), merge.events, lambda: remarks)
    file = _OneFile(paths[0])
    return Source(file.header, _nodes(file.header), file.events, file.remarks)


class _OneFile:
    """Read one trace, and remember what its last reading found."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._remarks: tuple[str, ...] = ()
        with TraceFile(path) as trace:
            self.header = trace.header

    def events(self) -> Iterator[Event]:
        with TraceFile(self._path) as trace:
            yield from in_order(trace.events())
            self._remarks = tuple(_remarks_of_file(trace))

    def remarks(self) -> tuple[str, ...]:
        return _remarks_of_nodes(self.header) if self.header.nodes else self._remarks


def _nodes(header: TraceHeader) -> tuple[Node, ...]:
    if not header.nodes:
        return (Node(header.node, header.peer_id, " ".join(header.argv)),)
    return tuple(
        Node(one.name, one.header.peer_id, " ".join(one.header.argv)) for one in header.nodes
    )


def _remarks_of_file(trace: TraceFile) -> Iterator[str]:
    yield from _remarks_of_import(trace.header)
    if trace.header.flight_recorder:
        yield f"Written out by the flight recorder: {trace.header.flight_recorder}."
    if trace.lost:
        yield f"{trace.lost:,} events could not be written, and are missing."
    if trace.is_cut_off:
        yield "The last line is cut off: the process was killed, or still writes."
    elif not trace.has_end:
        yield "The trace has no end: the process was killed, or still writes."


def _remarks_of_import(header: TraceHeader) -> Iterator[str]:
    if header.imported_from:
        yield (
            f"Made of the packet capture {header.imported_from}: only what went over the wire is "
            "known, and what the torrent is like may be inferred from that."
        )


def _remarks_of_nodes(header: TraceHeader) -> tuple[str, ...]:
    said = list(_remarks_of_import(header))
    for node in header.nodes:
        if node.lost:
            said.append(f"{node.name}: {node.lost:,} events could not be written, and are missing.")
        if not node.has_end:
            said.append(f"{node.name}: the trace has no end; its process was killed, or runs.")
        if node.clock_added_ns:
            ahead = "behind" if node.clock_added_ns > 0 else "ahead"
            seconds = abs(node.clock_added_ns) / 1e9
            said.append(f"{node.name}: its wall clock was {seconds:.3f} s {ahead}; set right here.")
    return tuple(said)


def _remarks_of_merge(report: MergeReport) -> Iterator[str]:
    if report.from_nowhere:
        yield f"{report.from_nowhere:,} wire messages have no sending in any of the traces."
    if report.held_back:
        most = report.most_held_back_ns / 1e6
        yield (
            f"{report.held_back:,} arrivals are shown later than their clocks said, by up to "
            f"{most:.1f} ms, so that none comes before its sending."
        )
