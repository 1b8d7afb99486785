"""`trace diff`: two traces compared by what happened, not by when or under which number.

::

    difference = compare((header_a, events_a), (header_b, events_b))
    difference.to_json(); difference.lines()

No two runs have the same times, ports or numbers of connections. So events are aligned
by meaning: pieces by their index, peers by their role (a seed, a leech, as their
bitfields say), messages by their type and the roles of both ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, field

from actortorrent.tracing.events import DECISION, MESSAGE, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.filters import picked_pieces
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.node_by_node import NodeByNode
from actortorrent.tracing.show import Line, Part
from actortorrent.tracing.stats import block_bytes, role_of
from actortorrent.tracing.why.story import NodeStory, Story, conn_named
from actortorrent.tracing.wording import duration_text, size_text

MOST_ROWS = 20
NAME_WIDTH = 44
SAME = 0.1  # counts that differ by less than a tenth are not worth a line


class PieceStory(Struct):
    """Say how a piece was come by: nothing of it names a moment or a connection."""

    rule: str = ""
    source: str = ""
    picked_at: int = 0  # how many pieces had been picked; those of a row one after the other
    verified_seconds: float | None = None


class Side(Struct):
    """Sum up one trace by meaning."""

    node: str
    figures: dict[str, float | None] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    pieces: dict[int, PieceStory] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)


class NodeDifference(Struct, frozen=True):
    """Hold what is different between a node's two traces."""

    first: Side
    second: Side

    @property
    def counts(self) -> list[tuple[str, int, int]]:
        """Return the counts that differ, the largest difference first."""
        names = {*self.first.counts, *self.second.counts}
        pairs = [(name, self.first.counts[name], self.second.counts[name]) for name in names]
        worth = [one for one in pairs if abs(one[1] - one[2]) > SAME * max(one[1:])]
        return sorted(worth, key=lambda one: (-abs(one[1] - one[2]), one[0]))

    @property
    def first_other_pick(self) -> int | None:
        """Return after how many pieces the two picked differently for the first time."""
        orders = zip(self.first.order, self.second.order, strict=False)
        shorter = min(len(self.first.order), len(self.second.order))
        other = next((index for index, (a, b) in enumerate(orders) if a != b), shorter)
        return None if self.first.order == self.second.order else other

    def pieces_with_other(self, name: str) -> list[int]:
        """Return the pieces that were come by by another `rule`, or from another `source`."""
        both = self.first.pieces.keys() & self.second.pieces.keys()
        return [
            piece
            for piece in sorted(both)
            if getattr(self.first.pieces[piece], name) != getattr(self.second.pieces[piece], name)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "nodes": [self.first.node, self.second.node],
            "figures": {
                name: [self.first.figures.get(name), self.second.figures.get(name)]
                for name in self.first.figures
            },
            "counts": [{"what": name, "counts": [a, b]} for name, a, b in self.counts],
            "first_other_pick": self.first_other_pick,
            "pieces_by_another_rule": self.pieces_with_other("rule"),
            "pieces_from_another_source": self.pieces_with_other("source"),
        }

    def lines(self) -> Iterator[Line]:
        """Yield it for people."""
        if self.first.node:
            yield (Part("heading", f"{self.first.node}, {self.second.node}"),)
        yield (Part("quiet", f"  {'':<{NAME_WIDTH}}{'first':>12}{'second':>12}"),)
        for name, value in self.first.figures.items():
            cells = [_figure_text(name, one) for one in (value, self.second.figures.get(name, 0))]
            yield (Part("plain", f"  {name:<{NAME_WIDTH}}{cells[0]:>12}{cells[1]:>12}"),)
        counts = self.counts
        for name, a, b in counts[:MOST_ROWS]:
            yield (Part("plain", f"  {name:<{NAME_WIDTH}}{a:>12,}{b:>12,}"),)
        if len(counts) > MOST_ROWS:
            yield (Part("quiet", f"  ... and {len(counts) - MOST_ROWS} more (--json has all)"),)
        yield from self._piece_lines()

    def _piece_lines(self) -> Iterator[Line]:
        other = self.first_other_pick
        if other is None:
            yield (Part("plain", "  pieces were picked in the same order"),)
            return
        first, second = (_pick_text(side, other) for side in (self.first, self.second))
        yield (Part("heading", f"  pick {other + 1} is the first that differs"),)
        yield (Part("plain", f"    first: {first}"),)
        yield (Part("plain", f"    second: {second}"),)
        for name, text in (("rule", "by another rule"), ("source", "from another kind of peer")):
            pieces = self.pieces_with_other(name)
            yield (Part("plain", f"  {len(pieces)} pieces were picked {text}"),)


class Difference(NodeByNode[NodeDifference]):
    """Hold what is different between two traces, node by node."""


Trace = tuple[TraceHeader, Iterable[Event]]


def compare(first: Trace, second: Trace) -> Difference:
    """Compare two traces; nodes of merged ones by their names, else in their order."""
    sides = [[_summed(node) for node in Story(*trace).nodes.values()] for trace in (first, second)]
    by_name = {side.node: side for side in sides[1]}
    if any(side.node in by_name for side in sides[0]):
        pairs = [(side, by_name[side.node]) for side in sides[0] if side.node in by_name]
    else:
        pairs = list(zip(*sides, strict=False))
    return Difference([NodeDifference(a, b) for a, b in pairs])


def _summed(node: NodeStory) -> Side:
    side = Side(node.name)
    roles = _roles(node)
    begin_ns = node.events[0].time_ns if node.events else 0
    amounts = Counter[str]()
    complete: float | None = None
    last = 0.0
    for event in node.events:
        seconds = last = (event.time_ns - begin_ns) / 1e9
        side.counts.update(_meanings(event, roles))
        if amount := block_bytes(event):
            amounts[event.name.rpartition("_")[2]] += amount
        if event.name == DECISION and event.data.get("what") == "pick_piece":
            _note_pick(side, event, roles)
        elif event.name == "bt:piece_verified":
            story = side.pieces.setdefault(_piece(event), PieceStory())
            story.verified_seconds = seconds
        elif event.name == MESSAGE and event.data.get("type") == "content_completed":
            complete = seconds
    side.figures = {
        "seconds until all was there": complete,
        "seconds in the trace": last,
        "pieces verified": sum(one.verified_seconds is not None for one in side.pieces.values()),
        "bytes received in blocks": amounts["received"],
        "bytes sent in blocks": amounts["sent"],
    }
    return side


def _roles(node: NodeStory) -> dict[int, str]:
    """Return what each connection's peer was when it came: a seed or a leech."""
    roles: dict[int, str] = {}
    for event in node.events:
        conn, fields = event.data.get("conn"), event.data.get("fields")
        if event.name != WIRE_RECEIVED or type(conn) is not int:
            continue
        roles.setdefault(conn, "leech")
        if event.data.get("type") == "bitfield" and isinstance(fields, dict):
            is_seed = fields.get("set_bits") == node.header.piece_count
            roles[conn] = "seed" if is_seed else "leech"
        if event.data.get("type") == "have all":
            roles[conn] = "seed"
    return roles


def _meanings(event: Event, roles: dict[int, str]) -> Iterator[str]:
    """Yield what an event counts as."""
    data = event.data
    conn = data.get("conn")
    role = roles.get(conn, "peer") if type(conn) is int else "peer"
    if event.name in (WIRE_SENT, WIRE_RECEIVED):
        way = "to" if event.name == WIRE_SENT else "from"
        yield f"{data.get('type')} {way} a {role}"
    elif event.name == MESSAGE:
        sender, receiver = role_of(str(data.get("from"))), role_of(str(data.get("to")))
        yield f"{sender} -> {receiver} {data.get('type')}"
    elif event.name == DECISION:
        yield f"decision {data.get('what')}: {data.get('rule', data.get('chosen'))}"
    elif event.name in (
        "bt:piece_failed",
        "bt:peer_snubbed",
        "bt:connection_begun",
        "actor:failed",
    ):
        yield event.name.partition(":")[2].replace("_", " ")


def _note_pick(side: Side, event: Event, roles: dict[int, str]) -> None:
    conn = conn_named(event.data.get("peer"))
    source = roles.get(conn, "peer") if conn is not None else "peer"
    for piece in picked_pieces(event):
        if piece in side.pieces and side.pieces[piece].rule:
            continue  # another run of it, or again in the endgame
        side.pieces[piece] = PieceStory(str(event.data.get("rule")), source, len(side.order))
        side.order.append(piece)


def _piece(event: Event) -> int:
    piece = event.data.get("piece")
    return piece if type(piece) is int else -1


def _pick_text(side: Side, index: int) -> str:
    if index >= len(side.order):
        return "none"
    piece = side.order[index]
    return f"piece {piece} ({side.pieces[piece].rule}, from a {side.pieces[piece].source})"


def _figure_text(name: str, value: float | None) -> str:
    if value is None:
        return "never"
    if name.startswith("seconds"):
        return duration_text(value * 1e9)
    return size_text(value) if name.startswith("bytes") else f"{value:,}"
