"""What a tracing backend is told of a trace: spans, as OpenTelemetry has them.

What takes time or brings something about is a span: a message while it is handled, a timer,
a message of the wire. What is only done on the way (a decision, a changed state, a verified
piece) is noted at the span of what was being handled. A span's parent is its cause; where
that ended long ago or is in another process (a timer, the wire), it is a link instead, or
all would be one endless branch. Each peer has a span for its whole session, above all others.

The trace is named by the torrent, and a message of the wire by its connection's addresses
and its place in the stream: so traces that several machines send by themselves meet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct, field

from actortorrent.errors import InvalidTraceError
from actortorrent.tracing.events import (
    CONNECTION_OPENED,
    DECISION,
    MESSAGE,
    STATE,
    TIMER,
    WIRE_RECEIVED,
    WIRE_SENT,
    Event,
)
from actortorrent.tracing.exports.mailboxes import is_handled, whole_number
from actortorrent.tracing.exports.span_values import (
    CONSUMER,
    INTERNAL,
    MAX_TIME_NS,
    PRODUCER,
    Attributes,
    Note,
    Peer,
    Span,
    attributes_of,
    clean,
    derived_id,
    peers_of,
    trace_id_of,
)
from actortorrent.tracing.header import TraceHeader

# What brings nothing about by itself, and so is noted at what was being handled.
NOTED = frozenset(
    [
        DECISION,
        STATE,
        "actor:stopped",
        "bt:accept_failed",
        "bt:announce_answered",
        "bt:announce_failed",
        "bt:announce_sent",
        "bt:connection_begun",
        "bt:disk_failed",
        "bt:listening",
        "bt:peer_snubbed",
        "bt:peers_found",
        "bt:piece_failed",
        "bt:piece_verified",
        "bt:requests_sent",
    ]
)
LINKED = frozenset([TIMER, WIRE_RECEIVED])  # to their causes, instead of below them
# Of an event's data: what the span says itself, and what was in a block.
UNTOLD = frozenset(["id", "lc", "dur", "match", "payload"])
MAX_NOTES = 128  # at a span, as OpenTelemetry's own limit is
MAX_HELD = 4096  # spans that may still be noted at
HELD_NS = 1_000_000_000  # ... and for how long after their end
MAX_KNOWN = 100_000  # events that may be named as causes; of older ones, there is a link only


class _Open(Struct):
    """Hold a span at which something may still be noted."""

    span: Span
    notes: list[Note] = field(default_factory=list)


def spans_of(
    header: TraceHeader,
    events: Iterable[Event],
    wanted: Callable[[Event], bool],
    run: str = "",
) -> Iterator[Span]:
    """Yield the spans of a trace, whose events come by time, roughly by when they began.

    Args:
        header, events: of one trace, or of a merged one.
        wanted: which events are told.
        run: a name by which traces of the same torrent are kept apart.

    Raises:
        InvalidTraceError: if the header does not say when the trace began.
    """
    making = _Making(header, run)
    for event in events:
        making.listen(event)
        if wanted(event):
            yield from making.hear(event)
    yield from making.rest()


class _Making:
    """Turn events into spans, holding those that are not done."""

    def __init__(self, header: TraceHeader, run: str) -> None:
        try:
            self._to_wall_ns = header.wall_clock_ns - header.monotonic_ns
        except ValueError as error:
            raise InvalidTraceError("expected a time as wall_clock_time in the header") from error
        self._trace_id = trace_id_of(header.info_hash, run)
        self._node = header.node
        self._peers = peers_of(header)
        self._sessions: dict[str, tuple[int, int]] = {}  # of each node: its begin and its end
        self._ends: dict[tuple[str, object], tuple[str, str]] = {}  # of a connection
        self._held: deque[_Open] = deque()
        self._open: dict[int, _Open] = {}
        self._known: dict[str, int] = {}  # spans by the events that they tell of

    def listen(self, event: Event) -> None:
        """Learn between which addresses a connection is."""
        if event.name == CONNECTION_OPENED:
            ends = str(event.data.get("local")), str(event.data.get("remote"))
            self._ends[self._connection(event)] = ends

    def hear(self, event: Event) -> Iterator[Span]:
        """Take an event that is wanted, and yield the spans that are done."""
        now_ns = self._wall(event.time_ns)
        yield from self._release(now_ns)
        parent = self._open.get(self._known.get(event.cause, 0))
        if event.name in NOTED and parent is not None and len(parent.notes) < MAX_NOTES:
            parent.notes.append(Note(now_ns, _name(event), self._attributes(event)))
            self._know(event, parent.span.span_id)
            return
        span = self._span(event)
        self._know(event, span.span_id)
        self._open[span.span_id] = held = _Open(span)
        self._held.append(held)

    def rest(self) -> Iterator[Span]:
        """Yield what is left, and a span for each session."""
        yield from self._release(None)
        for node, (begin_ns, end_ns) in self._sessions.items():
            yield self._session(node, begin_ns, end_ns)

    def _release(self, now_ns: int | None) -> Iterator[Span]:
        while self._held and (
            now_ns is None
            or len(self._held) >= MAX_HELD
            or self._held[0].span.end_ns + HELD_NS < now_ns
        ):
            done = self._held.popleft()
            self._open.pop(done.span.span_id, None)
            yield done.span.with_notes(tuple(done.notes))

    def _span(self, event: Event) -> Span:
        node, peer = self._whose(event.actor)
        start_ns = self._wall(event.time_ns)
        is_timed = event.name == TIMER or (event.name == MESSAGE and is_handled(event))
        end_ns = self._wall(event.time_ns + whole_number(event, "dur")) if is_timed else start_ns
        session_id = self._session_id(node, start_ns, end_ns)
        cause_id = self._cause_id(event)
        is_below = event.name not in LINKED and self._known.get(event.cause) == cause_id
        return Span(
            trace_id=self._trace_id,
            span_id=self._span_id(event, peer),
            parent_id=cause_id if is_below and cause_id else session_id,
            links=() if is_below or not cause_id else (cause_id,),
            peer=peer,
            name=_name(event),
            kind=_kind(event),
            start_ns=start_ns,
            end_ns=end_ns,
            attributes=self._attributes(event),
            error=_error(event),
        )

    def _span_id(self, event: Event, peer: Peer) -> int:
        """Return an id that is the same in any export; the other end can tell that of a sending."""
        wire_id = self._wire_id(event) if event.name == WIRE_SENT else 0
        plain = event.id.rpartition("/")[2]
        return wire_id or derived_id(self._trace_id, peer.instance, plain)

    def _cause_id(self, event: Event) -> int:
        """Return the span that brought an event about, even if only another machine sends it."""
        if event.name == WIRE_RECEIVED:
            return self._wire_id(event) or self._known.get(event.cause, 0)
        if not event.cause:
            return 0
        known = self._known.get(event.cause)
        if known is not None:
            return known
        actor, _, plain = event.cause.rpartition("/")
        _, peer = self._whose(f"{actor}/" if actor else event.actor)
        return derived_id(self._trace_id, peer.instance, plain)

    def _wire_id(self, event: Event) -> int:
        """Return the id of a message's sending, which both ends can tell; 0 if they cannot."""
        local, remote = self._ends.get(self._connection(event), ("", ""))
        offset = event.data.get("offset")
        if not local or not remote or type(offset) is not int:
            return 0
        way = (local, remote) if event.name == WIRE_SENT else (remote, local)
        return derived_id(self._trace_id, *way, str(offset))

    def _connection(self, event: Event) -> tuple[str, object]:
        return event.actor.rpartition("/")[0], str(event.data.get("conn"))

    def _know(self, event: Event, span_id: int) -> None:
        if len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[event.id] = span_id

    # --- whose it is ----------------------------------------------------------------------

    def _whose(self, actor: str) -> tuple[str, Peer]:
        node = actor.rpartition("/")[0] or self._node
        if node not in self._peers:
            self._peers[node] = Peer(clean(node), clean(node), ())
        return node, self._peers[node]

    def _session_id(self, node: str, start_ns: int, end_ns: int) -> int:
        begun_ns, ended_ns = self._sessions.get(node, (start_ns, end_ns))
        self._sessions[node] = min(begun_ns, start_ns), max(ended_ns, end_ns)
        return derived_id(self._trace_id, self._peers[node].instance, "session")

    def _session(self, node: str, begin_ns: int, end_ns: int) -> Span:
        return Span(
            trace_id=self._trace_id,
            span_id=self._session_id(node, begin_ns, end_ns),
            parent_id=0,
            links=(),
            peer=self._peers[node],
            name="session",
            kind=INTERNAL,
            start_ns=begin_ns,
            end_ns=end_ns,
            attributes={"node": self._peers[node].name},
        )

    def _attributes(self, event: Event) -> Attributes:
        told = {key: value for key, value in event.data.items() if key not in UNTOLD}
        actor = event.actor.rpartition("/")[2]
        return attributes_of({"event": event.name, "id": event.id, "actor": actor, **told})

    def _wall(self, time_ns: int) -> int:
        return max(0, min(time_ns + self._to_wall_ns, MAX_TIME_NS))


def _name(event: Event) -> str:
    """Return what many events share, as backends group by it: no numbers in it."""
    kind = event.data.get("type") or event.data.get("what") or event.data.get("key")
    if not isinstance(kind, str):
        return clean(event.name)
    if event.name in (WIRE_SENT, WIRE_RECEIVED):
        return clean(f"{'send' if event.name == WIRE_SENT else 'receive'} {kind}")
    if event.name not in (MESSAGE, TIMER):
        return clean(f"{event.name.partition(':')[2]} {kind}")
    actor = str(event.data.get("to") or event.actor).rpartition("/")[2]
    return clean(f"{actor.rstrip('0123456789').rstrip('-')}.{kind}")


def _kind(event: Event) -> int:
    if event.name in (MESSAGE, WIRE_RECEIVED):
        return CONSUMER
    return PRODUCER if event.name == WIRE_SENT else INTERNAL


def _error(event: Event) -> str:
    """Return what went wrong with a message, or nothing."""
    status = event.data.get("status", "ok")
    if event.name not in (MESSAGE, TIMER) or status == "ok":
        return ""
    return clean(
        str(status) if is_handled(event) or event.name == TIMER else f"never read: {status}"
    )
