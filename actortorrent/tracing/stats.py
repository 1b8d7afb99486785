"""`trace stats`: a trace in figures: who gave whom how much, what actors did and for how long.

::

    stats = statistics(header, events)   # of one trace or a merged one
    stats.to_json(); stats.lines()
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct, field

from actortorrent.tracing.events import DECISION, MESSAGE, TIMER, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.node_by_node import NodeByNode
from actortorrent.tracing.show import Line, Part
from actortorrent.tracing.why.story import NodeStory, Story
from actortorrent.tracing.wording import duration_text, size_text

BLOCK_HEADER_BYTES = 13  # of a piece message, before its block: BEP 3
MOST_ROWS = 15


class Given(Struct):
    """Count the blocks that went over one connection, in bytes."""

    who: str
    received_bytes: int = 0
    sent_bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "peer": self.who,
            "received_bytes": self.received_bytes,
            "sent_bytes": self.sent_bytes,
        }


class ActorFigures(Struct):
    """Sum up one actor's work: of all peers' actors together, as `Peer-*`."""

    handled: int = 0
    busy_ns: int = 0
    waited_ns: int = 0
    longest_wait_ns: int = 0
    deepest: int = 0

    def add(self, event: Event) -> None:
        """Count one message or timer that was handled."""
        wait, work, depth = (_number(event.data.get(key)) for key in ("wait", "dur", "depth"))
        self.handled += 1
        self.busy_ns += work
        self.waited_ns += wait
        self.longest_wait_ns = max(self.longest_wait_ns, wait)
        self.deepest = max(self.deepest, depth)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "handled": self.handled,
            "busy_seconds": self.busy_ns / 1e9,
            "waited_seconds": self.waited_ns / 1e9,
            "longest_wait_seconds": self.longest_wait_ns / 1e9,
            "deepest_mailbox": self.deepest,
        }


class NodeFigures(Struct):
    """Sum up one node's trace."""

    node: str
    seconds: float = 0.0
    events: int = 0
    given: dict[int, Given] = field(default_factory=dict)
    actors: dict[str, ActorFigures] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    wire: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    lost_mail: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    failed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "node": self.node,
            "seconds": self.seconds,
            "events": self.events,
            "pieces_verified": self.verified,
            "pieces_failed": self.failed,
            "peers": [given.to_json() for given in self.given.values()],
            "actors": {name: figures.to_json() for name, figures in self.actors.items()},
            "by_name": dict(self.kinds),
            "messages": dict(self.messages),
            "wire": dict(self.wire),
            "decisions": dict(self.decisions),
            "never_read": dict(self.lost_mail),
        }

    def lines(self) -> Iterator[Line]:
        """Yield it for people."""
        name = f"{self.node}: " if self.node else ""
        pieces = f"{self.verified} pieces verified" + (
            f", {self.failed} bad" if self.failed else ""
        )
        yield (
            Part("heading", f"{name}{self.events:,} events in {duration_text(self.seconds * 1e9)}"),
            Part("plain", f", {pieces}"),
        )
        yield from _table(
            "peer",
            ("received", "sent"),
            [
                (one.who, (size_text(one.received_bytes), size_text(one.sent_bytes)))
                for one in sorted(self.given.values(), key=lambda one: -one.received_bytes)
            ],
        )
        yield from _table(
            "actor",
            ("handled", "busy", "waited most", "deepest"),
            [(name, _actor_row(figures)) for name, figures in self._busiest()],
        )
        for title, counts in (
            ("message between actors", self.messages),
            ("wire message", self.wire),
            ("decision", self.decisions),
            ("never read", self.lost_mail),
        ):
            rows = [(what, (f"{count:,}",)) for what, count in counts.most_common()]
            yield from _table(title, ("count",), rows)

    def _busiest(self) -> list[tuple[str, ActorFigures]]:
        return sorted(self.actors.items(), key=lambda item: -item[1].busy_ns)


class Statistics(NodeByNode[NodeFigures]):
    """Hold the figures of all nodes of a trace."""


def statistics(header: TraceHeader, events: Iterable[Event]) -> Statistics:
    """Count all that is worth counting in a trace; the events, by time, are not kept."""
    story = Story(header)
    counted = {name: NodeFigures(name) for name in story.nodes}
    for event in events:
        node = story.hear(event)
        if node is not None:
            _count(counted[node.name], node, event)
    for name, node in story.nodes.items():
        counted[name].events = node.event_count
        counted[name].seconds = round((node.last_ns - node.first_ns) / 1e9, 6)
    return Statistics(list(counted.values()))


def _count(figures: NodeFigures, node: NodeStory, event: Event) -> None:
    figures.kinds[event.name] += 1
    if event.name in (MESSAGE, TIMER):
        _count_handling(figures, event)
    elif event.name.startswith("bt:"):
        _count_wire(figures, node, event)
    elif event.name == DECISION:
        figures.decisions[_text(event, "what") + _rule(event)] += 1


def _count_handling(figures: NodeFigures, event: Event) -> None:
    kind, status = _text(event, "type"), event.data.get("status")
    role = role_of(event.actor)
    if event.name == MESSAGE:
        sender, receiver = (role_of(str(event.data.get(end))) for end in ("from", "to"))
        figures.messages[f"{sender} -> {receiver} {kind}"] += 1
    if status in ("ok", "error"):
        figures.actors.setdefault(role, ActorFigures()).add(event)
    else:
        figures.lost_mail[f"{kind} ({status})"] += 1


def _count_wire(figures: NodeFigures, node: NodeStory, event: Event) -> None:
    figures.verified += event.name == "bt:piece_verified"
    figures.failed += event.name == "bt:piece_failed"
    what, _, way = event.name.removeprefix("bt:").rpartition("_")
    if event.name in (WIRE_SENT, WIRE_RECEIVED):
        figures.wire[f"{_text(event, 'type')} {way}"] += 1
    elif what in ("blocks", "requests"):
        figures.wire[f"{'piece' if what == 'blocks' else 'request'} {way}"] += _number(
            event.data.get("count")
        )
    conn, amount = event.data.get("conn"), block_bytes(event)
    if amount and type(conn) is int:
        given = figures.given.setdefault(conn, Given(node.peer_text(conn)))
        given.received_bytes += amount if way == "received" else 0
        given.sent_bytes += amount if way == "sent" else 0


def block_bytes(event: Event) -> int:
    """Return how many bytes of blocks an event of the wire tells of."""
    if event.name in ("bt:blocks_sent", "bt:blocks_received"):
        return _number(event.data.get("block_bytes"))
    if event.name in (WIRE_SENT, WIRE_RECEIVED) and event.data.get("type") == "piece":
        return max(0, _number(event.data.get("length")) - BLOCK_HEADER_BYTES)
    return 0


def role_of(actor: str) -> str:
    """Return an actor's name without its node, and one name for all peers' actors."""
    name = actor.rpartition("/")[2]
    return "Peer-*" if name.startswith("Peer-") else name


def _actor_row(figures: ActorFigures) -> tuple[str, ...]:
    return (
        f"{figures.handled:,}",
        duration_text(figures.busy_ns),
        duration_text(figures.longest_wait_ns),
        str(figures.deepest),
    )


def _table(
    title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, tuple[str, ...]]]
) -> Iterator[Line]:
    """Yield a table, cut off after `MOST_ROWS`; nothing where it is empty."""
    if not rows:
        return
    shown = rows[:MOST_ROWS]
    width = max(len(name) for name, _ in [(title, ()), *shown])
    heads = "".join(f"  {column:>11}" for column in columns)
    yield (Part("quiet", f"  {title:<{width}}{heads}"),)
    for name, cells in shown:
        yield (Part("plain", f"  {name:<{width}}" + "".join(f"  {cell:>11}" for cell in cells)),)
    if len(rows) > MOST_ROWS:
        yield (Part("quiet", f"  ... and {len(rows) - MOST_ROWS} more (--json has all)"),)


def _rule(event: Event) -> str:
    rule = event.data.get("rule")
    return f", {rule}" if isinstance(rule, str) else ""


def _text(event: Event, key: str) -> str:
    value = event.data.get(key)
    return value if isinstance(value, str) else "?"


def _number(value: Any) -> int:
    return value if type(value) is int else 0
